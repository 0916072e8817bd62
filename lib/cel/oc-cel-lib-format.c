/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-env.h"
#include "cel/oc-cel-number.h"
#include "cel/oc-cel-text.h"

#include <math.h>

/* string.format(list): %s %d %f %e %b %o %x %X and %%. */

#define PRECISION_DEFAULT 6
#define PRECISION_MAX 100

typedef struct
{
  GString *out;
  gsize max;
  gboolean has_precision;
  guint precision;
} Format;

static gboolean
append_special (Format *f, OcCelValue v)
{
  if (v.kind != OC_CEL_DOUBLE || isfinite (v.d))
    return FALSE;
  return oc_cel_text_append (f->out, v, OC_CEL_TEXT_PLAIN, f->max);
}

static gboolean
put_string (Format *f, OcCelValue v)
{
  (void) oc_cel_text_append (f->out, v, OC_CEL_TEXT_PLAIN, f->max);
  return TRUE;
}

static gboolean
put_decimal (Format *f, OcCelValue v)
{
  if (append_special (f, v))
    return TRUE;
  if (v.kind != OC_CEL_INT && v.kind != OC_CEL_UINT)
    return FALSE;
  (void) oc_cel_text_append (f->out, v, OC_CEL_TEXT_PLAIN, f->max);
  return TRUE;
}

static gboolean
put_double (Format *f, OcCelValue v, const char *format)
{
  char *text;

  if (append_special (f, v))
    return TRUE;
  if (!oc_cel_kind_is_number (v.kind))
    return FALSE;
  text = g_new (char, 512 + PRECISION_MAX);
  (void) g_ascii_formatd (text, 512 + PRECISION_MAX, format,
                          v.kind == OC_CEL_INT    ? (double) v.i
                          : v.kind == OC_CEL_UINT ? (double) v.u
                                                  : v.d);
  g_string_append (f->out, text);
  g_free (text);
  return TRUE;
}

static gboolean
put_fixed (Format *f, OcCelValue v)
{
  g_autofree char *format = g_strdup_printf ("%%.%uf", f->precision);

  return put_double (f, v, format);
}

static gboolean
put_scientific (Format *f, OcCelValue v)
{
  g_autofree char *format = g_strdup_printf ("%%.%ue", f->precision);

  return put_double (f, v, format);
}

static gboolean
put_digits (Format *f, OcCelValue v, guint base, const char *digits)
{
  gboolean negative = v.kind == OC_CEL_INT && v.i < 0;
  guint64 u = negative ? -v.u : v.u;
  char buf[64];
  gsize pos = sizeof buf;

  if (v.kind != OC_CEL_INT && v.kind != OC_CEL_UINT)
    return FALSE;
  do
    buf[--pos] = digits[u % base];
  while ((u /= base) > 0);
  if (negative)
    g_string_append_c (f->out, '-');
  g_string_append_len (f->out, buf + pos, (gssize) (sizeof buf - pos));
  return TRUE;
}

static gboolean
put_binary (Format *f, OcCelValue v)
{
  if (v.kind == OC_CEL_BOOL)
    v.kind = OC_CEL_INT;
  return put_digits (f, v, 2, "01");
}

static gboolean
put_octal (Format *f, OcCelValue v)
{
  return put_digits (f, v, 8, "01234567");
}

static gboolean
put_hex_digits (Format *f, OcCelValue v, const char *digits)
{
  if (v.kind != OC_CEL_STRING && v.kind != OC_CEL_BYTES)
    return put_digits (f, v, 16, digits);
  for (guint32 i = 0; i < v.aux && f->out->len <= f->max; i++)
    {
      g_string_append_c (f->out, digits[(guint8) v.str[i] >> 4]);
      g_string_append_c (f->out, digits[(guint8) v.str[i] & 15]);
    }
  return TRUE;
}

static gboolean
put_hex (Format *f, OcCelValue v)
{
  return put_hex_digits (f, v, "0123456789abcdef");
}

static gboolean
put_upper_hex (Format *f, OcCelValue v)
{
  return put_hex_digits (f, v, "0123456789ABCDEF");
}

static const struct
{
  char letter;
  gboolean precision; /* may have one */
  gboolean (*put) (Format *f, OcCelValue v);
} clauses[] = {
  { 's', FALSE, put_string }, { 'd', FALSE, put_decimal }, { 'f', TRUE, put_fixed },
  { 'e', TRUE, put_scientific }, { 'b', FALSE, put_binary }, { 'o', FALSE, put_octal },
  { 'x', FALSE, put_hex },    { 'X', FALSE, put_upper_hex },
};

/* ".3" behind a percent sign. */
static gboolean
read_precision (Format *f, OcStr s, gsize *pos)
{
  gsize start = ++*pos;

  f->has_precision = TRUE;
  f->precision = 0;
  while (*pos < s.len && g_ascii_isdigit (s.data[*pos]) && f->precision <= PRECISION_MAX)
    f->precision = f->precision * 10 + (guint) (s.data[(*pos)++] - '0');
  return *pos > start && f->precision <= PRECISION_MAX;
}

/* One clause, at the byte behind the percent sign. Returns: why not, or NULL */
static const char *
put_clause (Format *f, OcStr s, gsize *pos, const OcCelList *args, guint32 *used)
{
  f->has_precision = FALSE;
  f->precision = PRECISION_DEFAULT;
  if (*pos < s.len && s.data[*pos] == '.' && !read_precision (f, s, pos))
    return "bad precision in format";
  if (*pos >= s.len)
    return "format ends in a percent sign";
  for (guint i = 0; i < G_N_ELEMENTS (clauses); i++)
    if (clauses[i].letter == s.data[*pos])
      {
        ++*pos;
        if (f->has_precision && !clauses[i].precision)
          return "precision where format has none";
        if (*used >= args->len)
          return "format has more clauses than arguments";
        return clauses[i].put (f, oc_cel_list_get (args, (*used)++))
                   ? NULL
                   : "argument is of a kind that the format's clause doesn't take";
      }
  return "unknown clause in format";
}

static const char *
put_all (Format *f, OcStr s, const OcCelList *args)
{
  guint32 used = 0;
  const char *why = NULL;

  for (gsize pos = 0; pos < s.len && !why && f->out->len <= f->max;)
    if (s.data[pos] != '%')
      g_string_append_c (f->out, s.data[pos++]);
    else if (pos + 1 < s.len && s.data[pos + 1] == '%')
      {
        g_string_append_c (f->out, '%');
        pos += 2;
      }
    else
      {
        pos++;
        why = put_clause (f, s, &pos, args, &used);
      }
  return why;
}

static void
format (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  g_autoptr (GString) text = g_string_new (NULL);
  Format f = { .out = text, .max = e->arena.max };
  const char *why = put_all (&f, oc_cel_value_get_str (args[0]), args[1].list);

  if (why)
    *out = oc_cel_error (OC_CEL_ERROR_ARGUMENT, why);
  else if (!oc_cel_charge (e, text->len / 16))
    *out = oc_cel_stopped (e);
  else
    *out = oc_cel_make_string (e, text->str, text->len);
}

const OcCelDecl oc_cel_lib_format[] = {
  { "format", "string.(list(dyn)) -> string", format },
  { NULL, NULL, NULL },
};
