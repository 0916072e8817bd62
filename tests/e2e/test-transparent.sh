#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A program that ignores the proxy variables is confined just the same.
# Specification: 00 principle 3, 05 "Transparent".
. "$OUTCALL_SRCDIR/tests/e2e/common.sh"
testbed_enter "$0" "$@"
e2e_start

tap_is "$(sandbox curl -sS --noproxy '*' --cacert ca.pem https://api.example.com/hello)" \
  "hello from api.example.com" "HTTPS without the proxy reaches an allowed host"
tap_is "$(sandbox curl -sS --noproxy '*' http://plain.example.com/repos/a)" repos \
  "so does plain HTTP"
tap_is "$(sandbox curl -s --noproxy '*' -o /dev/null -w '%{http_code}' \
  http://plain.example.com/admin/a)" 403 "another path is a 403"
sandbox curl -sS --noproxy '*' -k --resolve "elsewhere.example.net:443:$TB_ELSEWHERE" \
  https://elsewhere.example.net/hello >"$TB/out" 2>&1
tap_is $? 35 "an SNI that no rule knows gets a TLS alert"
tap_is "$(sandbox curl -s --noproxy '*' -o /dev/null -w '%{http_code}' \
  --resolve "elsewhere.example.net:80:$TB_ELSEWHERE" http://elsewhere.example.net/)" 403 \
  "and a Host that no rule knows a 403"
tap_is "$(sandbox curl -sS --noproxy '*' --cacert ca.pem \
  --resolve "api.example.com:443:$TB_ELSEWHERE" https://api.example.com/hello)" \
  "hello from api.example.com" "a false address gains nothing: ours is dialled"
tap_is "$(sandbox curl -sS --noproxy '*' -o /dev/null -w '%{http_code}' \
  --resolve "plain.example.com:80:$TB_ELSEWHERE" http://plain.example.com/repos/a)" 200 \
  "the same for plain HTTP"
sandbox curl -sS --noproxy '*' -k "https://$TB_ELSEWHERE/hello" >/dev/null 2>&1
tap_is $? 35 "no SNI: the address is the host, and no rule knows it"
tap_is "$(cat "$TB/elsewhere-access.log")" "" "elsewhere was never contacted"
tap_is "$(contacts)" 0 "in no way"
sandbox git -c http.proxy= -c http.sslCAInfo=ca.pem clone -q https://git.example.org/repo.git clone
tap_is "$(cat "$TB/project/clone/file" 2>&1)" "a file" "git without a proxy clones"
daemon_stop
tap_done
