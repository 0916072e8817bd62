/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Every command of the shim against every way in which a daemon can fail, at each
 * of its requests. None may end with what somebody could take for "allowed".
 * Specification: 07 "Shim", "Fail closed".
 */
#include "config.h"

#include "test-peer.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define AT_ONCE 100 /* shims that run at the same time: most of them wait */

#define BASH                                                                                       \
  "{\"hook_event_name\":\"PreToolUse\",\"tool_name\":\"Bash\",\"tool_input\":"                     \
  "{\"command\":\"ls\"},\"session_id\":\"s\",\"cwd\":\"/\"}\n"
#define MCP(tool, arguments)                                                                       \
  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"" tool           \
  "\",\"arguments\":" arguments "}}\n"

typedef struct
{
  const char *name;
  const char *argv; /* for the shell */
  const char *input;
  guint n_requests; /* that it makes */
  int lost;         /* exit code when there is no answer */
  int odd;          /* when there is an answer without a verdict */
} Command;

static const Command commands[] = {
  { "check", "check tool_exec npm", "", 2, 5, 3 },
  { "check-json", "check tool_exec npm --json", "", 2, 5, 3 },
  { "run", "run -- echo it ran", "", 2, 5, 3 },
  { "request", "request --host a.b", "", 2, 5, 5 },
  { "request-wait", "request --host a.b --wait", "", 2, 5, 5 },
  { "whoami", "whoami", "", 1, 5, 5 },
  { "status", "status", "", 1, 5, 5 },
  { "hook-claude-code", "hook claude-code", BASH, 2, 2, 0 },
  { "hook-codex", "hook codex", BASH, 2, 2, 0 },
  { "mcp-check", "mcp", MCP ("check_access", "{\"host\":\"a.b\"}"), 2, 0, 0 },
  { "mcp-request", "mcp", MCP ("request_access", "{\"host\":\"a.b\"}"), 2, 0, 0 },
  { "mcp-status", "mcp", MCP ("request_status", "{\"id\":\"r1\",\"wait_seconds\":0}"), 2, 0, 0 },
  { "mcp-whoami", "mcp", MCP ("whoami", "{}"), 1, 0, 0 },
};

typedef struct
{
  const char *name;
  const char *step; /* NULL: nobody listens */
  guint status;
  gboolean is_answer; /* well-formed HTTP */
} Failure;

static const Failure failures[] = {
  { "missing", NULL, 0, FALSE },
  { "deaf", DEAF, 0, FALSE },
  { "closed", CLOSE, 0, FALSE },
  { "silent", SILENT, 0, FALSE },
  { "garbage", GARBAGE, 0, FALSE },
  { "cut", CUT, 0, FALSE },
  { "huge", HUGE, 0, FALSE },
  { "slow", SLOW, 0, FALSE },
  { "no-json", "allowed", 200, TRUE },
  { "empty", "", 200, TRUE },
  { "list", "[true]", 200, TRUE },
  { "no-envelope", "{\"allowed\":true,\"status\":\"approved\",\"id\":\"r1\"}", 200, TRUE },
  { "wrong-types",
    "{\"success\":true,\"data\":{\"allowed\":\"true\",\"id\":1,\"status\":[],\"name\":{},"
    "\"session_token\":7}}",
    200, TRUE },
  { "no-success",
    "{\"success\":false,\"data\":{\"allowed\":true,\"id\":\"r1\",\"status\":\"approved\"}}", 200, TRUE },
  { "deep", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 200, TRUE },
  { "error-500", "{\"success\":true,\"data\":{\"allowed\":true,\"id\":\"r1\",\"status\":\"approved\"}}",
    500, TRUE },
  { "error-404", "{\"success\":false,\"error\":\"gone\"}", 404, TRUE },
  { "error-401", "{\"success\":false,\"error\":\"who\"}", 401, TRUE },
};

/* One shim with its peer. */
typedef struct
{
  const Command *command;
  const Failure *failure;
  guint at; /* request that fails, from 0 */
  char *dir, *socket;
  pid_t peer; /* 0: none */
  GPid shim;
} Run;

