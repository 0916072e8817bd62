/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

/* What a bad rule file is told, and where: every diagnostic has at least one
 * file here. 03-policy.md, "Rule file" and "Diagnostics". */

#include "policy/oc-policy-expand.h"
#include "policy/oc-policy-yaml.h"
#include "policy/oc-policy.h"

#include <string.h>

/* One rule that is in order, for files that are about something else. */
#define GOOD "rules:\n  - {id: r, hosts: [a.example], action: allow}\n"
#define V "version: \"1\"\n"
#define RULE(members) V "rules:\n  - id: r\n    action: allow\n" members
#define BLOCK(members) V "rules:\n  - id: r\n    action: block\n" members

typedef struct
{
  const char *name;
  const char *text;
  const char *expect; /* "line:column: severity: " and the beginning of the text; NULL: nothing */
} Case;

static const Case cases[] = {
  /* --- YAML --- */
  { "ok", V GOOD, NULL },
  { "ok-version-number", "version: 1\n" GOOD, NULL },
  { "ok-bom", "\xef\xbb\xbf" V GOOD, NULL },
  { "empty", "", "1:1: error: the file is empty" },
  { "only-comment", "# nothing\n", "1:1: error: the file is empty" },
  { "not-yaml", V "rules: [\n", "3:1: error: not valid YAML: " },
  { "tab-indent", V "rules:\n\t- a\n", "3:1: error: not valid YAML: " },
  { "utf-8", V "rules: \"\xff\"\n", "2:9: error: not valid UTF-8" },
  { "control", V "rules: \"\x01\"\n", "2:9: error: a control character (0x01)" },
  { "nul-escape", V "definitions:\n  a: \"x\\0y\"\n" GOOD, "3:6: error: a NUL character" },
  { "anchor", V "rules: &x []\n", "2:8: error: YAML anchors are not allowed" },
  { "alias", V "rules: *x\n", "2:8: error: YAML aliases are not allowed" },
  { "tag", V "rules: !!seq []\n", "2:8: error: YAML tags are not allowed" },
  { "tag-scalar", "version: !foo \"1\"\n" GOOD, "1:10: error: YAML tags are not allowed" },
  { "directive", "%YAML 1.1\n---\n" V GOOD, "1:1: error: YAML directives are not allowed" },
  { "two-documents", V GOOD "---\n" V, "4:1: error: a rule file holds one YAML document" },
  { "complex-key", V "? [a]\n: b\n", "2:3: error: a key must be a plain word, not a list" },
  { "duplicate", V GOOD V, "4:1: error: duplicate key 'version'; it is already on line 1" },
  { "duplicate-in-rule", RULE ("    id: s\n"), "5:5: error: duplicate key 'id'" },
  { "duplicate-of-many",
    V "definitions: {a: '1', b: '1', c: '1', d: '1', e: '1', f: '1', g: '1', h: '1', i: '1', "
      "a: '2'}\n",
    "2:87: error: duplicate key 'a'; it is already on line 2" },
  { "merge-key", V GOOD "<<: {}\n", "4:1: error: unknown key '<<' in a rule file" },
  /* --- The file --- */
  { "not-a-mapping", "- a\n", "1:1: error: a rule file must be a mapping" },
  { "scalar", "hello\n", "1:1: error: a rule file must be a mapping" },
  { "no-version", GOOD, "1:1: error: the file has no 'version'" },
  { "version-2", "version: \"2\"\n" GOOD, "1:10: error: version must be \"1\"" },
  { "version-list", "version: [1]\n" GOOD, "1:10: error: version must be \"1\"" },
  { "unknown-key", V "rulez: []\n",
    "2:1: error: unknown key 'rulez' in a rule file; did you mean 'rules'?" },
  { "unknown-key-far", V GOOD "frobnicate: 1\n",
    "4:1: error: unknown key 'frobnicate' in a rule file; there are: version, definitions, " },
  { "no-rules", V, "1:1: warning: the file has no rules" },
  { "empty-rules", V "rules:\n", "1:1: warning: the file has no rules" },
  { "rules-mapping", V "rules: {a: b}\n", "2:8: error: rules must be a list, not a mapping" },
  { "rule-scalar", V "rules: [a]\n", "2:9: error: a rule must be a mapping" },
  /* --- Members of a rule --- */
  { "no-id", V "rules:\n  - hosts: [a.example]\n    action: allow\n",
    "3:5: error: the rule has no 'id'" },
  { "id-null", V "rules:\n  - id:\n    action: allow\n",
    "3:8: error: id must be a string, not nothing" },
  { "id-bytes", V "rules:\n  - id: a b\n    action: allow\n",
    "3:9: error: an id is 1-128 letters" },
  { "id-twice", V GOOD "  - {id: r, hosts: [b.example], action: allow}\n",
    "4:10: error: rule id 'r' is already used in t.yaml:3" },
  { "unknown-rule-key", RULE ("    host: [a.example]\n"),
    "5:5: error: unknown key 'host' in a rule; did you mean 'hosts'?" },
  { "nothing-to-match", V "rules:\n  - {id: r, action: allow}\n",
    "3:10: error: rule 'r' needs a 'condition' or hosts" },
  { "no-action", V "rules:\n  - {id: r, hosts: [a.example]}\n",
    "3:10: error: rule 'r' has no 'action'" },
  { "action", V "rules:\n  - {id: r, hosts: [a.example], action: deny}\n",
    "3:41: error: action must be one of allow, block, enrich" },
  { "action-typo", V "rules:\n  - {id: r, hosts: [a.example], action: alow}\n",
    "3:41: error: action must be one of allow, block, enrich; did you mean 'allow'?" },
  { "enrich", V "rules:\n  - {id: r, hosts: [a.example], action: enrich}\n",
    "3:41: error: action 'enrich' is reserved" },
  { "priority", RULE ("    hosts: [a.example]\n    priority: high\n"),
    "6:15: error: priority must be a whole number" },
  { "priority-quoted", RULE ("    hosts: [a.example]\n    priority: \"5\"\n"),
    "6:15: error: priority must be a whole number" },
  { "priority-octal", RULE ("    hosts: [a.example]\n    priority: 010\n"),
    "6:15: error: priority must be a whole number" },
  { "priority-range", RULE ("    hosts: [a.example]\n    priority: 2147483648\n"),
    "6:15: error: priority must be -2147483648-2147483647, got 2147483648" },
  { "priority-limits", RULE ("    hosts: [a.example]\n    priority: -2147483648\n"), NULL },
  { "log", RULE ("    hosts: [a.example]\n    log: yes\n"),
    "6:10: error: log must be true or false" },
  { "reason-on-allow", RULE ("    hosts: [a.example]\n    reason: no\n"),
    "6:5: error: 'reason' has no effect on a rule that allows" },
  { "reason-lines", BLOCK ("    hosts: [a.example]\n    reason: \"a\\nb\"\n"),
    "6:13: error: reason must not hold control characters or line breaks" },
  { "description-lines", RULE ("    hosts: [a.example]\n    description: |\n      a\n      b\n"),
    NULL },
  { "description-escape", RULE ("    hosts: [a.example]\n    description: \"\\e[2J\"\n"),
    "6:18: error: description must not hold control characters" },
  /* --- Short form --- */
  { "host-star", RULE ("    hosts: [\"*\"]\n"), "5:13: error: '*' is not a host: '*' would mean" },
  { "host-inner-star", RULE ("    hosts: [\"a.*.b\"]\n"),
    "5:13: error: 'a.*.b' is not a host: '*' may only stand for the whole first label" },
  { "host-two-stars", RULE ("    hosts: [\"*.*.b\"]\n"),
    "5:13: error: '*.*.b' is not a host: '*' may only stand for the whole first label" },
  { "host-url", RULE ("    hosts: [\"https://a.b/\"]\n"),
    "5:13: error: 'https://a.b/' is not a host: write the host only" },
  { "host-port", RULE ("    hosts: [\"a.b:443\"]\n"),
    "5:13: error: 'a.b:443' is not a host: write the port in 'ports'" },
  { "host-path", RULE ("    hosts: [a.b/c]\n"),
    "5:13: error: 'a.b/c' is not a host: a host has no path" },
  { "host-octal", RULE ("    hosts: [\"0177.0.0.1\"]\n"),
    "5:13: error: '0177.0.0.1' is not a host: " },
  { "host-below-address", RULE ("    hosts: [\"*.1.2.3.4\"]\n"),
    "5:13: error: '*.1.2.3.4' is not a host: an address has no names below it" },
  { "host-empty", RULE ("    hosts: [\"\"]\n"), "5:13: error: '' is not a host: " },
  { "host-nested", RULE ("    hosts: [[a]]\n"),
    "5:13: error: a host must be a string, not a list" },
  { "hosts-empty", RULE ("    hosts: []\n"), "5:12: error: hosts is an empty list" },
  { "hosts-scalar", RULE ("    hosts: a.b\n"), "5:12: error: hosts must be a list, not a string" },
  { "hosts-null", RULE ("    hosts:\n"), "5:11: error: hosts must be a list, not nothing" },
  { "port-0", RULE ("    ports: [0]\n"), "5:13: error: port must be 1-65535, got 0" },
  { "port-65536", RULE ("    ports: [65536]\n"), "5:13: error: port must be 1-65535, got 65536" },
  { "port-limits", RULE ("    ports: [1, 65535]\n"), NULL },
  { "port-text", RULE ("    ports: [https]\n"), "5:13: error: a port must be a whole number" },
  { "port-quoted", RULE ("    ports: [\"443\"]\n"), "5:13: error: a port must be a whole number" },
  { "ports-empty", RULE ("    ports: []\n"), "5:12: error: ports is an empty list" },
  { "method-case", RULE ("    methods: [get]\n"), "5:15: error: 'get' is not a method" },
  { "methods-empty", RULE ("    methods: []\n"), "5:14: error: methods is an empty list" },
  { "path-relative", RULE ("    paths: [api]\n"),
    "5:13: error: a path starts with '/', got 'api'" },
  { "path-space", RULE ("    paths: [\"/a b\"]\n"), "5:13: error: a path holds no '#'" },
  { "paths-empty", RULE ("    paths: []\n"), "5:12: error: paths is an empty list" },
  { "agent", RULE ("    agents: [\"a b\"]\n"), "5:14: error: 'a b' is not an agent's name" },
  { "agents-empty", RULE ("    agents: []\n"), "5:13: error: agents is an empty list" },
  /* --- egress --- */
  { "egress-on-block", BLOCK ("    hosts: [a.example]\n    egress: {mode: proxy}\n"),
    "6:5: error: 'egress' has no effect on a rule that blocks" },
  { "egress-scalar", RULE ("    hosts: [a.example]\n    egress: proxy\n"),
    "6:13: error: egress must be a mapping" },
  { "egress-key", RULE ("    hosts: [a.example]\n    egress: {modus: proxy}\n"),
    "6:14: error: unknown key 'modus' in egress; there are: mode, ports, " },
  { "egress-mode", RULE ("    hosts: [a.example]\n    egress: {mode: direct}\n"),
    "6:20: error: mode must be one of proxy, direct_ip, intercept" },
  { "egress-ports-proxy", RULE ("    hosts: [a.example]\n    egress: {ports: [80]}\n"),
    "6:14: error: egress.ports is for mode 'direct_ip' only" },
  { "egress-port-range",
    RULE ("    hosts: [a.example]\n    egress: {mode: direct_ip, ports: [70000]}\n"),
    "6:39: error: port must be 1-65535, got 70000" },
  { "egress-ports-empty",
    RULE ("    hosts: [a.example]\n    egress: {mode: direct_ip, ports: []}\n"),
    "6:38: error: ports is an empty list" },
  { "egress-max-bytes", RULE ("    hosts: [a.example]\n    egress: {max_bytes: -1}\n"),
    "6:25: error: max_bytes must be 0-9223372036854775807, got -1" },
  { "egress-max-bytes-direct",
    RULE ("    hosts: [a.example]\n    egress: {mode: direct_ip, max_bytes: 5}\n"),
    "6:31: error: max_bytes cannot be enforced in mode 'direct_ip'" },
  { "egress-ech", RULE ("    hosts: [a.example]\n    egress: {ech: maybe}\n"),
    "6:19: error: ech must be one of refuse, allow" },
  { "egress-match-body", RULE ("    hosts: [a.example]\n    egress: {match_body: true}\n"),
    "6:14: error: match_body cannot be enforced without mode 'intercept'" },
  { "direct-method",
    RULE ("    hosts: [a.example]\n    methods: [GET]\n    egress: {mode: direct_ip}\n"),
    "6:5: error: http.method cannot be enforced in mode 'direct_ip'" },
  { "direct-condition",
    RULE ("    condition: http.path == \"/\"\n    egress: {mode: direct_ip}\n"),
    "5:16: error: http.path cannot be enforced in mode 'direct_ip'" },
  { "direct-port-range",
    RULE ("    condition: network.port > 80\n    egress: {mode: direct_ip}\n"),
    "5:16: error: network.port cannot be enforced like this in mode 'direct_ip'" },
  { "direct-port-too-high",
    RULE ("    condition: network.port == 70000\n    egress: {mode: direct_ip}\n"),
    "5:16: error: 70000 is no port: 1 to 65535" },
  { "direct-port-below",
    RULE ("    condition: network.port == -1\n    egress: {mode: direct_ip}\n"),
    "5:16: error: -1 is no port: 1 to 65535" },
  { "direct-port-zero",
    RULE ("    condition: network.port == 0\n    egress: {mode: direct_ip, ports: [443]}\n"),
    "5:16: error: 0 is no port: 1 to 65535" },
  { "direct-port-among",
    RULE ("    condition: network.port in [443, 70000]\n    egress: {mode: direct_ip}\n"),
    "5:16: error: 70000 is no port: 1 to 65535" },
  { "direct-port-outside",
    RULE ("    hosts: [a.example]\n    ports: [443]\n"
          "    egress: {mode: direct_ip, ports: [443, 22]}\n"),
    "7:38: error: egress.ports opens 22, which the condition does not allow" },
  { "direct-shared", RULE ("    hosts: [x.cloudfront.net]\n    egress: {mode: direct_ip}\n"),
    "6:20: warning: the addresses of 'x.cloudfront.net' also serve other sites" },
  { "methods-on-443", RULE ("    hosts: [a.example]\n    ports: [443]\n    methods: [GET]\n"),
    "7:5: error: methods, paths and headers cannot be enforced here: on port 443" },
  { "paths-on-443", RULE ("    hosts: [a.example]\n    ports: [443]\n    paths: [/a]\n"),
    "7:5: error: methods, paths and headers cannot be enforced here: on port 443" },
  { "method-condition-on-443",
    BLOCK ("    condition: network.port == 443 && http.method == \"POST\"\n"),
    "5:16: error: methods, paths and headers cannot be enforced here: on port 443" },
  { "connect-on-443", BLOCK ("    condition: network.port == 443 && http.method == \"CONNECT\"\n"),
    NULL },
  { "path-condition-on-443",
    RULE ("    condition: network.port == 443 && http.path.startsWith(\"/v1/\")\n"),
    "5:16: error: methods, paths and headers cannot be enforced here: on port 443" },
  { "header-condition-on-443",
    RULE ("    ports: [443]\n    condition: http.headers[\"x\"] == \"1\" && agent.name == \"a\"\n"),
    "6:16: error: methods, paths and headers cannot be enforced here: on port 443" },
  { "either-on-443",
    RULE ("    ports: [443]\n    condition: http.method == \"CONNECT\" || http.path == \"/a\"\n"),
    NULL },
  { "root-path-on-443", RULE ("    ports: [443]\n    condition: http.path == \"/\"\n"), NULL },
  { "methods-on-80-443", RULE ("    ports: [80, 443]\n    methods: [GET]\n"), NULL },
  { "inject-mode", RULE ("    hosts: [a.example]\n    egress: {inject: {headers: {a: b}}}\n"),
    "6:14: error: inject cannot be done without mode 'intercept'" },
  { "inject", RULE ("    hosts: [a.example]\n    egress:\n      mode: intercept\n      inject: {headers: {authorization: \"Bearer ${secret:a-1_b}\", X-Y: \"$5 {x}\"}}\n"),
    NULL },
  { "inject-empty", RULE ("    hosts: [a.example]\n    egress:\n      mode: intercept\n      inject: {}\n"),
    "8:15: error: inject needs headers" },
  { "inject-unknown", RULE ("    hosts: [a.example]\n    egress:\n      mode: intercept\n      inject: {header: {a: b}}\n"),
    "8:16: error: unknown key 'header' in inject; did you mean 'headers'?" },
  { "inject-no-headers", RULE ("    hosts: [a.example]\n    egress:\n      mode: intercept\n      inject: {headers: {}}\n"),
    "8:25: error: headers must be a mapping (name: value), not empty" },
  { "inject-list", RULE ("    hosts: [a.example]\n    egress:\n      mode: intercept\n      inject: {headers: [a]}\n"),
    "8:25: error: headers must be a mapping (name: value), not a list" },
  { "inject-name", RULE ("    hosts: [a.example]\n    egress:\n      mode: intercept\n      inject: {headers: {\"a b\": c}}\n"),
    "8:26: error: 'a b' cannot be the name of a header" },
  { "inject-host", RULE ("    hosts: [a.example]\n    egress:\n      mode: intercept\n      inject: {headers: {Host: c}}\n"),
    "8:26: error: the header 'host' is the proxy's own affair" },
  { "inject-hop", RULE ("    hosts: [a.example]\n    egress:\n      mode: intercept\n      inject: {headers: {Proxy-Authorization: c}}\n"),
    "8:26: error: the header 'proxy-authorization' is the proxy's own affair" },
  { "inject-twice", RULE ("    hosts: [a.example]\n    egress:\n      mode: intercept\n      inject: {headers: {a: b, A: c}}\n"),
    "8:32: error: the header 'a' is set twice" },
  { "inject-no-value", RULE ("    hosts: [a.example]\n    egress:\n      mode: intercept\n      inject: {headers: {a: \"\"}}\n"),
    "8:29: error: a header's value has 1 to 4096 octets" },
  { "inject-control", RULE ("    hosts: [a.example]\n    egress:\n      mode: intercept\n      inject: {headers: {a: \"x\\ny\"}}\n"),
    "8:29: error: a header's value has no control characters" },
  { "inject-secret", RULE ("    hosts: [a.example]\n    egress:\n      mode: intercept\n      inject: {headers: {a: \"${secret:}\"}}\n"),
    "8:29: error: '${' begins a secret, which is written ${secret:NAME}" },
  { "inject-open", RULE ("    hosts: [a.example]\n    egress:\n      mode: intercept\n      inject: {headers: {a: \"x ${secret:abc\"}}\n"),
    "8:29: error: '${' begins a secret" },
  { "inject-other", RULE ("    hosts: [a.example]\n    egress:\n      mode: intercept\n      inject: {headers: {a: \"${env:HOME}\"}}\n"),
    "8:29: error: '${' begins a secret" },
  { "inject-upper", RULE ("    hosts: [a.example]\n    egress:\n      mode: intercept\n      inject: {headers: {a: \"${secret:Abc}\"}}\n"),
    "8:29: error: '${' begins a secret" },
  { "methods-intercepted",
    RULE ("    ports: [443]\n    methods: [GET]\n    egress: {mode: intercept}\n"), NULL },
  { "body-nowhere", BLOCK ("    condition: http.body.contains(\"x\")\n"),
    "5:16: error: http.body is never visible" },
  /* --- Definitions --- */
  { "definitions-list", V "definitions: [a]\n" GOOD,
    "2:14: error: definitions must be a mapping, not a list" },
  { "definition-name", V "definitions: {a-b: 'true'}\n" GOOD,
    "2:15: error: a definition's name is letters, digits and '_'" },
  { "definition-list", V "definitions: {a: [b]}\n" GOOD,
    "2:18: error: definition 'a' must be CEL text, not a list" },
  { "definition-empty", V "definitions: {a: ''}\n" GOOD,
    "2:18: error: definition 'a' is empty" },
  { "definition-brackets", V "definitions: {a: 'true) || (true'}\n" GOOD,
    "2:23: error: definition 'a' is not a complete expression" },
  { "definition-quote", V "definitions:\n  a: x == \"\n" GOOD,
    "3:11: error: definition 'a' is not a complete expression" },
  { "definition-unused", V "definitions: {a: 'true'}\n" GOOD,
    "2:15: warning: definition 'a' is not used" },
  { "definition-used-by-unused", V "definitions: {a: 'true', b: $a}\n" GOOD,
    "2:15: warning: definition 'a' is not used" },
  { "undefined", RULE ("    condition: $githib\n"),
    "5:16: error: undefined definition $githib" },
  { "undefined-meant",
    V "definitions: {github: 'network.port == 1'}\nrules:\n  - id: r\n    action: allow\n"
      "    condition: $githib || $github\n",
    "6:16: error: undefined definition $githib; did you mean '$github'?" },
  { "undefined-chain",
    V "definitions:\n  a: $b && true\n  b: $c\n" GOOD,
    "4:6: error: undefined definition $a -> $b -> $c" },
  { "circle", V "definitions: {a: $b, b: $c, c: $a}\n" GOOD,
    "2:32: error: definitions refer to each other in a circle: $a -> $b -> $c -> $a" },
  { "circle-of-one", V "definitions: {a: $a}\n" GOOD,
    "2:18: error: definitions refer to each other in a circle: $a -> $a" },
  { "dollar-alone", RULE ("    condition: 'true && $ '\n"),
    "5:25: error: '$' must be followed by the name of a definition" },
  { "dollar-joined", V "definitions: {a: 'true'}\nrules:\n  - id: r\n    action: allow\n"
                       "    condition: size$a\n",
    "6:20: error: a definition cannot be joined to what is before it" },
  { "dollar-in-string", RULE ("    condition: http.path == '$x' || http.path == r\"\\$y\"\n"),
    NULL },
  { "dollar-in-comment", RULE ("    condition: \"network.port == 1 // $x\"\n"), NULL },
  /* --- Conditions --- */
  { "condition-list", RULE ("    condition: [a]\n"),
    "5:16: error: condition must be a string, not a list" },
  { "condition-empty", RULE ("    condition: ''\n"), "5:16: error: condition is empty" },
  { "condition-syntax", RULE ("    condition: 'network.port =='\n"), "5:32: error: " },
  { "condition-unbalanced", RULE ("    ports: [80]\n    condition: 'a) || (b'\n"),
    "6:18: error: brackets or quotes do not match here" },
  { "condition-name", RULE ("    condition: netwrok.port == 1\n"), "5:16: error: " },
  { "condition-field", RULE ("    condition: 'true && network.prot == 1'\n"), "5:25: error: " },
  { "condition-type", RULE ("    condition: network.port\n"), "5:16: error: " },
  { "condition-mixed", RULE ("    condition: network.port == \"443\"\n"), "5:16: error: " },
  { "condition-literal", RULE ("    condition: |\n      network.port == 1 &&\n        nope\n"),
    "7:9: error: " },
  { "condition-folded", RULE ("    condition: >-\n      network.port == 1 &&\n      nope\n"),
    "7:7: error: " },
  { "condition-escaped", RULE ("    condition: \"http.path == \\\"\\x41\\\" && nope\"\n"),
    "5:42: error: " },
  { "condition-in-definition",
    V "definitions:\n  d: 'true && nope'\nrules:\n  - id: r\n    action: allow\n"
      "    condition: network.port == 1 && $d\n",
    "3:15: error: " },
  { "condition-after-definition",
    V "definitions:\n  d: 'network.port == 2'\nrules:\n  - id: r\n    action: allow\n"
      "    condition: $d && nope\n",
    "7:22: error: " },
  { "condition-after-hosts", RULE ("    hosts: [a.example]\n    condition: nope\n"),
    "6:16: error: " },
  { "constant-true", RULE ("    condition: 1 < 2\n"), "5:16: warning: the condition is always true" },
  { "constant-false", RULE ("    condition: 'false'\n"),
    "5:16: warning: the condition is always false" },
  { "suffix", RULE ("    condition: network.hostname.endsWith(\"github.com\")\n"),
    "5:42: warning: endsWith(\"github.com\") also matches \"evilgithub.com\"" },
  { "suffix-of-many",
    RULE ("    condition: '[\".a.b\", \"hub.com\"].exists(s, network.hostname.endsWith(s))'\n"),
    "5:17: warning: endsWith(\"hub.com\") also matches \"evilhub.com\"" },
  { "suffixes-with-dots",
    RULE ("    condition: '[\".a.b\", \".c.d\"].exists(s, network.hostname.endsWith(s))'\n"), NULL },
  { "suffix-with-dot", RULE ("    condition: network.hostname.endsWith(\".github.com\")\n"), NULL },
  { "suffix-of-path", RULE ("    condition: http.path.endsWith(\"x\")\n"), NULL },
  /* --- Shadowed rules --- */
  { "shadowed", V GOOD "  - {id: s, hosts: [a.example], ports: [80], action: block}\n",
    "4:10: warning: rule 's' can never match: rule 'r' (t.yaml:3) comes first" },
  { "shadowed-by-suffix",
    V "rules:\n  - {id: r, hosts: ['*.a.example'], action: allow}\n"
      "  - {id: s, hosts: [x.y.a.example], action: block}\n",
    "4:10: warning: rule 's' can never match" },
  { "shadowed-by-priority",
    V "rules:\n  - {id: s, hosts: [a.example], ports: [80], action: block}\n"
      "  - {id: r, hosts: [a.example], action: allow, priority: 1}\n",
    "3:10: warning: rule 's' can never match: rule 'r' (t.yaml:4)" },
  { "not-shadowed", V "rules:\n  - {id: r, hosts: [a.example], ports: [80], action: allow}\n"
                      "  - {id: s, hosts: [a.example], action: block}\n",
    NULL },
  { "not-shadowed-agent", V "rules:\n  - {id: r, agents: [CI], action: allow}\n"
                            "  - {id: s, agents: [ci], action: allow}\n",
    NULL },
  /* --- Tests --- */
  { "tests-mapping", V GOOD "tests: {a: b}\n", "4:8: error: tests must be a list, not a mapping" },
  { "test-key", V GOOD "tests: [{nam: x}]\n",
    "4:10: error: unknown key 'nam' in a test; did you mean 'name'?" },
  { "test-incomplete", V GOOD "tests: [{name: x}]\n",
    "4:9: error: a test needs 'name', 'given' and 'expect'" },
  { "test-namespace", V GOOD "tests: [{name: x, given: {netwrk: {}}, expect: allow}]\n",
    "4:27: error: there is no variable netwrk; did you mean 'network'?" },
  { "test-variable", V GOOD "tests: [{name: x, given: {network: {prot: 1}}, expect: allow}]\n",
    "4:37: error: there is no variable network.prot; did you mean 'port'?" },
  { "test-type", V GOOD "tests: [{name: x, given: {network: {port: a}}, expect: allow}]\n",
    "4:43: error: port must be a whole number" },
  { "test-list", V GOOD "tests: [{name: x, given: {run: {args: a}}, expect: allow}]\n",
    "4:39: error: args must be a list of strings" },
  { "test-map", V GOOD "tests: [{name: x, given: {http: {headers: a}}, expect: allow}]\n",
    "4:43: error: headers must be a mapping" },
  { "test-time", V GOOD "tests: [{name: x, given: {request: {time: noon}}, expect: allow}]\n",
    "4:43: error: time must be an RFC 3339 time" },
  { "test-given", V GOOD "tests: [{name: x, given: [], expect: allow}]\n",
    "4:26: error: given must be a mapping" },
  { "test-expect", V GOOD "tests: [{name: x, given: {}, expect: alow}]\n",
    "4:38: error: expect must be one of allow, block; did you mean 'allow'?" },
  { "test-decision", V GOOD "tests: [{name: x, given: {}, expect: {rule: r}}]\n",
    "4:38: error: expect has no 'decision'" },
};

