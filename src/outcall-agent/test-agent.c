/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * The shim against scripted peers on real sockets: whatever the peer does, the
 * exit code must not say "allowed" unless the peer said so in full.
 */
#include "config.h"

#include "test-peer.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ALLOW "{\"success\":true,\"data\":{\"allowed\":true,\"matched_rule\":\"r\",\"reason\":null}}"
#define DENY "{\"success\":true,\"data\":{\"allowed\":false,\"matched_rule\":null,\"reason\":\"no\"}}"
#define WHO "{\"success\":true,\"data\":{\"name\":\"n-1\",\"id\":\"i\",\"agent\":\"n\"," \
            "\"session_age_s\":null}}"

typedef struct
{
  const char *path;
  const char *argv[8];
  const char *input;     /* (nullable) */
  const char *script[PEER_STEPS_MAX]; /* none at all: nobody listens */
  guint status;                       /* of the last answer of the script; 0: 200 */
  int code;
  const char *output; /* (nullable): part of stdout */
} Case;

#define PENDING "{\"success\":true,\"data\":{\"id\":\"r1\",\"status\":\"pending\",\"reason\":null}}"
#define REQUEST { "request", "--host", "a.b", "--port", "443" }
#define CHECK { "check", "tool_exec", "npm" }
#define HOOK { "hook", "claude-code" }
#define BASH "{\"hook_event_name\":\"PreToolUse\",\"tool_name\":\"Bash\"," \
             "\"tool_input\":{\"command\":\"ls\"},\"session_id\":\"s\",\"cwd\":\"/\"}"

