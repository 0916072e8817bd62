/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "test-bed.h"

#include "common/oc-fd.h"
#include "http1/oc-http1-client.h"
#include "outcall-api/outcall-api.h"
#include "testlib/oc-testns.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

/* The API over the real subsystems on the real kernel, in a namespace of its own. */

/* --- Every route ------------------------------------------------------------------- */

#define GRANT(destination, protocol, more)                                                        \
  "{\"workload\":\"nobody\",\"destination\":\"" destination "\",\"protocol\":\"" protocol             \
  "\",\"lifetime_s\":60," more "}"

static const struct
{
  const char *method, *target, *body;
  guint status;
  const char *contains;
} routes[] = {
  { "GET", "/health", NULL, 200, "\"success\":true" },
  { "GET", "/ready", NULL, 200, "\"success\":true" },
  { "GET", "/api/v1/status", NULL, 200, "\"name\":\"proxy\",\"state\":\"running\"" },
  { "GET", "/api/v1/bridge", NULL, 200, "\"name\":\"outcall0\",\"up\":true" },
  { "POST", "/api/v1/bridge/up", NULL, 200, "\"nftables_active\":true" },
  { "GET", "/api/v1/network/config", NULL, 200, "\"subnet\":\"10.200.0.0/24\"" },
  { "GET", "/api/v1/network/config?name=none", NULL, 404, "'none'" },
  { "GET", "/api/v1/networks", NULL, 200, "\"name\":\"outcall-default\"" },
  { "GET", "/api/v1/network?name=default", NULL, 200, "\"workloads\":[]" },
  { "GET", "/api/v1/network?name=none", NULL, 404, "'none'" },
  { "POST", "/api/v1/network/create", "{}", 400, "name: is missing" },
  { "POST", "/api/v1/network/create", "{\"name\":\"a/b\"}", 400, "letters" },
  { "POST", "/api/v1/network/create", "{\"name\":\"a\",\"subnet\":\"10.200.9.0/25\"}", 400, "/8 to /24" },
  { "POST", "/api/v1/network/create", "{\"name\":\"a\",\"subnet\":\"10.200.0.0/24\"}", 409,
    "overlaps network outcall-default" },
  { "POST", "/api/v1/network/create", "{\"name\":\"a\",\"subnet\":\"8.8.8.0/24\"}", 400,
    "RFC 1918" },
  { "POST", "/api/v1/network/create", "{\"name\":\"default\"}", 200, "\"created\":false" },
  { "POST", "/api/v1/network/destroy", "{\"name\":\"none\"}", 200, "\"destroyed\":false" },
  { "POST", "/api/v1/network/destroy", "{\"name\":\"default\"}", 400, "bridge down" },
  { "POST", "/api/v1/network/destroy", "{\"name\":\"\"}", 400, "letters" },
  { "GET", "/api/v1/rules/active", NULL, 200, "{\"grants\":[],\"total\":0}" },
  { "GET", "/api/v1/rules/active?limit=0", NULL, 400, "limit" },
  { "GET", "/api/v1/rules/active?limit=10001", NULL, 400, "limit" },
  { "GET", "/api/v1/rules/active?workload=nobody", NULL, 404, "'nobody'" },
  { "POST", "/api/v1/rule/allow", "{}", 400, "workload: is missing" },
  { "POST", "/api/v1/rule/allow", GRANT ("192.0.2.9", "tcp", "\"port\":443"), 404, "'nobody'" },
  { "POST", "/api/v1/rule/allow", GRANT ("example.com", "tcp", "\"port\":443"), 400,
    "outcall allow" },
  { "POST", "/api/v1/rule/allow", GRANT ("192.0.2.0/33", "tcp", "\"port\":443"), 400, "range" },
  { "POST", "/api/v1/rule/allow", GRANT ("fd00::1", "tcp", "\"port\":443"), 400, "IPv4" },
  { "POST", "/api/v1/rule/allow", GRANT ("192.0.2.9", "sctp", "\"port\":443"), 400, "protocol" },
  { "POST", "/api/v1/rule/allow", GRANT ("192.0.2.9", "tcp", "\"port\":65536"), 400, "port" },
  { "POST", "/api/v1/rule/allow", GRANT ("192.0.2.9", "tcp", "\"last_port\":443"), 400, "port" },
  { "POST", "/api/v1/rule/revoke", "{\"id\":\"g1\"}", 404, "'g1'" },
  { "POST", "/api/v1/rule/revoke", "{\"id\":\"1\"}", 404, "'1'" },
  { "POST", "/api/v1/rules/flush", NULL, 200, "\"removed\":0" },
  { "POST", "/api/v1/rules/flush", "{\"workload\":\"nobody\"}", 404, "'nobody'" },
  { "GET", "/api/v1/workloads", NULL, 200, "\"data\":[]" },
  { "GET", "/api/v1/sandboxes", NULL, 200, "\"data\":[]" },
  { "GET", "/api/v1/rules", NULL, 200, "\"id\":\"block-bad\"" },
  { "GET", "/api/v1/rule/block-bad", NULL, 200, "\"reason\":\"because\"" },
  { "GET", "/api/v1/rule/none", NULL, 404, "'none'" },
  { "GET", "/api/v1/dns", NULL, 200, "\"upstreams\":\"127.0.0.1:1\"" },
  { "GET", "/api/v1/dns", NULL, 200, "\"servers\":[{\"address\":\"127.0.0.1\",\"port\":1," },
  { "GET", "/api/v1/dns/cache", NULL, 200, "\"answers\":0,\"answers_max\":10000" },
  { "GET", "/api/v1/dns/cache?entries=true", NULL, 200, "\"entries\":[]" },
  { "GET", "/api/v1/dns/cache?entries=all", NULL, 400, "entries must be" },
  { "POST", "/api/v1/dns/cache/flush", NULL, 200, "\"success\":true" },
  { "GET", "/api/v1/proxy", NULL, 200, "\"port\":8080" },
  { "GET", "/api/v1/proxy/intercept", NULL, 200, "\"enabled\":false" },
  { "POST", "/api/v1/proxy/intercept/cache/flush", NULL, 404, "without a CA" },
  { "GET", "/api/v1/ca", NULL, 200, "\"loaded\":false" },
  { "GET", "/api/v1/ca/bundle", NULL, 404, "without a CA" },
  { "GET", "/api/v1/secrets", NULL, 200, "\"names\":[]" },
  { "GET", "/api/v1/log", NULL, 200, "\"data\":[" },
  { "GET", "/api/v1/log?verdict=maybe", NULL, 400, "verdict" },
  { "GET", "/api/v1/log?since=yesterday", NULL, 400, "since" },
  { "GET", "/api/v1/log?limit=0", NULL, 400, "limit" },
  { "GET", "/api/v1/log?limit=65537", NULL, 400, "limit" },
  { "GET", "/api/v1/events?verdict=maybe", NULL, 400, "verdict" },
  { "GET", "/v1/whoami", NULL, 404, "\"success\":false" },
  { "POST", "/api/v1/status", NULL, 405, "\"success\":false" },
  { "POST", "/api/v1/sandbox/stop", "{\"name\":\"nobody\"}", 404, "nobody" },
  { "POST", "/api/v1/sandbox/stop", "{}", 400, "name" },
  { "POST", "/api/v1/sandbox/stop", "{\"name\":1}", 400, "name: must be a string" },
  { "POST", "/api/v1/sandbox/stop", "{\"name\":\"x\",\"timeout_s\":-1}", 400, "timeout_s" },
  { "POST", "/api/v1/sandbox/stop", "{\"name\":\"x\",\"more\":1}", 400, "more: is not known here" },
  { "POST", "/api/v1/sandbox/stop", "[]", 400, "object" },
  { "POST", "/api/v1/sandbox/stop", "{", 400, "\"success\":false" },
  { "POST", "/api/v1/sandbox/attach", "{}", 400, "pid" },
  { "POST", "/api/v1/sandbox/attach", "{\"pid\":1,\"name\":\"host\"}", 403, "\"success\":false" },
  { "POST", "/api/v1/rule/evaluate", "{\"context\":{\"network\":{\"prot\":1}}}", 400, "network.prot" },
  { "POST", "/api/v1/rule/test", NULL, 200, "\"untested\":" },
  { "POST", "/api/v1/rules/lint", "{\"name\":\"x.yaml\"}", 400, "text" },
  { "POST", "/api/v1/dns/test", "{\"name\":\"10.0.0.1\"}", 400, "host name" },
  { "POST", "/api/v1/dns/test", "{\"name\":\"a..b\"}", 400, "host name" },
};

