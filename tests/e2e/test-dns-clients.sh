#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Real resolver libraries in a workload, a real authoritative server (NSD) with a zone of
# every record type and a signed zone behind the filter. Specification: 04 "Must hold".
. "$OUTCALL_SRCDIR/tests/e2e/common.sh"
for tool in nsd ldns-signzone ldns-keygen kdig delv; do
  PATH=$PATH:/usr/sbin command -v $tool >/dev/null || tap_skip_all "needs $tool"
done
testbed_enter "$0" "$@"
PATH=$PATH:/usr/sbin
NSD=93.184.216.54

# --- zones -------------------------------------------------------------------
zones() {
  big=$(i=0 && while [ $i -lt 20 ]; do printf ' "%0200d"' $i && i=$((i + 1)); done)
  cat >"$TB/types.zone" <<END
\$ORIGIN types.example.
\$TTL 300
@ SOA ns m 1 3600 600 86400 60
@ NS ns
ns A $NSD
a A $TB_WEB
aaaa AAAA 2606:2800::10
both A $TB_WEB
both AAAA 2606:2800::10
www CNAME b.alias
b.alias CNAME c.alias
c.alias A $TB_WEB
mx MX 10 mail
mail A 93.184.216.11
txt TXT "hello" "world"
big TXT$big
_sip._tcp SRV 1 2 5060 a
caa CAA 0 issue "ca.example"
https HTTPS 1 . alpn="h2,h3" ipv4hint=$TB_WEB
ech HTTPS 1 . alpn="h2" ech="AAEC"
svcb SVCB 1 a port=8443
naptr NAPTR 10 20 "u" "sip" "!^.*\$!sip:a@types.example!" .
loc LOC 52 31 0.000 N 13 24 0.000 E 34.00m
sshfp SSHFP 4 2 123456789abcdef67890123456789abcdef67890123456789abcdef123456789
_443._tcp.a TLSA 3 1 1 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971
hinfo HINFO "cpu" "os"
rp RP m txt
afsdb AFSDB 1 a
kx KX 1 a
cert CERT 1 2 3 AQID
uri URI 10 1 "https://a.types.example/"
openpgpkey OPENPGPKEY AQID
eui48 EUI48 00-11-22-33-44-55
ds DS 12345 13 2 49fd46e6c4b45c55d4ac69cbd3cd34ac1afe51de7d3c0e3e3e3e3e3e3e3e3e3e
unknown TYPE65400 \\# 4 01020304
tree DNAME other
x.other A $TB_WEB
*.wild A $TB_WEB
END
  cat >"$TB/reverse.zone" <<END
\$ORIGIN 216.184.93.in-addr.arpa.
\$TTL 300
@ SOA ns.types.example. m.types.example. 1 3600 600 86400 60
@ NS ns.types.example.
10 PTR a.types.example.
END
  cat >"$TB/signed.zone" <<END
\$ORIGIN signed.example.
\$TTL 300
@ SOA ns m 1 3600 600 86400 60
@ NS ns
ns A $NSD
a A $TB_WEB
www CNAME a
txt TXT "signed"
https HTTPS 1 . alpn="h2"
END
  (cd "$TB" && key=$(ldns-keygen -a ECDSAP256SHA256 -k signed.example) &&
    ldns-signzone -n signed.zone "$key" &&
    awk '{sub(/;.*/, ""); k = $7; for (i = 8; i <= NF; i++) k = k $i;
      printf "trust-anchors { \"signed.example.\" static-key %s %s %s \"%s\"; };\n", $4, $5, $6, k}
      ' FS='[ \t]+' "$key.key" >anchors) >"$TB/sign.log" 2>&1
  cat >"$TB/nsd.conf" <<END
server:
 ip-address: $NSD
 username: ""
 zonesdir: "$TB"
 pidfile: ""
 database: ""
 zonelistfile: "$TB/zone.list"
 xfrdfile: "$TB/xfrd.state"
 xfrdir: "$TB"
 cookie-secret-file: "$TB/cookie"
 server-count: 1
remote-control:
 control-enable: no
zone:
 name: types.example
 zonefile: types.zone
zone:
 name: signed.example
 zonefile: signed.zone.signed
zone:
 name: 216.184.93.in-addr.arpa
 zonefile: reverse.zone
END
}

testbed_up
zones
ip -n net addr add $NSD/32 dev lo
in_net nsd -d -c "$TB/nsd.conf" >"$TB/nsd.log" 2>&1 &
tb_wait in_host dig +short +time=1 +tries=1 @$NSD a.types.example
tap_ok $? "the authoritative server serves" || sed 's/^/# /' "$TB/nsd.log"
rules 10-dns <<'END'
version: "1"
rules:
  - id: types
    condition: 'inDomain(network.hostname, "types.example")'
    action: allow
  - id: signed
    condition: 'inDomain(network.hostname, "signed.example")'
    action: allow
  - id: reverse
    condition: 'inDomain(network.hostname, "216.184.93.in-addr.arpa")'
    action: allow
