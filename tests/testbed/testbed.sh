# SPDX-License-Identifier: GPL-3.0-or-later
# A little internet in namespaces, and a host in it that runs outcalld.
#
#   workloads -- outcall0 -- [host] 62.0.0.2 -- 62.0.0.1 [net] -- [elsewhere]
#
# net:       DNS on 93.184.216.53; nginx on 93.184.216.10 (HTTP and HTTPS for
#            several names of a local CA, a git repository)
# elsewhere: 151.101.64.9, reachable by routing, with its own DNS server, web
#            server and raw TCP and UDP listeners: what nobody may reach
#
# The addresses look public because the address policy refuses private ones;
# nothing has a route out. The whole script runs in private mount, pid and
# network namespaces (see testbed_enter), so killing it removes everything.
# shellcheck shell=sh
# shellcheck source=tests/testlib/programs.sh
. "$OUTCALL_SRCDIR/tests/testlib/programs.sh"

TB_DNS=93.184.216.53
TB_WEB=93.184.216.10
TB_ELSEWHERE=151.101.64.9
TB_HOST=62.0.0.2

# testbed_enter "$0" "$@": call first; comes back inside the namespaces.
testbed_enter() {
  if [ "${TB_INSIDE:-}" = 1 ]; then
    mount --make-rprivate /
    mount -t tmpfs -o mode=0755 tmpfs /run
    mount -t sysfs sysfs /sys
    mkdir -p /run/outcall /run/netns
    ip link set lo up
    return
  fi
  [ "$(id -u)" = 0 ] || tap_skip_all "needs root"
  for tb_tool in ip nft bwrap nginx unbound openssl curl git nc python3 dig; do
    command -v $tb_tool >/dev/null || tap_skip_all "needs $tb_tool"
  done
  unshare --mount --net true 2>/dev/null || tap_skip_all "no namespaces here"
  TB_INSIDE=1 exec unshare --mount --net --pid --fork --kill-child --mount-proc sh "$@"
}

# tb_wait COMMAND…: until it succeeds, for two minutes at most: machines are busy.
tb_wait() {
  tb_left=2400
  while ! "$@" >/dev/null 2>&1; do
    tb_left=$((tb_left - 1))
    [ $tb_left -gt 0 ] || return 1
    sleep 0.05
  done
}

in_host() { ip netns exec host "$@"; }
in_net() { ip netns exec net "$@"; }
in_elsewhere() { ip netns exec elsewhere "$@"; }

tb_links() {
  for tb_ns in host net elsewhere; do
    ip netns add $tb_ns
    ip -n $tb_ns link set lo up
  done
  ip link add up0 netns host type veth peer name dn0 netns net
  ip link add ew0 netns net type veth peer name up0 netns elsewhere
  ip -n host addr add $TB_HOST/24 dev up0
  ip -n net addr add 62.0.0.1/24 dev dn0
  ip -n net addr add 151.101.64.1/24 dev ew0
  ip -n net addr add $TB_DNS/32 dev lo
  ip -n net addr add $TB_WEB/32 dev lo
  ip -n elsewhere addr add $TB_ELSEWHERE/24 dev up0
  for tb_link in host/up0 net/dn0 net/ew0 elsewhere/up0; do
    ip -n "${tb_link%/*}" link set "${tb_link#*/}" up
  done
  ip -n host route add default via 62.0.0.1
  ip -n elsewhere route add default via 151.101.64.1
  in_net sysctl -qw net.ipv4.ip_forward=1
  # IPv6 works between host and net, so that its refusal is not an accident.
  ip -n host addr add 2620:fe::2/64 dev up0 nodad
  ip -n net addr add 2620:fe::1/64 dev dn0 nodad
}

# tb_certificate NAME DNS…: signed by the bed's own CA.
tb_certificate() {
  tb_name=$1
  shift
  tb_san=
  for tb_dns in "$@"; do tb_san="$tb_san,DNS:$tb_dns"; done
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" \
    -keyout "$TB/$tb_name.key" -out "$TB/$tb_name.csr" 2>/dev/null
  printf 'subjectAltName=%s\n' "${tb_san#,}" >"$TB/$tb_name.ext"
  openssl x509 -req -in "$TB/$tb_name.csr" -CA "$TB/ca.pem" -CAkey "$TB/ca.key" \
    -CAcreateserial -days 2 -extfile "$TB/$tb_name.ext" -out "$TB/$tb_name.pem" 2>/dev/null
}