static void
test_routes (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (routes); i++)
    {
      g_autofree char *text = NULL;
      guint status = request (routes[i].method, routes[i].target, routes[i].body, &text);

      if (status != routes[i].status || strstr (text, routes[i].contains) == NULL)
        g_error ("%s %s: %u %s", routes[i].method, routes[i].target, status, text);
    }
}

static void
test_status (void)
{
  g_autoptr (JsonNode) data = call ("GET", "/api/v1/status", NULL, 200);
  g_autoptr (GError) error = NULL;
  g_autoptr (OutcallStatus) status = outcall_status_from_json (data, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (status->version, ==, PACKAGE_VERSION);
  g_assert_cmpuint (status->n_subsystems, ==, 7);
  for (gsize i = 0; i < status->n_subsystems; i++)
    g_assert_cmpint (status->subsystems[i]->state, ==,
                     g_str_equal (status->subsystems[i]->name, "engine") ? OUTCALL_STATE_DISABLED
                                                                         : OUTCALL_STATE_RUNNING);
}

/* --- The description ------------------------------------------------------------------- */

/* No route without a description, no description without a route. */
static void
test_described (void)
{
  g_autoptr (JsonNode) document = oc_host_api_describe ();
  JsonObject *paths
      = json_object_get_object_member (json_node_get_object (document), "paths");
  g_autoptr (GList) names = json_object_get_members (paths);
  gsize n_routes, n_described = 0;
  const OcApiRoute *all = oc_host_api_get_routes (&n_routes);

  for (gsize i = 0; i < n_routes; i++)
    {
      g_autofree char *method = g_ascii_strdown (all[i].method, -1);

      if (!json_object_has_member (paths, all[i].pattern)
          || !json_object_has_member (
              json_object_get_object_member (paths, all[i].pattern), method))
        g_error ("describe %s %s in oc-host-api-describe.c", all[i].method, all[i].pattern);
    }
  for (GList *l = names; l != NULL; l = l->next)
    n_described += json_object_get_size (json_object_get_object_member (paths, l->data));
  g_assert_cmpuint (n_described, ==, n_routes);
}

/* Runs a checker of this folder on the API, with the python that the packages are for. */
static void
run_checker (const char *name)
{
  g_autofree char *script
      = g_test_build_filename (G_TEST_DIST, "src/outcalld/host-api", name, NULL);
  g_autofree char *command = g_strdup_printf (
      "PATH=/usr/bin:$PATH; python3 -B '%s' '%s' 2>&1", script, bed.socket);
  g_autofree char *output = NULL;
  int code = run_aside (command, &output);

  if (code == 77)
    g_test_skip (output);
  else if (code != 0)
    g_error ("%s: %d %s", name, code, output);
}

static void
test_openapi (void)
{
  push (FALSE, "openapi", "openapi.example.com");
  run_checker ("check-openapi.py");
}

static void
submit_request (guint i)
{
  g_autofree char *host = g_strdup_printf ("asked%u.example.com", i);
  g_autofree char *id = g_strdup_printf ("asker-%u", i);
  const OutcallRuleSubmission what = { .host = host };
  OcAddress none = { 0 };
  g_autoptr (OcIdentity) who = oc_identity_new (id, id, "", "", &none, &none, 1);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (oc_requests_submit (bed.requests, who, &what, NULL, &error));
  g_assert_no_error (error);
}

static void
test_locales (void)
{
  if (g_getenv ("OUTCALL_BUILDDIR") == NULL)
    {
      g_test_skip ("OUTCALL_BUILDDIR is not set");
      return;
    }
  for (guint i = 0; i < 14; i++)
    submit_request (i);
  oc_test_run ("ip link add up2 type veth peer up3 && ip link set up3 up && "
               "ip addr add 192.0.2.1/24 dev up2 && ip link set up2 up");
  push (FALSE, "locales", "locales.example.com");
  push (TRUE, "locales", "a.longer.name.locales.example.com");
  run_checker ("check-locales.py");
  oc_test_run ("ip link del up2");
  oc_test_run ("rm -f '%s'/allow-* '%s'/agent-*", bed.rules_dir, bed.rules_dir);
  expect ("POST", "/api/v1/rules/reload", NULL, 200);
}

static void
test_metrics_readers (void)
{
  run_checker ("check-metrics.py");
}

static void
test_metrics (void)
{
  g_autofree char *text = NULL;

  g_assert_cmpuint (request ("GET", "/metrics", NULL, &text), ==, 200);
  g_assert_nonnull (strstr (text, "\noutcall_rules 2\n"));
  g_assert_nonnull (strstr (text, "\noutcall_decisions_total{verdict=\"blocked\"} "));
  g_assert_true (g_str_has_suffix (text, "\n# EOF\n"));
}

/* --- Rules ---------------------------------------------------------------------------- */

static gboolean
is_allowed (const char *host, int port)
{
  g_autofree char *body = g_strdup_printf (
      "{\"context\":{\"network\":{\"hostname\":\"%s\",\"port\":%d}}}", host, port);
  g_autoptr (JsonNode) data = call ("POST", "/api/v1/rule/evaluate", body, 200);
  g_autoptr (OutcallEvaluateResult) result = outcall_evaluate_result_from_json (data, NULL);

  g_assert_nonnull (result);
  return result->verdict.allowed;
}

static void
test_evaluate (void)
{
  g_autoptr (JsonNode) traced = NULL;
  g_autoptr (JsonNode) name = NULL;
  g_autoptr (OutcallEvaluateResult) result = NULL;
  g_autoptr (OutcallEvaluateResult) by_name = NULL;

  g_assert_true (is_allowed ("api.example.com", 443));
  g_assert_true (is_allowed ("API.Example.com.", 443)); /* the canonical name is judged */
  g_assert_false (is_allowed ("api.example.com", 80));
  traced = call ("POST", "/api/v1/rule/evaluate",
                 "{\"context\":{\"network\":{\"hostname\":\"bad.example.com\"}},\"trace\":true}",
                 200);
  result = outcall_evaluate_result_from_json (traced, NULL);
  g_assert_false (result->verdict.allowed);
  g_assert_cmpstr (result->verdict.matched_rule, ==, "block-bad");
  g_assert_cmpstr (result->verdict.reason, ==, "because");
  g_assert_cmpuint (result->n_trace, ==, 2);
  g_assert_false (result->trace[0]->matched);
  g_assert_nonnull (result->trace[0]->why);
  g_assert_true (result->trace[1]->matched);
  name = call ("POST", "/api/v1/rule/evaluate",
               "{\"context\":{\"network\":{\"hostname\":\"api.example.com\"},"
               "\"dns\":{\"query\":\"api.example.com\",\"record_type\":\"A\"}},\"name_only\":true}",
               200);
  by_name = outcall_evaluate_result_from_json (name, NULL);
  g_assert_true (by_name->verdict.allowed);
}

static void
test_reload (void)
{
  g_autoptr (JsonNode) good = NULL;
  g_autoptr (JsonNode) bad = NULL;
  g_autoptr (OutcallReloadResult) result = NULL;
  g_autoptr (OutcallReloadResult) refused = NULL;

  write_rules ("20-more.yaml", "version: \"1\"\nrules:\n  - id: more\n    hosts: [more.example.com]\n"
                               "    action: allow\n");
  good = call ("POST", "/api/v1/rules/reload", NULL, 200);
  result = outcall_reload_result_from_json (good, NULL);
  g_assert_cmpuint (result->files_loaded, ==, 2);
  g_assert_cmpuint (result->rules_loaded, ==, 3);
  g_assert_true (is_allowed ("more.example.com", 443));

  write_rules ("20-more.yaml", "version: \"1\"\nrules:\n  - id: more\n"
                               "    condition: 'network.hostnam == \"x\"'\n    action: allow\n");
  bad = call ("POST", "/api/v1/rules/reload", NULL, 422);
  refused = outcall_reload_result_from_json (bad, NULL);
  g_assert_nonnull (refused);
  g_assert_cmpuint (refused->n_warnings, ==, 1);
  g_assert_cmpint (refused->warnings[0]->severity, ==, OUTCALL_SEVERITY_ERROR);
  g_assert_cmpuint (refused->warnings[0]->line, ==, 4);
  g_assert_true (is_allowed ("more.example.com", 443)); /* the old policy stays */
  oc_test_run ("rm '%s'/20-more.yaml", bed.rules_dir);
  expect ("POST", "/api/v1/rules/reload", NULL, 200);
}

static void
test_rule_test (void)
{
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (OutcallRuleTests) result = NULL;

  write_rules ("20-tests.yaml",
               "version: \"1\"\nrules:\n  - id: tested\n    hosts: [tested.example.com]\n"
               "    action: allow\ntests:\n"
               "  - name: right\n    given: { network: { hostname: tested.example.com, port: 443 } }\n"
               "    expect: allow\n"
               "  - name: wrong\n    given: { network: { hostname: other.example.com, port: 443 } }\n"
               "    expect: allow\n");
  expect ("POST", "/api/v1/rules/reload", NULL, 200);
  data = call ("POST", "/api/v1/rule/test", NULL, 200);
  result = outcall_rule_tests_from_json (data, NULL);
  g_assert_nonnull (result);
  g_assert_cmpuint (result->passed, ==, 1);
  g_assert_cmpuint (result->failed, ==, 1);
  g_assert_cmpuint (result->rules, ==, 3);
  g_assert_cmpuint (result->n_tests, ==, 2);
  g_assert_cmpstr (result->tests[0]->name, ==, "right");
  g_assert_cmpstr (result->tests[0]->rule, ==, "tested");
  g_assert_true (g_str_has_suffix (result->tests[0]->file, "/20-tests.yaml"));
  g_assert_false (result->tests[1]->passed);
  g_assert_nonnull (result->tests[1]->message);
  g_assert_cmpuint (result->n_untested, ==, 2);
  oc_test_run ("rm '%s'/20-tests.yaml", bed.rules_dir);
  expect ("POST", "/api/v1/rules/reload", NULL, 200);
}

static void
test_lint (void)
{
  g_autoptr (JsonNode) good = NULL;
  g_autoptr (JsonNode) bad = NULL;
  g_autoptr (OutcallReloadResult) findings = NULL;

  good = call ("POST", "/api/v1/rules/lint",
               "{\"name\":\"a.yaml\",\"text\":\"version: \\\"1\\\"\\nrules: []\\n\"}", 200);
  g_assert_nonnull (good);
  bad = call ("POST", "/api/v1/rules/lint", "{\"name\":\"a.yaml\",\"text\":\"version: 2\\n\"}", 422);
  findings = outcall_reload_result_from_json (bad, NULL);
  g_assert_cmpuint (findings->n_warnings, >, 0);
  g_assert_cmpstr (findings->warnings[0]->file, ==, "a.yaml");
}

/* --- allow ------------------------------------------------------------------------------ */

static const struct
{
  const char *body;
  guint status;
  const char *file; /* that is there afterwards */
} allow_cases[] = {
  { "{\"hosts\":[\"new.example.com\"]}", 200, "allow-new.example.com.yaml" },
  { "{\"hosts\":[\"new.example.com\"]}", 200, "allow-new.example.com.yaml" }, /* again */
  { "{\"hosts\":[\"NEW2.example.com.\"]}", 200, "allow-new2.example.com.yaml" },
  { "{\"hosts\":[\"*.sub.example.com\"]}", 200, "allow-below-sub.example.com.yaml" },
  { "{\"hosts\":[\"port.example.com:8443\"]}", 200, "allow-port.example.com-port-8443.yaml" },
  { "{\"hosts\":[\"one.example.com\"],\"agent\":\"ci\"}", 200, "allow-one.example.com-for-ci.yaml" },
  { "{\"hosts\":[\"short.example.com\",\"new.example.com\"],\"for_s\":2}", 200,
    "allow-short.example.com-for-a-time.yaml" },
  { "{\"hosts\":[]}", 400, NULL },
  { "{\"hosts\":[\"a.example.com\"],\"for_s\":-1}", 400, NULL },
  { "{\"hosts\":[\"a.example.com\"],\"for_s\":99999999999}", 400, NULL },
  { "{\"hosts\":[\"\"]}", 400, NULL },
  { "{\"hosts\":[\"*\"]}", 400, NULL },
  { "{\"hosts\":[\"../etc/passwd\"]}", 400, NULL },
  { "{\"hosts\":[\"a\\\"]\\n  - id: x\"]}", 400, NULL },
  { "{\"hosts\":[\"a.example.com:0\"]}", 400, NULL },
  { "{\"hosts\":[\"a.example.com\"],\"agent\":\"x\\\"\"}", 400, NULL },
  { "{\"hosts\":[\"a.example.com\"],\"agent\":\"\"}", 400, NULL },
  { "{\"hosts\":[\"a.example.com\",\"b..example.com\"]}", 400, NULL },
  { "{\"hosts\":\"a.example.com\"}", 400, NULL },
};

static guint
count_rule_files (void)
{
  g_autoptr (GDir) dir = g_dir_open (bed.rules_dir, 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static gboolean
is_over (gpointer unused)
{
  return !is_allowed ("short.example.com", 443);
}

static void
test_allow (void)
{
  guint n_files;
  GStatBuf st;

  g_assert_false (is_allowed ("new.example.com", 443));
  for (gsize i = 0; i < G_N_ELEMENTS (allow_cases); i++)
    {
      g_autoptr (JsonNode) data G_GNUC_UNUSED = call ("POST", "/api/v1/rules/allow", allow_cases[i].body,
                                        allow_cases[i].status);
      g_autofree char *path = NULL;

      if (allow_cases[i].file == NULL)
        continue;
      path = g_build_filename (bed.rules_dir, allow_cases[i].file, NULL);
      g_assert_cmpint (g_lstat (path, &st), ==, 0);
      g_assert_cmpuint (st.st_mode & 07777, ==, 0644);
    }
  n_files = count_rule_files ();
  g_assert_cmpuint (n_files, ==, 1 + 7); /* and no leftovers */
  g_assert_true (is_allowed ("new.example.com", 443));
  g_assert_true (is_allowed ("x.sub.example.com", 443));
  g_assert_false (is_allowed ("sub.example.com", 443));
  g_assert_true (is_allowed ("port.example.com", 8443));
  g_assert_false (is_allowed ("port.example.com", 443));
  g_assert_false (is_allowed ("one.example.com", 443)); /* for agent ci only */
  g_assert_true (oc_test_wait (is_over, NULL));
  g_assert_true (is_allowed ("new.example.com", 443)); /* for good, too */

  /* A reload that fails takes the files back; those that were there stay. */
  write_rules ("99-bad.yaml", "version: 7\n");
  expect ("POST", "/api/v1/rules/allow",
          "{\"hosts\":[\"late.example.com\",\"new.example.com\",\"late.example.com\"]}",
          422);
  g_assert_cmpuint (count_rule_files (), ==, n_files + 1);
  g_assert_false (is_allowed ("late.example.com", 443));
  g_assert_true (is_allowed ("new.example.com", 443));
  oc_test_run ("rm '%s'/99-bad.yaml '%s'/allow-*", bed.rules_dir, bed.rules_dir);
  expect ("POST", "/api/v1/rules/reload", NULL, 200);
}

/* --- Log and events -------------------------------------------------------------------- */

static guint
count_log (const char *target)
{
  g_autoptr (JsonNode) data = call ("GET", target, NULL, 200);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) list = outcall_decision_list_from_json (data, &error);

  g_assert_no_error (error);
  return list->len;
}

/* The three of "log.example.com", one at a time from the newest on. */
static void
check_pages (void)
{
  static const char *const hosts[] = { "log.example.com", "x.log.example.com", "log.example.com" };
  gint64 before = G_MAXINT64;

  for (gsize i = 0; i <= G_N_ELEMENTS (hosts); i++)
    {
      g_autofree char *target = g_strdup_printf (
          "/api/v1/log?host=log.example.com&limit=1&before=%" G_GINT64_FORMAT, before);
      g_autoptr (JsonNode) data = call ("GET", target, NULL, 200);
      g_autoptr (GPtrArray) list = outcall_decision_list_from_json (data, NULL);

      g_assert_cmpuint (list->len, ==, i < G_N_ELEMENTS (hosts) ? 1 : 0);
      if (list->len == 0)
        break;
      g_assert_cmpstr (((OutcallDecision *) list->pdata[0])->host, ==, hosts[i]);
      g_assert_cmpint ((gint64) ((OutcallDecision *) list->pdata[0])->sequence, <, before);
      before = (gint64) ((OutcallDecision *) list->pdata[0])->sequence;
    }
  expect ("GET", "/api/v1/log?before=0", NULL, 400);
  expect ("GET", "/api/v1/log?before=x", NULL, 400);
}

static void
test_log (void)
{
  push (TRUE, "la", "log.example.com");
  push (FALSE, "la", "x.log.example.com");
  push (FALSE, "lb", "log.example.com");
  g_assert_cmpuint (count_log ("/api/v1/log?host=log.example.com"), ==, 3);
  g_assert_cmpuint (count_log ("/api/v1/log?host=log.example.com&verdict=blocked"), ==, 2);
  check_pages ();
  g_assert_cmpuint (count_log ("/api/v1/log?agent=la"), ==, 2);
  g_assert_cmpuint (count_log ("/api/v1/log?agent=la&since=1h&limit=1"), ==, 1);
  g_assert_cmpuint (count_log ("/api/v1/log?agent=la&since=2999-01-01T00:00:00Z"), ==, 0);
}

/* --- A workload ------------------------------------------------------------------------- */

static gboolean
has_fresh_netns (gpointer data)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/ns/net", *(pid_t *) data);
  g_autofree char *theirs = g_file_read_link (path, NULL);
  g_autofree char *ours = g_file_read_link ("/proc/self/ns/net", NULL);

  return theirs != NULL && g_strcmp0 (theirs, ours) != 0;
}

static pid_t
spawn_namespace (void)
{
  const char *argv[] = { "unshare", "--user", "--map-root-user", "--net", "sleep", "1000", NULL };
  g_autoptr (GError) error = NULL;
  GPid pid = 0;

  g_spawn_async (NULL, (char **) argv, NULL,
                 G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, &error);
  g_assert_no_error (error);
  g_assert_true (oc_test_wait (has_fresh_netns, &pid));
  return pid;
}

/* The workload "wl" gets a grant of each shape and loses them again. */
static void
check_grants (void)
{
  static const char *const shapes[] = {
    "\"192.0.2.9\",\"protocol\":\"tcp\",\"port\":5432,\"max_bytes\":4096",
    "\"192.0.2.9\",\"protocol\":\"udp\"",
    "\"192.0.2.128/25\",\"protocol\":\"tcp\",\"port\":8000,\"last_port\":8010",
  };
  g_autoptr (OutcallActiveGrants) active = NULL;
  g_autoptr (JsonNode) listed = NULL;
  const OutcallGrant *first;

  oc_test_run ("ip link add up0 type veth peer up1 && ip link set up1 up && ip addr add 192.0.2.1/24 dev up0 && "
               "ip link set up0 up");
  for (guint i = 0; i < G_N_ELEMENTS (shapes); i++)
    {
      g_autofree char *body = g_strdup_printf (
          "{\"workload\":\"wl\",\"lifetime_s\":60,\"destination\":%s}", shapes[i]);

      expect ("POST", "/api/v1/rule/allow", body, 200);
    }
  expect ("POST", "/api/v1/rule/allow",
          "{\"workload\":\"wl\",\"lifetime_s\":60,\"destination\":\"192.0.2.128/26\","
          "\"protocol\":\"tcp\",\"port\":8005}",
          409);
  expect ("POST", "/api/v1/rule/allow",
          "{\"workload\":\"wl\",\"lifetime_s\":60,\"destination\":\"192.0.2.1\","
          "\"protocol\":\"tcp\",\"port\":22}",
          422);
  listed = call ("GET", "/api/v1/rules/active?workload=wl&limit=2", NULL, 200);
  active = outcall_active_grants_from_json (listed, NULL);
  g_assert_cmpuint (active->total, ==, 3);
  g_assert_cmpuint (active->n_grants, ==, 2);
  first = active->grants[0];
  g_assert_cmpstr (first->workload, ==, "wl");
  g_assert_cmpstr (first->destination, ==, "192.0.2.128/25");
  g_assert_cmpuint (first->port, ==, 8000);
  g_assert_cmpuint (first->last_port, ==, 8010);
  g_assert_null (first->rule);
  g_assert_cmpint (first->expires_at_us - first->inserted_at_us, ==, 60 * G_USEC_PER_SEC);
  g_assert_cmpuint (active->grants[1]->port, ==, 0); /* every port */
  {
    g_autofree char *body = g_strdup_printf ("{\"id\":\"%s\"}", first->id);

    expect ("POST", "/api/v1/rule/revoke", body, 200);
    expect ("POST", "/api/v1/rule/revoke", body, 404);
  }
  expect ("POST", "/api/v1/rules/flush", "{\"workload\":\"wl\"}", 200);
  g_clear_pointer (&active, outcall_active_grants_free);
  g_clear_pointer (&listed, json_node_unref);
  listed = call ("GET", "/api/v1/rules/active", NULL, 200);
  active = outcall_active_grants_from_json (listed, NULL);
  g_assert_cmpuint (active->total, ==, 0);
  oc_test_run ("ip link del up0");
}

/* A rule about the project explains itself to who knows the agent's name only. */
static void
check_identity (const OutcallWorkload *workload)
{
  static const char ask[] = "{\"context\":{\"network\":{\"hostname\":\"id.example.com\",\"port\":443},"
                            "\"agent\":{\"name\":\"%s\"%s}}}";
  const struct
  {
    const char *name, *more;
    gboolean allowed;
  } cases[] = { { workload->name, "", TRUE },
                { "nobody", "", FALSE },
                { workload->name, ",\"project\":\"other\"", FALSE } };

  write_rules ("30-identity.yaml", "version: \"1\"\nrules:\n  - id: of-project\n    condition: "
                                   "'network.hostname == \"id.example.com\" && "
                                   "agent.project == \"/src/project\"'\n    action: allow\n");
  expect ("POST", "/api/v1/rules/reload", NULL, 200);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *body = g_strdup_printf (ask, cases[i].name, cases[i].more);
      g_autoptr (JsonNode) data = call ("POST", "/api/v1/rule/evaluate", body, 200);
      g_autoptr (OutcallEvaluateResult) result = outcall_evaluate_result_from_json (data, NULL);

      g_assert_cmpint (result->verdict.allowed, ==, cases[i].allowed);
    }
  oc_test_run ("rm '%s'/30-identity.yaml", bed.rules_dir);
  expect ("POST", "/api/v1/rules/reload", NULL, 200);
}