static GPtrArray *
new_diagnostics (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) oc_diagnostic_free);
}

static OcPolicy *
load_text (const char *text, gsize len, const OcPolicyOptions *options, GPtrArray *diagnostics)
{
  OcPolicySource source = { "t.yaml", text, len };
  g_autoptr (GError) error = NULL;
  OcPolicy *policy = oc_policy_load_sources (&source, 1, options, diagnostics, &error);

  g_assert_true ((policy == NULL) == (error != NULL));
  return policy;
}

static char *
describe (const OcDiagnostic *d)
{
  return g_strdup_printf ("%u:%u: %s: %s", d->line, d->column,
                          d->severity == OC_DIAGNOSTIC_ERROR ? "error" : "warning", d->text);
}

/* Not fatal, so that one run shows all that differs. */
static void
assert_finding (const GPtrArray *diagnostics, const char *expect)
{
  g_autofree char *first
      = diagnostics->len > 0 ? describe (g_ptr_array_index (diagnostics, 0)) : NULL;

  if (expect != NULL ? first != NULL && g_str_has_prefix (first, expect) : first == NULL)
    return;
  g_test_message ("expected %s, found %s", expect ? expect : "nothing", first ? first : "nothing");
  g_test_fail ();
}

static void
test_case (gconstpointer data)
{
  const Case *c = data;
  g_autoptr (GPtrArray) diagnostics = new_diagnostics ();
  g_autoptr (OcPolicy) policy = load_text (c->text, strlen (c->text), NULL, diagnostics);

  assert_finding (diagnostics, c->expect);
  if ((policy != NULL) != (c->expect == NULL || strstr (c->expect, ": warning: ")))
    g_test_fail ();
}

