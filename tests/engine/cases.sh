# SPDX-License-Identifier: GPL-3.0-or-later
# Containers on a real engine. Sourced by test-docker.sh and test-podman.sh, which set
# ENGINE. Specification: 06 "Engine containers", "State", "Must hold"; 13 "engine socket".
# shellcheck shell=sh
# shellcheck disable=SC2154

. "$OUTCALL_SRCDIR/tests/e2e/common.sh"
[ "${TB_INSIDE:-}" = 1 ] || for engine_tool in /bin/busybox "$ENGINE_PROGRAM"; do
  command -v "$engine_tool" >/dev/null || tap_skip_all "needs $engine_tool"
done
testbed_enter "$0" "$@"
# shellcheck source=tests/engine/engine.sh
. "$OUTCALL_SRCDIR/tests/engine/engine.sh"
engine_cgroups
# Another mount of /run, made before the daemon has a mount namespace of its own.
ENGINE_ALIAS=$(mktemp -d "${TMPDIR:-/tmp}/alias.XXXXXX")
mount --bind /run "$ENGINE_ALIAS"
trap engine_clean EXIT

# --- Without an engine -----------------------------------------------------------
e2e_start
tap_like "$(outcall container list 2>&1)" 'no container engine' \
  "without an engine, that part says so"
sandbox true
tap_is $? 0 "and the rest works"
engine_start
tap_ok $? "the engine starts"
tb_wait engine_connected
tap_ok $? "and is found by itself"
engine_image
tap_ok $? "an image of busybox is imported"

# --- Helpers -----------------------------------------------------------------------
create() { outcall container create "$@" 2>&1; }
# Containers that the engine has, with the label.
count_all() { json "$(engine_api GET '/containers/json?all=true')" 'len(d)'; }
leases() { in_host nft -j list set bridge outcall leases | grep -c '"elem"'; }
is_workload() { outcall ps --json | grep -q "\"name\":\"$1\""; }
is_no_workload() { ! is_workload "$1"; }
has_lease() { in_host nft list set bridge outcall leases | grep -q "$1"; }
has_no_lease() { ! has_lease "$1"; }
address_of() { json "$(outcall inspect "$1" --json)" 'd["address"]'; }
fetch() { in_container "$1" timeout 5 wget -q -O - "$2" 2>&1; }
# raw NAME ADDRESS PORT: whether TCP goes through
raw() { in_container "$1" nc -w 2 "$2" "$3" </dev/null >/dev/null 2>&1; }

# --- The life of a container ---------------------------------------------------------
answer=$(create --name one box sleep 1000)
tap_like "$answer" 'one runs confined at 10\.200\.0\.' "a container is created and runs"
address=$(address_of one)
inspected=$(engine_api GET /containers/one/json)
check() { tap_is "$(json "$inspected" "$1")" "$2" "$3"; }
check 'list(d["NetworkSettings"]["Networks"])' "['outcall-default']" "on the managed network only"
check 'd["NetworkSettings"]["Networks"]["outcall-default"]["MacAddress"]' \
  "$(json "$(outcall inspect one --json)" 'd["mac"]')" "with our MAC"
tap_like "$(in_container one ip -4 addr show eth0)" "inet $address/24" "and our address"
check 'd["HostConfig"]["Dns"]' "['10.200.0.1']" "DNS is the gateway"
check 'd["HostConfig"]["DnsOptions"]' "['ndots:0']" "with ndots:0"
check 'd["HostConfig"]["Privileged"]' False "it is not privileged"
check 'd["HostConfig"]["ReadonlyRootfs"]' True "its root is read-only"
check 'd["HostConfig"]["Init"]' True "it has an init"
check 'd["HostConfig"]["Memory"]' 536870912 "memory is 512 MiB"
check 'd["HostConfig"]["CpuShares"]' 1024 "CPU shares are 1024"
check 'd["HostConfig"]["PidsLimit"]' 256 "processes are 256"
check 'd["Config"]["User"]' 65532:65532 "it is nobody's user"
check '[k for k in sorted(d["Config"]["Labels"]) if k.startswith(("outcall", "managed"))]' \
  "['managed-by', 'outcall.created-at', 'outcall.name', 'outcall.network']" "it has its labels"
