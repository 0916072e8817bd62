/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * A check becomes the context that rules see:
 *
 *   run.tool              target of tool_exec and shell_exec
 *   run.args, run.flags   metadata.args (a list, or a string that is split as a
 *                         shell would); what begins with "-" is a flag
 *   run.cwd               metadata.cwd
 *   run.context           metadata's other members that are no lists, and
 *                         action_type and target, which are ours
 *   network.*, http.*     target of network_call
 *
 * All of it but agent.* is what the agent says.
 */
#include "config.h"

#include "agent-api/oc-agent-api-private.h"

#include "common/oc-error.h"

#include <string.h>

/* --- Network targets --------------------------------------------------------------- */

/* Takes "http://" or "https://" off @target. FALSE for another scheme. */
static gboolean
take_scheme (OcStr *target, OcStr *out_scheme, guint16 *out_port)
{
  static const struct
  {
    OcStr prefix;
    guint16 port;
  } schemes[] = { { OC_STR_INIT ("https://"), 443 }, { OC_STR_INIT ("http://"), 80 } };

  *out_scheme = OC_STR_EMPTY;
  *out_port = 443;
  for (gsize i = 0; i < G_N_ELEMENTS (schemes); i++)
    if (oc_str_has_prefix (*target, schemes[i].prefix))
      {
        *out_scheme = oc_str (target->data, schemes[i].prefix.len - 3);
        *out_port = schemes[i].port;
        *target = oc_str (target->data + schemes[i].prefix.len,
                          target->len - schemes[i].prefix.len);
        return TRUE;
      }
  return memmem (target->data, target->len, "://", 3) == NULL;
}

/* Splits an URL's rest at its path; the query is dropped. */
static gboolean
take_path (OcAgentQuestion *question, OcStr *target)
{
  const char *slash = memchr (target->data, '/', target->len);
  gsize len = slash != NULL ? (gsize) (slash - target->data) : target->len;
  gsize path_len = target->len - len;
  gsize cut;

  if (path_len == 0)
    {
      question->context.http.path = OC_STR ("/");
      return TRUE;
    }
  for (cut = 0; cut < path_len && slash[cut] != '?' && slash[cut] != '#'; cut++)
    continue;
  if (cut >= sizeof question->path)
    return FALSE;
  memcpy (question->path, slash, cut);
  question->context.http.path = oc_str (question->path, cut);
  *target = oc_str (target->data, len);
  return TRUE;
}

static gboolean
fill_network (OcAgentQuestion *question, OcStr target, GError **error)
{
  OcPolicyContext *context = &question->context;
  guint16 port;

  if (!take_scheme (&target, &context->http.scheme, &port)
      || (context->http.scheme.len > 0 && !take_path (question, &target))
      || !oc_host_parse_authority (target, port, &question->host, &port))
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT,
                          "target: neither HOST[:PORT] nor a http or https URL");
  context->network.hostname = oc_str (question->host.name, question->host.len);
  context->network.port = port;
  context->network.protocol = OC_STR ("tcp");
  if (question->host.address.family != 0)
    context->network.ip = context->network.hostname;
  if (context->http.scheme.len > 0)
    context->http.host = context->network.hostname;
  return TRUE;
}

/* --- Metadata -------------------------------------------------------------------- */

static gboolean
add_word (OcAgentQuestion *question, OcStr word, GError **error)
{
  gboolean is_flag = word.len > 1 && word.data[0] == '-';

  if (question->args == NULL)
    {
      question->args = g_array_new (FALSE, FALSE, sizeof (OcStr));
      question->flags = g_array_new (FALSE, FALSE, sizeof (OcStr));
    }
  if (question->args->len + question->flags->len >= OC_AGENT_WORDS_MAX)
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT, "metadata.args: more than %d words",
                          OC_AGENT_WORDS_MAX);
  g_array_append_val (is_flag ? question->flags : question->args, word);
  return TRUE;
}

/* Takes one word off @text, as a shell would: quotes and backslashes are gone, and what
 * separates commands separates words. So `git push "--force"` and `x;git push --for\ce`
 * have the flag that they have in the end. No variables, no substitution: what a rule
 * must be sure of, it allows by name instead of blocking the rest.
 * @to: as long as @text. Returns: the rest of @text, NULL when there was no word. */
static const char *
take_word (const char *text, char *to, gsize *out_len)
{
  static const char separators[] = " \t\r\n;|&<>()`";
  char quote = '\0';

  *out_len = 0;
  text += strspn (text, separators);
  if (*text == '\0')
    return NULL;
  for (; *text != '\0' && (quote != '\0' || strchr (separators, *text) == NULL); text++)
    {
      if (*text == quote)
        quote = '\0';
      else if (quote == '\0' && (*text == '\'' || *text == '"'))
        quote = *text;
      else if (*text == '\\' && quote != '\'' && text[1] != '\0')
        to[(*out_len)++] = *++text;
      else
        to[(*out_len)++] = *text;
    }
  return text;
}

