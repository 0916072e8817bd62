/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * `outcall-agent hook claude-code|codex`: a PreToolUse hook. It reads what the
 * agent is about to do on stdin and writes the decision on stdout.
 *
 *   exit 0 with a decision → the agent follows it
 *   exit 2                 → the call is blocked; stderr is shown to the model
 *   any other exit         → the call would go through
 *
 * So every failure in here is exit 2 with a line on stderr (Codex takes an exit 2
 * without one for a broken hook and goes on), and that is also what the process
 * ends with when it is told to stop half-way.
 */
#include "config.h"

#include "oc-agent.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOOK_BLOCK 2
/* Well under the hook's own 60 s. */
#define HOOK_TIMEOUT_S 10
#define HOOK_INPUT_MAX (16 * 1024 * 1024)

/* Which of a tool's inputs is what it acts on. Tools that are not here are asked about by
 * their name. */
typedef struct
{
  const char *tool;
  const char *type;
  const char *input;
} HookTool;

static const HookTool tools[] = {
  { "Bash", "shell_exec", "command" },
  { "WebFetch", "network_call", "url" },
  { "Read", "file_access", "file_path" },
  { "Write", "file_access", "file_path" },
  { "Edit", "file_access", "file_path" },
  { "MultiEdit", "file_access", "file_path" },
  { "NotebookEdit", "file_access", "notebook_path" },
};

static void
on_signal (int sig)
{
  static const char text[] = "outcall-agent: the hook was stopped\n";

  (void) sig;
  (void) !write (STDERR_FILENO, text, sizeof text - 1);
  _exit (HOOK_BLOCK);
}

static char *
read_stdin (size_t *out_len)
{
  size_t size = 65536;
  size_t used = 0;
  char *data = malloc (size);

  while (data != NULL)
    {
      size_t n = fread (data + used, 1, size - used, stdin);

      used += n;
      if (n == 0)
        break;
      if (used == size)
        {
          char *grown = size < HOOK_INPUT_MAX ? realloc (data, size * 2) : NULL;

          if (grown == NULL)
            free (data);
          data = grown;
          size *= 2;
        }
    }
  if (data != NULL && ferror (stdin))
    {
      free (data);
      data = NULL;
    }
  *out_len = used;
  return data;
}

static json_t *
read_input (void)
{
  size_t len;
  char *text = read_stdin (&len);
  json_t *input = text != NULL ? json_loadb (text, len, JSON_REJECT_DUPLICATES, NULL) : NULL;

  free (text);
  return input;
}

/* Whether the components of @rest can be judged as they are. */
static bool
is_plain_rest (const char *rest)
{
  while (*rest != '\0')
    {
      size_t len = strcspn (rest, "/");

      if (len == 0 || (len == 1 && rest[0] == '.') || (len == 2 && rest[0] == '.' && rest[1] == '.'))
        return false;
      rest += len;
      rest += *rest == '/' && rest[1] != '\0';
      if (*rest == '/')
        return false;
    }
  return true;
}

/* @folder is real, and what is behind it is not there yet. A link to nowhere is there: what
 * is written to it makes another file. Free it. */
static char *
join_missing (const char *folder, const char *rest)
{
  const char *base = strcmp (folder, "/") != 0 ? folder : "";
  char *first = NULL;
  char *joined = NULL;
  struct stat st;

  if (!is_plain_rest (rest)
      || asprintf (&first, "%s/%.*s", base, (int) strcspn (rest, "/"), rest) < 0)
    return NULL;
  if (lstat (first, &st) != 0 && asprintf (&joined, "%s/%s", base, rest) < 0)
    joined = NULL;
  free (first);
  return joined;
}

/* The file that @path, which is absolute, names as the kernel would find it, as far as it
 * exists: so that "../" and links do not lead around a rule. Free it. */
