/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-regex.h"

#define REPEAT_MAX 1000 /* as RE2's */

typedef struct
{
  OcStr s;
  gsize pos;
  GString *out;
  const char *why;
} Scanner;

static gboolean
refuse (Scanner *sc, const char *why)
{
  sc->why = why;
  return FALSE;
}

static char
peek (const Scanner *sc, gsize ahead)
{
  return sc->pos + ahead < sc->s.len ? sc->s.data[sc->pos + ahead] : '\0';
}

static void
copy (Scanner *sc, gsize n)
{
  g_string_append_len (sc->out, sc->s.data + sc->pos, (gssize) n);
  sc->pos += n;
}

static void
put (Scanner *sc, gsize eat, const char *text)
{
  g_string_append (sc->out, text);
  sc->pos += eat;
}

/* \Q…\E: everything between is literal. */
static gboolean
scan_quoted (Scanner *sc)
{
  for (sc->pos += 2; sc->pos < sc->s.len; sc->pos++)
    {
      char c = peek (sc, 0);

      if (c == '\\' && peek (sc, 1) == 'E')
        {
          sc->pos += 2;
          return TRUE;
        }
      if (c == '\0')
        g_string_append (sc->out, "\\x00");
      else
        {
          if ((guint8) c < 0x80 && !g_ascii_isalnum (c))
            g_string_append_c (sc->out, '\\');
          g_string_append_c (sc->out, c);
        }
    }
  return TRUE;
}

/* The "{…}" that a property or a code point may have. */
static void
copy_braces (Scanner *sc)
{
  if (peek (sc, 0) != '{')
    return;
  while (sc->pos < sc->s.len && peek (sc, 0) != '}')
    copy (sc, 1);
  if (sc->pos < sc->s.len)
    copy (sc, 1);
}

/* At a backslash, in or outside a class. */
static gboolean
scan_escape (Scanner *sc, gboolean in_class)
{
  char c = peek (sc, 1);

  if (sc->pos + 1 >= sc->s.len)
    return refuse (sc, "trailing backslash");
  if (c == 'Q')
    return scan_quoted (sc);
  if (c == 'v')
    put (sc, 2, "\\x0b");
  else if (c == 's')
    put (sc, 2, in_class ? "\\t\\n\\f\\r " : "[\\t\\n\\f\\r ]");
  else if (c == 'S' && !in_class)
    put (sc, 2, "[^\\t\\n\\f\\r ]");
  else if (strchr ("dDwWSafnrtxpP0", c) || (!in_class && strchr ("bBAz", c))
           || !g_ascii_isalnum (c))
    {
      copy (sc, 2);
      if (strchr ("pPx", c))
        copy_braces (sc);
    }
  else if (g_ascii_isdigit (c))
    return refuse (sc, "back-references are not supported");
  else
    return refuse (sc, "unknown escape sequence");
  return TRUE;
}

/* "[:alpha:]" inside a class. */
static gsize
measure_posix (const Scanner *sc)
{
  gsize n = 2;

  if (peek (sc, 0) != '[' || peek (sc, 1) != ':')
    return 0;
  while (g_ascii_isalpha (peek (sc, n)) || peek (sc, n) == '^')
    n++;
  return peek (sc, n) == ':' && peek (sc, n + 1) == ']' ? n + 2 : 0;
}

static gboolean
scan_class (Scanner *sc)
{
  copy (sc, peek (sc, 1) == '^' ? 2 : 1);
  if (peek (sc, 0) == ']')
    put (sc, 1, "\\]");
  while (sc->pos < sc->s.len && peek (sc, 0) != ']')
    if (measure_posix (sc) > 0)
      copy (sc, measure_posix (sc));
    else if (peek (sc, 0) == '[')
      put (sc, 1, "\\[");
    else if (peek (sc, 0) != '\\')
      copy (sc, 1);
    else if (!scan_escape (sc, TRUE))
      return FALSE;
  if (sc->pos >= sc->s.len)
    return refuse (sc, "missing ]");
  copy (sc, 1);
  return TRUE;
}

static gboolean
scan_group (Scanner *sc)
{
  gsize n = 2;

  if (peek (sc, 1) == '*')
    return refuse (sc, "nothing to repeat");
  if (peek (sc, 1) != '?')
    {
      copy (sc, 1);
      return TRUE;
    }
  if (peek (sc, 2) == 'P' && peek (sc, 3) == '<')
    {
      copy (sc, 4);
      return TRUE;
    }
  if (peek (sc, 2) == '<' && peek (sc, 3) != '=' && peek (sc, 3) != '!')
    {
      copy (sc, 3);
      return TRUE;
    }
  while (peek (sc, n) && strchr ("imsU-", peek (sc, n)))
    n++;
  if ((peek (sc, n) != ')' || n == 2) && peek (sc, n) != ':')
    return refuse (sc, "look-around, atomic and conditional groups are not supported");
  copy (sc, n + (peek (sc, n) == ':'));
  return TRUE;
}

/* Bytes of "{2,3}"; 0 when the brace is literal. *@max: the larger number */
static gsize
measure_repeat (const Scanner *sc, guint *max)
{
  gsize n = 1;
  guint number = 0;

  *max = 0;
  if (!g_ascii_isdigit (peek (sc, n)))
    return 0;
  for (; peek (sc, n) && peek (sc, n) != '}'; n++)
    if (g_ascii_isdigit (peek (sc, n)))
      {
        number = MIN (number * 10 + (guint) (peek (sc, n) - '0'), REPEAT_MAX + 1);
        *max = MAX (*max, number);
      }
    else if (peek (sc, n) == ',' && !memchr (sc->s.data + sc->pos, ',', n))
      number = 0;
    else
      return 0;
  return peek (sc, n) == '}' ? n + 1 : 0;
}

/* Behind what a quantifier may follow; one and a "?" at most. */
static gboolean
scan_quantifier (Scanner *sc)
{
  guint max = 0, max_behind;
  gsize n = strchr ("*+?", peek (sc, 0)) ? 1 : measure_repeat (sc, &max);

  if (max > REPEAT_MAX)
    return refuse (sc, "repeat count above 1000");
  if (n == 0)
    {
      put (sc, 1, "\\{");
      return TRUE;
    }
  copy (sc, n);
  if (peek (sc, 0) == '?')
    copy (sc, 1);
  if (peek (sc, 0) && (strchr ("*+?", peek (sc, 0))
                       || (peek (sc, 0) == '{' && measure_repeat (sc, &max_behind) > 0)))
    return refuse (sc, "quantifier on a quantifier");
  return TRUE;
}

static gboolean
scan (Scanner *sc)
{
  switch (peek (sc, 0))
    {
    case '\\':
      return scan_escape (sc, FALSE);
    case '[':
      return scan_class (sc);
    case '(':
      return scan_group (sc);
    case '*':
    case '+':
    case '?':
    case '{':
      return scan_quantifier (sc);
    default:
      copy (sc, 1);
      return TRUE;
    }
}

gboolean
oc_cel_regex_translate (OcStr pattern, GString *out, const char **why, gsize *position)
{
  Scanner sc = { .s = pattern, .out = out };

  while (sc.pos < pattern.len)
    if (!scan (&sc))
      {
        *why = sc.why;
        *position = sc.pos;
        return FALSE;
      }
  return TRUE;
}