#define INJECT(secret)                                                                             \
  RULE ("    hosts: [a.example]\n    egress:\n      mode: intercept\n"                             \
        "      inject: {headers: {a: \"${secret:" secret "}\"}}\n")

/* Options of the daemon that a rule can ask too much of. */
static void
test_options (void)
{
  static const char *const known[] = { "abc", "def", NULL };
  static const struct
  {
    OcPolicyOptions options;
    const char *text;
    const char *expect;
  } table[] = {
    { { TRUE, FALSE }, RULE ("    hosts: [a.example]\n    egress: {mode: intercept}\n"),
      "6:20: error: mode 'intercept' needs a CA" },
    { { TRUE, TRUE }, RULE ("    hosts: [a.example]\n    egress: {mode: intercept}\n"), NULL },
    { { TRUE, TRUE, TRUE }, INJECT ("abc"), "8:7: error: what holds secrets is for the operator" },
    { { TRUE, TRUE, FALSE, known }, INJECT ("abc"), NULL },
    { { TRUE, TRUE, FALSE, known }, INJECT ("abd"),
      "8:29: error: there is no secret 'abd'; did you mean 'abc'?" },
    { { TRUE, TRUE, FALSE, known }, INJECT ("quite-another"),
      "8:29: error: there is no secret 'quite-another'; see: outcall auth list" },
    { { FALSE, FALSE }, RULE ("    hosts: [a.example]\n"),
      "3:5: error: the rule needs the proxy, and this daemon runs without one (--no-proxy)" },
    { { FALSE, FALSE }, RULE ("    condition: network.port == 80\n"),
      "5:16: error: the rule needs the proxy" },
    { { FALSE, FALSE }, RULE ("    condition: 'true'\n"), "5:16: error: the rule needs the proxy" },
    { { FALSE, FALSE }, RULE ("    condition: dns.query == \"a.b\"\n    egress: {mode: proxy}\n"),
      "6:20: error: the rule needs the proxy" },
    { { FALSE, FALSE }, RULE ("    condition: dns.query == \"a.b\"\n"), NULL },
    { { FALSE, FALSE }, RULE ("    hosts: [a.example]\n    egress: {mode: direct_ip}\n"), NULL },
    { { FALSE, FALSE }, BLOCK ("    hosts: [a.example]\n"), NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_autoptr (GPtrArray) diagnostics = new_diagnostics ();
      g_autoptr (OcPolicy) policy
          = load_text (table[i].text, strlen (table[i].text), &table[i].options, diagnostics);

      g_test_message ("%" G_GSIZE_FORMAT, i);
      g_assert_true ((policy != NULL) == (table[i].expect == NULL));
      if (policy == NULL && diagnostics->len > 1)
        g_ptr_array_set_size (diagnostics, 1);
      assert_finding (diagnostics, table[i].expect);
    }
}

/* --- Limits, each at the limit and one over -------------------------------------- */

static void
assert_limit (const char *text, gsize len, const char *expect)
{
  g_autoptr (GPtrArray) diagnostics = new_diagnostics ();
  g_autoptr (OcPolicy) policy = load_text (text, len, NULL, diagnostics);

  g_assert_true ((policy != NULL) == (expect == NULL));
  if (expect != NULL)
    assert_finding (diagnostics, expect);
}

static char *
repeat (const char *text, guint n)
{
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < n; i++)
    g_string_append (out, text);
  return g_string_free (out, FALSE);
}

