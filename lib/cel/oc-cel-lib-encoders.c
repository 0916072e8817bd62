/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-env.h"
#include "cel/oc-cel-eval.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void
encode (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  const guint8 *s = (const guint8 *) args[0].str;
  gsize n = args[0].aux, len = (n + 2) / 3 * 4;
  char *data = oc_cel_charge (e, len / 16) ? oc_cel_alloc (e, len) : NULL;
  char *p = data;

  *out = data ? oc_cel_string (oc_str (data, len)) : oc_cel_stopped (e);
  for (gsize i = 0; data && i < n; i += 3)
    {
      guint32 bits = (guint32) s[i] << 16 | (guint32) (i + 1 < n ? s[i + 1] : 0) << 8
                     | (i + 2 < n ? s[i + 2] : 0);

      *p++ = alphabet[bits >> 18];
      *p++ = alphabet[bits >> 12 & 63];
      *p++ = i + 1 < n ? alphabet[bits >> 6 & 63] : '=';
      *p++ = i + 2 < n ? alphabet[bits & 63] : '=';
    }
}

/* Padding may be left out, but must be right when it is there. */
static gboolean
decode_into (OcStr s, char *out, gsize *out_len)
{
  guint32 bits = 0;
  gsize padding = 0, len = 0;

  while (padding < 2 && s.len > padding && s.len % 4 == 0 && s.data[s.len - 1 - padding] == '=')
    padding++;
  s.len -= padding;
  if (s.len % 4 == 1)
    return FALSE;
  for (gsize i = 0; i < s.len; i++)
    {
      const char *digit = s.data[i] ? strchr (alphabet, s.data[i]) : NULL;

      if (!digit)
        return FALSE;
      bits = bits << 6 | (guint32) (digit - alphabet);
      if (i % 4 != 0)
        out[len++] = (char) (bits >> (6 - i % 4 * 2));
    }
  *out_len = len;
  return TRUE;
}

static void
decode (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  gsize len;
  char *data = oc_cel_charge (e, args[0].aux / 16) ? oc_cel_alloc (e, args[0].aux) : NULL;

  if (!data)
    *out = oc_cel_stopped (e);
  else if (!decode_into (oc_cel_value_get_str (args[0]), data, &len))
    *out = oc_cel_error (OC_CEL_ERROR_ARGUMENT, "text is not base64");
  else
    *out = oc_cel_bytes (oc_str (data, len));
}

const OcCelDecl oc_cel_lib_encoders[] = {
  { "base64.encode", "(bytes) -> string", encode },
  { "base64.decode", "(string) -> bytes", decode },
  { NULL, NULL, NULL },
};