static const Case cases[] = {
  { "check/allowed", CHECK, NULL, { CHECKIN, ALLOW }, 0, 0, "allowed by rule r" },
  { "check/denied", CHECK, NULL, { CHECKIN, DENY }, 0, 3, "denied: no" },
  { "check/json", { "check", "tool_exec", "npm", "--json" }, NULL, { CHECKIN, ALLOW }, 0, 0,
    "\"allowed\":true" },
  { "check/registration-refused", CHECK, NULL, { "{\"success\":false,\"error\":\"x\"}" }, 403, 5, NULL },
  { "check/no-token", CHECK, NULL, { "{\"success\":true,\"data\":{}}" }, 0, 5, NULL },
  { "check/odd-token", CHECK, NULL,
    { "{\"success\":true,\"data\":{\"session_token\":\"a\\r\\nb\"}}" }, 0, 5, NULL },
  { "check/not-json", CHECK, NULL, { CHECKIN, "allowed" }, 0, 3, NULL },
  { "check/no-envelope", CHECK, NULL, { CHECKIN, "{\"allowed\":true}" }, 0, 3, NULL },
  { "check/not-success", CHECK, NULL,
    { CHECKIN, "{\"success\":false,\"data\":{\"allowed\":true}}" }, 0, 3, NULL },
  { "check/word", CHECK, NULL,
    { CHECKIN, "{\"success\":true,\"data\":{\"allowed\":\"true\"}}" }, 0, 3, NULL },
  { "check/number", CHECK, NULL,
    { CHECKIN, "{\"success\":true,\"data\":{\"allowed\":1}}" }, 0, 3, NULL },
  { "check/twice", CHECK, NULL,
    { CHECKIN, "{\"success\":true,\"data\":{\"allowed\":false,\"allowed\":true}}" }, 0, 3, NULL },
  { "check/odd-rule", CHECK, NULL,
    { CHECKIN, "{\"success\":true,\"data\":{\"allowed\":true,\"matched_rule\":1}}" }, 0, 3, NULL },
  { "check/allowed-500", CHECK, NULL, { CHECKIN, ALLOW }, 500, 3, NULL },
  { "check/rate", CHECK, NULL, { CHECKIN, "{\"success\":false,\"error\":\"slow down\"}" }, 429, 3,
    "slow down" },
  { "check/usage", { "check", "tool_exec" }, NULL, { CHECKIN }, 0, 2, NULL },
  { "check/type", { "check", "other", "x" }, NULL, { CHECKIN, ALLOW }, 0, 2, NULL },
  { "check/pair", { "check", "tool_exec", "x", "novalue" }, NULL, { CHECKIN, ALLOW }, 0, 2, NULL },
  { "whoami", { "whoami" }, NULL, { WHO }, 0, 0, "n-1 i\n" },
  { "whoami/empty", { "whoami" }, NULL, { "{\"success\":true,\"data\":{}}" }, 0, 5, NULL },
  { "status", { "status" }, NULL, { WHO }, 0, 0, "n-1" },
  { "version", { "--version" }, NULL, { NULL }, 0, 0, "outcall-agent " },
  { "help", { "--help" }, NULL, { NULL }, 0, 0, "Usage" },
  { "nothing", { NULL }, NULL, { NULL }, 0, 2, NULL },
  { "run/allowed", { "run", "--", "sh", "-c", "exit 9" }, NULL, { CHECKIN, ALLOW }, 0, 9, NULL },
  { "run/killed", { "run", "--", "sh", "-c", "kill -9 $$" }, NULL, { CHECKIN, ALLOW }, 0, 137, NULL },
  { "run/denied", { "run", "--", "echo", "ran" }, NULL, { CHECKIN, DENY }, 0, 3, "" },
  { "run/not-utf8", { "run", "--", "echo", "ran", "\xff" }, NULL, { CHECKIN, ALLOW }, 0, 3, "" },
  { "run/not-found", { "run", "--", "no-such-program" }, NULL, { CHECKIN, ALLOW }, 0, 127, NULL },
  { "hook/allow", HOOK, BASH, { CHECKIN, ALLOW }, 0, 0, "\"permissionDecision\":\"allow\"" },
  { "hook/deny", HOOK, BASH, { CHECKIN, DENY }, 0, 0,
    "{\"hookSpecificOutput\":{\"hookEventName\":\"PreToolUse\",\"permissionDecision\":\"deny\","
    "\"permissionDecisionReason\":\"no\"}}\n" },
  { "hook/no-verdict", HOOK, BASH, { CHECKIN, "{}" }, 0, 0, "\"permissionDecision\":\"deny\"" },
  { "hook/empty", HOOK, "", { CHECKIN, ALLOW }, 0, 2, "" },
  { "hook/not-json", HOOK, "Bash ls", { CHECKIN, ALLOW }, 0, 2, "" },
  { "hook/no-tool", HOOK, "{\"hook_event_name\":\"PreToolUse\",\"tool_input\":{}}",
    { CHECKIN, ALLOW }, 0, 2, "" },
  { "hook/no-command", HOOK,
    "{\"hook_event_name\":\"PreToolUse\",\"tool_name\":\"Bash\",\"tool_input\":{}}",
    { CHECKIN, ALLOW }, 0, 2, "" },
  { "hook/other-event", HOOK,
    "{\"hook_event_name\":\"Stop\",\"tool_name\":\"Bash\",\"tool_input\":{\"command\":\"ls\"}}",
    { CHECKIN, ALLOW }, 0, 2, "" },
  { "hook/other-tool", HOOK,
    "{\"hook_event_name\":\"PreToolUse\",\"tool_name\":\"mcp__x__y\",\"tool_input\":{}}",
    { CHECKIN, ALLOW }, 0, 0, "allow" },
  { "hook/codex-allow", { "hook", "codex" }, BASH, { CHECKIN, ALLOW }, 0, 0, "{}\n" },
  { "hook/codex-deny", { "hook", "codex" }, BASH, { CHECKIN, DENY }, 0, 0,
    "{\"hookSpecificOutput\":{\"hookEventName\":\"PreToolUse\",\"permissionDecision\":\"deny\","
    "\"permissionDecisionReason\":\"no\"}}\n" },
  { "request/pending", REQUEST, NULL, { CHECKIN, PENDING }, 201, 0, "r1 pending\n" },
  { "request/json", { "request", "--host", "a.b", "--json" }, NULL, { CHECKIN, PENDING }, 201, 0,
    "{\"id\":\"r1\",\"status\":\"pending\",\"reason\":null}\n" },
  { "request/refused", REQUEST, NULL, { CHECKIN, "{\"success\":false,\"error\":\"host: no\"}" },
    422, 1, "" },
  { "request/rate", REQUEST, NULL, { CHECKIN, "{\"success\":false,\"error\":\"slow\"}" }, 429, 1,
    "" },
  { "request/full", REQUEST, NULL, { CHECKIN, "{\"success\":false,\"error\":\"full\"}" }, 503, 5,
    "" },
  { "request/odd-id", REQUEST, NULL,
    { CHECKIN, "{\"success\":true,\"data\":{\"id\":\"../x\",\"status\":\"pending\"}}" }, 201, 5, "" },
  { "request/usage", { "request" }, NULL, { CHECKIN }, 0, 2, "" },
  { "request/both", { "request", "--host", "a.b", "f.yaml" }, NULL, { CHECKIN }, 0, 2, "" },
  { "request/port", { "request", "--host", "a.b", "--port", "70000" }, NULL, { CHECKIN }, 0, 2, "" },
  { "request/no-file", { "request", "/nonexistent" }, NULL, { CHECKIN }, 0, 2, "" },
  { "request/stdin", { "request", "-" }, "version: \"1\"\n", { CHECKIN, PENDING }, 201, 0, "r1" },
  { "hook/other-agent", { "hook", "other" }, BASH, { CHECKIN, ALLOW }, 0, 2, "" },
};

