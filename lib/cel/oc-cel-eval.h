/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* What functions and operations need of the evaluation that calls them. Private to lib/cel.
 * One thread per scratch.
 */

#include "cel/oc-cel-arena.h"
#include "cel/oc-cel-type.h"
#include "cel/oc-cel-zone.h"
#include "common/oc-address.h"

/* Bytes of text that one step pays for. */
#define OC_CEL_STEP_BYTES 1024

/* What IP and CIDR values point to. */
struct OcCelNet
{
  OcAddress address;
  guint8 prefix; /* CIDR */
};
typedef struct OcCelNet OcCelNet;

struct OcCelScratch
{
  OcCelValue *sp; /* the first free place of the stack */
  const OcCelValue *slots;
  OcCelValue *locals; /* the macros' variables, at the bottom of the stack */
  guint32 steps_left;
  gboolean stopped;   /* a budget is used up: the result is stop_error, whatever follows */
  OcCelValue stop_error;

  OcCelValue *stack;
  guint32 stack_len;
  guint32 steps_max;
  OcCelArena arena;   /* what this evaluation builds */
  struct pcre2_real_match_data_8 *match; /* (nullable): made when first needed */
  OcCelZones zones;
};

/* Takes @n steps from the budget. Returns: FALSE when it is used up; return soon then. */
gboolean oc_cel_charge (OcCelScratch *e, gsize n);
/* For what reads all of @v: long texts cost a step for each OC_CEL_STEP_BYTES, short ones are
 * paid for by their instruction. */
static inline gboolean
oc_cel_charge_text (OcCelScratch *e, OcCelValue v)
{
  if (G_LIKELY ((v.kind != OC_CEL_STRING && v.kind != OC_CEL_BYTES) || v.aux < OC_CEL_STEP_BYTES))
    return TRUE;
  return oc_cel_charge (e, v.aux / OC_CEL_STEP_BYTES);
}
gboolean oc_cel_charge_keys (OcCelScratch *e, const OcCelMap *map);
/* Returns: (nullable): NULL when the memory budget is used up; return soon then. */
void *oc_cel_alloc (OcCelScratch *e, gsize size);
/* The error for a function to return after either. */
OcCelValue oc_cel_stopped (OcCelScratch *e);

/* The kinds of failure that many functions share. */
OcCelValue oc_cel_no_overload (void);
/* Of two operands of which one at least is an error or unknown: unknown, else the first error. */
OcCelValue oc_cel_worse (OcCelValue a, OcCelValue b);

static inline gboolean
oc_cel_is_failure (OcCelValue v)
{
  return v.kind >= OC_CEL_ERROR;
}

/* Copies into the evaluation's memory. */
OcCelValue oc_cel_make_string (OcCelScratch *e, const char *data, gsize len);
/* A list with room for @len values, which the caller fills; NULL as oc_cel_alloc(). */
OcCelValue *oc_cel_make_list (OcCelScratch *e, gsize len, OcCelValue *out);
OcCelValue oc_cel_make_optional (OcCelScratch *e, OcCelValue v);
OcCelValue oc_cel_none (void);
/* Whether @v and all inside are at most @max values; shared parts count each time. */
gboolean oc_cel_value_fits (OcCelValue v, guint32 max);
/* A copy of @v in the evaluation's memory. */
OcCelValue oc_cel_scratch_keep (OcCelScratch *e, OcCelValue v);

/* --- Values -------------------------------------------------------------- */

/* As oc_cel_value_equal(), taking from *@steps; stops at 0 with FALSE. */
gboolean oc_cel_equal_steps (OcCelValue a, OcCelValue b, guint32 *steps);
gboolean oc_cel_equal (OcCelScratch *e, OcCelValue a, OcCelValue b);
/* -1, 0, 1; 2: not ordered (NaN); 3: kinds that have no order */
int oc_cel_compare (OcCelValue a, OcCelValue b);
gboolean oc_cel_list_contains (OcCelScratch *e, const OcCelList *list, OcCelValue v);
/* The type that type(v) gives. */
const OcCelType *oc_cel_value_get_type (OcCelValue v);
guint32 oc_cel_value_hash (OcCelValue v);

/* Makes lookups in a map with entries fast when it is large enough. Returns: FALSE when a key is
 * there twice or is of a kind that keys can't have; *@why is the error. */
gboolean oc_cel_map_finish (OcCelArena *arena, OcCelMap *map, const char **why);
void oc_cel_map_build_index (OcCelArena *arena, OcCelMap *map);
