/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-agent.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

static const struct
{
  const char *name;
  const char *usage;   /* NULL: not shown */
  const char *summary; /* NULL: not shown */
  int (*run) (int argc, char **argv);
} commands[] = {
  { "check", "check TYPE TARGET [KEY=VALUE…] [--json]",
    N_("ask whether something is allowed: exit 0 or 3"), agent_cmd_check },
  { "hook", "hook claude-code|codex", N_("answer a PreToolUse hook"), agent_cmd_hook },
  { "mcp", "mcp", N_("serve the Model Context Protocol on standard input and output"),
    agent_cmd_mcp },
  { "request", "request --host HOST [--port PORT] | FILE", N_("ask the operator for access"),
    agent_cmd_request },
  { "run", "run -- COMMAND…", N_("ask, then run a command under the daemon's eyes"),
    agent_cmd_run },
  { "sandbox-exec", NULL, NULL, agent_cmd_sandbox_exec },
  { "status", "status [--json]", N_("whether the daemon answers"), agent_cmd_status },
  { "whoami", "whoami [--json]", N_("what the daemon takes this for"), agent_cmd_whoami },
};

static void
print_help (FILE *to)
{
  fputs (_("Usage: outcall-agent COMMAND\n"
           "Ask Outcall's daemon from inside a workload.\n\n"),
         to);
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    if (commands[i].usage != NULL)
      fprintf (to, "  %-42s %s\n", commands[i].usage, _(commands[i].summary));
  fputs (_("\nExit codes: 0 allowed or done, 1 failed, 2 wrong use (hook: blocked), 3 denied,\n"
           "5 the daemon cannot be reached. OUTCALL_TIMEOUT_SECS bounds each request.\n"),
         to);
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, LOCALEDIR);
  textdomain (GETTEXT_PACKAGE);
  if (argc == 2 && strcmp (argv[1], "--version") == 0)
    {
      puts ("outcall-agent " PACKAGE_VERSION);
      return AGENT_EXIT_OK;
    }
  if (argc == 2 && strcmp (argv[1], "--help") == 0)
    {
      print_help (stdout);
      return AGENT_EXIT_OK;
    }
  for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof *commands; i++)
    if (strcmp (argv[1], commands[i].name) == 0)
      return commands[i].run (argc - 1, argv + 1);
  print_help (stderr);
  return AGENT_EXIT_USAGE;
}