status=$(in_container one cat /proc/1/status)
tap_like "$status" 'CapBnd:.0000000000000000' "no capability can be had"
tap_like "$status" 'NoNewPrivs:.1' "nor new privileges"
tap_like "$status" 'Seccomp:.2' "and system calls are filtered"
in_container one touch /new >/dev/null 2>&1
tap_is $? 1 "nothing can be written to its root"
in_container one touch /tmp/new
tap_is $? 0 "but to /tmp"
tap_like "$(in_container one /usr/local/bin/outcall-agent whoami)" '^one ' \
  "the agent socket knows it"

tap_is "$(fetch one http://plain.example.com/repos/a)" repos "an allowed fetch"
tap_like "$(fetch one http://blocked.example.com/x)" '403 Forbidden' "a blocked fetch"
tap_like "$(in_container one nslookup api.example.com)" "$TB_WEB" "an allowed name"
in_container one nslookup elsewhere.example.net >/dev/null 2>&1
tap_is $? 1 "a blocked name"
raw one "$TB_ELSEWHERE" 9999
tap_is $? 1 "raw TCP is blocked"
raw one 10.200.0.1 22
tap_is $? 1 "the host is blocked"
create --name two box sleep 1000 >/dev/null
in_container two sh -c 'nc -l -p 7000 -e true & sleep 0.1'
in_container one ping -c 1 -W 1 "$(address_of two)" >/dev/null 2>&1
tap_is $? 1 "a peer does not answer"
raw one "$(address_of two)" 7000
tap_is $? 1 "nor its ports"
tap_like "$(outcall log --json --blocked)" '"workload":"one"[^}]*blocked\.example\.com' \
  "the log names the container"

# --- What runs in it besides -----------------------------------------------------------
tap_is "$(in_container one sh -c 'timeout 5 wget -q -O - http://plain.example.com/repos/a')" repos \
  "a shell that is exec'd later is allowed the same"
ENGINE_PRIVILEGED=True ENGINE_USER=0
if in_container one true >/dev/null; then
  raw one "$TB_ELSEWHERE" 9999
  tap_is $? 1 "a privileged exec is confined the same"
else
  tap_skip "a privileged exec is confined the same" "this host's root lacks capabilities itself"
fi
ENGINE_PRIVILEGED=False ENGINE_USER=
in_netns one nc -w 2 "$TB_ELSEWHERE" 9999 </dev/null
tap_is $? 1 "nor gets root of its network namespace out"
in_netns one ip addr add 10.200.0.77/24 dev eth0
in_netns one curl -s --max-time 2 --interface 10.200.0.77 http://10.200.0.1:8080/ >/dev/null
tap_is $? 28 "another address reaches nothing"
in_netns one ip addr del 10.200.0.77/24 dev eth0
in_container one nslookup elsewhere.example.net 127.0.0.11 >/dev/null 2>&1
tap_is $? 1 "the engine's own DNS is no way out"
in_netns one dig +time=1 +tries=1 "@$TB_ELSEWHERE" elsewhere.example.net >/dev/null
tap_is $? 9 "nor is another server"
tap_unlike "$(cat "$TB/dns.log" "$TB/elsewhere-dns.log")" 'elsewhere\.example\.net' \
  "and the blocked name was never sent"

