/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "policy/oc-policy-expand.h"

#include <string.h>

/* A run of the text with one origin. */
typedef struct
{
  gsize out;              /* its first byte */
  gsize offset;           /* of @node's text, when verbatim */
  const OcYamlNode *node;
  const char *definition; /* (nullable) */
  gboolean verbatim;
} Segment;

typedef struct
{
  const OcYamlNode *node; /* its text */
  const char *name;
  gboolean used;
  gboolean broken; /* an error was reported for it */
} Definition;

struct OcDefinitions
{
  const OcRuleFile *file;
  OcReport *report;
  GHashTable *by_name; /* (key const char *) (value Definition *) */
  GPtrArray *in_order; /* (element-type Definition), owns */
};

/* The definitions around the place that is being expanded, innermost first. */
typedef struct Chain Chain;

struct Chain
{
  const Chain *outer;
  Definition *definition;
  guint depth;
};

typedef struct
{
  OcDefinitions *definitions;
  const char *rule;
  OcConditionText *out;
  gboolean too_long; /* found out deep inside, said once at the outermost text */
} Expansion;

/* --- The text ------------------------------------------------------------ */

void
oc_condition_init (OcConditionText *text)
{
  text->text = g_string_sized_new (256);
  text->segments = g_array_sized_new (FALSE, FALSE, sizeof (Segment), 16);
}

void
oc_condition_clear (OcConditionText *text)
{
  g_string_free (text->text, TRUE);
  g_array_unref (text->segments);
}

/* Whether generated text for @node may join the last run. */
static gboolean
continues_last (const OcConditionText *text, const Segment *segment)
{
  const Segment *last;

  if (segment->verbatim || segment->definition != NULL || text->segments->len == 0)
    return FALSE;
  last = &g_array_index (text->segments, Segment, text->segments->len - 1);
  return last->node == segment->node && !last->verbatim && last->definition == NULL;
}

static void
append_segment (OcConditionText *text, const Segment *segment, const char *bytes, gsize len)
{
  Segment copy = *segment;

  copy.out = text->text->len;
  if (!continues_last (text, segment))
    g_array_append_val (text->segments, copy);
  g_string_append_len (text->text, bytes, (gssize) len);
}

void
oc_condition_append (OcConditionText *text, const OcYamlNode *node, const char *generated)
{
  Segment segment = { .node = node };

  append_segment (text, &segment, generated, strlen (generated));
}

void
oc_condition_append_quoted (OcConditionText *text, const OcYamlNode *node, const char *literal)
{
  g_autoptr (GString) quoted = g_string_sized_new (64);

  g_string_append_c (quoted, '"');
  for (const char *p = literal; *p != '\0'; p++)
    switch (*p)
      {
      case '"':
      case '\\':
        g_string_append_c (quoted, '\\');
        g_string_append_c (quoted, *p);
        break;
      case '\n':
        g_string_append (quoted, "\\n");
        break;
      case '\r':
        g_string_append (quoted, "\\r");
        break;
      default:
        g_string_append_c (quoted, *p);
        break;
      }
  g_string_append_c (quoted, '"');
  oc_condition_append (text, node, quoted->str);
}

static const Segment *
find_segment (const OcConditionText *text, gsize offset)
{
  const Segment *found = NULL;

  for (guint i = 0; i < text->segments->len; i++)
    {
      const Segment *segment = &g_array_index (text->segments, Segment, i);

      if (segment->out > offset && found != NULL)
        break;
      found = segment;
    }
  return found;
}

OcReportAt
oc_condition_locate (const OcConditionText *text, const OcRuleFile *file, gsize offset, gsize length,
                    const char **out_definition)
{
  const Segment *segment = find_segment (text, offset);
  OcReportAt at = { file, 0, 0, NULL };
  gsize from;

  *out_definition = NULL;
  if (segment == NULL)
    return at;
  *out_definition = segment->definition;
  if (!segment->verbatim)
    return oc_yaml_at (file, segment->node, NULL);
  from = segment->offset + (offset - segment->out);
  at.start = oc_yaml_locate (file, segment->node, from);
  at.end = oc_yaml_locate (file, segment->node, from + length);
  return at;
}

