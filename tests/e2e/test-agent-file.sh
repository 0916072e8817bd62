#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What .outcall/agent.yaml gives a sandbox, and when. Specification: 06 "File view".
. "$OUTCALL_SRCDIR/tests/e2e/common.sh"
testbed_enter "$0" "$@"
e2e_start
cd "$TB/project" || exit 1
outcall agent --init >/dev/null
tap_is $? 0 "a file is made"
outcall agent --init >/dev/null 2>&1
tap_is $? 1 "but none is replaced"
tap_is "$(sandbox echo ran 2>&1)" ran "the one that was made has no effect"
outcall agent >/dev/null 2>&1
tap_is $? 2 "nor a command"
echo seen >"$TB/shown"
cat >.outcall/agent.yaml <<END
version: "1"
name: tester
command: [sh, -c, 'echo "\$GIVEN"; cat /mnt/shown; echo y >.envrc && echo written']
bind: ["$TB/shown:/mnt/shown:ro"]
env: ["GIVEN=from the file"]
writable: [.envrc]
END
answer=$(outcall agent 2>&1)
tap_is $? 2 "a changed file has no effect"
tap_like "$answer" 'agent --trust' "and the way is told"
tap_unlike "$(sandbox sh -c 'echo "$GIVEN"; ls /mnt' 2>/dev/null)" 'from|shown' "on other commands neither"
tap_like "$(outcall agent --trust)" 'GIVEN=from the file' "what is trusted is shown"
tap_is "$(outcall agent)" "$(printf 'from the file\nseen\nwritten')" "then its command runs with all of it"
rm -f .envrc
tap_is "$(outcall run)" "$(printf 'from the file\nseen\nwritten')" "by run as well"
rm -f .envrc
tap_is "$(outcall run --env GIVEN=option -- sh -c 'echo "$GIVEN"')" option "an option has the last word"
outcall run -- sh -c 'echo x >>.outcall/agent.yaml' 2>/dev/null
tap_is "$(grep -c version .outcall/agent.yaml)$(tail -n 1 .outcall/agent.yaml)" "1writable: [.envrc]" \
  "the command cannot write it"
outcall run -- sh -c 'curl -s --max-time 5 http://blocked.example.com/; exec sleep 1000' >/dev/null 2>&1 &
named() { outcall ps | grep -q '^tester '; }
tb_wait named
tap_ok $? "the workload has its name"
mkdir "$TB/other-project"
tap_like "$(outcall agent --list)" 'tester ' "the list of the project has it"
tap_like "$(outcall agent --list --json)" '^\[\{"name":"tester",' "as JSON too"
tap_is "$(cd "$TB/other-project" && outcall agent --list)" "Nothing runs confined in this project." \
  "that of another one has not"
for verb in list stop logs; do
  tap_is "$(cd "$TB/other-project" && outcall agent --$verb --json)" "[]" "in JSON neither, with --$verb"
done
(cd "$TB/other-project" && outcall agent --stop) >/dev/null
named
tap_ok $? "nor does that one's --stop end it"
decided() { outcall agent --logs | grep -q 'blocked.*tester.*blocked\.example\.com'; }
tb_wait decided
tap_ok $? "its decisions are shown"
outcall agent --list --stop >/dev/null 2>&1
tap_is $? 2 "one thing at a time"
tap_like "$(outcall agent --logs --json | python3 -c 'import json, sys
print({d["workload"] for d in json.load(sys.stdin)})')" "^\{'tester'\}\$" "in JSON they are one list"
tap_like "$(outcall agent --stop)" 'tester is being stopped' "--stop ends it"
wait $!
tap_is "$(outcall agent --stop)" "Nothing runs confined in this project." "and once only"
printf 'version: "1"\nbind: [/run]\n' >.outcall/agent.yaml
outcall agent --trust >/dev/null
tap_like "$(sandbox true 2>&1)" 'agent.yaml.*/run.*protected' "it can show no more than an option could"
printf 'version: "1"\nbinds: [/srv]\n' >.outcall/agent.yaml
answer=$(outcall agent --trust 2>&1)
tap_is $? 1 "one with a mistake cannot be trusted"
tap_like "$answer" "agent.yaml:2:1: error: unknown key 'binds'; did you mean 'bind'" "which is told with its place"
rm -r .outcall
printf '#!/bin/sh\necho "key $ANTHROPIC_API_KEY"\n' >claude
chmod +x claude
as_claude() { PATH=$PWD:$PATH ANTHROPIC_API_KEY=given outcall run -- "$@"; }
tap_is "$(as_claude claude 2>"$TB/told")" "key given" "a known agent without a file runs by its recipe"
tap_like "$(cat "$TB/told")" 'claude runs by its recipe.*outcall recipe claude' "which is told"
tap_is "$(as_claude ./claude 2>"$TB/told")" "key " "a program at a path does not"
tap_unlike "$(cat "$TB/told")" recipe "and nothing is told"
mkdir .outcall
printf 'version: "1"\n' >.outcall/agent.yaml
tap_is "$(as_claude claude 2>/dev/null)" "key " "nor where the project has a file that nobody trusts"
outcall agent --trust >/dev/null
tap_is "$(as_claude claude 2>/dev/null)" "key " "nor with one that is trusted and says nothing of it"
rm -r .outcall claude
answer=$(outcall init claude)
tap_is $? 0 "a file is made from a recipe"
tap_like "$answer" 'outcall allow api\.anthropic\.com' "and what it has to reach is told"
tap_is "$(outcall recipe claude)" "$(cat .outcall/agent.yaml)" "which recipe shows as well"
outcall init codex >/dev/null 2>&1
tap_is $? 1 "init replaces none either"
tap_like "$(outcall agent 2>&1)" 'agent --trust' "it has no effect before it is trusted"
printf '#!/bin/sh\necho "key $ANTHROPIC_API_KEY"\n' >claude
chmod +x claude
outcall agent --trust >/dev/null
tap_is "$(PATH=$PWD:$PATH ANTHROPIC_API_KEY=given outcall agent)" "key given" "then its command has its key"
tap_like "$(outcall --json recipe)" '^\[\{"name":"generic","hosts":\[\],"file":' "the list is JSON too"
tap_like "$(outcall recipe clau 2>&1)" "no recipe 'clau'" "an unknown one is told"
daemon_stop
tap_done