# --- Refused before the engine is asked ----------------------------------------------------
before=$(count_all)
refused() {
  refused_pattern=$1 refused_name=$2
  shift 2
  refused_answer=$(create "$@")
  tap_like "$refused_answer" "$refused_pattern" "refused: $refused_name"
}
mkdir -p "$TB/links" "$TB/ok"
ln -s "$ENGINE_SOCKET" "$TB/links/engine"
ln -s /run "$TB/links/run"
refused 'is protected' "the engine's socket" -v "$ENGINE_SOCKET:/s" box true
refused 'is protected' "a link to it" -v "$TB/links/engine:/s" box true
refused 'is protected' "a link to its folder" -v "$TB/links/run:/s" box true
refused 'is protected' "a folder that holds it" -v "/run:/s" box true
refused 'is protected' "another mount of that folder" -v "$ENGINE_ALIAS:/s" box true
refused 'is protected' "a folder with such a mount in it" -v "${ENGINE_ALIAS%/*}:/s" box true
refused 'is protected' "the whole host" -v "/:/s" box true
refused 'plain absolute path' "dots" -v "$TB/ok/../../../run:/s" box true
refused 'is protected' "/proc/1/root" -v "/proc/1/root/run:/s" box true
refused 'is protected' "the host socket" -v "/run/outcall/host.sock:/s" box true
refused 'is protected' "the state folder" -v "$TB/state:/s" box true
refused 'is protected' "the rules" -v "$TB/rules.d/10-base.yaml:/s" box true
refused 'is protected' "/proc" -v "/proc:/s" box true
refused 'is protected' "/sys" -v "/sys:/s" box true
refused 'is protected' "over the agent socket" -v "$TB/ok:/run/outcall/agent.sock" box true
refused 'is protected' "over its folder" -v "$TB/ok:/run" box true
refused 'is protected' "over the shim" -v "$TB/ok:/usr/local/bin/outcall-agent" box true
refused 'is protected' "over resolv.conf" -v "$TB/ok:/etc/resolv.conf" box true
refused 'is protected' "over /etc" -v "$TB/ok:/etc" box true
refused 'plain absolute path' "a relative source" -v "ok:/s" box true
refused 'no option of a bind' "an odd option" -v "$TB/ok:/s:shared" box true
refused 'UID:GID' "root" --user 0:0 box true
refused 'UID:GID' "a user by name" --user root box true
refused 'memory must be' "hardly any memory" --memory 5m box true
refused 'CPU shares' "one CPU share" --cpu-shares 1 box true
refused 'is not here; fetch it' "an image that is not there" absent true
refused 'is running' "a name in use" --name one box true
refused 'there is no network' "the host's network" --network host box true
raw_create() {
  host_api -X POST -H 'Content-Type: application/json' -d "$1" http://x/api/v1/container/create
}
tap_like "$(raw_create '{"image":"box","privileged":true}')" 'not known here' "refused: privileged"
tap_like "$(raw_create '{"image":"box","cap_add":["NET_ADMIN"]}')" 'not known here' \
  "refused: capabilities"
tap_like "$(raw_create '{"image":"box","ports":["80:80"]}')" 'not known here' \
  "refused: published ports"
refused 'container engine: ' "a folder to start in that is none" -w /etc/passwd box true
tap_is "$(count_all)" "$before" "every refusal left nothing behind in the engine"
tap_is "$(outcall ps --json | grep -o '"name":' | wc -l)" 2 "nor here"
create --name bound -v "$TB/ok:/data:ro" -e SECRET=hidden -e http_proxy=http://evil:1 \
  box sleep 1000 >/dev/null
tap_like "$(in_container bound sh -c 'ls -d /data; echo $http_proxy')" 'http://10\.200\.0\.1:8080' \
  "a bind is there, and the caller's proxy is not"
tap_unlike "$(outcall container inspect bound --json)" 'hidden|evil' "values of variables stay here"
tap_like "$(outcall container inspect bound --json)" 'SECRET=<redacted>' "but their names show"

# --- Images ------------------------------------------------------------------------------------
if command -v docker-registry >/dev/null && registry_up; then
  image=$REGISTRY/pulled:1
  tap_like "$(create "$image" true)" "is not here; fetch it: outcall container pull $image" \
    "an image that is elsewhere is not fetched unasked"
  printf '#!/bin/sh\nstty cols 60\nexec ip netns exec host "%s" container pull %s\n' "$(tb_program outcall)" "$image" >"$TB/pull"
  chmod 755 "$TB/pull"
  # Podman does not tell how much there is.
  progress='Download complete'
  [ "$ENGINE" = docker ] && progress='\[#* *\] '
  pulled=$(TERM=xterm script -qec "$TB/pull" /dev/null)
  tap_like "$pulled" "$progress.* is here" "it is fetched, and how far is shown"
  drawn=$(printf '%s' "$pulled" | tr '\r' '\n' | sed -n 's/^.\[K//p' | grep -v ' is here')
  tap_like "$drawn" '.' "in lines drawn over each other"
  tap_is "$(printf '%s\n' "$drawn" | LC_ALL=C.UTF-8 grep -cE '.{61}')" 0 "none wider than the terminal"
  engine_curl -f "http://x/v1.41/images/$image/json" >/dev/null
  tap_is $? 0 "and is there"
  tap_like "$(create --name fetched "$image" sleep 1000)" 'fetched runs confined' "and runs"
  raw fetched "$TB_ELSEWHERE" 9999
  tap_is $? 1 "as confined as any"
  answer=$(outcall container pull "$REGISTRY/absent:1" 2>&1)
  tap_is $? 1 "one that is nowhere is an error"
  tap_like "$answer" 'not found|unknown|no such' "which says so"
  outcall stop --time 0 fetched >/dev/null
  outcall container remove fetched >/dev/null
