/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "policy/oc-policy-yaml.h"

#include <string.h>
#include <yaml.h>

/* A mapping with more keys is checked for duplicates by a hash table. */
#define SMALL_MAPPING 8

typedef struct
{
  const OcRuleFile *file;
  OcArena *arena;
  OcReport *report;
  /* libyaml counts characters; the cursor turns its marks into bytes. */
  gsize cursor_index;
  gsize cursor_byte;
  OcYamlNode *open[OC_YAML_DEPTH_MAX]; /* containers around the next node */
  OcYamlNode *last[OC_YAML_DEPTH_MAX]; /* last child of each */
  OcYamlNode *key[OC_YAML_DEPTH_MAX];  /* a key that waits for its value */
  guint depth;
  OcYamlNode *root;
  guint n_errors;
  gboolean stop;
} Builder;

static gsize
byte_of (Builder *builder, gsize index)
{
  const char *text = builder->file->text;

  while (builder->cursor_index < index && builder->cursor_byte < builder->file->len)
    {
      builder->cursor_byte++;
      while (builder->cursor_byte < builder->file->len
             && ((guint8) text[builder->cursor_byte] & 0xc0) == 0x80)
        builder->cursor_byte++;
      builder->cursor_index++;
    }
  while (builder->cursor_index > index && builder->cursor_byte > 0)
    {
      builder->cursor_byte--;
      while (builder->cursor_byte > 0 && ((guint8) text[builder->cursor_byte] & 0xc0) == 0x80)
        builder->cursor_byte--;
      builder->cursor_index--;
    }
  return builder->cursor_byte;
}

static OcReportAt
at_marks (Builder *builder, const yaml_mark_t *start, const yaml_mark_t *end)
{
  OcReportAt at = { builder->file, byte_of (builder, start->index), 0, NULL };

  at.end = byte_of (builder, end->index);
  return at;
}

static void G_GNUC_PRINTF (3, 4)
fail (Builder *builder, const OcReportAt *at, const char *format, ...)
{
  va_list args;
  g_autofree char *text = NULL;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  oc_report_error (builder->report, at, "%s", text);
  builder->n_errors++;
}

static OcYamlNode *
new_node (Builder *builder, OcYamlKind kind, const yaml_event_t *event)
{
  OcYamlNode *node = oc_arena_new0 (builder->arena, OcYamlNode);

  node->kind = kind;
  node->start = (guint32) byte_of (builder, event->start_mark.index);
  node->end = (guint32) byte_of (builder, event->end_mark.index);
  return node;
}

static OcYamlStyle
style_of (yaml_scalar_style_t style)
{
  switch (style)
    {
    case YAML_SINGLE_QUOTED_SCALAR_STYLE:
      return OC_YAML_SINGLE_QUOTED;
    case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
      return OC_YAML_DOUBLE_QUOTED;
    case YAML_LITERAL_SCALAR_STYLE:
      return OC_YAML_LITERAL;
    case YAML_FOLDED_SCALAR_STYLE:
      return OC_YAML_FOLDED;
    case YAML_ANY_SCALAR_STYLE:
    case YAML_PLAIN_SCALAR_STYLE:
    default:
      return OC_YAML_PLAIN;
    }
}

/* Hangs @node below the innermost open container, as a key if one is due. */
static void
attach (Builder *builder, OcYamlNode *node)
{
  guint top = builder->depth - 1;
  OcYamlNode *parent;

  if (builder->depth == 0)
    {
      builder->root = node;
      return;
    }
  parent = builder->open[top];
  if (parent->kind == OC_YAML_MAPPING && builder->key[top] == NULL)
    {
      builder->key[top] = node;
      return;
    }
  node->key = g_steal_pointer (&builder->key[top]);
  if (builder->last[top] == NULL)
    parent->first = node;
  else
    builder->last[top]->next = node;
  builder->last[top] = node;
  parent->n++;
}

static gboolean
key_is_due (const Builder *builder)
{
  return builder->depth > 0 && builder->open[builder->depth - 1]->kind == OC_YAML_MAPPING
         && builder->key[builder->depth - 1] == NULL;
}

static void
report_duplicate (Builder *builder, const OcYamlNode *child, const OcYamlNode *first)
{
  OcReportAt at = oc_yaml_at (builder->file, child->key, NULL);
  guint line;
  guint column;

  oc_rule_file_locate (builder->file, first->key->start, &line, &column);
  fail (builder, &at, "duplicate key '%s'; it is already on line %u", child->key->text.data, line);
}

static void
check_duplicates_small (Builder *builder, const OcYamlNode *mapping)
{
  for (const OcYamlNode *b = mapping->first; b != NULL; b = b->next)
    for (const OcYamlNode *a = mapping->first; a != b; a = a->next)
      if (oc_str_equal (a->key->text, b->key->text))
        {
          report_duplicate (builder, b, a);
          break;
        }
}

