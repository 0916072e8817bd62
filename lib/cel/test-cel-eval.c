/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel.h"

/* Results of expressions over the context that rule files have. Each is evaluated
 * folded and unfolded; both must agree.
 */

static const OcStr args_items[] = { OC_STR_INIT ("push"), OC_STR_INIT ("--force"), OC_STR_INIT ("main") };
static const OcCelList args_list = { .len = 3, .strings = args_items };
static const OcCelPair header_items[]
    = { { OC_STR_INIT ("accept"), OC_STR_INIT ("text/html") },
        { OC_STR_INIT ("x-a"), OC_STR_INIT ("1") } };
static const OcCelMap headers = { .len = 2, .pairs = header_items };

static const struct
{
  const char *name, *type;
} variables[] = {
  { "host", "string" },        { "port", "int" },   { "http.method", "string" },
  { "run.args", "list(string)" }, { "http.headers", "map(string, string)" },
  { "time", "timestamp" },     { "any", "dyn" },    { "missing", "string" },
  { "flag", "bool" },          { "unknown_flag", "bool" },
};

static OcCelEnv *
make_env (OcCelValue *slots)
{
  OcCelEnv *env = oc_cel_env_new ();

  for (guint i = 0; i < G_N_ELEMENTS (variables); i++)
    g_assert_cmpint (oc_cel_env_add_variable (env, variables[i].name, variables[i].type), ==, i);
  slots[0] = oc_cel_string (OC_STR ("api.github.com"));
  slots[1] = oc_cel_int (443);
  slots[2] = oc_cel_string (OC_STR ("GET"));
  slots[3] = oc_cel_list (&args_list);
  slots[4] = oc_cel_map (&headers);
  slots[5] = oc_cel_timestamp (1700000000, 500000000);
  slots[6] = oc_cel_int (7);
  slots[7] = oc_cel_unknown ();
  slots[8] = oc_cel_bool (TRUE);
  slots[9] = oc_cel_unknown ();
  return env;
}