else
  sed "s/^/# /" "$TB/import.log" "$TB/registry.log" | cut -c 1-300
  tap_skip "images are fetched" "no docker-registry, or it does not serve"
fi

# --- Another network of Outcall -----------------------------------------------------------------
outcall network create side >/dev/null
tap_like "$(create --name sided --network side box sleep 1000)" 'runs confined at 10\.200\.1\.' \
  "a container on a network of its own"
in_engine ip link show master outcall1 | grep -q veth
tap_ok $? "on a bridge of its own"
tap_is "$(fetch sided http://plain.example.com/repos/a)" repos "it reaches what is allowed"
raw sided "$(address_of two)" 7000
tap_is $? 1 "no neighbour of another network"
in_container one ping -c 1 -W 1 "$(address_of sided)" >/dev/null 2>&1
tap_is $? 1 "nor they it"
tap_like "$(outcall network destroy side 2>&1)" 'still has workloads: sided' "a network in use stays"
outcall stop --time 0 sided >/dev/null
outcall container remove sided >/dev/null
outcall network destroy side >/dev/null
tap_is $? 0 "and can go when it is not"
engine_gone() { ! engine_curl -f http://x/v1.41/networks/outcall-side >/dev/null; }
tb_wait engine_gone
tap_ok $? "from the engine too"
in_engine ip link show outcall1 >/dev/null 2>&1
tap_is $? 1 "with its bridge"

# Podman's networks have no bridge until something runs in them.
engine_api POST /networks/create \
  '{"Name":"theirs","Driver":"bridge","IPAM":{"Config":[{"Subnet":"10.200.1.0/24"}]}}' >"$TB/theirs.log"
tap_like "$(outcall network create ours --subnet 10.200.1.0/24 2>&1)" \
  "overlaps (Docker|Podman) network 'theirs'|overlaps a route of this host" "what the engine's networks have is not taken"
outcall network create ours >/dev/null
tap_like "$(outcall network status ours)" '10\.200\.2\.0/24' "nor given out"
outcall network destroy ours >/dev/null
engine_api DELETE /networks/theirs >/dev/null

# --- A rule about containers -------------------------------------------------------------
rules 20-containers <<'RULES'
version: "1"
rules:
  - id: only-box
    condition: 'docker.image == "box" && docker.volumes.size() == 0'
    action: allow
RULES
outcall rules reload >/dev/null
refused 'no rule allows this container' "by policy" -v "$TB/ok:/data" box true
answer=$(create --name ruled box sleep 1000)
tap_like "$answer" 'ruled runs confined' "and allowed by it"
rm "$TB/rules.d/20-containers.yaml"
outcall rules reload >/dev/null

# --- Containers of others --------------------------------------------------------------------
# foreign NAME JSON: as compose does it; members of the create call.
foreign() {
  engine_api POST "/containers/create?name=$1" "$2" >"$TB/foreign.log"
  engine_api POST "/containers/$1/start" >>"$TB/foreign.log"
}
member='"Image":"box","Cmd":["sleep","1000"]'
label='"Labels":{"managed-by":"outcalld"}'
host='"NetworkMode":"outcall-default"'
dns='"Dns":["10.200.0.1"]'
foreign adopted "{$member,$label,\"HostConfig\":{$host,$dns}}"
tb_wait is_workload adopted
tap_ok $? "a container with the label is adopted on its start"
tap_is "$(fetch adopted http://plain.example.com/repos/a)" repos "and reaches what is allowed"
tap_like "$(fetch adopted http://blocked.example.com/x)" \
  '403|bad address|timed out|refused|unreachable' "and nothing else"
raw adopted "$TB_ELSEWHERE" 9999
tap_is $? 1 "by no means"
foreign unlabelled "{$member,\"HostConfig\":{$host,$dns}}"
foreign published "{$member,$label,\"ExposedPorts\":{\"80/tcp\":{}},\"HostConfig\":{$host,$dns,\"PortBindings\":{\"80/tcp\":[{\"HostPort\":\"8099\"}]}}}"
foreign mighty "{$member,$label,\"HostConfig\":{$host,$dns,\"CapAdd\":[\"SYS_ADMIN\"]}}"
foreign shared "{$member,$label,\"HostConfig\":{$host,$dns,\"PidMode\":\"host\"}}"
foreign socket "{$member,$label,\"HostConfig\":{$host,$dns,\"Binds\":[\"$ENGINE_SOCKET:/s\"]}}"
foreign resolver "{$member,$label,\"HostConfig\":{$host}}"
tb_wait grep -q 'resolver stays blocked: its DNS server' "$TB/daemon.log"
tap_ok $? "one with another DNS server stays blocked"
for reason in 'mighty stays blocked: it has capability' 'shared stays blocked: it shares a pid' \
  'socket stays blocked: it has .* mounted'; do
  grep -q "$reason" "$TB/daemon.log"
  tap_ok $? "$reason"
done
if [ "$ENGINE" = docker ]; then
  tb_wait grep -q 'published stays blocked: it publishes ports' "$TB/daemon.log"
  tap_ok $? "published stays blocked: it publishes ports"
fi
is_workload unlabelled
tap_is $? 1 "one without the label is none of ours"
for name in unlabelled mighty resolver; do
  in_container $name timeout 3 wget -q -O - http://10.200.0.1:8080/ >/dev/null 2>&1
  [ $? -ne 0 ]
  tap_ok $? "and reaches nothing ($name)"
done
for name in unlabelled published mighty shared socket resolver; do
  engine_api DELETE "/containers/$name?force=true" >/dev/null
done

# --- Another network, by the engine's own means -------------------------------------------------
engine_api POST /networks/create '{"Name":"other","Driver":"bridge"}' >"$TB/other.log"
engine_api POST /networks/other/connect '{"Container":"one"}' >>"$TB/other.log"
only_ours() { [ "$(json "$(engine_api GET /containers/one/json)" 'list(d["NetworkSettings"]["Networks"])')" = "['outcall-default']" ]; }
was_told() { grep -q 'one was connected to network other besides' "$TB/daemon.log"; }
if tb_wait was_told; then
  tap_ok 0 "connecting it to another network is noticed"
else
  sed 's/^/# /' "$TB/other.log"
  tap_ok 1 "connecting it to another network is noticed"
fi
tb_wait only_ours
tap_ok $? "and undone"
raw one "$TB_ELSEWHERE" 9999
tap_is $? 1 "it is confined as before"

# --- Ends ---------------------------------------------------------------------------------------
address=$(address_of two)
engine_api DELETE '/containers/two?force=true' >/dev/null
begin=$(now_ms)
tb_wait has_no_lease "$address"
took=$(($(now_ms) - begin))
[ $took -le 1000 ]
tap_ok $? "rm -f from outside: its lease is gone within a second (after $took ms)"
is_no_workload two
tap_ok $? "and it is none of ours"
create --name greedy --memory 8m box sh -c 'x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done' >/dev/null
tb_wait is_no_workload greedy
tap_ok $? "one that runs out of memory is gone too"
in_container ruled sh -c 'kill -9 -1' >/dev/null 2>&1
engine_api POST '/containers/ruled/kill' >/dev/null
tb_wait is_no_workload ruled
tap_ok $? "and one that is killed"
create --name speaker box sh -c 'echo said; echo complained >&2; sleep 1000' >/dev/null
said() { outcall logs speaker | grep -q complained; }
tb_wait said
tap_is "$(outcall logs speaker | sort | xargs)" "complained said" "outcall logs"
tap_like "$(outcall stop --time 1 speaker)" 'is being stopped' "outcall stop"
is_workload speaker
tap_is $? 1 "it has ended when the answer is there"
tap_like "$(outcall stop speaker)" 'was not running' "stopping a stopped one"
tap_like "$(outcall container list)" 'speaker +exited' "it is listed still"
tap_like "$(outcall container remove speaker)" 'is gone' "outcall container remove"
tap_like "$(outcall container remove speaker)" 'no such container' "removing an absent one"
engine_api POST "/containers/create?name=stranger" "{$member}" >/dev/null
tap_like "$(outcall container remove stranger)" 'no such container' \
  "one without the label is never touched"
tap_is "$(json "$(engine_api GET '/containers/stranger/json')" 'd["Name"]')" /stranger "and is there"

# --- Restarts -------------------------------------------------------------------------------------
daemon_stop KILL
raw one "$TB_ELSEWHERE" 9999
tap_is $? 1 "daemon killed: still confined"
daemon_start
is_workload one && is_workload adopted && is_workload bound
tap_ok $? "a daemon that starts again knows its containers before it answers"
tap_is "$(fetch one http://plain.example.com/repos/a)" repos "and they go on"
tap_like "$(in_container one /usr/local/bin/outcall-agent whoami)" '^one ' "with their agent socket"
tb_wait engine_connected
daemon_stop
rm "$TB/state/workloads.json"
outcall ca init --out "$TB/own" >/dev/null
daemon_start --ca-cert "$TB/own/ca.crt" --ca-key "$TB/own/ca.key"
if [ "$ENGINE" = docker ]; then
  tb_wait is_workload one
  tap_ok $? "without its state, it takes them on again from the engine"
  tap_is "$(fetch one http://plain.example.com/repos/a)" repos "and they go on once more"
fi
# With a CA, containers trust it by themselves.
tb_wait engine_connected
tap_like "$(create --name trusting --env GIT_SSL_CAINFO=/mine box sleep 1000)" 'trusting runs confined' \
  "a container with a CA"
inspected=$(engine_api GET /containers/trusting/json)
tap_like "$(json "$inspected" 'd["Config"]["Env"]')" "'SSL_CERT_FILE=/run/outcall/ca-bundle.pem'" \
  "is told where the certificates to trust are"
tap_like "$(json "$inspected" '[e for e in d["Config"]["Env"] if e.startswith("GIT_SSL")][-1]')" '=/mine$' \
  "unless it was told something else"
tap_is "$(in_container trusting /bin/busybox tail -n 1 /run/outcall/ca-bundle.pem)" "$(tail -n 1 "$TB/own/ca.crt")" \
  "and they are there"
pid=$(json "$(engine_api GET /containers/trusting/json)" 'd["State"]["Pid"]')
address=$(address_of trusting)
# orphan COMMAND…: in the container, without the engine, and without its name server (Docker).
orphan() { nsenter --net --mount --target "$pid" -- /bin/busybox timeout 5 /bin/busybox "$@" 2>&1; }
# goes_on WHEN: it runs, is known, and is confined as before.
goes_on() {
  kill -0 "$pid" && is_workload trusting
  tap_ok $? "$1 the container is there, and known"
  tap_is "$(address_of trusting)" "$address" "$1 with its address"
  tap_is "$(orphan env http_proxy=http://10.200.0.1:8080 wget -q -O - http://plain.example.com/repos/a)" repos "$1 it reaches what is allowed"
  orphan nc -w 2 "$TB_ELSEWHERE" 9999 </dev/null >/dev/null
  [ $? -ne 0 ]
  tap_ok $? "$1 and nothing else"
}
goes_on "before the end:"
engine_stop KILL
tb_wait grep -q 'the event stream ended' "$TB/daemon.log"
tap_like "$(outcall status)" 'engine +unavailable' "the engine's end is noticed"
goes_on "engine killed:"
daemon_stop KILL
daemon_start --ca-cert "$TB/own/ca.crt" --ca-key "$TB/own/ca.key"
goes_on "the daemon as well:"
rm -f /run/docker.pid
engine_start
tap_ok $? "the engine starts again"
tb_wait engine_connected
tap_ok $? "and is found again"
goes_on "both back:"
tap_is "$(json "$(engine_api GET /containers/trusting/json)" 'd["State"]["Running"]')" True "the engine knows it, too"
answer=$(create --name after box sleep 1000)
tap_like "$answer" 'after runs confined' "containers can be made as before"
tap_is "$(fetch after http://plain.example.com/repos/a)" repos "and reach what is allowed"
raw after "$TB_ELSEWHERE" 9999
tap_is $? 1 "and nothing else"
ids=$(json "$(engine_api GET '/containers/json?all=true')" '" ".join(c["Id"] for c in d)')
for id in $ids; do engine_api DELETE "/containers/$id?force=true" >/dev/null; done
tb_wait sh -c "! $(tb_program outcall) ps --json | grep -q '\"name\"'"
tap_is "$(in_host nft list set bridge outcall leases | grep -c elements)" 0 "at the end no lease is left"
daemon_stop
engine_stop
tap_done