static void
test_workload (void)
{
  pid_t pid = spawn_namespace ();
  Stream stream = open_stream ("/api/v1/events?agent=wl");
  Stream changes = open_stream ("/api/v1/events");
  g_autofree char *body
      = g_strdup_printf ("{\"pid\":%d,\"name\":\"wl\",\"project\":\"/src/project\","
                         "\"command\":\"sleep 1000\"}", (int) pid);
  g_autoptr (JsonNode) attached = NULL;
  g_autoptr (JsonNode) listed = NULL;
  g_autoptr (OutcallSandboxAttachment) attachment = NULL;
  g_autoptr (GPtrArray) list = NULL;
  const OutcallWorkload *workload;
  int status;

  await (&stream, "\r\n\r\n");
  attached = call ("POST", "/api/v1/sandbox/attach", body, 200);
  attachment = outcall_sandbox_attachment_from_json (attached, NULL);
  g_assert_cmpstr (attachment->name, ==, "wl");
  g_assert_cmpstr (attachment->gateway, ==, "10.200.0.1");
  await (&stream, "event: workload_started\n");
  expect ("POST", "/api/v1/sandbox/attach", body, 409);
  expect ("POST", "/api/v1/bridge/down", NULL, 409);

  listed = call ("GET", "/api/v1/workloads", NULL, 200);
  list = outcall_workload_list_from_json (listed, NULL);
  g_assert_cmpuint (list->len, ==, 1);
  workload = list->pdata[0];
  g_assert_cmpint (workload->pid, ==, pid);
  g_assert_cmpstr (workload->address, ==, attachment->address);
  g_assert_cmpstr (workload->command, ==, "sleep 1000");
  check_identity (workload);

  check_grants ();
  await (&changes, "event: grant_added\n");
  await (&changes, "event: grant_removed\n");
  expect ("POST", "/api/v1/network/create", "{\"name\":\"told\"}", 200);
  await (&changes, "event: network_created\n");
  expect ("POST", "/api/v1/network/destroy", "{\"name\":\"told\"}", 200);
  await (&changes, "event: network_destroyed\ndata: {\"name\":\"outcall-told\"");
  close_stream (&changes);
  expect ("POST", "/api/v1/sandbox/stop", "{\"name\":\"wl\"}", 200);
  await (&stream, "event: workload_ended\n");
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFSIGNALED (status));
  close_stream (&stream);
}