END
daemon_start --dns-upstream $NSD
tap_ok $? "the daemon starts"
attack_up w
tap_ok $? "a workload is attached"
GATEWAY=10.200.0.1

# --- every type: the same from the server and through the filter, twice --------
# answers NAME TYPE COMMAND…: what dig prints of the answer section, in order.
answers() {
  answers_name=$1 answers_type=$2
  shift 2
  "$@" +noall +answer +nocookie "$answers_name" "$answers_type" | tr -s '\t ' ' ' | sort
}
while read -r name type; do
  direct=$(answers "$name" "$type" in_host dig @$NSD)
  first=$(answers "$name" "$type" in_attack w dig @$GATEWAY)
  cached=$(answers "$name" "$type" in_attack w dig @$GATEWAY)
  tap_is "$first" "$direct" "dig: $name $type"
  # Counted down, and otherwise the same.
  [ "$(echo "$cached" | cut -d' ' -f1,3-)" = "$(echo "$direct" | cut -d' ' -f1,3-)" ] && [ -n "$direct" ]
  tap_ok $? "dig: $name $type from the cache"
done <<END
a.types.example A
aaaa.types.example AAAA
www.types.example A
www.types.example CNAME
types.example NS
types.example SOA
mx.types.example MX
txt.types.example TXT
big.types.example TXT
_sip._tcp.types.example SRV
caa.types.example CAA
https.types.example HTTPS
svcb.types.example SVCB
naptr.types.example NAPTR
loc.types.example LOC
sshfp.types.example SSHFP
_443._tcp.a.types.example TLSA
hinfo.types.example HINFO
rp.types.example RP
afsdb.types.example AFSDB
kx.types.example KX
cert.types.example CERT
uri.types.example URI
openpgpkey.types.example OPENPGPKEY
eui48.types.example EUI48
unknown.types.example TYPE65400
x.tree.types.example A
any.wild.types.example A
10.216.184.93.in-addr.arpa PTR
signed.example DNSKEY
END
tap_like "$(in_attack w dig @$GATEWAY ech.types.example HTTPS)" 'HTTPS[[:space:]]1 \. alpn="h2"$' \
  "dig: HTTPS without its ech parameter"
tap_like "$(in_attack w dig @$GATEWAY nx.types.example A)" 'status: NXDOMAIN' "dig: no such name"
tap_like "$(in_attack w dig @$GATEWAY a.types.example MX)" 'NOERROR.*' "dig: no such type"

# --- DNSSEC passes through untouched --------------------------------------------
validate() { in_attack w delv @$GATEWAY -a "$TB/anchors" +root=signed.example "$@" 2>&1; }
for question in "a A" "www A" "txt TXT" "https HTTPS"; do
  # shellcheck disable=SC2086
  set -- $question
  tap_like "$(validate "$1.signed.example" "$2")" '^; fully validated' "delv validates $question"
done
tap_like "$(validate nx.signed.example A)" '^; negative response, fully validated' \
  "delv validates that a name does not exist (NSEC3)"
tap_unlike "$(in_attack w dig @$GATEWAY +noall +answer a.signed.example A)" RRSIG \
  "no signatures for who does not ask for them"
tap_like "$(in_attack w dig @$GATEWAY +dnssec +noall +answer a.signed.example A)" RRSIG \
  "and signatures for who does, in the same cache"

# --- kdig: TCP kept open, many questions ------------------------------------------
names=$(i=0 && while [ $i -lt 40 ]; do echo "n$i.wild.types.example" && i=$((i + 1)); done)
# shellcheck disable=SC2086
tap_is "$(in_attack w kdig @$GATEWAY +tcp +keepopen +short $names | grep -c "$TB_WEB")" 40 \
  "kdig: 40 questions on one connection"