static void
check_duplicates (Builder *builder, OcYamlNode *mapping)
{
  g_autoptr (GHashTable) seen = NULL;

  if (mapping->n <= SMALL_MAPPING)
    {
      check_duplicates_small (builder, mapping);
      return;
    }
  seen = g_hash_table_new (g_str_hash, g_str_equal);
  for (OcYamlNode *child = mapping->first; child != NULL; child = child->next)
    {
      gpointer key = (gpointer) child->key->text.data;
      OcYamlNode *first = g_hash_table_lookup (seen, key);

      if (first != NULL)
        report_duplicate (builder, child, first);
      else
        g_hash_table_insert (seen, key, child);
    }
}

static void
on_scalar (Builder *builder, const yaml_event_t *event)
{
  OcYamlNode *node = new_node (builder, OC_YAML_SCALAR, event);
  const char *value = (const char *) event->data.scalar.value;
  gsize len = event->data.scalar.length;

  node->style = style_of (event->data.scalar.style);
  if (memchr (value, '\0', len) != NULL)
    {
      OcReportAt at = oc_yaml_at (builder->file, node, NULL);

      fail (builder, &at, "a NUL character is not allowed");
      len = strlen (value);
    }
  node->text = oc_str (oc_arena_strndup (builder->arena, value, len), len);
  attach (builder, node);
}

static void
on_open (Builder *builder, OcYamlKind kind, const yaml_event_t *event)
{
  OcYamlNode *node = new_node (builder, kind, event);
  OcReportAt at = oc_yaml_at (builder->file, node, NULL);

  if (builder->depth == OC_YAML_DEPTH_MAX)
    {
      fail (builder, &at, "nested deeper than %d levels", OC_YAML_DEPTH_MAX);
      builder->stop = TRUE;
      return;
    }
  if (key_is_due (builder))
    {
      fail (builder, &at, "a key must be a plain word, not %s", oc_yaml_describe (node));
      builder->stop = TRUE;
      return;
    }
  attach (builder, node);
  builder->open[builder->depth] = node;
  builder->last[builder->depth] = NULL;
  builder->key[builder->depth] = NULL;
  builder->depth++;
}

static void
on_close (Builder *builder, const yaml_event_t *event)
{
  OcYamlNode *node = builder->open[--builder->depth];

  node->end = (guint32) MAX (byte_of (builder, event->end_mark.index), node->start);
  if (node->kind == OC_YAML_MAPPING)
    check_duplicates (builder, node);
}

/* What the document may not use, whatever it is attached to. */
static void
check_properties (Builder *builder, const yaml_event_t *event, const yaml_char_t *anchor,
                  const yaml_char_t *tag)
{
  OcReportAt at;

  if (anchor == NULL && tag == NULL)
    return;
  at = at_marks (builder, &event->start_mark, &event->end_mark);
  if (anchor != NULL)
    fail (builder, &at, "YAML anchors are not allowed; use 'definitions'");
  if (tag != NULL)
    fail (builder, &at, "YAML tags are not allowed");
}

static void
on_document (Builder *builder, const yaml_event_t *event)
{
  OcReportAt at = at_marks (builder, &event->start_mark, &event->end_mark);

  if (event->data.document_start.version_directive != NULL
      || event->data.document_start.tag_directives.start
             != event->data.document_start.tag_directives.end)
    fail (builder, &at, "YAML directives are not allowed");
  if (builder->root != NULL)
    {
      fail (builder, &at, "a rule file holds one YAML document; this is a second one");
      builder->stop = TRUE;
    }
}

static void
on_event (Builder *builder, const yaml_event_t *event)
{
  OcReportAt at;

  switch (event->type)
    {
    case YAML_DOCUMENT_START_EVENT:
      on_document (builder, event);
      break;
    case YAML_SCALAR_EVENT:
      check_properties (builder, event, event->data.scalar.anchor, event->data.scalar.tag);
      on_scalar (builder, event);
      break;
    case YAML_SEQUENCE_START_EVENT:
      check_properties (builder, event, event->data.sequence_start.anchor,
                        event->data.sequence_start.tag);
      on_open (builder, OC_YAML_SEQUENCE, event);
      break;
    case YAML_MAPPING_START_EVENT:
      check_properties (builder, event, event->data.mapping_start.anchor,
                        event->data.mapping_start.tag);
      on_open (builder, OC_YAML_MAPPING, event);
      break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
      on_close (builder, event);
      break;
    case YAML_ALIAS_EVENT:
      at = at_marks (builder, &event->start_mark, &event->end_mark);
      fail (builder, &at, "YAML aliases are not allowed; use 'definitions'");
      builder->stop = TRUE;
      break;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
    default:
      break;
    }
}

static void
report_syntax (Builder *builder, const yaml_parser_t *parser)
{
  OcReportAt at = { builder->file, 0, 0, NULL };

  if (parser->error == YAML_READER_ERROR)
    at.start = MIN (parser->problem_offset, builder->file->len);
  else
    at.start = byte_of (builder, parser->problem_mark.index);
  fail (builder, &at, "not valid YAML: %s%s%s", parser->problem ? parser->problem : "no memory",
        parser->context ? " " : "", parser->context ? parser->context : "");
}