tb_certificates() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
    -subj "/CN=Testbed CA" -keyout "$TB/ca.key" -out "$TB/ca.pem" 2>/dev/null
  tb_certificate web api.example.com blocked.example.com git.example.org \
    front.example.com cdn.example.com
  tb_certificate elsewhere elsewhere.example.net
}

# tb_unbound NAMESPACE NAME ADDRESS
tb_unbound() {
  cat >"$TB/$2.conf" <<EOF
server:
  directory: "$TB"
  chroot: ""
  username: ""
  pidfile: "$TB/$2.pid"
  use-syslog: no
  logfile: "$TB/$2.log"
  log-queries: yes
  do-daemonize: yes
  do-ip6: no
  interface: $3
  access-control: 0.0.0.0/0 allow
  module-config: "iterator"
  local-zone: "example.com." static
  local-data: "example.com. 300 IN SOA ns.example.com. root.example.com. 1 3600 900 86400 60"
  local-data: "api.example.com. 300 IN A $TB_WEB"
  local-data: "front.example.com. 300 IN A $TB_WEB"
  local-data: "cdn.example.com. 300 IN A $TB_WEB"
  local-data: "blocked.example.com. 300 IN A $TB_WEB"
  local-data: "plain.example.com. 300 IN A $TB_WEB"
  local-data: "direct.example.com. 300 IN A $TB_ELSEWHERE"
  local-data: "private.example.com. 300 IN A 10.1.2.3"
  local-data: "private.example.com. 300 IN A 169.254.169.254"
  local-data: "mixed.example.com. 300 IN A 192.168.7.7"
  local-data: "mixed.example.com. 300 IN A $TB_WEB"
  local-data: "services.example.com. 300 IN A 93.184.216.20"
  local-data: "self.example.com. 300 IN A $TB_HOST"
  local-zone: "example.org." static
  local-data: "git.example.org. 300 IN A $TB_WEB"
  local-zone: "example.net." static
  local-data: "elsewhere.example.net. 300 IN A $TB_ELSEWHERE"
  local-data: "dead.example.net. 300 IN A 93.184.216.99"
remote-control:
  control-enable: no
EOF
  ip netns exec "$1" unbound -c "$TB/$2.conf"
}

# tb_nginx NAMESPACE NAME ADDRESS CERTIFICATE
tb_nginx() {
  mkdir -p "$TB/$2-root"
  cat >"$TB/$2.conf" <<EOF
user root;
worker_processes 1;
pid $TB/$2.pid;
error_log $TB/$2-error.log;
events { worker_connections 1024; }
http {
  access_log $TB/$2-access.log;
  client_body_temp_path $TB/$2-tmp;
  proxy_temp_path $TB/$2-tmp;
  fastcgi_temp_path $TB/$2-tmp;
  uwsgi_temp_path $TB/$2-tmp;
  scgi_temp_path $TB/$2-tmp;
  ssl_certificate $TB/$4.pem;
  ssl_certificate_key $TB/$4.key;
  server {
    listen $3:80;
    listen $3:443 ssl http2;
    listen $3:8443 ssl;
    root $TB/$2-root;
    location = /hello { return 200 "hello from \$host\\n"; }
    location = /method { return 200 "\$request_method\\n"; }
    location /repos/ { return 200 "repos\\n"; }
    location = /whoami { return 200 "\$http_authorization\\n"; }
    location = /reveal { add_header X-Was "\$http_authorization"; return 200 "told\\n"; }
    location /admin/ { return 200 "admin\\n"; }
  }
}
EOF
  ip netns exec "$1" nginx -c "$TB/$2.conf" -e "$TB/$2-error.log"
}

tb_repository() {
  git init -q --bare "$TB/web-root/repo.git"
  git init -q "$TB/seed"
  (cd "$TB/seed" && echo "a file" >file && git add file &&
    git -c user.name=t -c user.email=t@example.org commit -q -m one &&
    git push -q "$TB/web-root/repo.git" HEAD:refs/heads/main)
  git -C "$TB/web-root/repo.git" symbolic-ref HEAD refs/heads/main
  # The plain-files protocol: any web server can serve it.
  git -C "$TB/web-root/repo.git" update-server-info
}

