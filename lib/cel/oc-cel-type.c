/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-type.h"

/* Nesting of a type in text form. */
#define TYPE_DEPTH_MAX 16

static const OcCelType basic_types[OC_CEL_TYPE_KINDS] = {
#define BASIC(k, n) [k] = { .kind = k, .name = OC_STR_INIT (n) }
  BASIC (OC_CEL_TYPE_DYN, "dyn"),
  BASIC (OC_CEL_TYPE_NULL, "null_type"),
  BASIC (OC_CEL_TYPE_BOOL, "bool"),
  BASIC (OC_CEL_TYPE_INT, "int"),
  BASIC (OC_CEL_TYPE_UINT, "uint"),
  BASIC (OC_CEL_TYPE_DOUBLE, "double"),
  BASIC (OC_CEL_TYPE_STRING, "string"),
  BASIC (OC_CEL_TYPE_BYTES, "bytes"),
  BASIC (OC_CEL_TYPE_DURATION, "google.protobuf.Duration"),
  BASIC (OC_CEL_TYPE_TIMESTAMP, "google.protobuf.Timestamp"),
  BASIC (OC_CEL_TYPE_LIST, "list"),
  BASIC (OC_CEL_TYPE_MAP, "map"),
  BASIC (OC_CEL_TYPE_TYPE, "type"),
#undef BASIC
};

const OcCelType oc_cel_type_net_ip = { .kind = OC_CEL_TYPE_OPAQUE, .name = OC_STR_INIT ("net.IP") };
const OcCelType oc_cel_type_net_cidr
    = { .kind = OC_CEL_TYPE_OPAQUE, .name = OC_STR_INIT ("net.CIDR") };
static const OcCelType *const dyn_params[] = { &basic_types[OC_CEL_TYPE_DYN] };
const OcCelType oc_cel_type_optional_any = { .kind = OC_CEL_TYPE_OPAQUE,
                                             .n_params = 1,
                                             .name = OC_STR_INIT ("optional_type"),
                                             .params = dyn_params };

const OcCelType *
oc_cel_type_basic (OcCelTypeKind kind)
{
  return &basic_types[kind];
}

const OcCelType *
oc_cel_type_new (OcCelArena *arena, OcCelTypeKind kind, OcStr name, const OcCelType *const *params,
                 guint n_params)
{
  OcCelType *type = oc_cel_arena_new (arena, OcCelType, 1);
  const OcCelType *kept[OC_CEL_TYPE_PARAMS_MAX];

  type->kind = (guint8) kind;
  type->n_params = (guint8) n_params;
  type->name = name;
  for (guint i = 0; i < n_params; i++)
    type->size += params[i]->size + 1;
  for (guint i = 0; i < n_params; i++)
    {
      kept[i] = type->size > OC_CEL_TYPE_SIZE_MAX ? &basic_types[OC_CEL_TYPE_DYN] : params[i];
      type->open |= kept[i]->open;
    }
  if (type->size > OC_CEL_TYPE_SIZE_MAX)
    type->size = n_params;
  type->params = oc_cel_arena_dup (arena, kept, sizeof *kept * n_params);
  return type;
}

const OcCelType *
oc_cel_type_list (OcCelArena *arena, const OcCelType *element)
{
  return oc_cel_type_new (arena, OC_CEL_TYPE_LIST, OC_STR ("list"), &element, 1);
}

const OcCelType *
oc_cel_type_map (OcCelArena *arena, const OcCelType *key, const OcCelType *value)
{
  const OcCelType *params[] = { key, value };

  return oc_cel_type_new (arena, OC_CEL_TYPE_MAP, OC_STR ("map"), params, 2);
}

const OcCelType *
oc_cel_type_optional (OcCelArena *arena, const OcCelType *inner)
{
  return oc_cel_type_new (arena, OC_CEL_TYPE_OPAQUE, oc_cel_type_optional_any.name, &inner, 1);
}