static void
test_limit_file_size (void)
{
  g_autoptr (GString) text = g_string_new (V GOOD "# ");

  while (text->len < OC_POLICY_FILE_MAX_BYTES)
    g_string_append_c (text, 'x');
  assert_limit (text->str, text->len, NULL);
  g_string_append_c (text, 'x');
  assert_limit (text->str, text->len, "0:0: error: is larger than 1048576 bytes");
}

/* No text at all, and text that does not end where its NUL stands. */
static void
test_odd_sources (void)
{
  assert_limit (NULL, 0, "1:1: error: the file is empty");
  assert_limit (V GOOD "\0x", sizeof (V GOOD "\0x") - 1,
                "4:1: error: a control character (0x00)");
}

static void
test_limit_depth (void)
{
  for (guint over = 0; over <= 1; over++)
    {
      guint n = OC_YAML_DEPTH_MAX - 1 + over;
      g_autofree char *open = repeat ("[", n);
      g_autofree char *close = repeat ("]", n);
      g_autofree char *text = g_strconcat (V "tests: ", open, close, "\n", NULL);

      assert_limit (text, strlen (text),
                    over ? "2:23: error: nested deeper than 16 levels"
                         : "1:1: warning: the file has no rules");
    }
}

static void
test_limit_definition_depth (void)
{
  for (guint over = 0; over <= 1; over++)
    {
      g_autoptr (GString) text = g_string_new (V "definitions:\n");
      guint n = OC_POLICY_DEFINITION_DEPTH_MAX + over;

      for (guint i = 1; i < n; i++)
        g_string_append_printf (text, "  d%u: $d%u\n", i, i + 1);
      g_string_append_printf (text, "  d%u: network.port == 1\n", n);
      g_string_append (text, "rules:\n  - {id: r, action: allow, condition: $d1}\n");
      assert_limit (text->str, text->len, over ? "34:8: error: definitions nest deeper than 32: "
                                               : NULL);
    }
}