tb_servers() {
  tb_unbound net dns $TB_DNS
  tb_unbound elsewhere elsewhere-dns $TB_ELSEWHERE
  tb_nginx net web $TB_WEB web
  tb_nginx elsewhere elsewhere $TB_ELSEWHERE elsewhere
  tb_repository
  head -c 20000000 /dev/urandom >"$TB/web-root/big"
  in_elsewhere python3 "$OUTCALL_SRCDIR/tests/testbed/listeners.py" $TB_ELSEWHERE \
    >"$TB/listeners.log" 2>&1 &
  tb_wait grep -q ready "$TB/listeners.log"
  tb_wait in_host dig +short +time=1 +tries=1 @$TB_DNS api.example.com
}

# testbed_up: needs OUTCALL_SRCDIR and OUTCALL_BUILDDIR. TB is the scratch folder.
testbed_up() {
  TB=$(mktemp -d "${TMPDIR:-/tmp}/bed.XXXXXX")
  chmod 755 "$TB"
  [ -z "${TMPDIR:-}" ] || chmod 755 "$TMPDIR"
  mkdir -p "$TB/rules.d" "$TB/state" "$TB/project" "$TB/home"
  # Nothing of the machine's own settings: git, curl and the daemon see a new home.
  HOME=$TB/home
  export HOME
  unset G_DEBUG http_proxy https_proxy HTTP_PROXY HTTPS_PROXY CURL_CA_BUNDLE SSL_CERT_FILE \
    GIT_SSL_CAINFO
  tb_links
  tb_certificates
  tb_servers
  cp "$TB/ca.pem" "$TB/project/"
  LD_LIBRARY_PATH=$OUTCALL_BUILDDIR/lib/outcall-api/.libs
  export LD_LIBRARY_PATH
}

# daemon_start [OPTION…]: waits until it serves or has ended.
daemon_start() {
  ip netns exec host "$(tb_program outcalld)" --rules-dir "$TB/rules.d" --state-dir "$TB/state" \
    --dns-upstream $TB_DNS --workers 2 "$@" >>"$TB/daemon.log" 2>&1 &
  TB_DAEMON=$!
  tb_wait daemon_settled
  daemon_ready >/dev/null || {
    sed 's/^/# /' "$TB/daemon.log"
    return 1
  }
}

daemon_ready() {
  kill -0 $TB_DAEMON && curl -sf --unix-socket /run/outcall/host.sock http://x/api/v1/ready
}

daemon_settled() { daemon_ready || ! kill -0 $TB_DAEMON; }

# daemon_stop [SIGNAL]: and waits for the end.
daemon_stop() {
  kill -"${1:-TERM}" $TB_DAEMON
  wait $TB_DAEMON 2>/dev/null
}

# rules NAME <<EOF …: writes a rule file.
rules() {
  cat >"$TB/rules.d/$1.yaml"
  chmod 644 "$TB/rules.d/$1.yaml"
}

outcall() { ip netns exec host "$(tb_program outcall)" "$@"; }

# sandbox COMMAND…: in $TB/project, confined.
sandbox() { (cd "$TB/project" && outcall run -- "$@"); }

host_api() { in_host curl -s --unix-socket /run/outcall/host.sock "$@"; }

# attack_up NAME [MEMBERS]: a workload with every capability in its own network namespace,
# attached through the API. in_attack NAME COMMAND… runs in it.
attack_up() {
  unshare --user --map-root-user --net sleep 1000 &
  eval "TB_ATTACK_$1=$!"
  tb_wait tb_fresh_netns $!
  tb_answer=$(host_api -H 'Content-Type: application/json' \
    -d "{\"pid\": $!, \"name\": \"$1\"${2:+, $2}}" http://x/api/v1/sandbox/attach)
  case $tb_answer in
  *'"success":true'*) return 0 ;;
  esac
  echo "# attach: $tb_answer"
  return 1
}

tb_fresh_netns() {
  [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ] &&
    [ "$(cat "/proc/$1/comm")" = sleep ]
}

in_attack() {
  eval "tb_pid=\$TB_ATTACK_$1"
  shift
  nsenter --target "$tb_pid" --user --net --preserve-credentials -- "$@"
}

attack_down() {
  eval "tb_pid=\$TB_ATTACK_$1"
  kill -9 "$tb_pid"
  wait "$tb_pid" 2>/dev/null
}