/* --- CEL's tokens, as far as `$` needs them ------------------------------- */

typedef enum
{
  TOKEN_OTHER,
  TOKEN_STRING,
  TOKEN_UNTERMINATED, /* string */
  TOKEN_COMMENT,      /* without its line break */
  TOKEN_DEFINITION,   /* "$" and the name, which may be empty */
  TOKEN_WORD,
  TOKEN_OPEN,
  TOKEN_CLOSE,
} TokenKind;

static gboolean
is_word_char (char c)
{
  return g_ascii_isalnum (c) || c == '_';
}

static gsize
word_len (OcStr s, gsize at)
{
  gsize end = at;

  while (end < s.len && is_word_char (s.data[end]))
    end++;
  return end - at;
}

/* @at: the quote. @out_end: after the closing quote, or the end of @s. */
static TokenKind
scan_string (OcStr s, gsize at, gboolean raw, gsize *out_end)
{
  char quote = s.data[at];
  gboolean triple = at + 2 < s.len && s.data[at + 1] == quote && s.data[at + 2] == quote;
  gsize n = triple ? 3 : 1;

  for (gsize i = at + n; i < s.len; i++)
    {
      if (s.data[i] == '\\' && !raw)
        {
          i++;
          continue;
        }
      if (!triple && (s.data[i] == '\n' || s.data[i] == '\r'))
        break;
      if (s.data[i] != quote
          || (triple && !(i + 2 < s.len && s.data[i + 1] == quote && s.data[i + 2] == quote)))
        continue;
      *out_end = i + n;
      return TOKEN_STRING;
    }
  *out_end = s.len;
  return TOKEN_UNTERMINATED;
}

/* Whether @word is a string prefix; @out_raw: backslashes are plain in it. */
static gboolean
is_string_prefix (OcStr word, gboolean *out_raw)
{
  static const char *const prefixes[] = { "r", "b", "rb", "br" };

  for (gsize i = 0; i < G_N_ELEMENTS (prefixes); i++)
    if (oc_str_equal_nocase (word, oc_str_from (prefixes[i])))
      {
        *out_raw = i != 1;
        return TRUE;
      }
  return FALSE;
}

static TokenKind
scan_word (OcStr s, gsize at, gsize *out_end)
{
  gsize len = word_len (s, at);
  gboolean raw = FALSE;

  *out_end = at + len;
  if (*out_end < s.len && (s.data[*out_end] == '"' || s.data[*out_end] == '\'')
      && is_string_prefix (oc_str (s.data + at, len), &raw))
    return scan_string (s, *out_end, raw, out_end);
  return TOKEN_WORD;
}

static gsize
find_char (OcStr s, gsize at, const char *set)
{
  while (at < s.len && strchr (set, s.data[at]) == NULL)
    at++;
  return at;
}

/* @at: below the length. @out_end: behind the token */
static TokenKind
scan_token (OcStr s, gsize at, gsize *out_end)
{
  char c = s.data[at];

  *out_end = at + 1;
  if (is_word_char (c))
    return scan_word (s, at, out_end);
  switch (c)
    {
    case '$':
      *out_end = at + 1 + word_len (s, at + 1);
      return TOKEN_DEFINITION;
    case '"':
    case '\'':
      return scan_string (s, at, FALSE, out_end);
    case '`':
      *out_end = MIN (find_char (s, at + 1, "`\n") + 1, s.len);
      return TOKEN_OTHER;
    case '/':
      if (at + 1 >= s.len || s.data[at + 1] != '/')
        return TOKEN_OTHER;
      *out_end = find_char (s, at, "\n\r");
      return TOKEN_COMMENT;
    case '(':
    case '[':
    case '{':
      return TOKEN_OPEN;
    case ')':
    case ']':
    case '}':
      return TOKEN_CLOSE;
    default:
      return TOKEN_OTHER;
    }
}