static char *
resolve_path (const char *path)
{
  size_t end = strlen (path);
  char *resolved = realpath (path, NULL);

  if (resolved != NULL)
    return resolved;
  while (end > 0)
    {
      char *head;
      char *folder;

      while (end > 0 && path[end - 1] != '/')
        end--;
      head = strndup (path, end);
      folder = head != NULL ? realpath (head, NULL) : NULL;
      free (head);
      if (folder != NULL)
        {
          resolved = join_missing (folder, path + end);
          free (folder);
          return resolved;
        }
      while (end > 0 && path[end - 1] == '/')
        end--;
    }
  return NULL;
}

/* NULL: it cannot be judged. Free it. */
static char *
choose_file (const char *path, const char *cwd)
{
  char *absolute = NULL;
  char *resolved;

  if (*path == '/')
    return resolve_path (path);
  if (cwd == NULL || asprintf (&absolute, "%s/%s", cwd, path) < 0)
    return NULL;
  resolved = *absolute == '/' ? resolve_path (absolute) : NULL;
  free (absolute);
  return resolved;
}

#define TARGETS_MAX 256

/* What to ask: all targets must be allowed. */
typedef struct
{
  const char *type;
  char *targets[TARGETS_MAX];
  size_t n_targets;
  const char *command; /* of a shell, may be NULL */
} Question;

static void
question_clear (Question *question)
{
  for (size_t i = 0; i < question->n_targets; i++)
    free (question->targets[i]);
}

/* @target: stolen, may be NULL. Returns: false when there is none, or no room. */
static bool
add_target (Question *question, char *target)
{
  if (target == NULL || question->n_targets == TARGETS_MAX)
    {
      free (target);
      return false;
    }
  question->targets[question->n_targets++] = target;
  return true;
}

/* The file that a line of a patch is about, NULL when it is about none. Free it. */
static char *
read_patch_line (const char *line, size_t len)
{
  static const char *const heads[]
      = { "*** Add File: ", "*** Update File: ", "*** Delete File: ", "*** Move to: " };

  while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == ' '))
    len--;
  for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
    {
      size_t head = strlen (heads[i]);

      if (len > head && strncmp (line, heads[i], head) == 0)
        return strndup (line + head, len - head);
    }
  return NULL;
}

/* Codex changes files with patches; one of them may name many. */
static bool
add_patch (Question *question, const char *patch, const char *cwd)
{
  while (*patch != '\0')
    {
      size_t len = strcspn (patch, "\n");
      size_t indent = strspn (patch, " \t");
      char *path = read_patch_line (patch + indent, len - indent);

      if (path != NULL && !add_target (question, choose_file (path, cwd)))
        {
          free (path);
          return false;
        }
      free (path);
      patch += len + (patch[len] == '\n');
    }
  return question->n_targets > 0;
}

static const HookTool *
find_tool (const char *name)
{
  for (size_t i = 0; i < sizeof tools / sizeof *tools; i++)
    if (strcmp (name, tools[i].tool) == 0)
      return &tools[i];
  return NULL;
}

/* Returns: false when it is not a tool call that can be judged. */
static bool
choose_question (json_t *input, Question *out)
{
  const char *event = json_string_value (json_object_get (input, "hook_event_name"));
  const char *tool = json_string_value (json_object_get (input, "tool_name"));
  const char *cwd = json_string_value (json_object_get (input, "cwd"));
  json_t *tool_input = json_object_get (input, "tool_input");
  const HookTool *known;
  const char *value;

  if (event == NULL || strcmp (event, "PreToolUse") != 0 || tool == NULL || *tool == '\0'
      || !json_is_object (tool_input))
    return false;
  *out = (Question) { .type = "file_access" };
  if (strcmp (tool, "apply_patch") == 0)
    {
      value = json_string_value (json_object_get (tool_input, "command"));
      return value != NULL && add_patch (out, value, cwd);
    }
  known = find_tool (tool);
  if (known == NULL)
    {
      out->type = "tool_exec";
      return add_target (out, strdup (tool));
    }
  value = json_string_value (json_object_get (tool_input, known->input));
  if (value == NULL || *value == '\0')
    return false;
  out->type = known->type;
  if (strcmp (known->type, "file_access") == 0)
    return add_target (out, choose_file (value, cwd));
  if (strcmp (known->type, "shell_exec") == 0)
    out->command = value;
  return add_target (out, strdup (value));
}