/* Expression and result, as oc_cel_value_format() writes it. */
static const struct
{
  const char *source, *result;
} cases[] = {
  /* operators that have instructions for constants, on variables and other values */
  { "host == 'api.github.com'", "true" },
  { "'api.github.com' == host", "true" },
  { "host != 'x'", "true" },
  { "host.lowerAscii() == 'api.github.com'", "true" },
  { "any == 'x'", "false" },
  { "any != 'x'", "true" },
  { "any == 7", "true" },
  { "any == dyn(7.0)", "true" },
  { "any < 8 && any <= 7 && any > 6 && any >= 7", "true" },
  { "dyn(6.5) < 7", "true" },
  { "dyn('a') < 7", "error: no such overload" },
  { "port == 443 && port != 80 && port < 444 && port <= 443 && port > 442 && port >= 443", "true" },
  { "host.startsWith('api.') && host.endsWith('.com') && host.contains('github')", "true" },
  { "host.endsWith('.org')", "false" },
  { "any.startsWith('a')", "error: no such overload" },
  { "host in ['a', 'api.github.com']", "true" },
  { "host in ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'api.github.com']", "true" },
  { "host in ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l']", "false" },
  { "host in []", "false" },
  { "any in ['7']", "false" },
  { "port in [80, 443]", "true" },
  { "'push' in run.args && !('x' in run.args)", "true" },
  { "'x-a' in http.headers", "true" },
  { "http.headers['accept'].startsWith('text/')", "true" },
  { "http.headers.accept", "\"text/html\"" },
  { "http.headers['none']", "error: no such key" },
  { "has(http.headers.accept) && !has(http.headers.none)", "true" },
  { "run.args[1]", "\"--force\"" },
  { "run.args[3]", "error: index out of bounds" },
  { "run.args[-1]", "error: index out of bounds" },
  { "run.args.size() + size(http.headers)", "5" },
  { "run.args == ['push', '--force', 'main']", "true" },
  { "http.headers == {'x-a': '1', 'accept': 'text/html'}", "true" },
  { "inDomain(host, 'github.com')", "true" },
  { "inDomain(host, 'GitHub.COM')", "true" },
  { "inDomain(host, 'hub.com')", "false" },
  { "inDomain('github.com', 'github.com') && !inDomain('evilgithub.com', 'github.com')", "true" },
  { "inDomain(host, host)", "true" },
  { "host.matches('^api[.]')", "true" },
  { "host.matches('^' + 'a' + host.substring(1) + '$')", "true" },
  { "any.matches('7')", "error: no such overload" },

  /* logic with errors: an operand that decides wins */
  { "1 / 0 == 1 || true", "true" },
  { "true || 1 / 0 == 1", "true" },
  { "1 / 0 == 1 && false", "false" },
  { "1 / 0 == 1 && true", "error: divide by zero" },
  { "false || 1 / 0 == 1 || flag", "true" },
  { "flag && (1 / 0 == 1 || [1][2] == 3)", "error: divide by zero" },
  { "any || true", "true" },
  { "any && true", "error: no such overload" },
  { "true && any", "error: no such overload" },
  { "(flag || false) && !(flag && false)", "true" },
  { "flag ? 'yes' : 'no'", "\"yes\"" },
  { "!flag ? 1 / 0 : 2", "2" },
  { "any ? 1 : 2", "error: no such overload" },
  { "(flag ? flag : false) && flag", "true" },

  /* unknowns: as errors, and they win over errors */
  { "missing == 'x'", "unknown" },
  { "unknown_flag && false", "false" },
  { "false && unknown_flag", "false" },
  { "unknown_flag || flag", "true" },
  { "unknown_flag || false", "unknown" },
  { "unknown_flag && flag", "unknown" },
  { "1 / 0 == 1 && unknown_flag", "unknown" },
  { "unknown_flag && 1 / 0 == 1", "unknown" },
  { "1 / 0 == 1 || unknown_flag || flag", "true" },
  { "!unknown_flag", "unknown" },
  { "unknown_flag ? 1 : 2", "unknown" },
  { "missing.startsWith('x')", "unknown" },
  { "missing + 'x'", "unknown" },
  { "missing in ['x']", "unknown" },
  { "[missing, 'x']", "unknown" },
  { "{'a': missing}", "unknown" },
  { "[1, 2].map(i, missing)", "unknown" },
  { "[1, 2].exists(i, missing == 'x')", "unknown" },
  { "[1, 2].exists(i, missing == 'x' || i == 2)", "true" },
  { "inDomain(missing, 'github.com')", "unknown" },
  { "missing.matches('x')", "unknown" },
  { "size(missing)", "unknown" },
  { "missing == string(1 / 0)", "unknown" },

  /* macros over variables */
  { "run.args.exists(a, a.startsWith('--'))", "true" },
  { "run.args.all(a, a != '')", "true" },
  { "run.args.exists_one(a, a == 'main')", "true" },
  { "run.args.filter(a, !a.startsWith('-'))", "[\"push\", \"main\"]" },
  { "run.args.map(a, a.size())", "[4, 7, 4]" },
  { "run.args.map(a, a.size() > 4, a)", "[\"--force\"]" },
  { "['x', 'api.github.com'].exists(h, h == host)", "true" },
  { "['x', 'api.github.com'].exists(h, host == h) && port == 443", "true" },
  { "[1, 2].exists(h, h == 1 / 0)", "error: divide by zero" },
  { "['x', 'y'].exists(h, h == missing)", "unknown" },
  { "[[1, 2], [3]].map(l, l.map(x, x * 2))", "[[2, 4], [6]]" },
  { "run.args.transformList(i, v, string(i) + v)", "[\"0push\", \"1--force\", \"2main\"]" },
  { "run.args.transformMapEntry(i, v, {v: i})", "{\"--force\": 1, \"main\": 2, \"push\": 0}" },
  { "[1, 1].transformMapEntry(i, v, {v: i})", "error: map key is there twice" },
  { "http.headers.transformMap(k, v, k + v)", "{\"accept\": \"accepttext/html\", \"x-a\": \"x-a1\"}" },
  { "http.headers.exists(k, v, k == 'x-a' && v == '1')", "true" },
  { "cel.bind(x, host.size(), x * x)", "196" },
  { "[3, 1, 2].sortBy(x, -x)", "[3, 2, 1]" },
  { "run.args.sortBy(x, x.size())[2]", "\"--force\"" },

  /* folding must not change what errs when */
  { "flag || 1 / 0 == 1", "true" },
  { "[1, 2, 3].map(x, x * x) == [1, 4, 9]", "true" },
  { "{'a': 1, 'b': 2}.b", "2" },
  { "true && flag", "true" },
  { "false || flag && true", "true" },
  { "true ? host : 'x'", "\"api.github.com\"" },

  /* times */
  { "time.getFullYear()", "2023" },
  { "time.getHours('Europe/Berlin') - time.getHours()", "1" },
  { "time > timestamp('2023-01-01T00:00:00Z')", "true" },
  { "time + duration('1h') - time", "duration(\"3600s\")" },
  { "string(time)", "\"2023-11-14T22:13:20.5Z\"" },
  { "timestamp('2024-02-29T12:00:00+02:00')", "timestamp(\"2024-02-29T10:00:00Z\")" },
  { "timestamp('2023-02-29T12:00:00Z')", "error: timestamp has an impossible date or time" },
  { "timestamp('0001-01-01T00:00:00Z').getDayOfYear()", "0" },
  { "timestamp('1969-12-31T23:59:59Z').getDayOfWeek()", "3" },
  { "timestamp('2000-12-31T00:00:00Z').getDayOfYear()", "365" },
  { "time.getHours('../../etc/passwd')", "error: no such time zone" },
  { "time.getHours('No/Where')", "error: no such time zone" },
  { "duration('1h30m').getMinutes()", "90" },
  { "duration('-1.5s')", "duration(\"-1.5s\")" },
  { "duration('123.321456789s') + duration('0.1ms')", "duration(\"123.321556789s\")" },
  { "duration('1.99999999999999999999s')", "duration(\"1.999999999s\")" },
  { "duration('0.0000000001s')", "duration(\"0s\")" },
  { "duration('1x')", "error: duration is not as in 1h30m or 1.5s" },

  /* extensions */
  { "ip('10.0.0.1') in [ip('10.0.0.1')]", "true" },
  { "cidr('10.0.0.0/8').containsIP('10.255.0.1')", "true" },
  { "cidr('10.0.0.0/33')", "error: text is no address block such as 10.0.0.0/8" },
  { "'a,b,c'.split(',', 2)", "[\"a\", \"b,c\"]" },
  { "'abc'.replace('', '-')", "\"-a-b-c-\"" },
  { "'aaa'.replace('a', 'b', 2)", "\"bba\"" },
  { "'ab'.split('')", "[\"a\", \"b\"]" },
  { "['a', 'b'].join('-')", "\"a-b\"" },
  { "'  x '.trim()", "\"x\"" },
  { "'%s is %d%%, %.2f %x'.format(['a', 5, 1.005, 255])", "\"a is 5%, 1.00 ff\"" },
  { "sets.contains([1, 2, 3], [2, 3]) && sets.intersects([1], [1, 2])", "true" },
  { "sets.equivalent([1, 1, 2], [2, 1])", "true" },
  { "[3, 1, 2].sort()", "[1, 2, 3]" },
  { "[1, 'a'].sort()", "error: values of these kinds have no order" },
  { "[[1], [2, [3]]].flatten()", "[1, 2, [3]]" },
  { "[[1], [2, [3]]].flatten(2)", "[1, 2, 3]" },
  { "[1, 2, 3, 4].slice(1, 3)", "[2, 3]" },
  { "[1, 2, 1].distinct()", "[1, 2]" },
  { "lists.range(3).reverse()", "[2, 1, 0]" },
  { "[1, 2].first().value() + [1, 2].last().value()", "3" },
  { "base64.decode('aGk') == b'hi' && base64.encode(b'hi') == 'aGk='", "true" },
  { "base64.decode('a')", "error: text is not base64" },
  { "math.greatest(1, 2.5, 2u)", "2.5" },
  { "math.least(port, 80)", "80" },
  { "[optional.of(1), optional.none()].unwrapOpt()", "[1]" },
  { "http.headers[?'none'].orValue('-')", "\"-\"" },
  { "http.headers.?accept.optMap(x, x.size()).value()", "9" },
  { "[1, ?http.headers[?'none'], 2].size()", "2" },

  /* functions whose arguments only show at run time */
  { "host.startsWith(http.method) || host.endsWith(http.method) || host.contains(http.method)",
    "false" },
  { "matches(host, 'hub')", "true" },
  { "host.matches('(' + http.method)", "error: bad regular expression" },
  { "size(bytes(host)) + size(run.args) + size({1: 2}) + host.size()", "32" },
  { "string(port) + string(flag) + string(uint(port)) + string(double(port) / 2.0)",
    "\"443true443221.5\"" },
  { "bool(string(flag)) && int(string(port)) == port && uint(string(port)) == uint(port)", "true" },
  { "double(string(port)) == double(port) && double(uint(port)) == 443.0", "true" },
  { "bytes(bytes(host)) == bytes(string(bytes(host)))", "true" },
  { "type(host) == string && type(run.args) == list && type(time) == google.protobuf.Timestamp",
    "true" },
  { "[type(null), type(1u), type(1.0), type(b''), type({}), type(ip('::1')), type(cidr('::/0'))]",
    "[null_type, uint, double, bytes, map, net.IP, net.CIDR]" },
  { "math.abs(-port) + math.abs(port)", "886" },
  { "math.sqrt(port - 443) + math.sqrt(uint(port - 442)) + math.sqrt(4.0)", "3.0" },
  { "math.abs(uint(port)) == 443u && math.sign(uint(port)) == 1u && math.sign(-2.5) == -1.0", "true" },
  { "math.greatest([1, dyn('a')])", "error: no such overload" },
  { "math.least([])", "error: the list is empty" },
  { "optional.ofNonZeroValue(duration('0s')).hasValue() || optional.ofNonZeroValue(0.0).hasValue()"
    " || optional.ofNonZeroValue([]).hasValue() || optional.ofNonZeroValue(b'').hasValue()"
    " || optional.ofNonZeroValue(optional.none()).hasValue()",
    "false" },
  { "optional.ofNonZeroValue(time).hasValue() && optional.ofNonZeroValue(0u + 1u).hasValue()", "true" },
  { "optional.none().value()", "error: optional.none() has no value" },
  { "dyn([1]).unwrapOpt()", "error: no such overload" },
  { "dyn([1]).join()", "error: no such overload" },
  { "run.args.slice(2, 1)", "error: slice is out of range" },
  { "lists.range(-1)", "error: range is out of range" },
  { "[1].flatten(-1)", "error: depth is negative" },
  { "[].first().hasValue() || [].last().hasValue()", "false" },
  { "[3, 2, 5, 4, 1, 9, 8, 7, 6].sort() == [1, 2, 3, 4, 5, 6, 7, 8, 9]", "true" },
  { "any.map(x, x)", "error: no such overload" },
  { "any.exists_one(x, true)", "error: no such overload" },
  { "[1, 2].exists_one(x, dyn(x))", "error: no such overload" },
  { "[1, 2].exists_one(x, x / 0 == 1)", "error: divide by zero" },
  { "[1, 2].filter(x, dyn(x))", "error: no such overload" },
  { "[1, 2].map(x, x / 0)", "error: divide by zero" },
  { "[1].transformMap(k, v, v / 0)", "error: divide by zero" },
  { "[1].transformMapEntry(k, v, dyn(v))", "error: no such overload" },
  { "run.args.transformMapEntry(k, v, {v: k, v + 'a': k, v + 'b': k, v + 'c': k, v + 'd': k}).size()",
    "15" },
  { "any.optMap(x, x)", "error: no such overload" },
  { "optional.of(1).optMap(x, x / 0)", "error: divide by zero" },
  { "any.x", "error: no such overload" },
  { "has(any.x)", "error: no such overload" },
  { "{any: 1}[7] + {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 7, 8: 8, 9: 9}[any]", "8" },
  { "{1.5: 1}", "error: unsupported kind of map key" },
  { "{1: 1, any - 6: 2}", "error: map key is there twice" },

  /* how values are written */
  { "[b'\\x00a\"', 'a\\n\\u00e9', 1u, 2.0, null, {'b': 1, 'a': 2}]",
    "[b\"\\x00a\\\"\", \"a\\n\303\251\", 1u, 2.0, null, {\"a\": 2, \"b\": 1}]" },
  { "[ip('::1'), cidr('10.0.0.0/8')]", "[ip(\"::1\"), cidr(\"10.0.0.0/8\")]" },
  { "[optional.of(1), optional.none()]", "[optional.of(1), optional.none()]" },
  { "'%s %s'.format([ip('::1'), cidr('10.0.0.0/8')])", "\"::1 10.0.0.0/8\"" },

  /* numbers */
  { "9223372036854775807 + 1", "error: integer overflow" },
  { "-9223372036854775808 / -1", "error: integer overflow" },
  { "0u - 1u", "error: integer overflow" },
  { "7 % -2", "1" },
  { "1.0 / 0.0", "Infinity" },
  { "int('12') + int(3.9) + int(2u)", "17" },
  { "int('12x')", "error: text can't be converted" },
  { "double('0x10')", "error: text can't be converted" },
  { "0x1F", "31" },
  { "1e3", "1000.0" },
  { "string(0.1) + string(1e100)", "\"0.11e+100\"" },
  { "'\\u00e9'.size() == 1 && bytes('\\u00e9').size() == 2", "true" },
};