# --- C libraries, in a real sandbox ------------------------------------------------
# check_library NAME PROGRAM
check_library() {
  name=$1 program=$2
  tap_is "$(sandbox "$program" addresses a.types.example)" $TB_WEB "$name: A"
  tap_is "$(sandbox "$program" addresses www.types.example)" $TB_WEB "$name: CNAME chain"
  tap_like "$(sandbox "$program" addresses both.types.example)" "^$TB_WEB" "$name: A and AAAA"
  tap_is "$(sandbox "$program" addresses nx.types.example)" "error: no name" "$name: no such name"
  tap_is "$(sandbox "$program" addresses www.elsewhere.example)" "error: no name" \
    "$name: a blocked name"
  tap_is "$(sandbox "$program" name $TB_WEB)" a.types.example "$name: PTR"
  tap_like "$(sandbox "$program" records mx.types.example 15)" 'records 1 type 15 rdata 000a046d61696c' \
    "$name: MX"
  tap_like "$(sandbox "$program" records txt.types.example 16)" \
    'records 1 type 16 rdata 0568656c6c6f05776f726c64' "$name: TXT"
  tap_like "$(sandbox "$program" records _sip._tcp.types.example 33)" \
    'records 1 type 33 rdata 0001000213c4' "$name: SRV"
  # musl's res_query() knows no types above 255.
  [ "$name" = musl ] || tap_like "$(sandbox "$program" records caa.types.example 257)" \
    'records 1 type 257 rdata 0005697373756563612e6578616d706c65' "$name: CAA"
  tap_like "$(sandbox "$program" records https.types.example 65)" 'records 1 type 65' "$name: HTTPS"
  tap_like "$(sandbox "$program" records aaaa.types.example 28)" \
    'records 1 type 28 rdata 26062800000000000000000000000010' "$name: AAAA"
}
cc -O1 -o "$TB/project/resolve-glibc" "$OUTCALL_SRCDIR/tests/e2e/resolve.c" -lresolv
tap_ok $? "glibc: the client builds"
check_library glibc ./resolve-glibc
tap_like "$(sandbox ./resolve-glibc records big.types.example 16)" \
  'records 1 type 16 rdata c830303030' "glibc: a big TXT over TCP"
if command -v musl-gcc >/dev/null; then
  musl-gcc -static -O1 -o "$TB/project/resolve-musl" "$OUTCALL_SRCDIR/tests/e2e/resolve.c"
  tap_ok $? "musl: the static client builds"
  check_library musl ./resolve-musl
else
  tap_skip "musl" "needs musl-gcc"
fi
if echo '#include <ares.h>' | cc -E - >/dev/null 2>&1; then
  cc -O1 -o "$TB/project/resolve-cares" "$OUTCALL_SRCDIR/tests/e2e/resolve-cares.c" -lcares
  tap_ok $? "c-ares: the client builds"
  cares() { sandbox ./resolve-cares "$@" | tr '\n' ';'; }
  tap_is "$(cares both.types.example 1 28)" "1 Successful completion 1;28 Successful completion 1;" \
    "c-ares: A and AAAA at once"
  tap_is "$(cares www.types.example 1)" "1 Successful completion 3;" "c-ares: CNAME chain"
  tap_is "$(cares big.types.example 16)" "16 Successful completion 1;" \
    "c-ares: a big TXT over TCP"
  tap_is "$(cares caa.types.example 257)" "257 Successful completion 1;" "c-ares: CAA"
  tap_is "$(cares https.types.example 65)" "65 Successful completion 1;" "c-ares: HTTPS"
  tap_is "$(cares 10.216.184.93.in-addr.arpa 12)" "12 Successful completion 1;" "c-ares: PTR"
  tap_is "$(cares nx.types.example 1 15)" "1 Domain name not found 0;15 Domain name not found 0;" \
    "c-ares: no such name"
  tap_is "$(cares www.elsewhere.example 1)" "1 Domain name not found 0;" "c-ares: a blocked name"
else
  tap_skip "c-ares" "needs libc-ares-dev"
fi

# --- Go's own resolver, in a program from the distribution --------------------------
if command -v hey >/dev/null; then
  visit="hey -n 1 -c 1 -disable-keepalive"
  # shellcheck disable=SC2086
  answer=$(sandbox env -u http_proxy -u HTTP_PROXY GODEBUG=netdns=go+2 \
    $visit http://www.types.example/hello 2>&1)
  tap_like "$answer" 'go package net: hostLookupOrder.*dns' "Go: its own resolver"
  tap_like "$answer" '\[200\]' "Go: a name with a CNAME chain resolves and is reached"
  # shellcheck disable=SC2086
  tap_like "$(sandbox env -u http_proxy -u HTTP_PROXY GODEBUG=netdns=go \
    $visit http://www.elsewhere.example/ 2>&1)" 'no such host' "Go: a blocked name"
else
  tap_skip "Go" "needs hey"
fi
tap_unlike "$(outcall dns cache --json)" elsewhere "a blocked name is never in the cache"
tap_like "$(outcall dns cache)" 'a\.types\.example +A +answer +1 +[0-9]+ s' "outcall dns cache"
tap_like "$(outcall dns status)" "$NSD port 53: answers in" "outcall dns status"
attack_down w
daemon_stop TERM
tap_done