static void
test_bridge (void)
{
  g_autoptr (JsonNode) down = call ("POST", "/api/v1/bridge/down", NULL, 200);
  g_autoptr (JsonNode) up = NULL;
  g_autoptr (OutcallBridgeStatus) status = outcall_bridge_status_from_json (down, NULL);
  g_autofree char *text = NULL;

  g_assert_false (status->up);
  g_assert_false (status->has_index);
  g_assert_false (status->nftables_active);
  g_assert_cmpuint (request ("GET", "/ready", NULL, &text), ==, 503);
  up = call ("POST", "/api/v1/bridge/up", NULL, 200);
  outcall_bridge_status_free (g_steal_pointer (&status));
  status = outcall_bridge_status_from_json (up, NULL);
  g_assert_true (status->up);
  g_assert_true (status->nftables_active);
}

/* --- DNS ----------------------------------------------------------------------------------- */

static void
test_dns (void)
{
  static const struct
  {
    const char *name;
    gboolean allowed;
    const char *rule, *status;
  } cases[] = {
    { "bad.example.com", FALSE, "block-bad", "not_asked" },
    { "other.example.com", FALSE, NULL, "not_asked" },
    { "API.example.com", TRUE, "allow-api", "failed" }, /* no upstream */
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *body = g_strdup_printf ("{\"name\":\"%s\",\"agent\":\"ci\"}", cases[i].name);
      g_autoptr (JsonNode) data = call ("POST", "/api/v1/dns/test", body, 200);
      JsonObject *object = json_node_get_object (data);

      g_assert_cmpint (json_object_get_boolean_member (object, "allowed"), ==, cases[i].allowed);
      g_assert_cmpstr (json_object_get_string_member_with_default (object, "matched_rule", NULL),
                       ==, cases[i].rule);
      g_assert_cmpstr (json_object_get_string_member (object, "status"), ==, cases[i].status);
    }
}

