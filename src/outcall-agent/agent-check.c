/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-agent.h"

#include "outcall-api/constants.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
agent_print_json (json_t *value)
{
  char *text = json_dumps (value, JSON_COMPACT);
  bool ok = text != NULL && puts (text) >= 0;

  free (text);
  return ok ? AGENT_EXIT_OK : AGENT_EXIT_FAILED;
}

bool
agent_take_flag (int *argc, char **argv, const char *name)
{
  for (int i = 1; i < *argc; i++)
    if (strcmp (argv[i], name) == 0)
      {
        memmove (argv + i, argv + i + 1, (size_t) (*argc - i) * sizeof *argv);
        --*argc;
        return true;
      }
  return false;
}

/* --- whoami, status ----------------------------------------------------------------- */

json_t *
agent_fetch_whoami (void)
{
  Agent *agent = agent_connect (0);
  json_t *who = agent != NULL ? agent_get (agent, "/v1/whoami") : NULL;

  agent_free (agent);
  if (who != NULL && json_is_string (json_object_get (who, "name"))
      && json_is_string (json_object_get (who, "id")))
    return who;
  if (who != NULL)
    agent_complain (_("outcalld's answer makes no sense (%s)"), "whoami");
  json_decref (who);
  return NULL;
}

int
agent_cmd_whoami (int argc, char **argv)
{
  bool as_json = agent_take_flag (&argc, argv, "--json");
  json_t *who;
  int code = AGENT_EXIT_OK;

  if (argc != 1)
    {
      agent_complain (_("usage: outcall-agent %s"), "whoami [--json]");
      return AGENT_EXIT_USAGE;
    }
  who = agent_fetch_whoami ();
  if (who == NULL)
    return OUTCALL_UNREACHABLE_EXIT_CODE;
  if (as_json)
    code = agent_print_json (who);
  else
    printf ("%s %s\n", json_string_value (json_object_get (who, "name")),
            json_string_value (json_object_get (who, "id")));
  json_decref (who);
  return code;
}

int
agent_cmd_status (int argc, char **argv)
{
  bool as_json = agent_take_flag (&argc, argv, "--json");
  json_t *who;
  json_t *age;
  int code = AGENT_EXIT_OK;

  if (argc != 1)
    {
      agent_complain (_("usage: outcall-agent %s"), "status [--json]");
      return AGENT_EXIT_USAGE;
    }
  who = agent_fetch_whoami ();
  if (who == NULL)
    return OUTCALL_UNREACHABLE_EXIT_CODE;
  age = json_object_get (who, "session_age_s");
  if (as_json)
    code = agent_print_json (who);
  else if (json_is_integer (age))
    printf (_("outcalld answers; this is %s, checked in %lld seconds ago\n"),
            json_string_value (json_object_get (who, "name")),
            (long long) json_integer_value (age));
  else
    printf (_("outcalld answers; this is %s, not checked in\n"),
            json_string_value (json_object_get (who, "name")));
  json_decref (who);
  return code;
}

/* --- check ---------------------------------------------------------------------------- */

static bool
is_action_type (const char *word)
{
  static const char *const types[] = { "tool_exec", "network_call", "file_access", "shell_exec" };

  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (strcmp (word, types[i]) == 0)
      return true;
  return false;
}

/* "KEY=VALUE"…; NULL when one is not. */
static json_t *
parse_metadata (char **pairs, int n)
{
  json_t *metadata = json_object ();

  for (int i = 0; i < n; i++)
    {
      const char *equals = strchr (pairs[i], '=');
      char *key = equals != NULL && equals != pairs[i]
                      ? strndup (pairs[i], (size_t) (equals - pairs[i]))
                      : NULL;
      bool ok = key != NULL && json_object_set_new (metadata, key, json_string (equals + 1)) == 0;

      free (key);
      if (!ok)
        {
          json_decref (metadata);
          return NULL;
        }
    }
  return metadata;
}

static int
print_verdict (const AgentVerdict *verdict, bool as_json)
{
  bool allowed = verdict->answer == AGENT_ALLOWED;

  if (as_json)
    {
      json_t *value = json_pack ("{s:b, s:s?, s:s?}", "allowed", allowed, "matched_rule",
                                 verdict->rule, "reason", verdict->reason);
      int code = agent_print_json (value);

      json_decref (value);
      if (code != AGENT_EXIT_OK)
        return code;
    }
  else
    {
      printf ("%s", allowed ? _("allowed") : _("denied"));
      if (verdict->rule != NULL)
        printf (_(" by rule %s"), verdict->rule);
      printf (verdict->reason != NULL ? ": %s\n" : "\n", verdict->reason);
    }
  return allowed ? AGENT_EXIT_OK : AGENT_EXIT_DENIED;
}

int
agent_cmd_check (int argc, char **argv)
{
  bool as_json = agent_take_flag (&argc, argv, "--json");
  json_t *metadata = argc >= 3 ? parse_metadata (argv + 3, argc - 3) : NULL;
  AgentVerdict verdict = { .answer = AGENT_UNREACHABLE };
  int code = OUTCALL_UNREACHABLE_EXIT_CODE;
  Agent *agent;

  if (metadata == NULL || !is_action_type (argv[1]))
    {
      agent_complain (_("usage: outcall-agent %s"),
                      "check tool_exec|network_call|file_access|shell_exec TARGET [KEY=VALUE…] "
                      "[--json]");
      json_decref (metadata);
      return AGENT_EXIT_USAGE;
    }
  agent = agent_connect (0);
  if (agent != NULL && agent_checkin (agent))
    verdict = agent_check (agent, argv[1], argv[2], metadata);
  if (verdict.answer != AGENT_UNREACHABLE)
    code = print_verdict (&verdict, as_json);
  agent_verdict_clear (&verdict);
  json_decref (metadata);
  agent_free (agent);
  return code;
}
