#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The `rules` commands without a daemon: check, test, list, show, explain. The examples
# of the man pages are run as they are printed.
# shellcheck source=tests/testlib/tap.sh
. "$OUTCALL_SRCDIR/tests/testlib/tap.sh"

outcall=$OUTCALL_BUILDDIR/src/outcall/outcall
dir=$TMPDIR/rules.d
mkdir "$dir"

# run ARGUMENT…: $text is what it says, $code how it ends.
run() {
  text=$("$outcall" rules "$@" 2>"$TMPDIR/stderr")
  code=$?
  errors=$(cat "$TMPDIR/stderr")
}

cat >"$dir/10-a.yaml" <<'EOF'
version: "1"
definitions:
  github: 'inDomain(network.hostname, "github.com")'
rules:
  - id: allow-github
    condition: '$github && network.port == 443'
    action: allow
  - id: allow-npm
    hosts: ["registry.npmjs.org", "*.npmjs.org"]
    ports: [443]
    agents: ["ci"]
    action: allow
  - id: block-pastes
    description: "No pastes"
    hosts: ["gist.github.com"]
    priority: 10
    action: block
    reason: "Pastes are not for this machine."
tests:
  - name: "GitHub is allowed"
    given: { network: { hostname: api.github.com, port: 443 } }
    expect: allow
  - name: "over SSH it is not"
    given: { network: { hostname: github.com, port: 22 } }
    expect: { decision: block, rule: null }
EOF

# --- check ---
run check --rules-dir "$dir"
tap_is "$code $text" "0 No errors. Rules: 3, files: 1" "check: good rules"
tap_is "$errors" "" "nothing to say about them"
run check "$dir/10-a.yaml" --json
tap_is "$code $text" '0 {"files_loaded":1,"rules_loaded":3,"warnings":[]}' "check --json"
run check "$dir/10-a.yaml" --rules-dir "$dir"
tap_is "$code" 2 "files and a directory are wrong use"
run check "$TMPDIR/none.yaml"
tap_is "$code" 1 "a missing file is an error"

cat >"$TMPDIR/bad.yaml" <<'EOF'
version: "1"
rules:
  - id: bad
    condition: 'network.hostnme == "a.example"'
    action: allow
EOF
run check "$TMPDIR/bad.yaml"
tap_is "$code $text" "1 " "check: a misspelt variable"
cat >"$TMPDIR/wanted" <<EOF
$TMPDIR/bad.yaml:4:17: error: undeclared reference to 'network.hostnme'; did you mean 'network.hostname'?
      condition: 'network.hostnme == "a.example"'
                  ^~~~~~~~~~~~~~~
EOF
tap_is "$errors" "$(cat "$TMPDIR/wanted")" "with its place and a caret"
run check "$TMPDIR/bad.yaml" --json
tap_is "$code" 1 "check --json fails, too"
tap_like "$text" '"severity":"error".*"line":4,"column":17,"length":15' "and has the place in members"
for command in "test" "list" "show bad" "explain a.example"; do
  mkdir -p "$TMPDIR/bad.d"
  cp "$TMPDIR/bad.yaml" "$TMPDIR/bad.d/"
  # shellcheck disable=SC2086
  run $command --rules-dir "$TMPDIR/bad.d"
  tap_is "$code $text" "1 " "'rules $command' with bad rules fails"
  tap_like "$errors" 'bad.yaml:4:17: error: undeclared' "and says why"
done

# --- test ---
run test --rules-dir "$dir"
tap_is "$code" 0 "test: all pass"
tap_is "$text" "passed GitHub is allowed
passed over SSH it is not
2 passed, 0 failed
Rules that a test decides: 1 of 3
  no test reaches block-pastes (10-a.yaml:13)
  no test reaches allow-npm (10-a.yaml:8)" "names, counts, rules without a test"
sed 's/expect: allow/expect: block/' "$dir/10-a.yaml" >"$TMPDIR/wrong.yaml"
run test "$TMPDIR/wrong.yaml"
tap_is "$code" 1 "test: one fails"
tap_like "$text" "FAILED GitHub is allowed \(.*wrong.yaml:20\): expected block, found allow by rule 'allow-github'" \
  "and says what was found"
run test --json --rules-dir "$dir"
tap_like "$text" '^\{"passed":2,"failed":0,"rules":3,"tests":\[.*"untested":\[\{"id":"block-pastes","file":"10-a.yaml","line":13\}' \
  "test --json"

# --- list, show ---
run list --rules-dir "$dir"
tap_like "$(echo "$text" | sed -n 2p)" '^ +10 +block-pastes +block .* No pastes$' "list: in order"
run show allow-npm --rules-dir "$dir"
tap_like "$text" '^condition: \(network.hostname == "registry.npmjs.org" \|\| network.hostname.endsWith\("\.npmjs\.org"\)\) && network.port in \[443\] && agent.name in \["ci"\]$' \
  "show: the short form as CEL"