/* What rules and the decision log get besides. Never the tool's whole input: it may be a
 * file's content. */
static json_t *
make_metadata (json_t *input, const Question *question)
{
  static const char *const names[]
      = { "session_id", "turn_id", "tool_use_id", "tool_name", "cwd", "permission_mode" };
  json_t *metadata = json_object ();

  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    {
      json_t *value = json_object_get (input, names[i]);

      if (json_is_string (value))
        (void) json_object_set (metadata, names[i], value);
    }
  if (question->command != NULL)
    (void) json_object_set_new (metadata, "args", json_string (question->command));
  return metadata;
}

/* Codex knows "allow" only together with a changed input and fails on it otherwise; it
 * takes an empty object for it. */
static json_t *
make_decision (const AgentVerdict *verdict, bool is_codex)
{
  bool allowed = verdict->answer == AGENT_ALLOWED;
  const char *reason = verdict->reason != NULL && *verdict->reason != '\0' ? verdict->reason
                       : allowed ? _("allowed by Outcall's rules")
                                 : _("no rule of Outcall allows it");

  if (allowed && is_codex)
    return json_object ();
  return json_pack ("{s:{s:s, s:s, s:s}}", "hookSpecificOutput", "hookEventName", "PreToolUse",
                    "permissionDecision", allowed ? "allow" : "deny", "permissionDecisionReason",
                    reason);
}

static bool
write_decision (const AgentVerdict *verdict, bool is_codex)
{
  json_t *decision = make_decision (verdict, is_codex);
  char *text = decision != NULL ? json_dumps (decision, JSON_COMPACT) : NULL;
  bool ok = text != NULL && puts (text) >= 0 && fflush (stdout) == 0;

  if (!ok)
    agent_complain (_("the decision cannot be written"));
  free (text);
  json_decref (decision);
  return ok;
}

/* The first verdict that does not allow, else the last one. */
static AgentVerdict
ask (json_t *input, const Question *question)
{
  AgentVerdict verdict = { .answer = AGENT_UNREACHABLE };
  json_t *metadata = make_metadata (input, question);
  Agent *agent = agent_connect (HOOK_TIMEOUT_S);
  bool going = agent != NULL && agent_checkin (agent);

  for (size_t i = 0; going && i < question->n_targets; i++)
    {
      agent_verdict_clear (&verdict);
      verdict = agent_check (agent, question->type, question->targets[i], metadata);
      going = verdict.answer == AGENT_ALLOWED;
    }
  json_decref (metadata);
  agent_free (agent);
  return verdict;
}

static bool
judge (json_t *input, bool is_codex)
{
  Question question = { 0 };
  AgentVerdict verdict = { .answer = AGENT_UNREACHABLE };
  bool ok = false;

  if (choose_question (input, &question))
    verdict = ask (input, &question);
  else
    agent_complain (_("this is not a tool call that can be checked"));
  if (verdict.answer != AGENT_UNREACHABLE)
    ok = write_decision (&verdict, is_codex);
  agent_verdict_clear (&verdict);
  question_clear (&question);
  return ok;
}

int
agent_cmd_hook (int argc, char **argv)
{
  static const int ending[] = { SIGHUP, SIGINT, SIGTERM, SIGPIPE, SIGALRM };
  bool is_codex = argc == 2 && strcmp (argv[1], "codex") == 0;
  json_t *input;
  bool ok;

  for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
    (void) signal (ending[i], on_signal);
  if (argc != 2 || (!is_codex && strcmp (argv[1], "claude-code") != 0))
    {
      agent_complain (_("usage: outcall-agent %s"), "hook claude-code|codex");
      return HOOK_BLOCK;
    }
  /* Whatever hangs (a stdin that never ends, too): blocked in time. */
  (void) alarm (2 * HOOK_TIMEOUT_S);
  input = read_input ();
  if (!json_is_object (input))
    agent_complain (_("standard input is not the JSON of a hook"));
  ok = json_is_object (input) && judge (input, is_codex);
  json_decref (input);
  return ok ? AGENT_EXIT_OK : HOOK_BLOCK;
}
