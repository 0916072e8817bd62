#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Connections that are opened, with real clients in a sandbox: they trust the CA
# by themselves, each request inside TLS is judged, and a secret reaches the
# server without ever being in the sandbox. Specification: 10.
. "$OUTCALL_SRCDIR/tests/e2e/common.sh"
testbed_enter "$0" "$@"
[ -x "$OUTCALL_BUILDDIR/src/outcall-ca/outcall-ca" ] || tap_skip_all "needs outcall-ca"
testbed_up
# What the daemon trusts is what the system does.
mount --bind "$TB/ca.pem" /etc/ssl/certs/ca-certificates.crt

# --- The CA ------------------------------------------------------------------
answer=$(outcall ca init --out "$TB/own" 2>&1)
case $answer in
*"built without interception"*) tap_skip_all "built without interception" ;;
esac
tap_like "$answer" "ca-cert=$TB/own/ca.crt" "ca init says what to write into the configuration"
tap_is "$(stat -c %a "$TB/own/ca.key")" 600 "the key is the owner's alone"
tap_is "$(outcall ca init --out "$TB/etc/outcall/ca" >/dev/null; stat -c %a "$TB/etc/outcall" "$TB/etc/outcall/ca" |
  tr '\n' ' ')" "755 700 " "so is its folder, but not what is above"
before=$(cat "$TB/own/ca.crt" "$TB/own/ca.key" | sha256sum)
outcall ca init --out "$TB/own" >"$TB/out" 2>&1
tap_is $? 1 "a CA that is there is not overwritten"
tap_like "$(cat "$TB/out")" 'ca\.key' "and the file is named"
tap_is "$(cat "$TB/own/ca.crt" "$TB/own/ca.key" | sha256sum)" "$before" "nothing of it has changed"
tap_like "$(openssl x509 -in "$TB/own/ca.crt" -noout -text)" 'secp384r1|P-384' "the key is on P-384"
outcall ca init --out "$TB/rsa" --algorithm rsa --json >"$TB/out"
tap_like "$(cat "$TB/out")" '"key":"[^"]*rsa/ca.key"' "an RSA CA, told in JSON"
tap_like "$(openssl x509 -in "$TB/rsa/ca.crt" -noout -text)" '4096 bit' "has 4096 bits"

# --- The daemon refuses what is not sound ------------------------------------------
refuses() {
  in_host "$(tb_program outcalld)" --rules-dir "$TB/rules.d" --state-dir "$TB/state2" \
    --secrets-dir "$TB/no-secrets" --check "$@" >"$TB/out" 2>&1
}
refuses --ca-cert "$TB/own/ca.crt" --ca-key "$TB/own/ca.key"
tap_is $? 0 "a sound CA is taken"
refuses --ca-cert "$TB/own/ca.crt" --ca-key "$TB/rsa/ca.key"
tap_is $? 1 "another's key is not"
tap_like "$(cat "$TB/out")" 'is not the key of' "and that is said"
chmod 640 "$TB/own/ca.key"
refuses --ca-cert "$TB/own/ca.crt" --ca-key "$TB/own/ca.key"
tap_is $? 1 "nor a key that others may read"
tap_like "$(cat "$TB/out")" 'must be 0600' "and that is said"
in_host timeout 20 "$(tb_program outcalld)" --rules-dir "$TB/rules.d" --state-dir "$TB/state3" \
  --ca-cert "$TB/own/ca.crt" --ca-key "$TB/own/ca.key" >"$TB/out" 2>&1
tap_is $? 1 "the daemon does not start with it"
tap_like "$(in_host nft list table inet outcall)" 'chain forward' "but the kernel is closed by then"
chmod 600 "$TB/own/ca.key"
refuses --ca-cert "$TB/own/ca.crt"
tap_is $? 1 "nor a certificate without a key"

rules 10-opened <<'EOF'
version: "1"
rules:
  - id: opened
    hosts: [api.example.com]
    methods: [GET, POST]
    paths: ["/hello", "/repos/*", "/method", "/big"]
    action: allow
    egress: { mode: intercept }
  - id: git
    hosts: [git.example.org]
    action: allow
    egress: { mode: intercept }
  - id: secret
    hosts: [front.example.com]
    action: allow
    egress:
      mode: intercept
      inject: { headers: { authorization: "Bearer ${secret:front}" } }
  - id: closed
    hosts: [cdn.example.com]
    action: allow
EOF
refuses
tap_is $? 1 "without a CA the rules are refused"
tap_like "$(cat "$TB/out")" "10-opened.yaml:8:21: error: mode 'intercept' needs a CA" "at their place"

