/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-lexer.h"
#include "cel/oc-cel-number.h"
#include "cel/oc-cel-utf8.h"

/* A literal on its way from source bytes to value bytes. */
typedef struct
{
  OcCelLexer *lexer;
  OcStr source;
  gsize pos;
  gboolean raw, bytes;
  char quote;
  guint quotes; /* 1 or 3 */
  char *out;
  gsize len;
} Literal;

/* --- Strings ------------------------------------------------------------- */

/* The letters before the quote: b, r or br. */
static gsize
count_prefix (OcStr s, gboolean *raw, gboolean *bytes)
{
  gsize n = 0;

  *raw = *bytes = FALSE;
  for (; n < s.len && n < 2; n++)
    {
      char c = g_ascii_tolower (s.data[n]);

      if (c == 'r' && !*raw)
        *raw = TRUE;
      else if (c == 'b' && n == 0)
        *bytes = TRUE;
      else
        break;
    }
  return n;
}

gboolean
oc_cel_starts_string (OcStr s)
{
  gboolean raw, bytes;
  gsize n = count_prefix (s, &raw, &bytes);

  return n < s.len && (s.data[n] == '"' || s.data[n] == '\'');
}

static gboolean
literal_error (Literal *l, gsize offset, gsize length, const char *text)
{
  oc_cel_ast_error (l->lexer->ast, (guint32) offset, (guint32) length, "%s", text);
  return FALSE;
}

static gboolean
at_end_quote (const Literal *l)
{
  for (guint i = 0; i < l->quotes; i++)
    if (l->pos + i >= l->source.len || l->source.data[l->pos + i] != l->quote)
      return FALSE;
  return TRUE;
}

/* Reads @n digits at l->pos. Returns: -1 when one is missing. */
static gint64
read_digits (Literal *l, guint n, guint base)
{
  gint64 value = 0;

  if (l->source.len - l->pos < n)
    return -1;
  for (guint i = 0; i < n; i++)
    {
      int digit = g_ascii_xdigit_value (l->source.data[l->pos + i]);

      if (digit < 0 || digit >= (int) base)
        return -1;
      value = value * base + digit;
    }
  l->pos += n;
  return value;
}