static gboolean
fill_words (OcAgentQuestion *question, const char *text, GError **error)
{
  char *words = g_malloc (strlen (text) + 1);
  gsize len;

  g_ptr_array_add (question->owned, words);
  while ((text = take_word (text, words, &len)) != NULL)
    {
      if (!add_word (question, oc_str (words, len), error))
        return FALSE;
      words += len;
    }
  return TRUE;
}

static gboolean
fill_args (OcAgentQuestion *question, JsonNode *node, GError **error)
{
  JsonArray *array;

  if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING)
    return fill_words (question, json_node_get_string (node), error);
  if (!JSON_NODE_HOLDS_ARRAY (node))
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT,
                          "metadata.args: neither a list nor a string");
  array = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      JsonNode *item = json_array_get_element (array, i);

      if (!JSON_NODE_HOLDS_VALUE (item) || json_node_get_value_type (item) != G_TYPE_STRING)
        return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT,
                              "metadata.args[%u]: not a string", i);
      if (!add_word (question, oc_str_from (json_node_get_string (item)), error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
add_pair (OcAgentQuestion *question, const char *name, OcStr value, GError **error)
{
  char *lower;

  if (question->context.run.n_context >= OC_AGENT_PAIRS_MAX)
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT, "metadata: more than %d members",
                          OC_AGENT_PAIRS_MAX);
  lower = g_ascii_strdown (name, -1);
  g_ptr_array_add (question->owned, lower);
  question->pairs[question->context.run.n_context++] = (OcPair) { oc_str_from (lower), value };
  question->context.run.context = question->pairs;
  return TRUE;
}

/* A member that can be text; lists and objects are kept out. */
static gboolean
fill_member (OcAgentQuestion *question, const char *name, JsonNode *node, GError **error)
{
  char *text;

  if (strcmp (name, "args") == 0)
    return fill_args (question, node, error);
  if (g_ascii_strcasecmp (name, "action_type") == 0 || g_ascii_strcasecmp (name, "target") == 0
      || !JSON_NODE_HOLDS_VALUE (node))
    return TRUE;
  if (json_node_get_value_type (node) == G_TYPE_STRING)
    {
      OcStr value = oc_str_from (json_node_get_string (node));

      if (strcmp (name, "cwd") == 0)
        question->context.run.cwd = value;
      return add_pair (question, name, value, error);
    }
  text = json_to_string (node, FALSE);
  g_ptr_array_add (question->owned, text);
  return add_pair (question, name, oc_str_from (text), error);
}

static OcStrList
list_of (const GArray *words)
{
  return (OcStrList) { (const OcStr *) (const void *) words->data, words->len };
}

static gboolean
fill_metadata (OcAgentQuestion *question, JsonNode *metadata, GError **error)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  if (metadata == NULL)
    return TRUE;
  json_object_iter_init (&iter, json_node_get_object (metadata));
  while (json_object_iter_next (&iter, &name, &node))
    if (!fill_member (question, name, node, error))
      return FALSE;
  if (question->args != NULL)
    {
      question->context.run.args = list_of (question->args);
      question->context.run.flags = list_of (question->flags);
    }
  return TRUE;
}

/* --- The whole ----------------------------------------------------------------------- */

gboolean
oc_agent_question_init (OcAgentQuestion *question, const OutcallPermissionCheck *check,
                        const OcIdentity *identity, GError **error)
{
  OcStr target = oc_str_from (check->target);
  const char *type = outcall_action_type_to_string (check->action_type);

  memset (&question->context, 0, sizeof question->context);
  question->args = question->flags = NULL;
  question->owned = g_ptr_array_new_with_free_func (g_free);
  if (target.len == 0)
    return oc_throw_code (error, G_IO_ERROR_INVALID_ARGUMENT, "target: empty");
  question->context.request_time_us = g_get_real_time ();
  oc_identity_fill_context (identity, &question->context);
  if (check->action_type == OUTCALL_ACTION_TYPE_TOOL_EXEC
      || check->action_type == OUTCALL_ACTION_TYPE_SHELL_EXEC)
    question->context.run.tool = target;
  if (check->action_type == OUTCALL_ACTION_TYPE_NETWORK_CALL
      && !fill_network (question, target, error))
    return FALSE;
  return add_pair (question, "action_type", oc_str_from (type), error)
         && add_pair (question, "target", target, error)
         && fill_metadata (question, check->metadata, error);
}

void
oc_agent_question_clear (OcAgentQuestion *question)
{
  g_clear_pointer (&question->args, g_array_unref);
  g_clear_pointer (&question->flags, g_array_unref);
  g_clear_pointer (&question->owned, g_ptr_array_unref);
}