/* --- The command line ------------------------------------------------------------------------ */

static const struct
{
  const char *args;
  int code;
  const char *contains; /* in its output and errors */
} cli_cases[] = {
  { "", 0, "rules are in force" },
  { "status", 0, "bridge    running" },
  { "status --json", 0, "\"subsystems\":[" },
  { "ps", 0, "No confined program is running" },
  { "ps --json", 0, "[]" },
  { "stop nobody", 1, "nobody" },
  { "bridge status", 0, "outcall0" },
  { "bridge status --json", 0, "\"nftables_active\":true" },
  { "network list", 0, "outcall-default  outcall0" },
  { "network create --name staging --subnet 192.168.7.0/24", 0, "outcall-staging" },
  { "network create staging", 0, "there already" },
  { "network create other --subnet 192.168.7.0/24", 1, "overlaps network outcall-staging" },
  { "network create", 2, "NAME is needed" },
  { "network create a b", 2, "NAME is needed" },
  { "network status staging", 0, "192.168.7.1" },
  { "network status none", 1, "no network 'none'" },
  { "network list --json", 0, "\"bridge\":\"outcall1\"" },
  { "network destroy staging", 0, "is gone" },
  { "network destroy staging", 0, "no such network" },
  { "network destroy default", 1, "bridge down" },
  { "grants list", 0, "There is no grant" },
  { "grants list --agent nobody", 1, "nobody" },
  { "grants add nobody 192.0.2.9 443", 1, "no workload 'nobody'" },
  { "grants add nobody 192.0.2.9", 2, "PORT are needed" },
  { "grants add nobody 192.0.2.9 http", 2, "is no port" },
  { "grants add nobody 192.0.2.9 443-80", 2, "is no port" },
  { "grants add nobody 192.0.2.9 443/icmp", 2, "is no port" },
  { "grants add nobody 192.0.2.9 443 --for ever", 2, "is no duration" },
  { "grants add nobody 192.0.2.9 443 --for 8d", 2, "a second to a week" },
  { "grants add nobody 192.0.2.9 443 --max-bytes 1X", 2, "is no size" },
  { "grants revoke", 2, "which GRANT" },
  { "grants revoke g7", 1, "no grant 'g7'" },
  { "grants flush", 0, "0 grants have ended" },
  { "dns status", 0, "127.0.0.1:1" },
  { "dns test bad.example.com", 0, "block-bad" },
  { "dns test other.example.com --json", 0, "\"allowed\":false" },
  { "dns test api.example.com --agent ci", 0, "no upstream answered" },
  { "dns test 10.1.2.3", 1, "host name" },
  { "dns cache", 0, "0 of 10000 answers" },
  { "dns cache --json", 0, "\"answers_max\":10000" },
  { "dns flush", 0, "empty" },
  { "proxy status", 0, "8080" },
  { "metrics", 0, "# EOF" },
  { "metrics --json", 0, "\"outcall_rules\":2" },
  { "log --host cli.example.com", 0, "cli.example.com:443" },
  { "log --host cli.example.com --json", 0, "\"host\":\"cli.example.com\"" },
  { "log --since tomorrow", 1, "since" },
  { "log --host nothing.example.com --json", 0, "[]" },
  { "allow cli.example.net", 0, "allow-cli.example.net.yaml" },
  { "allow 'bad host'", 1, "not a host" },
  { "rules list", 0, "allow-cli.example.net" },
  { "rules reload", 0, "" },
};