static void
start (Run *run)
{
  g_autofree char *shim = g_build_filename (g_getenv ("OUTCALL_BUILDDIR"),
                                            "src/outcall-agent/outcall-agent-test", NULL);
  g_autofree char *line = NULL;
  g_autofree char *input = NULL;
  g_autoptr (GError) error = NULL;
  PeerScript script = { .status = run->failure->status };
  const char *argv[] = { "/bin/sh", "-c", NULL, NULL };

  run->dir = g_dir_make_tmp ("outcall-agent-XXXXXX", NULL);
  run->socket = g_build_filename (run->dir, "s", NULL);
  input = g_build_filename (run->dir, "in", NULL);
  g_assert_true (g_file_set_contents (input, run->command->input, -1, NULL));
  if (run->at == 1)
    script.steps[0] = CHECKIN;
  script.steps[run->at] = run->failure->step;
  if (run->failure->step != NULL)
    run->peer = peer_start (run->socket, &script, NULL);
  line = g_strdup_printf ("cd '%s' && OUTCALL_AGENT_SOCKET=\"$PWD/s\" OUTCALL_TIMEOUT_SECS=1 '%s' %s "
                          "<in >out 2>err",
                          run->dir, shim, run->command->argv);
  argv[2] = line;
  g_assert_true (g_spawn_async (NULL, (char **) argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL,
                                &run->shim, &error));
}

static int
expected_code (const Run *run)
{
  gboolean has_verdict = run->at == 1 && run->failure->is_answer;

  if (!has_verdict)
    return run->command->lost;
  /* A refusal of the request itself is one, but not that there is no such route. */
  if (g_str_has_prefix (run->command->name, "request") && run->failure->status == 404)
    return 1;
  return run->command->odd;
}

static void
finish (Run *run)
{
  /* None that the name of a temporary folder could have in it. */
  static const char *const good[] = { "\"allowed\":true", "allowed\n", "allowed by", "approved",
                                      "\"permissionDecision\":\"allow\"", "it ran", "{}" };
  g_autofree char *path = g_build_filename (run->dir, "out", NULL);
  g_autofree char *errors_path = g_build_filename (run->dir, "err", NULL);
  g_autofree char *input = g_build_filename (run->dir, "in", NULL);
  g_autofree char *output = NULL;
  g_autofree char *errors = NULL;
  int status;

  g_assert_cmpint (waitpid (run->shim, &status, 0), ==, run->shim);
  g_assert_true (g_file_get_contents (path, &output, NULL, NULL));
  g_assert_true (g_file_get_contents (errors_path, &errors, NULL, NULL));
  g_test_message ("%s, %s at request %u: %d %s%s", run->command->name, run->failure->name,
                  run->at + 1, WEXITSTATUS (status), output, errors);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, expected_code (run));
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    g_assert_null (strstr (output, good[i]));
  if (WEXITSTATUS (status) == 5)
    g_assert_cmpuint (strchr (errors, '\n') - errors + 1, ==, strlen (errors));
  if (WEXITSTATUS (status) == 2)
    g_assert_cmpstr (errors, !=, "");
  if (run->peer != 0)
    peer_stop (run->peer, run->socket);
  (void) g_unlink (path);
  (void) g_unlink (errors_path);
  (void) g_unlink (input);
  g_assert_cmpint (g_rmdir (run->dir), ==, 0);
  g_free (run->dir);
  g_free (run->socket);
}

static void
finish_all (GArray *runs)
{
  for (guint i = 0; i < runs->len; i++)
    finish (&g_array_index (runs, Run, i));
  g_array_set_size (runs, 0);
}

static void
start_all (GArray *runs, const Command *command, guint at)
{
  for (gsize i = 0; i < G_N_ELEMENTS (failures); i++)
    {
      Run run = { .command = command, .failure = &failures[i], .at = at };

      /* These two are about the connection, not about a request. */
      if (at > 0 && (failures[i].step == NULL || strcmp (failures[i].step, DEAF) == 0))
        continue;
      start (&run);
      g_array_append_val (runs, run);
      if (runs->len == AT_ONCE)
        finish_all (runs);
    }
}

static void
test_matrix (void)
{
  g_autoptr (GArray) runs = g_array_new (FALSE, TRUE, sizeof (Run));

  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    for (guint at = 0; at < commands[i].n_requests; at++)
      start_all (runs, &commands[i], at);
  finish_all (runs);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/agent/matrix", test_matrix);
  return g_test_run ();
}
