/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Numbers from and to text, the whole text or nothing. Private to lib/cel. Any thread. */

#include "cel/oc-cel-value.h"

/* Decimal digits, or hexadecimal ones after "0x" when @hex is allowed. */
gboolean oc_cel_number_parse_uint (OcStr text, gboolean hex, guint64 *out);
/* The same with an optional sign. */
gboolean oc_cel_number_parse_int (OcStr text, gint64 *out);
/* Decimal with exponent; "NaN", "Infinity", "-Infinity" when @special. A finite text that is
 * too large for a double is refused. */
gboolean oc_cel_number_parse_double (OcStr text, gboolean special, double *out);

#define OC_CEL_NUMBER_TEXT_MAX 32

/* The shortest text that reads back as @d. @buf: OC_CEL_NUMBER_TEXT_MAX bytes. Returns: its length */
gsize oc_cel_number_format_double (double d, char *buf);

/* -1, 0, 1 by value across INT, UINT, DOUBLE; 2 when one is NaN. */
int oc_cel_number_compare (OcCelValue a, OcCelValue b);

/* @d without its fraction, when it lies strictly between the limits of the kind. */
gboolean oc_cel_number_double_to_int (double d, gint64 *out);
gboolean oc_cel_number_double_to_uint (double d, guint64 *out);

static inline gboolean
oc_cel_kind_is_number (guint32 kind)
{
  return kind >= OC_CEL_INT && kind <= OC_CEL_DOUBLE;
}