static void
test_cli (void)
{
  if (g_getenv ("OUTCALL_BUILDDIR") == NULL)
    {
      g_test_skip ("OUTCALL_BUILDDIR is not set");
      return;
    }
  push (FALSE, "cli", "cli.example.com");
  for (gsize i = 0; i < G_N_ELEMENTS (cli_cases); i++)
    {
      g_autofree char *command
          = g_strdup_printf ("'%s/src/outcall/outcall' --socket '%s' %s 2>&1",
                             g_getenv ("OUTCALL_BUILDDIR"), bed.socket, cli_cases[i].args);
      g_autofree char *output = NULL;
      int code = run_aside (command, &output);

      if (code != cli_cases[i].code || strstr (output, cli_cases[i].contains) == NULL)
        g_error ("outcall %s: %d %s", cli_cases[i].args, code, output);
    }
  oc_test_run ("rm '%s'/allow-*", bed.rules_dir);
  expect ("POST", "/api/v1/rules/reload", NULL, 200);
}

/* --- Peers ---------------------------------------------------------------------------------- */

static gboolean
has_exited (gpointer data)
{
  pid_t *pid = data;
  int status;

  if (waitpid (*pid, &status, WNOHANG) != *pid)
    return FALSE;
  *pid = WIFEXITED (status) ? WEXITSTATUS (status) : -1;
  return TRUE;
}