gboolean
oc_cel_type_is_optional (const OcCelType *type)
{
  return type->kind == OC_CEL_TYPE_OPAQUE && type->n_params == 1
         && oc_str_equal (type->name, oc_cel_type_optional_any.name);
}

const OcCelType *
oc_cel_type_copy (OcCelArena *arena, const OcCelType *type)
{
  const OcCelType *params[OC_CEL_TYPE_PARAMS_MAX];

  if (type->n_params == 0 && type->kind < OC_CEL_TYPE_OPAQUE)
    return oc_cel_type_basic (type->kind);
  for (guint i = 0; i < type->n_params; i++)
    params[i] = oc_cel_type_copy (arena, type->params[i]);
  return oc_cel_type_new (arena, type->kind, oc_cel_arena_dup_str (arena, type->name), params,
                          type->n_params);
}

/* --- Text ---------------------------------------------------------------- */

static void
skip_spaces (OcStr *cursor)
{
  while (cursor->len > 0 && *cursor->data == ' ')
    *cursor = oc_str (cursor->data + 1, cursor->len - 1);
}

static gboolean
take (OcStr *cursor, char c)
{
  skip_spaces (cursor);
  if (cursor->len == 0 || *cursor->data != c)
    return FALSE;
  *cursor = oc_str (cursor->data + 1, cursor->len - 1);
  return TRUE;
}

static OcStr
take_name (OcStr *cursor)
{
  gsize n = 0;
  OcStr name;

  skip_spaces (cursor);
  while (n < cursor->len
         && (g_ascii_isalnum (cursor->data[n]) || cursor->data[n] == '_' || cursor->data[n] == '.'))
    n++;
  name = oc_str (cursor->data, n);
  *cursor = oc_str (cursor->data + n, cursor->len - n);
  return name;
}

static const OcCelType *
lookup_basic (OcStr name)
{
  if (oc_str_equal (name, OC_STR ("duration")))
    return oc_cel_type_basic (OC_CEL_TYPE_DURATION);
  if (oc_str_equal (name, OC_STR ("timestamp")))
    return oc_cel_type_basic (OC_CEL_TYPE_TIMESTAMP);
  for (guint i = 0; i <= OC_CEL_TYPE_TIMESTAMP; i++)
    if (oc_str_equal (name, basic_types[i].name))
      return &basic_types[i];
  return NULL;
}

static const OcCelType *
new_param (OcCelArena *arena, char letter)
{
  OcCelType *type = oc_cel_arena_new (arena, OcCelType, 1);

  type->kind = OC_CEL_TYPE_PARAM;
  type->open = TRUE;
  type->var = (guint32) (letter - 'A');
  type->name = oc_cel_arena_dup_str (arena, oc_str (&letter, 1));
  return type;
}

static const OcCelType *
make_type (OcCelArena *arena, OcStr name, const OcCelType **params, guint n)
{
  const OcCelType *dyn = oc_cel_type_basic (OC_CEL_TYPE_DYN);

  for (guint i = n; i < 2; i++)
    params[i] = dyn;
  if (oc_str_equal (name, OC_STR ("list")) && n <= 1)
    return oc_cel_type_list (arena, params[0]);
  if (oc_str_equal (name, OC_STR ("map")) && n <= 2)
    return oc_cel_type_map (arena, params[0], params[1]);
  if (oc_str_equal (name, OC_STR ("type")) && n <= 1)
    return oc_cel_type_new (arena, OC_CEL_TYPE_TYPE, OC_STR ("type"), params, 1);
  if (oc_str_equal (name, OC_STR ("wrapper")) && n == 1)
    return oc_cel_type_new (arena, OC_CEL_TYPE_WRAPPER, OC_STR ("wrapper"), params, 1);
  return oc_cel_type_new (arena, OC_CEL_TYPE_OPAQUE, oc_cel_arena_dup_str (arena, name), params, n);
}

