/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Values as text, in the two ways that CEL knows: as source would write them, and
 * as "%s" prints them. Private to lib/cel.
 */

#include "cel/oc-cel-eval.h"

typedef enum
{
  OC_CEL_TEXT_SOURCE, /* "a", b"\x00", 1u */
  OC_CEL_TEXT_PLAIN,  /* a; map keys in order */
} OcCelTextStyle;

/* Appends until @out holds more than @max bytes. Returns: FALSE when it does. */
gboolean oc_cel_text_append (GString *out, OcCelValue v, OcCelTextStyle style, gsize max);