/* Even when the file's mode lets somebody connect, the API answers only those who may. */
static void
test_stranger (void)
{
  g_autofree char *setgroups = NULL;
  pid_t pid;

  /* In the user namespace of an ordinary user there is nobody else. */
  if (g_file_get_contents ("/proc/self/setgroups", &setgroups, NULL, NULL)
      && g_str_has_prefix (setgroups, "deny"))
    {
      g_test_skip ("needs root, to be somebody else");
      return;
    }
  g_assert_cmpint (g_chmod (bed.socket, 0666), ==, 0);
  pid = fork ();
  if (pid == 0)
    {
      OcHttpReply reply = { 0 };
      OcHttpClient *client;

      /* The folders above it are private; from inside they do not matter. */
      if (chdir (bed.dir) < 0 || setgid (54321) < 0 || setuid (54321) < 0)
        _exit (99);
      client = oc_http_client_connect ("host.sock", 5000);
      if (client == NULL
          || oc_http_client_request (client, "POST", "/api/v1/bridge/down", NULL, NULL, 0, 65536,
                                     5000, &reply)
                 < 0)
        _exit (98);
      _exit (reply.status == 403 ? 0 : 1);
    }
  g_assert_true (oc_test_wait (has_exited, &pid));
  g_assert_cmpint (pid, ==, 0);
  test_status ();
}