/* --- The shim -------------------------------------------------------------------------- */

static pid_t
start_peer (const char *path, const Case *c, const char *record)
{
  PeerScript script = { .status = c->status };

  memcpy (script.steps, c->script, sizeof script.steps);
  return peer_start (path, &script, record);
}

static int
run_shim (const Case *c, const char *socket_path, char **out_text)
{
  g_autofree char *shim = g_build_filename (g_getenv ("OUTCALL_BUILDDIR"),
                                            "src/outcall-agent/outcall-agent-test", NULL);
  g_autofree char *input = g_strconcat (socket_path, ".in", NULL);
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autofree char *errors = NULL;
  g_autoptr (GError) error = NULL;
  int status;

  /* The shell only redirects. */
  g_ptr_array_add (argv, (char *) "/bin/sh");
  g_ptr_array_add (argv, (char *) "-c");
  g_ptr_array_add (argv, (char *) "in=$1; shift; exec \"$@\" <\"$in\"");
  g_ptr_array_add (argv, (char *) "sh");
  g_ptr_array_add (argv, input);
  g_ptr_array_add (argv, shim);
  for (guint i = 0; i < G_N_ELEMENTS (c->argv) && c->argv[i] != NULL; i++)
    g_ptr_array_add (argv, (char *) c->argv[i]);
  g_ptr_array_add (argv, NULL);
  g_assert_true (g_file_set_contents (input, c->input != NULL ? c->input : "", -1, NULL));
  g_assert_true (g_setenv ("OUTCALL_AGENT_SOCKET", socket_path, TRUE));
  g_assert_true (g_setenv ("OUTCALL_TIMEOUT_SECS", "1", TRUE));
  g_assert_true (g_spawn_sync (NULL, (char **) argv->pdata, NULL, G_SPAWN_DEFAULT, NULL, NULL,
                               out_text, &errors, &status, &error));
  g_test_message ("%s%s", *out_text, errors);
  (void) g_unlink (input);
  /* One line of diagnostics and no more when the daemon is not there. */
  if (WIFEXITED (status) && WEXITSTATUS (status) == 5)
    g_assert_cmpuint (strchr (errors, '\n') - errors + 1, ==, strlen (errors));
  return WIFSIGNALED (status) ? 128 + WTERMSIG (status) : WEXITSTATUS (status);
}

static void
test_case (gconstpointer data)
{
  const Case *c = data;
  g_autofree char *dir = g_dir_make_tmp ("outcall-agent-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (dir, "s", NULL);
  g_autofree char *text = NULL;
  pid_t peer = c->script[0] != NULL ? start_peer (path, c, NULL) : 0;
  int code = run_shim (c, path, &text);

  g_assert_cmpint (code, ==, c->code);
  if (c->output != NULL && *c->output == '\0')
    g_assert_cmpstr (text, ==, "");
  else if (c->output != NULL)
    g_assert_nonnull (strstr (text, c->output));
  if (peer > 0)
    peer_stop (peer, path);
  g_assert_cmpint (g_rmdir (dir), ==, 0);
}

static const char *const samples[]
    = { "claude-code-bash",     "claude-code-edit", "claude-code-mcp", "claude-code-read",
        "claude-code-webfetch", "claude-code-write", "codex-apply-patch", "codex-bash", "codex-mcp" };

/* The bodies that the peer recorded, the check-in's is empty. (transfer full) */
static char *
read_asked (const char *record)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) requests = NULL;
  GString *asked = g_string_new (NULL);

  g_assert_true (g_file_get_contents (record, &text, NULL, NULL));
  requests = g_strsplit (text, "POST ", -1);
  for (gsize i = 0; requests[i] != NULL; i++)
    if (g_str_has_prefix (requests[i], "/v1/permissions/check"))
      g_string_append (asked, strstr (requests[i], "\r\n\r\n") + 4);
  return g_string_free (asked, FALSE);
}

