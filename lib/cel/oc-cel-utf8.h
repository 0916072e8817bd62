/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Code points in bytes that should be UTF-8. A byte that isn't counts as one code
 * point, so hostile text is walked safely. Private to lib/cel. Any thread.
 */

#include "common/oc-str.h"

#include <glib.h>

/* Bytes of the code point at s[0], s.len > 0. */
static inline gsize
oc_cel_utf8_len (OcStr s)
{
  guint8 c = (guint8) s.data[0];
  gsize n = c < 0xc2 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 1;

  if (n > s.len)
    return 1;
  for (gsize i = 1; i < n; i++)
    if (((guint8) s.data[i] & 0xc0) != 0x80)
      return 1;
  return n;
}

/* Code points in @s. */
static inline gsize
oc_cel_utf8_count (OcStr s)
{
  gsize n = 0;

  for (gsize i = 0; i < s.len; n++)
    i += (guint8) s.data[i] < 0x80 ? 1 : oc_cel_utf8_len (oc_str (s.data + i, s.len - i));
  return n;
}

/* The byte offset of code point @index; G_MAXSIZE when there are fewer. */
static inline gsize
oc_cel_utf8_offset (OcStr s, guint64 index)
{
  gsize i = 0;

  for (; index > 0; index--)
    {
      if (i >= s.len)
        return G_MAXSIZE;
      i += oc_cel_utf8_len (oc_str (s.data + i, s.len - i));
    }
  return i;
}

static inline guint32
oc_cel_utf8_get (OcStr s)
{
  static const guint8 lead[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
  gsize n = oc_cel_utf8_len (s);
  guint32 c = (guint8) s.data[0];

  if (n == 1)
    return c;
  c &= lead[n];
  for (gsize i = 1; i < n; i++)
    c = c << 6 | ((guint8) s.data[i] & 0x3f);
  return c;
}

/* @out: 4 bytes. Returns: the number of bytes written */
static inline gsize
oc_cel_utf8_put (char *out, guint32 c)
{
  static const guint8 lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
  gsize n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

  for (gsize i = n; i-- > 1; c >>= 6)
    out[i] = (char) (0x80 | (c & 0x3f));
  out[0] = (char) (lead[n] | c);
  return n;
}