int
main (int argc, char **argv)
{
  int code;

  oc_test_enter_netns ();
  signal (SIGPIPE, SIG_IGN);
  g_test_init (&argc, &argv, NULL);
  start ();
  g_test_add_func ("/host-api/routes", test_routes);
  g_test_add_func ("/host-api/status", test_status);
  g_test_add_func ("/host-api/metrics", test_metrics);
  g_test_add_func ("/host-api/metrics/readers", test_metrics_readers);
  g_test_add_func ("/host-api/described", test_described);
  g_test_add_func ("/host-api/openapi", test_openapi);
  g_test_add_func ("/host-api/locales", test_locales);
  g_test_add_func ("/host-api/evaluate", test_evaluate);
  g_test_add_func ("/host-api/reload", test_reload);
  g_test_add_func ("/host-api/rule-test", test_rule_test);
  g_test_add_func ("/host-api/lint", test_lint);
  g_test_add_func ("/host-api/allow", test_allow);
  g_test_add_func ("/host-api/log", test_log);
  g_test_add_func ("/host-api/workload", test_workload);
  g_test_add_func ("/host-api/bridge", test_bridge);
  g_test_add_func ("/host-api/dns", test_dns);
  g_test_add_func ("/host-api/cli", test_cli);
  if (getuid () == 0)
    g_test_add_func ("/host-api/stranger", test_stranger);
  code = g_test_run ();
  stop ();
  return code;
}
