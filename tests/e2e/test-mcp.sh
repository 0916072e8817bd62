#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# `outcall-agent mcp` with the official TypeScript clients, of both protocol revisions.
# Specification: 07 "Shim". npm installs them once, in the build tree (tests/e2e/mcp/package.json
# has their versions); where it cannot, the test skips.
. "$OUTCALL_SRCDIR/tests/e2e/common.sh"
npm=$OUTCALL_BUILDDIR/tests/e2e/npm
install_clients() {
  command -v node >/dev/null && command -v npm >/dev/null || return 1
  cmp -s "$OUTCALL_SRCDIR/tests/e2e/mcp/package.json" "$npm/package.json" && return 0
  rm -rf "$npm.new" && mkdir -p "$npm.new" &&
    cp "$OUTCALL_SRCDIR/tests/e2e/mcp/package.json" "$npm.new/" && chmod u+w "$npm.new/package.json" &&
    (cd "$npm.new" && timeout 120 npm install --prefer-offline --no-audit --no-fund --silent >/dev/null 2>&1) &&
    rm -rf "$npm" && mv "$npm.new" "$npm"
}
install_clients || {
  echo "1..0 # SKIP npm cannot install the MCP clients here"
  exit 0
}
testbed_enter "$0" "$@"
e2e_start "$@"
attack_up alice && attack_up robert
tap_ok $? "two workloads are attached"
cat >"$TB/approve" <<EOT
#!/bin/sh
exec ip netns exec host '$(tb_program outcall)' requests approve "\$1" </dev/null
EOT
chmod +x "$TB/approve"
# shellcheck disable=SC2154
for era in old new; do
  timeout 100 node "$OUTCALL_SRCDIR/tests/e2e/mcp/client.mjs" "$npm" $era "$TB/approve" \
    nsenter --target "$TB_ATTACK_alice" --user --net --preserve-credentials -- \
    "$(tb_program outcall-agent)" mcp >"$TB/client.out" 2>"$TB/client.err"
  tap_is $? 0 "the client of the $era revision gets through"
  sed 's/^/# /' "$TB/client.err"
  while read -r result rest; do
    case $result in
    ok) tap_ok 0 "$rest" ;;
    not) tap_ok 1 "${rest#ok }" ;;
    *) echo "$result $rest" ;;
    esac
  done <"$TB/client.out"
done

# --- without a client: what a strict one would see -------------------------------------------
# lines LINE…: what the server answers.
lines() { printf '%s\n' "$@" | in_attack alice "$(tb_program outcall-agent)" mcp 2>/dev/null; }
tap_like "$(lines 'not json')" '"id":null,"error":\{"code":-32700' "what is no JSON: -32700"
tap_like "$(lines '[]')" '"code":-32600' "a list: -32600"
tap_like "$(lines '{"jsonrpc":"2.0","id":1,"method":"tools/run"}')" '"id":1,"error":\{"code":-32601' \
  "an unknown method: -32601"
tap_is "$(lines '{"jsonrpc":"2.0","method":"notifications/initialized"}')" "" "a notification: nothing"
tap_like "$(lines '{"jsonrpc":"2.0","id":"a","method":"initialize","params":{"protocolVersion":"1999-01-01"}}')" \
  '"protocolVersion":"2025-11-25"' "an unknown revision is answered with ours"
meta='"_meta":{"io.modelcontextprotocol/protocolVersion":'
tap_like "$(lines '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{'"$meta"'"2030-01-01"}}}')" \
  '"code":-32022.*"supported":\["2026-07-28"\],"requested":"2030-01-01"' "a newer one: -32022 and what there is"
tap_like "$(lines '{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{'"$meta"'"2026-07-28"}}}')" \
  '"supportedVersions":\["2026-07-28"\].*"ttlMs":.*"resultType":"complete"' "server/discover"
tap_like "$(lines '{"jsonrpc":"2.0","id":1,"method":"server/discover"}')" '"code":-32601' \
  "which the old revisions do not have"
tap_like "$(lines '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{'"$meta"'"2026-07-28"}}}')" \
  '"code":-32601' "and the new one has no initialize"
[ "$(lines '{"jsonrpc":"2.0","id":1,"method":"tools/list"}' | wc -c)" -lt 4096 ]
tap_ok $? "the longest answer goes through a pipe in one piece"
long=$(head -c 1100000 /dev/zero | tr '\0' x)
tap_like "$(lines "$long" '{"jsonrpc":"2.0","id":2,"method":"ping"}')" '-32600' "a line of over 1 MiB is refused"
tap_like "$(lines "$long" '{"jsonrpc":"2.0","id":2,"method":"ping"}')" '"id":2,"result":\{\}' "and the next one is read"
daemon_stop KILL
tap_like "$(lines '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"check_access","arguments":{"host":"api.example.com"}}}')" \
  '"isError":true' "without the daemon a call is an error"
attack_down alice
attack_down robert
tap_done
