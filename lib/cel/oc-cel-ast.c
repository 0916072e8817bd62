/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-ast.h"

#include "cel/oc-cel-eval.h"
#include "cel/oc-cel-type.h"

OcCelNode *
oc_cel_node_new (OcCelAst *ast, OcCelNodeKind kind, guint32 offset, guint32 length)
{
  OcCelNode *node;

  if (++ast->n_nodes > OC_CEL_NODES_MAX)
    {
      oc_cel_ast_error (ast, offset, length, "expression has more than %d parts", OC_CEL_NODES_MAX);
      return NULL;
    }
  node = oc_cel_arena_new (&ast->arena, OcCelNode, 1);
  node->kind = (guint8) kind;
  node->depth = 1;
  node->offset = offset;
  node->length = length;
  node->extra = offset;
  node->slot = -1;
  return node;
}

gboolean
oc_cel_node_set_args (OcCelAst *ast, OcCelNode *node, OcCelNode *const *args, guint n)
{
  guint depth = 0;

  for (guint i = 0; i < n; i++)
    depth = MAX (depth, args[i]->depth);
  if (depth + 1 > OC_CEL_DEPTH_MAX)
    {
      oc_cel_ast_error (ast, node->offset, node->length,
                        "expression is nested deeper than %d levels", OC_CEL_DEPTH_MAX);
      return FALSE;
    }
  node->depth = (guint8) (depth + 1);
  node->n_args = n;
  node->args = oc_cel_arena_dup (&ast->arena, args, sizeof *args * n);
  return TRUE;
}

/* Line and column from 1; columns count code points. */
static void
locate (OcStr source, guint32 offset, guint *out_line, guint *out_column)
{
  guint line = 1, column = 1;

  for (gsize i = 0; i < offset && i < source.len; i++)
    if (source.data[i] == '\n')
      {
        line++;
        column = 1;
      }
    else if (((guint8) source.data[i] & 0xc0) != 0x80)
      column++;
  *out_line = line;
  *out_column = column;
}

void
oc_cel_ast_error (OcCelAst *ast, guint32 offset, guint32 length, const char *format, ...)
{
  OcCelError *error;
  va_list args;

  if (++ast->n_errors > OC_CEL_ERRORS_MAX || !ast->errors)
    return;
  error = g_new0 (OcCelError, 1);
  error->offset = offset;
  error->length = (guint32) MIN (length, ast->source.len - MIN (offset, ast->source.len));
  locate (ast->source, offset, &error->line, &error->column);
  va_start (args, format);
  error->message = g_strdup_vprintf (format, args);
  va_end (args);
  g_ptr_array_add (ast->errors, error);
}

void
oc_cel_error_free (OcCelError *error)
{
  if (!error)
    return;
  g_free (error->message);
  g_free (error);
}

/* --- Deep copies of values ----------------------------------------------- */

static OcCelValue
copy_list (OcCelArena *arena, const OcCelList *list)
{
  OcCelList *copy = oc_cel_arena_new (arena, OcCelList, 1);
  OcCelValue *values = oc_cel_arena_new (arena, OcCelValue, list->len);

  for (guint32 i = 0; i < list->len; i++)
    values[i] = oc_cel_value_copy (arena, oc_cel_list_get (list, i));
  *copy = (OcCelList) { .len = list->len, .values = values };
  return oc_cel_list (copy);
}

static OcCelValue
copy_map (OcCelArena *arena, const OcCelMap *map)
{
  OcCelMap *copy = oc_cel_arena_new (arena, OcCelMap, 1);
  OcCelEntry *entries = oc_cel_arena_new (arena, OcCelEntry, map->len);

  for (guint32 i = 0; i < map->len; i++)
    {
      entries[i].key = oc_cel_value_copy (arena, oc_cel_map_get_key (map, i));
      entries[i].value = oc_cel_value_copy (arena, oc_cel_map_get_value (map, i));
    }
  *copy = (OcCelMap) { .len = map->len, .entries = entries };
  oc_cel_map_build_index (arena, copy);
  return oc_cel_map (copy);
}

OcCelValue
oc_cel_value_copy (OcCelArena *arena, OcCelValue value)
{
  switch ((OcCelKind) value.kind)
    {
    case OC_CEL_STRING:
    case OC_CEL_BYTES:
      value.str = oc_cel_arena_dup (arena, value.str, value.aux);
      return value;
    case OC_CEL_LIST:
      return copy_list (arena, value.list);
    case OC_CEL_MAP:
      return copy_map (arena, value.map);
    case OC_CEL_OPTIONAL:
      if (value.optional)
        {
          OcCelValue inner = oc_cel_value_copy (arena, *value.optional);

          value.optional = oc_cel_arena_dup (arena, &inner, sizeof inner);
        }
      return value;
    case OC_CEL_IP:
    case OC_CEL_CIDR:
      value.net = oc_cel_arena_dup (arena, value.net, sizeof *value.net);
      return value;
    case OC_CEL_TYPE:
      value.type = oc_cel_type_copy (arena, value.type);
      return value;
    case OC_CEL_NULL:
    case OC_CEL_BOOL:
    case OC_CEL_INT:
    case OC_CEL_UINT:
    case OC_CEL_DOUBLE:
    case OC_CEL_DURATION:
    case OC_CEL_TIMESTAMP:
    case OC_CEL_ERROR:
    case OC_CEL_UNKNOWN:
      break;
    }
  return value;
}