run show allow-github --rules-dir "$dir"
tap_like "$text" '^condition: \(inDomain\(network.hostname, "github.com"\)\) && network.port == 443$' \
  "show: definitions in their place"
run show none --rules-dir "$dir"
tap_is "$code" 1 "show: no such rule"
run show allow-npm --json --rules-dir "$dir"
tap_like "$text" '^\{.*"id":"allow-npm".*"condition":' "show --json"

# --- explain ---
run explain --host api.github.com --port 22 --rules-dir "$dir"
tap_is "$code" 0 "explain"
tap_like "$text" '^blocked by default: no rule matches$' "explain: the verdict"
tap_like "$text" 'block-pastes .*network.hostname == "gist.github.com" is false: network.hostname is "api.github.com"' \
  "and the part that is false"
tap_like "$text" 'allow-github .*does not match: network.port == 443 is false: network.port is 22$' \
  "with the values in it"
run explain https://gist.github.com/x --agent ci --rules-dir "$dir"
tap_like "$text" '^blocked by rule block-pastes \(10-a.yaml:13\)$' "explain: the deciding rule"
run explain registry.npmjs.org --agent ci --dns A --rules-dir "$dir"
tap_like "$text" '^allowed by rule allow-npm' "explain --dns: a look-up"
run explain registry.npmjs.org --agent dev --dns A --rules-dir "$dir"
tap_like "$text" 'agent.name in \["ci"\] is false: agent.name is "dev"' "explain --agent"
cat >"$TMPDIR/http.yaml" <<'EOF'
version: "1"
rules:
  - {id: read, hosts: [a.example], ports: [80], methods: [GET], paths: ["/x/*"], action: allow}
EOF
mkdir "$TMPDIR/http.d"
cp "$TMPDIR/http.yaml" "$TMPDIR/http.d/"
run explain a.example --port 80 --method POST --path /x/y --rules-dir "$TMPDIR/http.d"
tap_like "$text" 'http.method in \["GET"\] is false: http.method is "POST"' "explain --method"
run explain a.example --port 80 --path /y --rules-dir "$TMPDIR/http.d"
tap_like "$text" 'is false: http.path is "/y"' "explain --path"
run explain a.example --port 80 --path /x/y --json --rules-dir "$TMPDIR/http.d"
tap_like "$text" '"allowed":true.*"matched_rule":"read".*"trace":\[' "explain --json"
run explain "a b" --rules-dir "$dir"
tap_is "$code" 2 "explain: no host is wrong use"

# --- the man pages ---
# page FILE: its text with roff's escapes undone.
page() {
  sed 's/\\&//g; s/\\-/-/g; s/\\e/\\/g' "$OUTCALL_SRCDIR/man/$1"
}

page outcall-rules.5 | awk -v dir="$TMPDIR" '
  /^\.nf/ { inside = 1; first = 1; next }
  /^\.fi/ { inside = 0 }
  inside && first { whole = /^version:/; if (whole) file = sprintf("%s/example-%02d.yaml", dir, ++n) }
  inside && whole { print > file }
  { if (inside) first = 0 }'
n=0
for file in "$TMPDIR"/example-*.yaml; do
  n=$((n + 1))
  run check "$file"
  tap_is "$code $errors" "0 " "outcall-rules(5): example $n has no mistakes"
  run test "$file"
  tap_is "$code" 0 "and its tests pass"
done
[ "$n" -ge 3 ]
tap_ok $? "outcall-rules(5) has examples"

# Every line must be true for the request that outcall-cel(7) describes.
page outcall-cel.7 | awk '/^\.nf/ { inside = 1; next } /^\.fi/ { inside = 0 } inside' >"$TMPDIR/lines"
n=0
failed=0
while IFS= read -r line; do
  n=$((n + 1))
  cat >"$TMPDIR/line.yaml" <<EOF
version: "1"
rules:
  - id: example
    condition: |-
      $line
    action: allow
tests:
  - name: "line $n"
    given:
      network: {hostname: api.github.com, ip: "140.82.112.5", port: 443, protocol: tcp}
      http: {method: GET, path: /repos/a/b, host: api.github.com, scheme: https,
             headers: {accept: application/json}}
      dns: {query: api.github.com, record_type: A}
      run: {tool: git, args: [push, origin, main]}
      agent: {name: ci}
      request: {time: "2026-03-02T09:30:00Z"}
    expect: {decision: allow, rule: example}
EOF
  if ! "$outcall" rules test "$TMPDIR/line.yaml" >"$TMPDIR/stdout" 2>&1; then
    failed=$((failed + 1))
    echo "# $line"
    sed 's/^/#   /' "$TMPDIR/stdout"
  fi
done <"$TMPDIR/lines"
tap_is "$failed" 0 "outcall-cel(7): all examples are true"
[ "$n" -ge 70 ]
tap_ok $? "there are $n of them"
tap_done
