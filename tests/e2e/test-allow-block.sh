#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The main job: real clients in a sandbox reach what a rule allows and are told
# why they are refused the rest. Specification: 00 "What Outcall is", 05
# "Explicit", "Denial answer", 04 table.
. "$OUTCALL_SRCDIR/tests/e2e/common.sh"
testbed_enter "$0" "$@"
e2e_start

# --- DNS -------------------------------------------------------------------
tap_like "$(sandbox getent ahostsv4 api.example.com)" "$TB_WEB" "an allowed name resolves"
sandbox getent ahostsv4 blocked.example.com >/dev/null 2>&1
tap_is $? 2 "a blocked name does not exist"
sandbox getent ahostsv4 elsewhere.example.net >/dev/null 2>&1
tap_is $? 2 "a name that no rule knows does not exist"
answer=$(sandbox dig +noall +comments +authority blocked.example.com)
tap_like "$answer" 'NXDOMAIN' "the answer to a blocked name is NXDOMAIN"
tap_like "$answer" 'aa' "and authoritative"
tap_like "$answer" 'SOA' "with an SOA, so that it can be cached"
tap_like "$answer" 'EDE: 15 .*block-blocked' "and names the rule (extended error 15)"
tap_unlike "$(cat "$TB/dns.log")" 'blocked\.example\.com|elsewhere\.example\.net' \
  "the refused names were never sent to the upstream server"
tap_like "$(sandbox dig +short +tcp api.example.com)" "$TB_WEB" "DNS over TCP works"
tap_is "$(sandbox dig +short mixed.example.com)" "$TB_WEB" "private addresses are removed"
tap_like "$(sandbox dig private.example.com)" 'SERVFAIL' "and when none is left it is SERVFAIL"
tap_like "$(sandbox dig self.example.com)" 'SERVFAIL' "the host's own address is removed too"

# --- CONNECT and SNI ---------------------------------------------------------
tap_is "$(sandbox curl -sS --cacert ca.pem https://api.example.com/hello)" \
  "hello from api.example.com" "curl reaches an allowed host over HTTPS"
tap_is "$(sandbox curl -sS --http2 --cacert ca.pem -o /dev/null -w '%{http_version}' \
  https://api.example.com/hello)" 2 "HTTP/2 inside the tunnel"
answer=$(sandbox curl -sS -v --cacert ca.pem https://blocked.example.com/hello 2>&1)
tap_like "$answer" 'HTTP/1.1 403' "a blocked host is refused"
tap_like "$answer" 'X-Outcall-Rule: block-blocked' "by the rule that blocks it"
tap_like "$answer" 'X-Outcall-Block-Reason: blocked.example.com is closed for agents' \
  "with the reason that the rule gives"
answer=$(sandbox curl -sS -v --cacert ca.pem https://elsewhere.example.net/ 2>&1)
tap_like "$answer" 'X-Outcall-Rule: default' "an unknown host is refused by default"
tap_like "$answer" 'X-Outcall-Block-Reason: no rule allows elsewhere.example.net:443' \
  "and the reason says so"
sandbox curl -sS --cacert ca.pem https://api.example.com:8443/hello >/dev/null 2>&1
tap_is $? 56 "another port of an allowed host is refused"
sandbox curl -sS --cacert ca.pem --connect-to blocked.example.com:443:api.example.com:443 \
  https://blocked.example.com/hello >"$TB/out" 2>&1
tap_is $? 35 "a tunnel to an allowed host is closed when its SNI names a blocked one"
tap_unlike "$(cat "$TB/out")" 'hello from' "and nothing comes through"
sandbox curl -sS --cacert ca.pem --connect-to front.example.com:443:api.example.com:443 \
  https://front.example.com/hello >/dev/null 2>&1
tap_is $? 35 "nor one that no rule knows (domain fronting)"
sandbox curl -sS -k https://$TB_WEB/hello >/dev/null 2>&1
tap_is $? 56 "CONNECT to a raw address is refused"
sandbox curl -sS --cacert ca.pem https://API.Example.COM./hello >/dev/null 2>&1
tap_is $? 0 "case and a trailing dot change nothing"

# --- plain HTTP ----------------------------------------------------------------
tap_is "$(sandbox curl -sS http://plain.example.com/repos/a)" repos "GET of an allowed path"
answer=$(sandbox curl -sS -i http://plain.example.com/admin/a)
tap_like "$answer" '403 Forbidden' "another path is refused"
tap_like "$answer" 'outcall-agent request --host plain.example.com' "with the way to ask"
answer=$(sandbox curl -sS -i -X POST -H 'Accept: application/json' http://plain.example.com/repos/a)
tap_like "$answer" '"method" ?: ?"POST"' "another method is refused, in JSON when asked"
tap_is "$(sandbox curl -s -o /dev/null -w '%{http_code}' http://dead.example.net/)" 502 \
  "a host that is down is a 502"
answer=$(sandbox curl -s -i http://private.example.com/)
tap_like "$answer" '403 Forbidden' "a name with only private addresses is not connected to"
tap_like "$answer" 'Block-Reason: .*(private|metadata)' "and the reason says why"

# --- git -------------------------------------------------------------------------
sandbox git -c http.sslCAInfo=ca.pem clone -q https://git.example.org/repo.git clone
tap_is "$(cat "$TB/project/clone/file" 2>&1)" "a file" "git clones over HTTPS"

# --- large transfer ----------------------------------------------------------------
sandbox curl -sS --cacert ca.pem -o big https://api.example.com/big
cmp -s "$TB/project/big" "$TB/web-root/big"
tap_ok $? "20 MB through the tunnel arrive as they were"

# --- what the operator sees ---------------------------------------------------------
answer=$(outcall log --blocked)
tap_like "$answer" 'blocked\.example\.com.*block-blocked' "the log shows the refusal and its rule"
answer=$(outcall log --json)
tap_like "$answer" '"host" ?: ?"api.example.com"' "and in JSON what was allowed"
counts=$(host_api http://x/api/v1/proxy | python3 -c 'import json, sys
for r in json.load(sys.stdin)["data"]["rules"]:
    print(r["rule"], "hit" if r["hits"] else "", "connected" if r["connections"] else "",
          "blocked" if r["blocked"] else "", "down" if r["bytes_down"] > 20e6 else "")')
tap_like "$counts" 'allow-api hit connected  down' "a rule that allowed counts connections and bytes"
tap_like "$counts" 'block-blocked hit  blocked ' "one that blocked counts refusals"
answer=$(outcall status)
tap_is $? 0 "status answers"
tap_is "$(outcall ps --json | tr -d ' \n')" "[]" "no sandbox is left"
tap_unlike "$(ip -n host -br link)" 'master|oc[0-9a-f]{4}' "nor a bridge port"

daemon_stop
tap_is $? 0 "SIGTERM ends the daemon cleanly"
[ ! -e /run/outcall/host.sock ] && [ ! -e /run/outcall/agent.sock ]
tap_ok $? "and both sockets are gone"
tap_like "$(in_host nft list tables)" 'inet outcall' "while the ruleset stays"
tap_done
