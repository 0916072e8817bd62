/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-env.h"
#include "cel/oc-cel-eval.h"
#include "cel/oc-cel-utf8.h"

/* Strings taken apart and put together: split, join, replace. */

static OcStr
str (OcCelValue v)
{
  return oc_cel_value_get_str (v);
}

static gsize
count_occurrences (OcStr s, OcStr wanted, gsize max)
{
  gsize n = 0;

  if (wanted.len == 0)
    return MIN (oc_cel_utf8_count (s) + 1, max);
  while (n < max)
    {
      const char *p = memmem (s.data, s.len, wanted.data, wanted.len);

      if (!p)
        break;
      n++;
      s = oc_str (p + wanted.len, s.len - (gsize) (p + wanted.len - s.data));
    }
  return n;
}

/* --- split --------------------------------------------------------------- */

/* The part up to the separator; moves *@s behind it. An empty separator parts code points. */
static OcStr
take_part (OcStr *s, OcStr separator)
{
  const char *p = separator.len > 0 ? memmem (s->data, s->len, separator.data, separator.len)
                  : s->len > 0      ? s->data + oc_cel_utf8_len (*s)
                                    : NULL;
  OcStr part = p ? oc_str (s->data, (gsize) (p - s->data)) : *s;

  *s = oc_str (s->data + part.len + separator.len, s->len - part.len - separator.len);
  return part;
}

/* @limit: parts at most; negative: any number */
static void
split_limit (OcCelScratch *e, OcStr s, OcStr separator, gint64 limit, OcCelValue *out)
{
  gsize max = limit < 0 ? G_MAXUINT32 : (gsize) limit;
  gsize n;
  OcCelValue *parts;

  if (separator.len == 0)
    n = MIN (oc_cel_utf8_count (s), max);
  else
    n = max == 0 ? 0 : count_occurrences (s, separator, max - 1) + 1;
  parts = oc_cel_make_list (e, n, out);
  for (gsize i = 0; parts && i < n; i++)
    parts[i] = oc_cel_string (i + 1 < n ? take_part (&s, separator) : s);
}

static void
split (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  split_limit (e, str (args[0]), str (args[1]), -1, out);
}

static void
split_n (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  split_limit (e, str (args[0]), str (args[1]), args[2].i, out);
}

/* --- join ---------------------------------------------------------------- */

static void
join_with (OcCelScratch *e, const OcCelList *list, OcStr separator, OcCelValue *out)
{
  gsize len = 0;
  char *data, *p;

  for (guint32 i = 0; i < list->len; i++)
    {
      OcCelValue v = oc_cel_list_get (list, i);

      if (v.kind != OC_CEL_STRING)
        {
          *out = oc_cel_no_overload ();
          return;
        }
      len += v.aux + (i > 0 ? separator.len : 0);
    }
  data = p = oc_cel_charge (e, list->len + len / 256) ? oc_cel_alloc (e, len) : NULL;
  *out = data ? oc_cel_string (oc_str (data, len)) : oc_cel_stopped (e);
  for (guint32 i = 0; data && i < list->len; i++)
    {
      OcCelValue v = oc_cel_list_get (list, i);

      if (i > 0 && separator.len > 0)
        p = (char *) memcpy (p, separator.data, separator.len) + separator.len;
      p = (char *) memcpy (p, v.str, v.aux) + v.aux;
    }
}

static void
join (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  join_with (e, args[0].list, OC_STR_EMPTY, out);
}

static void
join_separator (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  join_with (e, args[0].list, str (args[1]), out);
}

/* --- replace ------------------------------------------------------------- */

static char *
put (char *p, OcStr s)
{
  if (s.len > 0)
    memcpy (p, s.data, s.len);
  return p + s.len;
}

/* An empty @from stands between all code points and at both ends. */
static void
replace_limit (OcCelScratch *e, OcStr s, OcStr from, OcStr to, gint64 limit, OcCelValue *out)
{
  gsize n = count_occurrences (s, from, limit < 0 ? G_MAXUINT32 : (gsize) limit);
  gsize len = s.len - n * from.len + n * to.len;
  char *data = oc_cel_charge (e, len / 256 + n) ? oc_cel_alloc (e, len) : NULL;
  char *p = data;

  *out = data ? oc_cel_string (oc_str (data, len)) : oc_cel_stopped (e);
  for (gsize i = 0; data && i < n; i++)
    {
      if (from.len > 0 || i > 0)
        p = put (p, take_part (&s, from));
      p = put (p, to);
    }
  if (data)
    (void) put (p, s);
}

static void
replace (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  replace_limit (e, str (args[0]), str (args[1]), str (args[2]), -1, out);
}

static void
replace_n (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  replace_limit (e, str (args[0]), str (args[1]), str (args[2]), args[3].i, out);
}

const OcCelDecl oc_cel_lib_split[] = {
  { "split", "string.(string) -> list(string)", split },
  { "split", "string.(string, int) -> list(string)", split_n },
  { "join", "list(string).() -> string", join },
  { "join", "list(string).(string) -> string", join_separator },
  { "replace", "string.(string, string) -> string", replace },
  { "replace", "string.(string, string, int) -> string", replace_n },
  { NULL, NULL, NULL },
};
