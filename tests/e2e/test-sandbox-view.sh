#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What a sandbox sees of the host. Specification: 06 "File view", 13 promise 6.
. "$OUTCALL_SRCDIR/tests/e2e/common.sh"
testbed_enter "$0" "$@"
e2e_start
echo hidden >"$HOME/secret"
export SECRET_TOKEN=hunter2 SSH_AUTH_SOCK=/run/agent
tap_is "$(sandbox cat /etc/resolv.conf)" "$(printf 'nameserver 10.200.0.1\noptions ndots:0')" \
  "resolv.conf names the gateway"
environment=$(sandbox env)
tap_unlike "$environment" 'hunter2|SSH_AUTH_SOCK' "secrets of the environment stay outside"
for name in HTTP_PROXY HTTPS_PROXY http_proxy https_proxy; do
  tap_like "$environment" "^$name=http://10\\.200\\.0\\.1:8080/?\$" "$name is set"
done
tap_like "$environment" '^NODE_USE_ENV_PROXY=1$' "Node is told to use it"
tap_unlike "$(sandbox sh -c 'cat "$HOME/secret"; ls -A "$HOME"' 2>&1)" 'hidden' "HOME is empty"
sandbox test -e /run/outcall/host.sock
tap_is $? 1 "host.sock is not there"
sandbox test -S /run/outcall/agent.sock
tap_is $? 0 "agent.sock is"
tap_like "$(sandbox outcall-agent whoami 2>&1)" 'sh|outcall-agent' "and the shim knows who it is"
sandbox sh -c 'echo x >/usr/bin/planted' 2>/dev/null
[ ! -e /usr/bin/planted ]
tap_ok $? "system folders are read-only"
sandbox sh -c 'echo made >made'
tap_is "$(cat "$TB/project/made")" made "the project is writable"
mkdir -p "$TB/project/.outcall"
sandbox sh -c 'echo x >.outcall/agent.yaml' 2>/dev/null
[ ! -e "$TB/project/.outcall/agent.yaml" ]
tap_ok $? "but for .outcall"
sandbox sh -c 'exit 7'
tap_is $? 7 "the exit code is the command's"
sandbox sh -c 'kill -9 $$'
tap_is $? 137 "128 + signal when it was killed"
tap_is "$(echo through | sandbox cat)" through "standard input passes"
tap_is "$(sandbox sh -c 'grep : /proc/net/dev | grep -cv "lo:"')" 1 "one interface beside lo"
tap_unlike "$(sandbox sh -c 'grep -h Cap /proc/self/status')" 'CapEff:.*[1-9a-f]' \
  "no capabilities inside"
tap_is "$(sandbox sh -c 'grep NoNewPrivs /proc/self/status | tr -d "[:blank:]"')" NoNewPrivs:1 \
  "and none to be had"
sandbox "$(tb_program outcall)" run -- true >/dev/null 2>&1
[ $? -ne 0 ]
tap_ok $? "a sandbox in a sandbox is refused"
daemon_stop
answer=$(sandbox touch ran 2>&1)
tap_is $? 1 "without the daemon nothing runs"
[ ! -e "$TB/project/ran" ]
tap_ok $? "really nothing"
tap_like "$answer" 'cannot connect to outcalld at /run/outcall/host.sock' "and the reason is told"
tap_done
