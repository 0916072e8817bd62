#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The dashboard in headless Chromium, before a real daemon on the bed: see run.mjs.
# `make check-browser` installs the npm packages that it needs. Screenshots of every
# view are left in tests/browser/shots of the build tree.
. "$OUTCALL_SRCDIR/tests/e2e/common.sh"

modules=$OUTCALL_BUILDDIR/tests/browser/node_modules
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
  tap_skip_all "needs Chromium"
command -v node >/dev/null || tap_skip_all "needs node"
[ -d "$modules/playwright-core" ] || tap_skip_all "needs npm packages: make check-browser"
testbed_enter "$0" "$@"

# Script in what a rule file says, too.
evil='<img src=x onerror="window.owned=1"><script>window.owned=1</script>'
testbed_up
e2e_rules
rules 15-direct <<'EOF2'
version: "1"
rules:
  - id: allow-direct
    hosts: ["direct.example.com"]
    action: allow
    egress: {mode: direct_ip, ports: [443]}
EOF2
rules 20-evil <<EOF2
version: "1"
rules:
  - id: evil-rule
    description: '$evil'
    condition: 'network.hostname == "evil.example.com" && http.path != "<img src=x onerror=alert(1)>"'
    action: block
    reason: '$evil'
EOF2
daemon_start
tap_ok $? "the daemon starts and says that it is ready"

attack_up claude && attack_up codex && attack_up evil '"command": "<img src=x onerror=window.owned=1>", "project": "<script>window.owned=1</script>"'
tap_ok $? "three workloads are attached"
through() { in_attack "$1" curl -s -m 5 --cacert "$TB/ca.pem" -o "$TB/out" -x http://10.200.0.1:8080 "$2"; }
through claude https://api.example.com/hello
through claude https://blocked.example.com/hello
through claude https://blocked.example.com/again
through codex http://plain.example.com/repos/a
in_attack claude dig +time=2 +tries=1 @10.200.0.1 direct.example.com >"$TB/out"

# `outcall ui` finds the program beside itself; here they are in two folders.
mkdir "$TB/bin"
cp "$(tb_program outcall)" "$(tb_program outcall-ui)" "$TB/bin/"

# --- It opens the user's browser, at the usual port or the next one ------------------------
mkdir -p "$TB/xdg/applications"
printf '#!/bin/sh\ncp "$1" "%s/opened"\n' "$TB" >"$TB/browser"
chmod 755 "$TB/browser"
printf '[Desktop Entry]\nType=Application\nName=browser\nExec=%s %%f\n' "$TB/browser" \
  >"$TB/xdg/applications/browser.desktop"
for type in text/html application/octet-stream text/plain x-scheme-handler/file; do
  echo "$type=browser.desktop"
done | sed '1i [Default Applications]' >"$TB/xdg/mimeapps.list"
desktop="XDG_DATA_HOME=$TB/xdg XDG_CONFIG_HOME=$TB/xdg XDG_RUNTIME_DIR=$TB/xdg"
# shellcheck disable=SC2086
ip netns exec host env $desktop "$TB/bin/outcall" ui >"$TB/first.out" 2>&1 &
first=$!
tb_wait test -s "$TB/opened"
tap_ok $? "outcall ui opens the user's browser"
first_address=$(sed -n 's/^Dashboard: //p' "$TB/first.out")
tap_like "$first_address" '^http://127\.0\.0\.1:8470/#[A-Za-z0-9_-]{43}$' "at port 8470, with a token"
tap_like "$(cat "$TB/opened")" "$first_address" "which the file that the browser is given has"
ip netns exec host "$TB/bin/outcall" ui --no-open >"$TB/second.out" 2>&1 &
second=$!
tb_wait grep -q Dashboard "$TB/second.out"
tap_like "$(cat "$TB/second.out")" '127\.0\.0\.1:8471/' "a second one takes the next port"
kill $first $second
wait $first
tap_is $? 0 "it ends when it is told to"
wait $second
tap_is "$(ls "$TB/xdg" | grep html)" "" "and leaves no file with a token"

ip netns exec host "$TB/bin/outcall" ui --no-open --port 0 >"$TB/ui.out" 2>&1 &
ui=$!
tb_wait grep -q Dashboard "$TB/ui.out"
tap_ok $? "outcall ui prints the address"

# The browser's side asks for a stop and a start of the daemon.
mkfifo "$TB/control"
mkdir -p "$OUTCALL_BUILDDIR/tests/browser/shots"
browser_side() {
  OC_TB=$TB OC_MODULES=$modules OC_CHROMIUM=$chromium OC_CONTROL=$TB/control \
    OC_SHOTS=$OUTCALL_BUILDDIR/tests/browser/shots \
    OC_ADDRESS=$(sed -n 's/^Dashboard: //p' "$TB/ui.out") OC_FIRST=$tap_n \
    OC_PID_claude=$TB_ATTACK_claude OC_PID_codex=$TB_ATTACK_codex OC_PID_evil=$TB_ATTACK_evil \
    in_host timeout -k 5 400 node "$OUTCALL_SRCDIR/tests/browser/run.mjs"
}
# Held open, so that the loop below does not end between two words.
exec 3<>"$TB/control"
(
  browser_side >"$TB/run.out" 2>&1
  echo $? >"$TB/run.status"
  echo end >&3
) &
while read -r word <&3; do
  case $word in
  stop) daemon_stop ;;
  start) daemon_start ;;
  end) break ;;
  esac
  touch "$TB/did-$word"
done
status=$(cat "$TB/run.status")
grep -v '^1\.\.' "$TB/run.out"
tap_n=$(sed -n 's/^1\.\.//p' "$TB/run.out")
[ -n "$tap_n" ] || {
  sed 's/^/# /' "$TB/run.out"
  echo "Bail out! the browser's side ended early ($status)"
  exit 99
}
tap_failed=$((tap_failed + $(grep -c '^not ok' "$TB/run.out")))
kill -INT $ui
wait $ui
tap_is $? 0 "SIGINT ends outcall ui"
tap_done
