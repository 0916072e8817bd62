/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The official CEL conformance tests in the form of tests/data/cel/README.md. */

#include "cel/oc-cel.h"

#include <jansson.h>

/* What must outlive the values made for one test. */
typedef struct
{
  GPtrArray *blocks; /* freed together */
} CelTestMemory;

/* @json: {"int": "5"} and so on. Returns: FALSE when it is of no known form */
gboolean cel_test_value_from_json (CelTestMemory *memory, json_t *json, OcCelValue *out);
/* As strict as the README says: kinds count, NaN equals NaN, maps have no order. */
gboolean cel_test_value_same (OcCelValue a, OcCelValue b);
/* Declares "name" as the test's type_env says: a type or functions. */
gboolean cel_test_declare (OcCelEnv *env, const char *name, json_t *json);