static void
test_limit_condition (void)
{
  for (guint over = 0; over <= 1; over++)
    {
      static const char head[] = "network.hostname == '";
      g_autofree char *fill
          = g_strnfill (OC_POLICY_CONDITION_MAX - sizeof head + 1 - 1 + over, 'x');
      g_autofree char *text
          = g_strconcat (RULE ("    condition: \""), head, fill, "'\"\n", NULL);

      assert_limit (text, strlen (text),
                    over ? "5:16: error: the condition is longer than 65536 bytes" : NULL);
    }
}

/* Doubling definitions stop at the limit of the condition, soon. */
static void
test_limit_expansion (void)
{
  g_autoptr (GString) text = g_string_new (V "definitions:\n");

  for (guint i = 1; i < 30; i++)
    g_string_append_printf (text, "  d%u: $d%u && $d%u\n", i, i + 1, i + 1);
  g_string_append (text, "  d30: 'true'\n" GOOD);
  assert_limit (text->str, text->len, "3:7: error: the definition is longer than 65536 bytes");
}

static void
test_limit_texts (void)
{
  static const struct
  {
    const char *before;
    guint max;
    const char *after;
    const char *expect;
  } table[] = {
    { V "rules:\n  - id: ", 128, "\n    hosts: [a.example]\n    action: allow\n",
      "3:9: error: an id is 1-128 letters" },
    { BLOCK ("    hosts: [a.example]\n    reason: "), 1024, "\n",
      "6:13: error: reason is longer than 1024 bytes" },
    { RULE ("    hosts: [a.example]\n    description: "), 4096, "\n",
      "6:18: error: description is longer than 4096 bytes" },
    { RULE ("    agents: ["), 128, "]\n", "5:14: error: '" },
    { RULE ("    paths: [/"), 2047, "]\n", "5:13: error: a path is at most 2048 bytes long" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (table); i++)
    for (guint over = 0; over <= 1; over++)
      {
        g_autofree char *fill = g_strnfill (table[i].max + over, 'a');
        g_autofree char *text = g_strconcat (table[i].before, fill, table[i].after, NULL);

        assert_limit (text, strlen (text), over ? table[i].expect : NULL);
      }
}

/* @n_rules over @n_files */
static OcPolicy *
load_many (guint n_files, guint n_rules, GError **error)
{
  g_autoptr (GPtrArray) diagnostics = new_diagnostics ();
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  g_autofree OcPolicySource *sources = g_new0 (OcPolicySource, n_files);
  guint made = 0;

  for (guint f = 0; f < n_files; f++)
    {
      g_autoptr (GString) text = g_string_new (V "rules:\n");

      for (guint end = (guint) ((guint64) n_rules * (f + 1) / n_files); made < end; made++)
        g_string_append_printf (text, "- {id: r%u, ports: [%u], action: block}\n", made,
                                made % 65535 + 1);
      sources[f] = (OcPolicySource) { g_strdup_printf ("%05u.yaml", f), g_strdup (text->str),
                                      text->len };
      g_ptr_array_add (texts, (gpointer) sources[f].name);
      g_ptr_array_add (texts, (gpointer) sources[f].text);
    }
  return oc_policy_load_sources (sources, n_files, NULL, diagnostics, error);
}

static void
test_limit_rules (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (OcPolicy) policy = load_many (10, OC_POLICY_RULES_MAX, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (oc_policy_get_n_rules (policy), ==, OC_POLICY_RULES_MAX);
  g_clear_pointer (&policy, oc_policy_unref);
  policy = load_many (10, OC_POLICY_RULES_MAX + 1, &error);
  g_assert_null (policy);
  g_assert_nonnull (strstr (error->message, "more than 100000 rules in all"));
}

/* A file of nothing but mistakes stops after so many. */
static void
test_limit_errors (void)
{
  g_autoptr (GString) text = g_string_new (V "rules:\n");
  g_autoptr (GPtrArray) diagnostics = new_diagnostics ();

  for (guint i = 0; i < 1000; i++)
    g_string_append_printf (text, "- {id: r%u, ports: [0], action: allow}\n", i);
  g_assert_null (load_text (text->str, text->len, NULL, diagnostics));
  g_assert_cmpuint (diagnostics->len, ==, 100);
}

/* --- What the terminal shows ------------------------------------------------------- */

static void
test_format (void)
{
  static const char text[] = V "rules:\n  - id: r\n    action: allow\n"
                               "    condition: \"'\xe4\xb8\xad' == http.path && nope\"\n";
  g_autoptr (GPtrArray) diagnostics = new_diagnostics ();
  g_autofree char *shown = NULL;

  g_assert_null (load_text (text, strlen (text), NULL, diagnostics));
  shown = oc_diagnostic_format (g_ptr_array_index (diagnostics, 0));
  g_assert_nonnull (strstr (shown, "t.yaml:5:37: error: "));
  /* The wide character takes two columns. */
  g_assert_nonnull (strstr (
      shown, "\n      condition: \"'\xe4\xb8\xad' == http.path && nope\""
             "\n                                       ^~~~"));
}

static void
test_format_is_safe (void)
{
  OcDiagnostic diagnostic = { OC_DIAGNOSTIC_WARNING, (char *) "a\x1b[2J", 1, 3, 2,
                              (char *) "b\r", (char *) "x\ty\x1bz", NULL };
  g_autofree char *shown = oc_diagnostic_format (&diagnostic);

  g_assert_cmpstr (shown, ==,
                   "a\xef\xbf\xbd[2J:1:3: warning: b\xef\xbf\xbd\n  x\ty\xef\xbf\xbdz\n   \t^~");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/policy/file/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_case);
    }
  g_test_add_func ("/policy/options", test_options);
  g_test_add_func ("/policy/odd-sources", test_odd_sources);
  g_test_add_func ("/policy/limit/file-size", test_limit_file_size);
  g_test_add_func ("/policy/limit/depth", test_limit_depth);
  g_test_add_func ("/policy/limit/definition-depth", test_limit_definition_depth);
  g_test_add_func ("/policy/limit/condition", test_limit_condition);
  g_test_add_func ("/policy/limit/expansion", test_limit_expansion);
  g_test_add_func ("/policy/limit/texts", test_limit_texts);
  g_test_add_func ("/policy/limit/rules", test_limit_rules);
  g_test_add_func ("/policy/limit/errors", test_limit_errors);
  g_test_add_func ("/policy/format", test_format);
  g_test_add_func ("/policy/format/safe", test_format_is_safe);
  return g_test_run ();
}