/* --- Definitions ---------------------------------------------------------- */

static OcReportAt
at_text (const OcDefinitions *definitions, const OcYamlNode *node, gsize start, gsize end,
         const char *rule)
{
  return (OcReportAt) { definitions->file, oc_yaml_locate (definitions->file, node, start),
                        oc_yaml_locate (definitions->file, node, end), rule };
}

/* "$a -> $b -> $name" */
static char *
format_chain (const Chain *chain, const char *name)
{
  GString *text = g_string_new (NULL);

  for (; chain != NULL; chain = chain->outer)
    {
      g_autofree char *part = g_strdup_printf ("$%s -> ", chain->definition->name);

      g_string_prepend (text, part);
    }
  g_string_append_printf (text, "$%s", name);
  return g_string_free (text, FALSE);
}

static gboolean
fail (Expansion *expansion, const Chain *chain, const OcReportAt *at, const char *text)
{
  if (chain != NULL)
    chain->definition->broken = TRUE;
  oc_report_error (expansion->definitions->report, at, "%s", text);
  return FALSE;
}

static gboolean
fail_undefined (Expansion *expansion, const Chain *chain, const OcReportAt *at,
                const char *name)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autofree char *path = format_chain (chain, name);
  g_autofree char *text = NULL;
  const char *closest;

  for (guint i = 0; i < expansion->definitions->in_order->len; i++)
    g_ptr_array_add (names, (gpointer) ((Definition *) g_ptr_array_index (
                                            expansion->definitions->in_order, i))
                                ->name);
  g_ptr_array_add (names, NULL);
  closest = oc_report_closest (name, (const char *const *) names->pdata);
  text = g_strdup_printf ("undefined definition %s%s%s%s", path, closest ? "; did you mean '$" : "",
                          closest ? closest : "", closest ? "'?" : "");
  return fail (expansion, chain, at, text);
}

static gboolean
in_chain (const Chain *chain, const Definition *definition)
{
  for (; chain != NULL; chain = chain->outer)
    if (chain->definition == definition)
      return TRUE;
  return FALSE;
}

static gboolean expand_text (Expansion *expansion, const OcYamlNode *node,
                             const Chain *chain);

static gboolean
expand_definition (Expansion *expansion, Definition *definition, const Chain *chain,
                   const OcReportAt *at)
{
  Chain inner = { chain, definition, chain != NULL ? chain->depth + 1 : 1 };
  Segment bracket = { .node = definition->node, .definition = definition->name };
  g_autofree char *path = NULL;
  g_autofree char *text = NULL;

  if (in_chain (chain, definition) || inner.depth > OC_POLICY_DEFINITION_DEPTH_MAX)
    {
      path = format_chain (chain, definition->name);
      text = in_chain (chain, definition)
                 ? g_strdup_printf ("definitions refer to each other in a circle: %s", path)
                 : g_strdup_printf ("definitions nest deeper than %d: %s",
                                    OC_POLICY_DEFINITION_DEPTH_MAX, path);
      return fail (expansion, chain, at, text);
    }
  append_segment (expansion->out, &bracket, "(", 1);
  if (!expand_text (expansion, definition->node, &inner))
    {
      if (chain != NULL)
        chain->definition->broken = TRUE;
      return FALSE;
    }
  append_segment (expansion->out, &bracket, ")", 1);
  return TRUE;
}

