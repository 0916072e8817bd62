# SPDX-License-Identifier: GPL-3.0-or-later
# Installs what is needed to build and to test, with apt or dnf, asking nothing.
# Source it: deps_install build|test|engine. Only what is missing is installed.
# shellcheck shell=sh

DEPS_APT_BUILD="autoconf automake libtool autopoint gettext pkg-config gcc g++ make xz-utils
 libc6-dev libglib2.0-dev libjson-glib-dev libmnl-dev libnftnl-dev libyaml-dev libpcre2-dev
 libldns-dev libpsl-dev libjansson-dev libgnutls28-dev bubblewrap ca-certificates tzdata"
DEPS_APT_TEST="nftables iproute2 unbound dnsmasq-base nginx-light openssl curl git
 netcat-openbsd python3 bind9-dnsutils nmap procps util-linux clang libclang-rt-14-dev llvm
 shellcheck file iputils-ping knot-dnsutils dnsperf squid tinyproxy-bin chromium nodejs npm systemd
 tmux busybox-static musl-tools binutils prometheus
 python3-jsonschema python3-prometheus-client python3-pip python3-requests golang-go wget zsh fish
 nsd ldnsutils libc-ares-dev hey logrotate"
DEPS_DNF_BUILD="autoconf automake libtool gettext-devel pkgconf-pkg-config gcc gcc-c++ make xz
 glibc-static glib2-devel json-glib-devel libmnl-devel libnftnl-devel libyaml-devel pcre2-devel
 ldns-devel libpsl-devel gnutls-devel jansson-devel jansson-static bubblewrap ca-certificates tzdata"
DEPS_DNF_TEST="nftables iproute unbound dnsmasq nginx openssl curl git nmap-ncat python3 bind-utils
 nmap procps-ng util-linux clang compiler-rt llvm ShellCheck file iputils knot-utils dnsperf squid
 tinyproxy chromium nodejs npm systemd tmux busybox binutils python3-jsonschema
 python3-prometheus_client python3-pip python3-requests golang wget zsh fish nsd ldns-utils musl-gcc c-ares-devel logrotate"
DEPS_APT_ENGINE="docker.io podman netavark crun runc containerd tini catatonit iptables
 busybox-static fuse-overlayfs docker-registry"
DEPS_DNF_ENGINE="moby-engine podman netavark crun runc containerd tini catatonit iptables busybox"

# Packages that bring a server would start it; the tests start their own.
deps_without_services() {
  if [ -e /usr/sbin/policy-rc.d ]; then
    "$@"
    return
  fi
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod 755 /usr/sbin/policy-rc.d
  deps_status=0
  "$@" || deps_status=$?
  rm -f /usr/sbin/policy-rc.d
  return $deps_status
}

# Node.js comes from elsewhere on many machines, and that one conflicts.
deps_has() {
  case $1 in
  nodejs) command -v node >/dev/null ;;
  npm) command -v npm >/dev/null ;;
  *) [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ] ;;
  esac
}

deps_apt() {
  deps_missing=
  for deps_package in "$@"; do
    deps_has "$deps_package" || deps_missing="$deps_missing $deps_package"
  done
  [ -n "$deps_missing" ] || return 0
  echo "installing:$deps_missing"
  apt-get update -q >/dev/null
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive deps_without_services \
    apt-get install -y -q --no-install-recommends $deps_missing >/dev/null
}

# deps_install build|test|engine
deps_install() {
  case $1 in
  build) deps_apt_list=$DEPS_APT_BUILD deps_dnf_list=$DEPS_DNF_BUILD ;;
  engine) deps_apt_list=$DEPS_APT_ENGINE deps_dnf_list=$DEPS_DNF_ENGINE ;;
  *) deps_apt_list=$DEPS_APT_TEST deps_dnf_list=$DEPS_DNF_TEST ;;
  esac
  if command -v apt-get >/dev/null; then
    # shellcheck disable=SC2086
    deps_apt $deps_apt_list
  elif command -v dnf >/dev/null; then
    # shellcheck disable=SC2086
    dnf install -y -q $deps_dnf_list
  else
    echo "neither apt-get nor dnf here; needed are: $deps_apt_list" >&2
    return 1
  fi
}

deps_need_root() {
  [ "$(id -u)" = 0 ] && return
  echo "$0 needs root: it installs packages and makes network namespaces. Try: sudo $0" >&2
  exit 1
}
