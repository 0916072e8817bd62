/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Declarations: variables, functions with their overloads, names of types. Private
 * to lib/cel. Built by one thread, then read by any.
 */

#include "cel/oc-cel-type.h"

#define OC_CEL_ARGS_MAX 5

/* One row of a library's table: everything about one overload. */
typedef struct
{
  const char *name;
  const char *signature; /* as for oc_cel_env_add_function() */
  OcCelFunc func;        /* NULL: an operator that the code generator knows */
} OcCelDecl;

typedef struct
{
  gboolean member;
  guint n_args;
  const OcCelType *args[OC_CEL_ARGS_MAX];
  guint32 masks[OC_CEL_ARGS_MAX]; /* kinds of values that each argument takes */
  const OcCelType *result;
  OcCelFunc func; /* (nullable) */
} OcCelOverload;

typedef struct
{
  OcStr name;
  GPtrArray *overloads; /* (element-type OcCelOverload) */
} OcCelFunction;

typedef struct
{
  OcStr name;
  const OcCelType *type;
} OcCelVariable;

/* Thread: any */
const OcCelFunction *oc_cel_env_lookup_function (const OcCelEnv *env, OcStr name);
const OcCelVariable *oc_cel_env_get_variable (const OcCelEnv *env, int slot);
/* (nullable): the type that @name denotes as a value */
const OcCelType *oc_cel_env_lookup_type (const OcCelEnv *env, OcStr name);
OcStr oc_cel_env_get_container (const OcCelEnv *env);
/* Whether a variable's dotted name starts with "@prefix.". */
gboolean oc_cel_env_is_namespace (const OcCelEnv *env, OcStr prefix);

typedef void (*OcCelNameFunc) (OcStr name, gpointer user_data);
void oc_cel_env_foreach_variable (const OcCelEnv *env, OcCelNameFunc func, gpointer user_data);
void oc_cel_env_foreach_function (const OcCelEnv *env, OcCelNameFunc func, gpointer user_data);

/* The libraries; each ends with a row of NULL. */
extern const OcCelDecl oc_cel_lib_operators[], oc_cel_lib_arithmetic[], oc_cel_lib_basic[],
    oc_cel_lib_convert[], oc_cel_lib_time[], oc_cel_lib_strings[], oc_cel_lib_split[],
    oc_cel_lib_format[], oc_cel_lib_math[], oc_cel_lib_lists[], oc_cel_lib_sets[],
    oc_cel_lib_encoders[], oc_cel_lib_optional[], oc_cel_lib_net[], oc_cel_lib_host[];
