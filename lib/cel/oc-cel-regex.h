/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Regular expressions: RE2's syntax and meaning, run by PCRE2 with limits on what
 * backtracking may cost. Private to lib/cel. Compiled ones are immutable: any thread.
 */

#include "cel/oc-cel-eval.h"

#define OC_CEL_REGEX_MAX 4096 /* bytes of a pattern */

typedef struct pcre2_real_code_8 OcCelRegex;

/* Returns: (nullable): NULL with *@why (static) and *@position in @pattern. */
OcCelRegex *oc_cel_regex_new (OcStr pattern, const char **why, gsize *position);
void oc_cel_regex_free (OcCelRegex *regex);
/* Whether @regex matches anywhere in @s: a bool, or an error when it costs too much. */
OcCelValue oc_cel_regex_match (OcCelScratch *e, const OcCelRegex *regex, OcStr s);
void oc_cel_regex_clear_scratch (OcCelScratch *e);

/* Writes @pattern in PCRE2's syntax. Returns: FALSE for what RE2 doesn't have: look-around,
 * back-references, possessive and atomic parts, verbs. */
gboolean oc_cel_regex_translate (OcStr pattern, GString *out, const char **why, gsize *position);