# --- Secrets -------------------------------------------------------------------
secret=s3cret-$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')
answer=$(printf '%s\n' "$secret" | outcall auth add front --dir "$TB/secrets" 2>"$TB/err")
tap_is $? 0 "auth add reads a secret from standard input, also without a daemon"
tap_like "$(cat "$TB/err")" 'cannot connect' "and says that none runs"
tap_like "$answer" 'API_KEY=outcall-secret-front' "and what the agent gets"
tap_is "$(stat -c %a "$TB/secrets/front")" 600 "the file is root's alone"
for value in '' 'a\nb\n' 'a\tb\n' 'a\0b\n' "$(printf '%08193d' 0)"; do
  printf "$value" | outcall auth add bad --dir "$TB/secrets" >"$TB/out" 2>&1
  tap_is "$? $(ls "$TB/secrets")" "1 front" "what the daemon would not take is not written"
done
mkfifo "$TB/keyboard"
script -qfec "ip netns exec host $(tb_program outcall) auth add typed --dir $TB/secrets" /dev/null \
  <"$TB/keyboard" >"$TB/out" &
exec 9>"$TB/keyboard"
tb_wait grep -q 'Value of typed' "$TB/out"
echo typed-in >&9
tb_wait test -s "$TB/secrets/typed"
exec 9>&-
wait $!
tap_is "$(cat "$TB/secrets/typed")" "typed-in" "a terminal is asked"
tap_unlike "$(cat "$TB/out")" 'typed-in' "and does not show what is typed"
rm "$TB/secrets/typed"
printf 'other\n' | outcall auth add front --dir "$TB/secrets" >"$TB/out" 2>&1
tap_is $? 1 "one that is there is not replaced"
tap_is "$(cat "$TB/secrets/front")" "$secret" "and stays"

daemon_start --ca-cert "$TB/own/ca.crt" --ca-key "$TB/own/ca.key" --secrets-dir "$TB/secrets" \
  --audit-log "$TB/audit.log" --log-level debug
tap_ok $? "the daemon starts with the CA"
tap_like "$(outcall auth list)" 'front +outcall-secret-front' "auth list has the name"
tap_is "$(outcall auth list --json)" '{"names":["front"]}' "and nothing else"
cat >"$TB/lint.json" <<'EOF'
{"name":"x.yaml","text":"version: \"1\"\nrules:\n  - id: a\n    hosts: [api.example.com]\n    action: allow\n    egress: { mode: intercept, inject: { headers: { x-key: \"${secret:front}\" } } }\n"}
EOF
tap_is "$(in_host curl -s -o "$TB/out" -w '%{http_code}' --unix-socket /run/outcall/host.sock \
  -H 'Content-Type: application/json' -d "@$TB/lint.json" http://x/api/v1/rules/lint)" 200 \
  "a file is checked for what this daemon can do"
tap_like "$(grep 'core file' /proc/$TB_DAEMON/limits)" ' 0 +0 ' "the daemon leaves no core dump"

# --- ca status, bundle -------------------------------------------------------------
tap_like "$(outcall ca status)" 'Outcall CA' "ca status names the CA"
fingerprint=$(openssl x509 -in "$TB/own/ca.crt" -noout -fingerprint -sha256 | cut -d= -f2 | tr -d : | tr A-F a-f)
tap_like "$(outcall ca status --json)" "\"fingerprint\":\"$fingerprint\"" "with openssl's fingerprint"
tap_is "$(outcall ca bundle)" "$(cat "$TB/own/ca.crt")" "ca bundle is the certificate"

# --- Clients ------------------------------------------------------------------------
tap_is "$(sandbox curl -sS https://api.example.com/hello)" "hello from api.example.com" \
  "curl needs no option to trust what it gets"
tap_like "$(sandbox curl -sSv https://api.example.com/hello 2>&1)" 'issuer: .*Outcall CA' \
  "which is ours"
answer=$(sandbox curl -sS -i https://api.example.com/admin/a)
tap_like "$answer" 'HTTP/1.1 403 Forbidden' "a path that no rule allows is refused inside TLS"
tap_like "$answer" 'X-Outcall-Rule: default' "with the headers that say why"
tap_is "$(sandbox curl -sS -o /dev/null -w '%{http_code}' -X DELETE https://api.example.com/method)" 403 \
  "a method too"
tap_is "$(sandbox curl -sS -X POST https://api.example.com/method)" POST "another is allowed"
tap_like "$(outcall log --blocked --json)" '"path":"/admin/a"' "the log has the path"
tap_is "$(sandbox curl -sS https://api.example.com/big | sha256sum | cut -d' ' -f1)" \
  "$(sha256sum <"$TB/web-root/big" | cut -d' ' -f1)" "20 MB come through unchanged"
sandbox git clone -q https://git.example.org/repo.git opened-clone
tap_is $? 0 "git clones"
tap_is "$(sandbox python3 -c 'import urllib.request as u
print(u.urlopen("https://api.example.com/hello").read().decode().strip())')" "hello from api.example.com" \
  "Python trusts it"
if command -v node >/dev/null; then
  tap_is "$(sandbox node -e 'fetch("https://api.example.com/hello").then(r => r.text()).then(t =>
    process.stdout.write(t))')" "hello from api.example.com" "Node.js too"