/* @at, @end: "$name" in @node's text. */
static gboolean
expand_name (Expansion *expansion, const OcYamlNode *node, gsize at, gsize end,
             const Chain *chain)
{
  OcDefinitions *definitions = expansion->definitions;
  g_autofree char *name = g_strndup (node->text.data + at + 1, end - at - 1);
  OcReportAt where = at_text (definitions, node, at, end, expansion->rule);
  Definition *definition;

  if (name[0] == '\0' || g_ascii_isdigit (name[0]))
    return fail (expansion, chain, &where, "'$' must be followed by the name of a definition");
  if (at > 0 && (is_word_char (node->text.data[at - 1]) || node->text.data[at - 1] == '.'))
    return fail (expansion, chain, &where, "a definition cannot be joined to what is before it");
  definition = g_hash_table_lookup (definitions->by_name, name);
  if (definition == NULL)
    return fail_undefined (expansion, chain, &where, name);
  definition->used = TRUE;
  if (definition->broken)
    return FALSE;
  return expand_definition (expansion, definition, chain, &where);
}

static gboolean
check_length (Expansion *expansion)
{
  expansion->too_long = expansion->too_long
                        || expansion->out->text->len > OC_POLICY_CONDITION_MAX;
  return !expansion->too_long;
}

/* Recursion is bounded by OC_POLICY_DEFINITION_DEPTH_MAX. */
static gboolean
expand_text (Expansion *expansion, const OcYamlNode *node, const Chain *chain)
{
  Segment segment = { .node = node, .verbatim = TRUE };
  OcStr s = node->text;
  TokenKind last = TOKEN_OTHER;
  gsize from = 0;
  gsize end;

  segment.definition = chain != NULL ? chain->definition->name : NULL;
  for (gsize at = 0; at < s.len; at = end)
    {
      last = scan_token (s, at, &end);
      if (last != TOKEN_DEFINITION)
        continue;
      segment.offset = from;
      append_segment (expansion->out, &segment, s.data + from, at - from);
      if (!expand_name (expansion, node, at, end, chain) || !check_length (expansion))
        return FALSE;
      from = end;
    }
  segment.offset = from;
  append_segment (expansion->out, &segment, s.data + from, s.len - from);
  if (last == TOKEN_COMMENT)
    append_segment (expansion->out, &segment, "\n", 1);
  return check_length (expansion);
}

/* The outermost text. */
static gboolean
expand_whole (Expansion *expansion, const OcYamlNode *node, const Chain *chain)
{
  OcReportAt at = oc_yaml_at (expansion->definitions->file, node, expansion->rule);

  if (expand_text (expansion, node, chain))
    return TRUE;
  if (expansion->too_long)
    oc_report_error (expansion->definitions->report, &at, "the %s is longer than %d bytes after expansion",
                     chain != NULL ? "definition" : "condition", OC_POLICY_CONDITION_MAX);
  return FALSE;
}

static gboolean
is_definition_name (OcStr name)
{
  return name.len > 0 && !g_ascii_isdigit (name.data[0]) && word_len (name, 0) == name.len;
}

/* The closing bracket for @open. */
static char
closing_of (char open)
{
  return open == '(' ? ')' : open == '[' ? ']' : '}';
}

/* Brackets pair up and strings end, so that the text stays what it is when it
 * stands in parentheses. @out_at: where not */
static gboolean
is_closed (OcStr s, gsize *out_at)
{
  g_autoptr (GString) open = g_string_new (NULL);
  gsize end;

  for (gsize at = 0; at < s.len; at = end)
    {
      TokenKind kind = scan_token (s, at, &end);

      *out_at = at;
      if (kind == TOKEN_UNTERMINATED)
        return FALSE;
      if (kind == TOKEN_OPEN)
        g_string_append_c (open, closing_of (s.data[at]));
      if (kind != TOKEN_CLOSE)
        continue;
      if (open->len == 0 || open->str[open->len - 1] != s.data[at])
        return FALSE;
      g_string_truncate (open, open->len - 1);
    }
  *out_at = s.len > 0 ? s.len - 1 : 0;
  return open->len == 0;
}

gboolean
oc_definitions_expand (OcDefinitions *definitions, const OcYamlNode *node, const char *rule,
                       OcConditionText *out)
{
  Expansion expansion = { definitions, rule, out, FALSE };

  return expand_whole (&expansion, node, NULL);
}