static void
test_cases (void)
{
  OcCelValue slots[G_N_ELEMENTS (variables)];
  g_autoptr (OcCelEnv) env = make_env (slots);
  g_autoptr (OcCelScratch) scratch = oc_cel_scratch_new ();

  for (guint i = 0; i < 2 * G_N_ELEMENTS (cases); i++)
    {
      const char *source = cases[i / 2].source;
      g_autoptr (OcCelProgram) program = oc_cel_compile (
          env, oc_str_from (source), i % 2 ? OC_CEL_COMPILE_NO_FOLD : 0, NULL);
      g_autofree char *text = NULL;
      OcCelValue v;

      g_test_message ("%s", source);
      g_assert_nonnull (program);
      oc_cel_eval (program, slots, scratch, &v);
      text = oc_cel_value_format (v, 0);
      g_assert_cmpstr (text, ==, cases[i / 2].result);
      g_assert_true (oc_cel_eval_bool (program, slots, scratch) == g_str_equal (text, "true"));
    }
}

/* More zones than are kept, each right whether it is found anew or not. */
static void
test_zones (void)
{
  static const char *const zones[]
      = { "Europe/Berlin", "Asia/Kathmandu", "America/New_York", "Asia/Tokyo", "+01:00",
          "Africa/Cairo",  "Asia/Dubai",     "Asia/Dhaka",       "Asia/Seoul", "Asia/Hong_Kong",
          "Asia/Karachi",  "Etc/GMT+5",      "-02:30",           "UTC" };
  static const int minutes[] = { 60, 345, -300, 540, 60, 120, 240, 360, 540, 480, 300, -300, -150, 0 };
  g_autoptr (OcCelEnv) env = oc_cel_env_new ();
  g_autoptr (OcCelScratch) scratch = oc_cel_scratch_new ();
  g_autoptr (OcCelProgram) program = NULL;
  OcCelValue slots[1], v;

  g_assert_cmpint (oc_cel_env_add_variable (env, "zone", "string"), ==, 0);
  program = oc_cel_compile (env,
                            OC_STR ("(timestamp('2026-01-15T12:00:00Z').getHours(zone) - 12) * 60"
                                    " + timestamp('2026-01-15T12:00:00Z').getMinutes(zone)"),
                            0, NULL);
  for (guint i = 0; i < 3 * G_N_ELEMENTS (zones); i++)
    {
      slots[0] = oc_cel_string (oc_str_from (zones[i % G_N_ELEMENTS (zones)]));
      oc_cel_eval (program, slots, scratch, &v);
      g_assert_cmpint (v.kind, ==, OC_CEL_INT);
      g_assert_cmpint (v.i, ==, minutes[i % G_N_ELEMENTS (zones)]);
    }
}

