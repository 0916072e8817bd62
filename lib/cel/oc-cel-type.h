/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Types, their text form, and inference: type variables with a substitution that
 * the checker extends by asking what is assignable to what. Private to lib/cel.
 * Types are immutable.
 */

#include "cel/oc-cel-arena.h"
#include "cel/oc-cel.h"

#define OC_CEL_TYPE_PARAMS_MAX 8
/* A type that would get larger has dyn for its parameters, since types double with every
 * `cel.bind(b, {a: a}, …)`. */
#define OC_CEL_TYPE_SIZE_MAX 256
/* Steps of inference for one expression, since chains of variables double just so. */
#define OC_CEL_INFER_STEPS 4000000

typedef enum
{
  OC_CEL_TYPE_DYN,
  OC_CEL_TYPE_NULL,
  OC_CEL_TYPE_BOOL,
  OC_CEL_TYPE_INT,
  OC_CEL_TYPE_UINT,
  OC_CEL_TYPE_DOUBLE,
  OC_CEL_TYPE_STRING,
  OC_CEL_TYPE_BYTES,
  OC_CEL_TYPE_DURATION,
  OC_CEL_TYPE_TIMESTAMP,
  OC_CEL_TYPE_LIST,
  OC_CEL_TYPE_MAP,
  OC_CEL_TYPE_TYPE,    /* type(T) */
  OC_CEL_TYPE_WRAPPER, /* T or null */
  OC_CEL_TYPE_OPAQUE,  /* optional_type(T), net.IP, anything else with a name */
  OC_CEL_TYPE_PARAM,   /* of a declaration; var: its letter */
  OC_CEL_TYPE_VAR,     /* of one check; var: its number */
  OC_CEL_TYPE_KINDS
} OcCelTypeKind;

struct OcCelType
{
  guint8 kind; /* OcCelTypeKind */
  guint8 n_params;
  gboolean open; /* a PARAM or VAR is somewhere inside */
  guint32 var;
  guint32 size;  /* parts of the whole type */
  OcStr name;
  const OcCelType *const *params;
};

/* The type of @kind without parameters; static. */
const OcCelType *oc_cel_type_basic (OcCelTypeKind kind);
extern const OcCelType oc_cel_type_net_ip, oc_cel_type_net_cidr;
extern const OcCelType oc_cel_type_optional_any; /* optional_type(dyn) */

const OcCelType *oc_cel_type_new (OcCelArena *arena, OcCelTypeKind kind, OcStr name,
                                  const OcCelType *const *params, guint n_params);
const OcCelType *oc_cel_type_list (OcCelArena *arena, const OcCelType *element);
const OcCelType *oc_cel_type_map (OcCelArena *arena, const OcCelType *key, const OcCelType *value);
const OcCelType *oc_cel_type_optional (OcCelArena *arena, const OcCelType *inner);
gboolean oc_cel_type_is_optional (const OcCelType *type);
const OcCelType *oc_cel_type_copy (OcCelArena *arena, const OcCelType *type);

/* Reads a type at *@cursor and moves the cursor behind it.
 * Returns: (nullable): NULL when there is none. */
const OcCelType *oc_cel_type_parse (OcCelArena *arena, OcStr *cursor);
/* "map(string, int)" */
void oc_cel_type_append_text (const OcCelType *type, GString *out);
/* Whether the type values of @a and @b are equal: parameters don't count. */
gboolean oc_cel_type_same_name (const OcCelType *a, const OcCelType *b);
/* Which kinds of values a parameter of @type takes: bits 1 << OcCelKind. */
guint32 oc_cel_type_get_mask (const OcCelType *type);

/* --- Inference ----------------------------------------------------------- */

typedef struct
{
  OcCelArena *arena;
  GPtrArray *bindings; /* (element-type OcCelType): by variable number; NULL: free */
  GArray *trail;       /* of changes, to take them back */
  guint32 steps_left;
  gboolean too_complex; /* the steps are used up: answers are wrong from here on */
} OcCelInfer;

void oc_cel_infer_init (OcCelInfer *infer, OcCelArena *arena);
void oc_cel_infer_clear (OcCelInfer *infer);
const OcCelType *oc_cel_infer_new_var (OcCelInfer *infer);
/* Gives the declaration's parameters fresh variables.
 * @vars: one per letter A–Z, NULL at first; the same array for all types of one overload */
const OcCelType *oc_cel_infer_instantiate (OcCelInfer *infer, const OcCelType *type,
                                           const OcCelType *vars[26]);
/* Whether every @from is assignable to its @to; binds variables, or none on FALSE. */
gboolean oc_cel_infer_assign (OcCelInfer *infer, const OcCelType *const *from,
                              const OcCelType *const *to, guint n);
/* Replaces bound variables. @free_to_dyn: and the others by dyn */
const OcCelType *oc_cel_infer_resolve (OcCelInfer *infer, const OcCelType *type,
                                       gboolean free_to_dyn);
gboolean oc_cel_type_equal (const OcCelType *a, const OcCelType *b);
/* The less specific one of two types that are assignable. */
const OcCelType *oc_cel_type_most_general (const OcCelType *a, const OcCelType *b);
