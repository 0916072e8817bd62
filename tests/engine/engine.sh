# SPDX-License-Identifier: GPL-3.0-or-later
# A real container engine in the test bed's host namespace, with folders, socket and
# network of its own, and an image made of busybox. Source it after testbed_enter.
# shellcheck shell=sh

# What the bed's own /sys hides.
engine_cgroups() {
  if grep -q '^0::' /proc/self/cgroup && [ "$(wc -l </proc/self/cgroup)" = 1 ]; then
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    return
  fi
  mount -t tmpfs tmpfs /sys/fs/cgroup
  for engine_controller in $(awk 'NR > 1 && $4 == 1 {print $1}' /proc/cgroups); do
    mkdir "/sys/fs/cgroup/$engine_controller"
    mount -t cgroup -o "$engine_controller" cgroup "/sys/fs/cgroup/$engine_controller" 2>/dev/null ||
      rmdir "/sys/fs/cgroup/$engine_controller"
  done
  if grep -q ':name=systemd:' /proc/self/cgroup; then
    mkdir /sys/fs/cgroup/systemd
    mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
  fi
}

# Not `ip netns exec`: that would hide the control groups again.
in_engine() { nsenter --net=/run/netns/host -- "$@"; }

engine_curl() { in_engine curl -s --unix-socket "$ENGINE_SOCKET" "$@"; }