static gboolean
put_number (Literal *l, gsize start, gint64 value, gboolean code_point)
{
  if (value < 0)
    return literal_error (l, start, 2, "bad escape sequence in literal");
  if (l->bytes && !code_point)
    {
      if (value > 255)
        return literal_error (l, start, 4, "octal escape above \\377");
      l->out[l->len++] = (char) value;
      return TRUE;
    }
  if (value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
    return literal_error (l, start, 2, "escape sequence is no Unicode code point");
  l->len += oc_cel_utf8_put (l->out + l->len, (guint32) value);
  return TRUE;
}

/* At the byte after a backslash. */
static gboolean
read_escape (Literal *l)
{
  static const char from[] = "abfnrtv\\?\"'`", to[] = "\a\b\f\n\r\t\v\\?\"'`";
  gsize start = l->pos - 1;
  char c = l->pos < l->source.len ? l->source.data[l->pos] : '\0';
  const char *simple = c ? strchr (from, c) : NULL;

  if (simple)
    {
      l->out[l->len++] = to[simple - from];
      l->pos++;
      return TRUE;
    }
  if (c >= '0' && c <= '3')
    return put_number (l, start, read_digits (l, 3, 8), FALSE);
  l->pos++;
  if (c == 'x' || c == 'X')
    return put_number (l, start, read_digits (l, 2, 16), FALSE);
  if ((c == 'u' || c == 'U') && !l->bytes)
    return put_number (l, start, read_digits (l, c == 'u' ? 4 : 8, 16), TRUE);
  return literal_error (l, start, 2, "bad escape sequence in literal");
}

static gboolean
read_body (Literal *l)
{
  gsize start = l->pos;

  while (!at_end_quote (l))
    {
      char c;

      if (l->pos >= l->source.len)
        return literal_error (l, start - l->quotes, l->quotes, "literal has no closing quote");
      c = l->source.data[l->pos];
      if (l->quotes == 1 && (c == '\n' || c == '\r'))
        return literal_error (l, l->pos, 1, "line break in literal; use triple quotes");
      l->pos++;
      if (c == '\\' && !l->raw)
        {
          if (!read_escape (l))
            return FALSE;
        }
      else
        l->out[l->len++] = c;
    }
  l->pos += l->quotes;
  return TRUE;
}

void
oc_cel_lex_string (OcCelLexer *lexer, OcCelToken *out)
{
  OcStr source = lexer->ast->source;
  Literal l = { .lexer = lexer, .source = source, .pos = lexer->pos, .quotes = 3 };
  gsize end;

  l.pos += count_prefix (oc_str (source.data + l.pos, source.len - l.pos), &l.raw, &l.bytes);
  l.quote = source.data[l.pos];
  if (!at_end_quote (&l))
    l.quotes = 1;
  l.pos += l.quotes;
  /* No escape is shorter than what it stands for, so the rest up to the last such quote is room
   * enough; that quote is found first so that many literals don't cost the square of the text. */
  end = l.pos;
  while (end < source.len && source.data[end] != l.quote)
    end += source.data[end] == '\\' ? 2 : 1;
  if (l.quotes == 3 || l.raw)
    end = source.len;
  l.out = g_malloc (MIN (end, source.len) - MIN (l.pos, end) + 4);
  out->kind = read_body (&l) ? OC_CEL_TOKEN_LITERAL : OC_CEL_TOKEN_BAD;
  out->value = oc_cel_string (oc_cel_arena_dup_str (&lexer->ast->arena, oc_str (l.out, l.len)));
  if (l.bytes)
    out->value.kind = OC_CEL_BYTES;
  g_free (l.out);
  out->length = (guint32) (l.pos - lexer->pos);
  lexer->pos = l.pos;
}

/* --- Numbers ------------------------------------------------------------- */

static gsize
count_digits (OcStr s, gsize from, gboolean hex)
{
  gsize n = 0;

  while (from + n < s.len
         && (hex ? g_ascii_isxdigit (s.data[from + n]) : g_ascii_isdigit (s.data[from + n])))
    n++;
  return n;
}

/* Bytes of "e+12" at @from, 0 when it isn't one. */
static gsize
count_exponent (OcStr s, gsize from)
{
  gsize n = 1, digits;

  if (from >= s.len || (s.data[from] != 'e' && s.data[from] != 'E'))
    return 0;
  if (from + n < s.len && (s.data[from + n] == '+' || s.data[from + n] == '-'))
    n++;
  digits = count_digits (s, from + n, FALSE);
  return digits == 0 ? 0 : n + digits;
}

/* Bytes of the number at s[0], without the suffix of unsigned ones. */
static gsize
measure_number (OcStr s, gboolean *is_double)
{
  gsize n, fraction, exponent;

  *is_double = FALSE;
  if (s.len > 2 && s.data[0] == '0' && s.data[1] == 'x' && g_ascii_isxdigit (s.data[2]))
    return 2 + count_digits (s, 2, TRUE);
  n = count_digits (s, 0, FALSE);
  fraction = n < s.len && s.data[n] == '.' ? count_digits (s, n + 1, FALSE) : 0;
  if (fraction > 0)
    n += 1 + fraction;
  exponent = count_exponent (s, n);
  *is_double = fraction > 0 || exponent > 0;
  return n + exponent;
}

static gboolean
convert_number (OcStr text, gboolean is_double, gboolean is_uint, OcCelToken *out)
{
  double d;
  guint64 u;

  if (is_double)
    {
      if (!oc_cel_number_parse_double (text, FALSE, &d))
        return FALSE;
      out->value = oc_cel_double (d);
      return TRUE;
    }
  if (!oc_cel_number_parse_uint (text, TRUE, &u))
    return FALSE;
  out->value = is_uint ? oc_cel_uint (u) : oc_cel_int ((gint64) u);
  out->too_large_int = !is_uint && u == (guint64) G_MAXINT64 + 1;
  return is_uint || u <= (guint64) G_MAXINT64 + 1;
}

void
oc_cel_lex_number (OcCelLexer *lexer, OcCelToken *out)
{
  OcStr source = lexer->ast->source;
  OcStr rest = oc_str (source.data + lexer->pos, source.len - lexer->pos);
  gboolean is_double, is_uint;
  gsize n = measure_number (rest, &is_double);

  is_uint = !is_double && n < rest.len && (rest.data[n] == 'u' || rest.data[n] == 'U');
  out->kind = OC_CEL_TOKEN_LITERAL;
  out->length = (guint32) n + is_uint;
  if (!convert_number (oc_str (rest.data, n), is_double, is_uint, out))
    {
      oc_cel_ast_error (lexer->ast, out->offset, out->length, "number is out of range");
      out->kind = OC_CEL_TOKEN_BAD;
    }
  lexer->pos += out->length;
}