/* One sample of tests/data/hooks: what is asked, and the decision that comes out. */
static void
test_sample (gconstpointer data)
{
  const char *name = data;
  const char *agent = g_str_has_prefix (name, "codex") ? "codex" : "claude-code";
  g_autofree char *base = g_build_filename (g_getenv ("OUTCALL_SRCDIR"), "tests/data/hooks", name,
                                            NULL);
  g_autofree char *input_path = g_strconcat (base, ".json", NULL);
  g_autofree char *asked_path = g_strconcat (base, ".asked", NULL);
  g_autofree char *dir = g_dir_make_tmp ("outcall-agent-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (dir, "s", NULL);
  g_autofree char *record = g_build_filename (dir, "r", NULL);
  g_autofree char *input = NULL;
  g_autofree char *wanted = NULL;
  g_autofree char *asked = NULL;
  g_autofree char *text = NULL;
  Case c = { name, { "hook", agent }, NULL, { CHECKIN, ALLOW, ALLOW }, 0, 0, NULL };
  pid_t peer;

  g_assert_true (g_file_get_contents (input_path, &input, NULL, NULL));
  g_assert_true (g_file_get_contents (asked_path, &wanted, NULL, NULL));
  c.input = input;
  peer = start_peer (path, &c, record);
  g_assert_cmpint (run_shim (&c, path, &text), ==, 0);
  if (g_str_equal (agent, "codex"))
    g_assert_cmpstr (text, ==, "{}\n");
  else
    g_assert_nonnull (strstr (text, "\"permissionDecision\":\"allow\""));
  asked = read_asked (record);
  g_assert_cmpstr (asked, ==, wanted);
  peer_stop (peer, path);
  g_assert_cmpint (g_unlink (record), ==, 0);
  g_assert_cmpint (g_rmdir (dir), ==, 0);
}

/* A socket file whose daemon is gone. */
static void
test_stale (void)
{
  static const Case c = { "stale", { "whoami" }, NULL, { NULL }, 0, 5, NULL };
  g_autofree char *dir = g_dir_make_tmp ("outcall-agent-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (dir, "s", NULL);
  g_autofree char *text = NULL;
  g_autofree char *moved = g_strconcat (path, "2", NULL);
  pid_t peer = start_peer (path, &c, NULL);

  /* Its file stays under another name. */
  g_assert_cmpint (g_rename (path, moved), ==, 0);
  g_assert_cmpint (link (moved, path), ==, 0);
  peer_stop (peer, moved);
  g_assert_cmpint (run_shim (&c, path, &text), ==, 5);
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_cmpint (g_rmdir (dir), ==, 0);
}

/* The installed build does not listen to the environment. */
static void
test_release_build (void)
{
  g_autofree char *shim = g_build_filename (g_getenv ("OUTCALL_BUILDDIR"),
                                            "src/outcall-agent/outcall-agent", NULL);
  g_autofree char *bytes = NULL;
  gsize len;

  g_assert_true (g_file_get_contents (shim, &bytes, &len, NULL));
  g_assert_null (memmem (bytes, len, "OUTCALL_AGENT_SOCKET", strlen ("OUTCALL_AGENT_SOCKET")));
}

int
main (int argc, char **argv)
{
  /* A folder that this user may not enter would be the reason why a program is not found. */
  g_assert_true (g_setenv ("PATH", "/usr/bin:/bin", TRUE));
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/agent/", cases[i].path, "/case", NULL);

      g_test_add_data_func (path, &cases[i], test_case);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (samples); i++)
    {
      g_autofree char *path = g_strconcat ("/agent/hook-sample/", samples[i], NULL);

      g_test_add_data_func (path, samples[i], test_sample);
    }
  g_test_add_func ("/agent/stale-socket", test_stale);
  g_test_add_func ("/agent/release-build", test_release_build);
  return g_test_run ();
}