/* A long value is cut at a code point. */
static void
test_format (void)
{
  static const OcStr item = OC_STR_INIT ("\303\251\303\251\303\251");
  const OcStr items[] = { item, item, item };
  const OcCelList list = { .len = 3, .strings = items };
  static const struct
  {
    gsize max;
    const char *text;
  } cuts[] = {
    { 0, "[\"\303\251\303\251\303\251\", \"\303\251\303\251\303\251\", "
         "\"\303\251\303\251\303\251\"]" },
    { 3, "[\"\342\200\246" },
    { 4, "[\"\303\251\342\200\246" },
    { 12, "[\"\303\251\303\251\303\251\", \"\342\200\246" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cuts); i++)
    {
      g_autofree char *text = oc_cel_value_format (oc_cel_list (&list), cuts[i].max);

      g_assert_cmpstr (text, ==, cuts[i].text);
    }
}

/* --- The tree ------------------------------------------------------------ */

static void
test_tree (void)
{
  OcCelValue slots[G_N_ELEMENTS (variables)];
  g_autoptr (OcCelEnv) env = make_env (slots);
  g_autoptr (OcCelScratch) scratch = oc_cel_scratch_new ();
  const char *source = "host == 'x' && (port == 2 * 40 || ['a', 'b'].exists(h, h == host))";
  g_autoptr (OcCelProgram) program
      = oc_cel_compile (env, oc_str_from (source), OC_CEL_COMPILE_BOOL, NULL);
  const OcCelNode *root = oc_cel_program_get_root (program);
  const OcCelNode *port, *in;
  OcCelValue v;
  gsize with_tree = oc_cel_program_get_size (program);

  g_assert_cmpint (root->kind, ==, OC_CEL_NODE_AND);
  g_assert_cmpint (root->n_args, ==, 2);
  g_assert_true (oc_str_equal (root->args[0]->name, OC_STR ("_==_")));
  g_assert_cmpint (root->args[0]->args[0]->slot, ==, 0);
  port = root->args[1]->args[0];
  g_assert_cmpint (port->args[1]->value.i, ==, 80);
  g_assert_cmpmem (source + port->offset, port->length, "port == 2 * 40", 14);
  in = root->args[1]->args[1];
  g_assert_true (oc_str_equal (in->name, OC_STR ("@in")));
  g_assert_cmpint (in->args[1]->value.list->len, ==, 2);
  oc_cel_eval_node (program, port, slots, scratch, &v);
  g_assert_cmpint (v.kind, ==, OC_CEL_BOOL);
  g_assert_false (v.i);
  oc_cel_eval_node (program, root->args[0]->args[0], slots, scratch, &v);
  g_assert_true (oc_str_equal (oc_cel_value_get_str (v), OC_STR ("api.github.com")));
  g_assert_true (oc_cel_program_uses_slot (program, 1));
  g_assert_false (oc_cel_program_uses_slot (program, 2));
  oc_cel_program_release_ast (program);
  g_assert_null (oc_cel_program_get_root (program));
  g_assert_cmpuint (oc_cel_program_get_size (program), <, with_tree);
  g_assert_false (oc_cel_eval_bool (program, slots, scratch));
}