fi
tap_is "$(sandbox curl -sS --noproxy '*' https://api.example.com/hello)" "hello from api.example.com" \
  "a client that knows no proxy is opened as well"
tap_is "$(sandbox curl -sS --noproxy '*' -o /dev/null -w '%{http_code}' https://api.example.com/admin/)" 403 \
  "and judged"
tap_is "$(sandbox curl -sS --http2 -o /dev/null -w '%{http_version}' https://api.example.com/hello)" 1.1 \
  "HTTP/1.1 is what is spoken inside"
tap_unlike "$(sandbox curl -sSv --cacert ca.pem https://cdn.example.com/hello 2>&1)" 'Outcall CA' \
  "where the rule does not say so, nothing is opened"
tap_is "$(sandbox sh -c 'curl -sS --cacert ca.pem https://api.example.com/hello 2>/dev/null')" "" \
  "who trusts only the real CA sees that it is not the server"
tap_like "$(outcall log --blocked --json)" 'client_handshake_failed' "which the log tells"

# --- The secret -----------------------------------------------------------------------
tap_is "$(sandbox curl -sS -H 'Authorization: Bearer outcall-secret-front' https://front.example.com/whoami)" \
  "Bearer $secret" "the server gets the secret in the place of the placeholder"
answer=$(sandbox curl -sS -i https://front.example.com/reveal)
tap_like "$answer" 'X-Was: Bearer \*+' "a server that tells it in a header is silenced"
tap_unlike "$answer" "$secret" "so it does not come back"
answer=$(sandbox curl -sS -i -H 'X-Key: outcall-secret-front' https://api.example.com/hello)
tap_like "$answer" '403 Forbidden' "the placeholder goes nowhere else"
tap_like "$answer" 'placeholder of the secret front' "and the reason says so"
tap_unlike "$(sandbox env)" "$secret" "it is in no variable"
tap_like "$(sandbox cat "$TB/secrets/front" 2>&1)" 'No such file|denied' "and in no file that is shown"
tap_unlike "$(cat "$TB/daemon.log" "$TB/audit.log")" "$secret" "it is in no log"
tap_unlike "$(outcall log --json --limit 65536; outcall rules list --json; outcall status --json;
  outcall metrics; outcall rules show secret)" "$secret" "and in no answer"

# A secret that a rule needs does not go.
outcall auth remove front --dir "$TB/secrets" >"$TB/out" 2>&1
tap_is $? 1 "a secret that a rule needs is missed"
tap_like "$(cat "$TB/out")" "there is no secret 'front'" "and the reload says so"
tap_like "$(sandbox curl -sS https://front.example.com/whoami)" "$secret" "what was in force stays in force"
printf 'new-value-of-it\n' | outcall auth add front --dir "$TB/secrets" >"$TB/out"
tap_is "$(sandbox curl -sS https://front.example.com/whoami)" "Bearer new-value-of-it" \
  "a new value counts at once"

# --- Certificates -----------------------------------------------------------------------
tap_like "$(host_api http://x/api/v1/proxy/intercept)" '"enabled":true.*"certificates":[1-9]' \
  "the certificates are kept"
tap_like "$(host_api -X POST http://x/api/v1/proxy/intercept/cache/flush)" '"flushed":[1-9]' \
  "until they are flushed"
tap_is "$(sandbox curl -sS https://api.example.com/hello)" "hello from api.example.com" "and made again"
daemon_stop
tap_is $? 0 "the daemon ends"

# --- Without ----------------------------------------------------------------------------
rm "$TB/rules.d/10-opened.yaml"
e2e_rules
daemon_start --secrets-dir "$TB/secrets"
tap_ok $? "the daemon starts without a CA"
outcall ca bundle >"$TB/out" 2>/dev/null
tap_is $? 6 "ca bundle ends with 6"
tap_is "$(cat "$TB/out")" "" "and prints nothing"
tap_unlike "$(sandbox env)" 'SSL_CERT_FILE|NODE_EXTRA' "sandboxes are as ever"
daemon_stop
tap_done
