#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The ways out that need no rule to be refused: each is refused at once, not by
# a time-out, also for a program that holds every capability in its namespace.
# Specification: 02 "Base ruleset", 13 promises 1 and 2.
. "$OUTCALL_SRCDIR/tests/e2e/common.sh"
testbed_enter "$0" "$@"
e2e_start
attack_up mallory
tap_ok $? "a workload with all capabilities is attached"
attack_up victim
tap_ok $? "and a second one"
gateway=$(host_api http://x/api/v1/network/config | sed 's/.*"gateway" *: *"\([^"]*\)".*/\1/')
victim=$(in_attack victim ip -4 -br addr show scope global | awk '{sub("/.*", "", $3); print $3; exit}')
tap_like "$victim" '^10\.200\.0\.' "the second has an address ($victim)"
in_host nc -w2 $TB_ELSEWHERE 9999 </dev/null | grep -q 'should not'
tap_ok $? "the host itself reaches elsewhere, so the refusals below mean something"
before=$(contacts)

m="in_attack mallory"
refused_at_once 2500 "raw TCP" $m nc -w3 $TB_ELSEWHERE 9999
refused_at_once 2500 "SSH" $m nc -w3 $TB_ELSEWHERE 22
refused_at_once 2500 "UDP" $m python3 "$OUTCALL_SRCDIR/tests/e2e/probe.py" udp $TB_ELSEWHERE 9999
refused_at_once 2500 "QUIC's port" $m python3 "$OUTCALL_SRCDIR/tests/e2e/probe.py" udp $TB_ELSEWHERE 443
refused_at_once 2500 "ICMP echo" $m python3 "$OUTCALL_SRCDIR/tests/e2e/probe.py" icmp $TB_ELSEWHERE
refused_at_once 2500 "another DNS server, UDP" $m dig +time=3 +tries=1 @$TB_ELSEWHERE direct.example.com
refused_at_once 2500 "another DNS server, TCP" $m dig +tcp +time=3 +tries=1 @$TB_ELSEWHERE direct.example.com
refused_at_once 2500 "DNS over TLS" $m nc -w3 $TB_DNS 853
refused_at_once 2500 "the real upstream DNS server" $m dig +time=3 +tries=1 @$TB_DNS api.example.com
refused_at_once 2500 "IPv6" $m nc -6 -w3 2620:fe::1 443
in_attack mallory ip -6 addr add fd00::66/64 dev eth0 nodad 2>/dev/null
in_attack mallory ip -6 route add default dev eth0 2>/dev/null
refused_at_once 10000 "IPv6 with an address and route of its own" $m nc -6 -w3 2620:fe::1 443

# --- the host --------------------------------------------------------------------
in_host nc -lk $TB_HOST 7777 </dev/null >/dev/null 2>&1 &
in_host nc -lk "$gateway" 7778 </dev/null >/dev/null 2>&1 &
tb_wait in_host nc -z "$gateway" 7778
refused_at_once 2500 "a port of the host" $m nc -w3 -z $TB_HOST 7777
refused_at_once 2500 "another port of the gateway" $m nc -w3 -z "$gateway" 7778
refused_at_once 2500 "the host's DNS port on its other address" \
  $m dig +time=3 +tries=1 @$TB_HOST api.example.com
refused_at_once 2500 "the transparent HTTP port itself" $m nc -w3 -z "$gateway" 8081
refused_at_once 2500 "the transparent TLS port itself" $m nc -w3 -z "$gateway" 8443
scan=$(in_attack mallory nmap -n -Pn -sT -p- --min-rate 5000 -oG - "$gateway" 2>/dev/null |
  sed -n 's/.*Ports: //p' | tr ',' '\n' | sed -n 's/^ *\([0-9]*\)\/open\/.*/\1/p' | sort -n | xargs)
tap_is "$scan" "53 8080" "of 65,535 TCP ports of the gateway only DNS and the proxy answer"

# --- another workload ----------------------------------------------------------------
in_attack victim nc -lk "$victim" 7779 </dev/null >/dev/null 2>&1 &
tb_wait in_attack victim nc -z "$victim" 7779
tap_ok $? "the victim listens"
refused_at_once 10000 "TCP to another workload" $m nc -w3 -z "$victim" 7779
refused_at_once 10000 "UDP to another workload" \
  $m python3 "$OUTCALL_SRCDIR/tests/e2e/probe.py" udp "$victim" 7779
refused_at_once 10000 "ICMP to another workload" \
  $m python3 "$OUTCALL_SRCDIR/tests/e2e/probe.py" icmp "$victim"

# --- false identity ---------------------------------------------------------------------
tap_is "$(in_attack mallory curl -s --max-time 5 -x "http://$gateway:8080" \
  http://plain.example.com/repos/a)" repos "as itself it reaches what is allowed"
own=$(in_attack mallory ip -4 -br addr show scope global | awk '{print $3; exit}')
in_attack mallory ip addr add 10.200.0.99/24 dev eth0
refused_at_once 10000 "with a free address nothing answers" \
  $m curl -sf --interface 10.200.0.99 --max-time 3 -x "http://$gateway:8080" http://plain.example.com/repos/a
in_attack mallory ip addr del 10.200.0.99/24 dev eth0
in_attack mallory ip addr add "$victim/24" dev eth0
refused_at_once 10000 "with the victim's address nothing answers" \
  $m curl -sf --interface "$victim" --max-time 3 -x "http://$gateway:8080" http://plain.example.com/repos/a
in_attack mallory ip addr del "$victim/24" dev eth0
mac=$(in_attack mallory ip -br link show eth0 | awk '{print $3}')
in_attack mallory ip link set eth0 address 02:11:22:33:44:55
refused_at_once 10000 "with another MAC nothing answers" \
  $m curl -sf --max-time 3 -x "http://$gateway:8080" http://plain.example.com/repos/a
in_attack mallory ip link set eth0 address "$mac"
in_attack mallory ip addr replace "$own" dev eth0
in_attack mallory ip route replace default via "$gateway"
tb_wait in_attack mallory curl -sf --max-time 2 -x "http://$gateway:8080" http://plain.example.com/repos/a
tap_ok $? "and as itself again it works again"
tap_is "$(in_attack victim curl -s --max-time 5 -x "http://$gateway:8080" \
  http://plain.example.com/repos/a)" repos "the victim never noticed"

tap_is "$(contacts)" "$before" "nobody elsewhere was contacted in all this"
attack_down mallory
attack_down victim
daemon_stop
tap_done