/* libyaml would say so too, but for the whole file. */
static gboolean
check_bytes (Builder *builder)
{
  const char *text = builder->file->text;
  const char *bad;
  OcReportAt at = { builder->file, 0, 0, NULL };

  if (!g_utf8_validate_len (text, builder->file->len, &bad) && *bad != '\0')
    {
      at.start = (gsize) (bad - text);
      fail (builder, &at, "not valid UTF-8");
      return FALSE;
    }
  for (gsize i = 0; i < builder->file->len; i++)
    if (((guint8) text[i] < ' ' && strchr ("\t\n\r", text[i]) == NULL) || text[i] == 0x7f
        || text[i] == '\0')
      {
        at.start = i;
        fail (builder, &at, "a control character (0x%02x) is not allowed", (guint8) text[i]);
        return FALSE;
      }
  return TRUE;
}

static void
read_events (Builder *builder, yaml_parser_t *parser)
{
  gboolean done = FALSE;

  while (!done && !builder->stop && !oc_report_is_full (builder->report))
    {
      yaml_event_t event;

      if (!yaml_parser_parse (parser, &event))
        {
          report_syntax (builder, parser);
          return;
        }
      on_event (builder, &event);
      done = event.type == YAML_STREAM_END_EVENT;
      yaml_event_delete (&event);
    }
}

OcYamlNode *
oc_yaml_parse (const OcRuleFile *file, OcArena *arena, OcReport *report)
{
  Builder builder = { .file = file, .arena = arena, .report = report };
  yaml_parser_t parser;

  if (!check_bytes (&builder))
    return NULL;
  if (!yaml_parser_initialize (&parser))
    g_error ("no memory for the YAML parser");
  yaml_parser_set_encoding (&parser, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string (&parser, (const guint8 *) file->text, file->len);
  read_events (&builder, &parser);
  yaml_parser_delete (&parser);
  if (builder.n_errors == 0 && builder.root == NULL)
    {
      OcReportAt at = { file, 0, 0, NULL };

      fail (&builder, &at, "the file is empty; it needs at least: version: \"1\"");
    }
  return builder.n_errors == 0 ? builder.root : NULL;
}

gboolean
oc_yaml_is_null (const OcYamlNode *node)
{
  static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };

  return node->kind == OC_YAML_SCALAR && node->style == OC_YAML_PLAIN
         && g_strv_contains (nulls, node->text.data);
}

const char *
oc_yaml_describe (const OcYamlNode *node)
{
  if (node->kind == OC_YAML_SEQUENCE)
    return "a list";
  if (node->kind == OC_YAML_MAPPING)
    return "a mapping";
  return oc_yaml_is_null (node) ? "nothing" : "a string";
}

OcReportAt
oc_yaml_at (const OcRuleFile *file, const OcYamlNode *node, const char *rule)
{
  return (OcReportAt) { file, node->start, node->end, rule };
}

static gboolean
is_break (char c)
{
  return c == '\n' || c == '\r';
}

static gboolean
is_space (char c)
{
  return c == ' ' || c == '\t' || is_break (c);
}

/* Where a block scalar's first line of content begins. */
static gsize
skip_block_header (const char *text, gsize at, gsize end)
{
  while (at < end && !is_break (text[at]))
    at++;
  while (at < end && is_space (text[at]))
    at++;
  return at;
}

/* The raw spelling of one byte of a flow scalar may be longer than the byte. */
static gsize
skip_raw_byte (const char *text, gsize at, gsize end, OcYamlStyle style)
{
  static const char *const long_escapes = "x\002u\004U\010";
  const char *escape;

  if (style == OC_YAML_SINGLE_QUOTED && text[at] == '\'')
    return MIN (at + 2, end);
  if (style != OC_YAML_DOUBLE_QUOTED || text[at] != '\\' || at + 1 >= end)
    return at + 1;
  escape = strchr (long_escapes, text[at + 1]);
  return MIN (at + 2 + (escape != NULL ? (gsize) escape[1] : 0), end);
}

gsize
oc_yaml_locate (const OcRuleFile *file, const OcYamlNode *node, gsize offset)
{
  const char *text = file->text;
  gsize end = MIN (node->end, file->len);
  gsize at = node->start;

  if (node->kind != OC_YAML_SCALAR)
    return at;
  if (node->style == OC_YAML_LITERAL || node->style == OC_YAML_FOLDED)
    at = skip_block_header (text, at, end);
  else if (node->style != OC_YAML_PLAIN)
    at++;
  for (gsize i = 0; i < MIN (offset, node->text.len) && at < end; i++)
    {
      char c = node->text.data[i];
      gboolean raw_space = is_space (text[at]);

      if (c == '\n' && i + 1 < node->text.len && node->text.data[i + 1] == '\n')
        continue; /* the run of spaces below skips all breaks at once */
      if (is_space (c) && raw_space && (c == '\n' || is_break (text[at])))
        while (at < end && is_space (text[at]))
          at++;
      else if (!is_space (c) || raw_space)
        at = skip_raw_byte (text, at, end, node->style);
    }
  return MIN (at, MAX (end, node->start));
}