gboolean
oc_definitions_check_closed (const OcDefinitions *definitions, const OcYamlNode *node,
                             const char *rule)
{
  OcReportAt at;
  gsize bad;

  if (is_closed (node->text, &bad))
    return TRUE;
  at = at_text (definitions, node, bad, bad + 1, rule);
  oc_report_error (definitions->report, &at, "brackets or quotes do not match here");
  return FALSE;
}

static void
add_definition (OcDefinitions *definitions, const OcYamlNode *node)
{
  OcReportAt at = oc_yaml_at (definitions->file, node->key, NULL);
  Definition *definition;
  gsize bad;

  if (!is_definition_name (node->key->text))
    {
      oc_report_error (definitions->report, &at,
                       "a definition's name is letters, digits and '_', not starting with a digit");
      return;
    }
  definition = g_new0 (Definition, 1);
  definition->node = node;
  definition->name = node->key->text.data;
  g_ptr_array_add (definitions->in_order, definition);
  g_hash_table_insert (definitions->by_name, (gpointer) definition->name, definition);
  at = oc_yaml_at (definitions->file, node, NULL);
  if (node->kind != OC_YAML_SCALAR || oc_yaml_is_null (node))
    oc_report_error (definitions->report, &at, "definition '%s' must be CEL text, not %s",
                     definition->name, oc_yaml_describe (node));
  else if (node->text.len == 0)
    oc_report_error (definitions->report, &at, "definition '%s' is empty", definition->name);
  else if (is_closed (node->text, &bad))
    return;
  else
    {
      at = at_text (definitions, node, bad, bad + 1, NULL);
      oc_report_error (definitions->report, &at,
                       "definition '%s' is not a complete expression: brackets or quotes "
                       "do not match here",
                       definition->name);
    }
  definition->broken = TRUE;
}

/* Finds undefined names, circles and excess once, before any rule is looked at. */
static void
check_definition (OcDefinitions *definitions, Definition *definition)
{
  Chain chain = { NULL, definition, 1 };
  OcConditionText text;
  Expansion expansion = { definitions, NULL, &text, FALSE };

  if (definition->broken)
    return;
  oc_condition_init (&text);
  if (!expand_whole (&expansion, definition->node, &chain))
    definition->broken = TRUE;
  oc_condition_clear (&text);
}

OcDefinitions *
oc_definitions_new (const OcRuleFile *file, const OcYamlNode *mapping, OcReport *report)
{
  OcDefinitions *definitions = g_new0 (OcDefinitions, 1);

  definitions->file = file;
  definitions->report = report;
  definitions->by_name = g_hash_table_new (g_str_hash, g_str_equal);
  definitions->in_order = g_ptr_array_new_with_free_func (g_free);
  if (mapping == NULL)
    return definitions;
  for (const OcYamlNode *node = mapping->first; node != NULL; node = node->next)
    add_definition (definitions, node);
  for (guint i = 0; i < definitions->in_order->len && !oc_report_is_full (report); i++)
    check_definition (definitions, g_ptr_array_index (definitions->in_order, i));
  for (guint i = 0; i < definitions->in_order->len; i++)
    ((Definition *) g_ptr_array_index (definitions->in_order, i))->used = FALSE;
  return definitions;
}

void
oc_definitions_free (OcDefinitions *definitions)
{
  if (definitions == NULL)
    return;
  g_hash_table_unref (definitions->by_name);
  g_ptr_array_unref (definitions->in_order);
  g_free (definitions);
}

void
oc_definitions_warn_unused (const OcDefinitions *definitions)
{
  for (guint i = 0; i < definitions->in_order->len; i++)
    {
      const Definition *definition = g_ptr_array_index (definitions->in_order, i);
      OcReportAt at = oc_yaml_at (definitions->file, definition->node->key, NULL);

      if (!definition->used)
        oc_report_warning (definitions->report, &at, "definition '%s' is not used",
                           definition->name);
    }
}