engine_ready() { engine_curl -f http://x/_ping; }

# engine_api METHOD PATH [JSON]
engine_api() {
  if [ $# -gt 2 ]; then
    engine_curl -X "$1" -H 'Content-Type: application/json' -d "$3" "http://x/v1.41$2"
  else
    engine_curl -X "$1" "http://x/v1.41$2"
  fi
}

docker_start() {
  ENGINE_SOCKET=/run/docker.sock
  # Not in_engine: a function in the background would be one process more.
  nsenter --net=/run/netns/host -- dockerd --data-root "$TB/engine" --exec-root /run/docker-exec \
    --pidfile /run/docker.pid --bridge none --live-restore -H "unix://$ENGINE_SOCKET" "$@" \
    >>"$TB/docker.log" 2>&1 &
  ENGINE_PID=$!
  tb_wait engine_ready || { tail -n 30 "$TB/docker.log" | sed 's/^/# /'; return 1; }
}

podman_start() {
  ENGINE_SOCKET=/run/podman/podman.sock
  mkdir -p /run/podman /run/containers-networks
  cat >/run/containers.conf <<CONF
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
network_config_dir = "/run/containers-networks"
CONF
  printf '[[registry]]\nlocation = "127.0.0.1:5000"\ninsecure = true\n' >/run/registries.conf
  CONTAINERS_CONF=/run/containers.conf CONTAINERS_REGISTRIES_CONF=/run/registries.conf nsenter --net=/run/netns/host -- podman \
    --root "$TB/engine" --runroot /run/podman-root system service --time 0 "unix://$ENGINE_SOCKET" >>"$TB/podman.log" 2>&1 &
  ENGINE_PID=$!
  tb_wait engine_ready || { tail -n 30 "$TB/podman.log" | sed 's/^/# /'; return 1; }
}

# In memory, and gone with the namespaces.
engine_start() {
  if [ ! -d "$TB/engine" ]; then
    mkdir "$TB/engine"
    mount -t tmpfs -o mode=0711 tmpfs "$TB/engine"
  fi
  "${ENGINE}_start"
}

# Everything of the bed, also after a failure.
engine_clean() {
  kill -9 $ENGINE_PID $TB_DAEMON $ENGINE_REGISTRY 2>/dev/null
  umount -l "$TB/engine" "$ENGINE_ALIAS" 2>/dev/null
  rmdir "$ENGINE_ALIAS"
  rm -rf "$TB"
}

# engine_stop [SIGNAL]: and waits for the end.
engine_stop() {
  kill -"${1:-TERM}" $ENGINE_PID
  wait $ENGINE_PID 2>/dev/null
}

engine_image() {
  mkdir -p "$TB/image/bin" "$TB/image/etc"
  cp /bin/busybox "$TB/image/bin/"
  for engine_applet in sh nc wget sleep nslookup ip ping id cat echo arping kill true mkdir ls grep \
    mount date touch timeout; do
    ln -sf busybox "$TB/image/bin/$engine_applet"
  done
  echo 'root:x:0:0:root:/:/bin/sh' >"$TB/image/etc/passwd"
  tar -C "$TB/image" -c . |
    engine_curl -X POST -T - "http://x/v1.41/images/create?fromSrc=-&repo=box&tag=latest" \
      >"$TB/import.log"
  tb_wait engine_has_image
}
engine_has_image() { engine_curl -f http://x/v1.41/images/box/json; }

# A registry at $REGISTRY with the image pulled:1, of eight megabytes, which the engine has not.
registry_up() {
  REGISTRY=127.0.0.1:5000
  cat >"$TB/registry.yml" <<CONF
version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: $TB/registry}}
http: {addr: "$REGISTRY"}
CONF
  nsenter --net=/run/netns/host -- docker-registry serve "$TB/registry.yml" >"$TB/registry.log" 2>&1 &
  ENGINE_REGISTRY=$!
  tb_wait in_engine curl -sf "http://$REGISTRY/v2/" || return 1
  head -c 8000000 /dev/urandom >"$TB/image/etc/much"
  engine_much=$(tar -C "$TB/image" -c . |
    engine_curl -X POST -T - "http://x/v1.41/images/create?fromSrc=-" | grep -o 'sha256:[0-9a-f]*' | tail -n 1)
  engine_api POST "/images/$engine_much/tag?repo=$REGISTRY/pulled&tag=1" >>"$TB/import.log"
  engine_curl -X POST -H "X-Registry-Auth: $(printf '{}' | base64)" \
    "http://x/v1.41/images/$REGISTRY/pulled/push?tag=1" >>"$TB/import.log"
  engine_api DELETE "/images/$engine_much?force=true" >>"$TB/import.log"
  in_engine curl -sf "http://$REGISTRY/v2/pulled/tags/list" | grep -q '"1"'
}

# Whether the daemon is connected to it.
engine_connected() { outcall status --json | grep -q '"name":"engine","state":"running"'; }

# in_netns NAME COMMAND…: as the host's root in the container's network namespace: all that
# a privileged exec could do there, and more.
in_netns() {
  engine_pid=$(json "$(engine_api GET "/containers/$1/json")" 'd["State"]["Pid"]')
  shift
  nsenter --net --target "$engine_pid" -- "$@"
}

# json TEXT EXPRESSION: of the object d.
json() { printf '%s' "$1" | python3 -c "import json,sys; d=json.load(sys.stdin); print($2)"; }

# in_container NAME COMMAND…: an exec through the engine; its output and, as $?, its code.
in_container() {
  engine_target=$1
  shift
  engine_exec=$(python3 -c 'import json,sys; print(json.dumps({"AttachStdout":True,
    "AttachStderr":True,"Privileged":'"${ENGINE_PRIVILEGED:-False}"',"User":"'"${ENGINE_USER:-}"'",
    "Cmd":sys.argv[1:]}))' "$@")
  engine_exec=$(engine_api POST "/containers/$engine_target/exec" "$engine_exec")
  engine_exec=$(json "$engine_exec" 'd.get("Id","")')
  [ -n "$engine_exec" ] || return 99
  # Frames: an eighth byte's worth of head before each piece.
  engine_api POST "/exec/$engine_exec/start" '{"Detach":false,"Tty":false}' |
    python3 -c 'import sys
b = sys.stdin.buffer.read()
while len(b) >= 8:
  n = int.from_bytes(b[4:8], "big"); sys.stdout.buffer.write(b[8:8+n]); b = b[8+n:]'
  # The session goes with its container, and a shell ends by a return of no number.
  engine_code=$(json "$(engine_api GET "/exec/$engine_exec/json")" 'd["ExitCode"]' 2>/dev/null)
  case $engine_code in
  '' | *[!0-9]*) return 99 ;;
  esac
  return "$engine_code"
}