static const OcCelType *
parse_type (OcCelArena *arena, OcStr *cursor, guint depth)
{
  OcStr name = take_name (cursor);
  const OcCelType *params[OC_CEL_TYPE_PARAMS_MAX];
  guint n = 0;

  if (name.len == 0 || depth > TYPE_DEPTH_MAX)
    return NULL;
  if (name.len == 1 && g_ascii_isupper (*name.data))
    return new_param (arena, *name.data);
  if (lookup_basic (name))
    return lookup_basic (name);
  if (take (cursor, '('))
    do
      {
        if (n == G_N_ELEMENTS (params))
          return NULL;
        params[n] = parse_type (arena, cursor, depth + 1);
        if (!params[n++])
          return NULL;
      }
    while (take (cursor, ','));
  if (n > 0 && !take (cursor, ')'))
    return NULL;
  if (oc_str_equal (name, OC_STR ("param")) && n == 1)
    return params[0];
  return make_type (arena, name, params, n);
}

const OcCelType *
oc_cel_type_parse (OcCelArena *arena, OcStr *cursor)
{
  return parse_type (arena, cursor, 0);
}

void
oc_cel_type_append_text (const OcCelType *type, GString *out)
{
  if (type->kind == OC_CEL_TYPE_VAR)
    {
      g_string_append_printf (out, "_var%u", type->var);
      return;
    }
  if (type->kind == OC_CEL_TYPE_DURATION || type->kind == OC_CEL_TYPE_TIMESTAMP)
    g_string_append (out, type->kind == OC_CEL_TYPE_DURATION ? "duration" : "timestamp");
  else
    g_string_append_len (out, type->name.data, (gssize) type->name.len);
  for (guint i = 0; i < type->n_params; i++)
    {
      g_string_append (out, i == 0 ? "(" : ", ");
      oc_cel_type_append_text (type->params[i], out);
    }
  if (type->n_params > 0)
    g_string_append_c (out, ')');
}

gboolean
oc_cel_type_same_name (const OcCelType *a, const OcCelType *b)
{
  return a->kind == b->kind && oc_str_equal (a->name, b->name);
}

static guint32
get_opaque_mask (const OcCelType *type)
{
  if (oc_cel_type_is_optional (type))
    return 1u << OC_CEL_OPTIONAL;
  if (oc_str_equal (type->name, oc_cel_type_net_ip.name))
    return 1u << OC_CEL_IP;
  if (oc_str_equal (type->name, oc_cel_type_net_cidr.name))
    return 1u << OC_CEL_CIDR;
  return 0;
}

guint32
oc_cel_type_get_mask (const OcCelType *type)
{
  static const guint8 kinds[OC_CEL_TYPE_KINDS] = {
    [OC_CEL_TYPE_NULL] = OC_CEL_NULL,         [OC_CEL_TYPE_BOOL] = OC_CEL_BOOL,
    [OC_CEL_TYPE_INT] = OC_CEL_INT,           [OC_CEL_TYPE_UINT] = OC_CEL_UINT,
    [OC_CEL_TYPE_DOUBLE] = OC_CEL_DOUBLE,     [OC_CEL_TYPE_STRING] = OC_CEL_STRING,
    [OC_CEL_TYPE_BYTES] = OC_CEL_BYTES,       [OC_CEL_TYPE_DURATION] = OC_CEL_DURATION,
    [OC_CEL_TYPE_TIMESTAMP] = OC_CEL_TIMESTAMP, [OC_CEL_TYPE_LIST] = OC_CEL_LIST,
    [OC_CEL_TYPE_MAP] = OC_CEL_MAP,           [OC_CEL_TYPE_TYPE] = OC_CEL_TYPE,
  };

  switch ((OcCelTypeKind) type->kind)
    {
    case OC_CEL_TYPE_DYN:
    case OC_CEL_TYPE_PARAM:
    case OC_CEL_TYPE_VAR:
      return (1u << OC_CEL_ERROR) - 1;
    case OC_CEL_TYPE_WRAPPER:
      return oc_cel_type_get_mask (type->params[0]) | 1u << OC_CEL_NULL;
    case OC_CEL_TYPE_OPAQUE:
      return get_opaque_mask (type);
    default:
      return 1u << kinds[type->kind];
    }
}