static void
test_macro_node (void)
{
  OcCelValue slots[G_N_ELEMENTS (variables)];
  g_autoptr (OcCelEnv) env = make_env (slots);
  g_autoptr (OcCelScratch) scratch = oc_cel_scratch_new ();
  g_autoptr (OcCelProgram) program = oc_cel_compile (
      env, OC_STR ("run.args.exists(a, a.startsWith('--'))"), OC_CEL_COMPILE_BOOL, NULL);
  const OcCelNode *root = oc_cel_program_get_root (program);
  OcCelValue v;

  g_assert_cmpint (root->kind, ==, OC_CEL_NODE_MACRO);
  g_assert_true (oc_str_equal (root->name, OC_STR ("exists")));
  oc_cel_eval_node (program, root, slots, scratch, &v);
  g_assert_true (oc_cel_value_is_true (v));
  oc_cel_eval_node (program, root->args[1], slots, scratch, &v);
  g_assert_cmpint (v.kind, ==, OC_CEL_ERROR);
}

/* --- Threads ------------------------------------------------------------- */

typedef struct
{
  const OcCelProgram *program;
  const OcCelValue *slots;
} Shared;

static gpointer
evaluate_often (gpointer data)
{
  const Shared *shared = data;
  g_autoptr (OcCelScratch) scratch = oc_cel_scratch_new ();
  guint hits = 0;

  for (guint i = 0; i < 2000; i++)
    hits += (guint) oc_cel_eval_bool (shared->program, shared->slots, scratch);
  return GUINT_TO_POINTER (hits);
}

/* One program, a scratch per thread; TSan sees whether anything is shared. */
static void
test_threads (void)
{
  OcCelValue slots[G_N_ELEMENTS (variables)];
  g_autoptr (OcCelEnv) env = make_env (slots);
  g_autoptr (OcCelProgram) program = oc_cel_compile (
      env,
      OC_STR ("host.matches('^api') && run.args.map(a, a + '!').exists(a, a == 'main!')"
              " && time.getHours() == 22"),
      OC_CEL_COMPILE_BOOL, NULL);
  Shared shared = { program, slots };
  GThread *threads[4];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("cel", evaluate_often, &shared);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_assert_cmpuint (GPOINTER_TO_UINT (g_thread_join (threads[i])), ==, 2000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cel/eval/cases", test_cases);
  g_test_add_func ("/cel/eval/format", test_format);
  g_test_add_func ("/cel/eval/zones", test_zones);
  g_test_add_func ("/cel/eval/tree", test_tree);
  g_test_add_func ("/cel/eval/macro-node", test_macro_node);
  g_test_add_func ("/cel/eval/threads", test_threads);
  return g_test_run ();
}
