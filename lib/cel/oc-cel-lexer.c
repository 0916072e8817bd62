/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-lexer.h"

static const char single_bytes[] = "()[]{}.,?:!-+*/%<>";

static const struct
{
  const char text[3];
  guint kind;
} double_bytes[] = {
  { "&&", OC_CEL_TOKEN_AND }, { "||", OC_CEL_TOKEN_OR }, { "==", OC_CEL_TOKEN_EQ },
  { "!=", OC_CEL_TOKEN_NE },  { "<=", OC_CEL_TOKEN_LE }, { ">=", OC_CEL_TOKEN_GE },
};

/* Not usable as names, though as fields and member functions. */
static const char *const reserved[]
    = { "as",   "break", "const",     "continue", "else",   "for",  "function", "if",    "import",
        "let",  "loop",  "namespace", "package",  "return", "var",  "void",     "while" };

static guint8
peek (const OcCelLexer *lexer, gsize ahead)
{
  OcStr s = lexer->ast->source;

  return lexer->pos + ahead < s.len ? (guint8) s.data[lexer->pos + ahead] : 0;
}

static void
skip_blanks (OcCelLexer *lexer)
{
  OcStr s = lexer->ast->source;

  while (lexer->pos < s.len)
    {
      char c = s.data[lexer->pos];

      if (c == '/' && peek (lexer, 1) == '/')
        while (lexer->pos < s.len && s.data[lexer->pos] != '\n')
          lexer->pos++;
      else if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f')
        lexer->pos++;
      else
        return;
    }
}

static void
finish (OcCelLexer *lexer, OcCelToken *out, guint kind, gsize length)
{
  out->kind = kind;
  out->length = (guint32) length;
  lexer->pos += length;
}

static void
lex_word (OcCelLexer *lexer, OcCelToken *out)
{
  gsize n = 0;

  while (g_ascii_isalnum (peek (lexer, n)) || peek (lexer, n) == '_')
    n++;
  out->text = oc_str (lexer->ast->source.data + lexer->pos, n);
  finish (lexer, out, OC_CEL_TOKEN_IDENT, n);
  if (oc_str_equal (out->text, OC_STR ("in")))
    out->kind = OC_CEL_TOKEN_IN;
  else if (oc_str_equal (out->text, OC_STR ("true")) || oc_str_equal (out->text, OC_STR ("false")))
    {
      out->kind = OC_CEL_TOKEN_LITERAL;
      out->value = oc_cel_bool (out->text.data[0] == 't');
    }
  else if (oc_str_equal (out->text, OC_STR ("null")))
    {
      out->kind = OC_CEL_TOKEN_LITERAL;
      out->value = oc_cel_null ();
    }
  for (guint i = 0; i < G_N_ELEMENTS (reserved); i++)
    if (oc_str_equal (out->text, oc_str_from (reserved[i])))
      out->kind = OC_CEL_TOKEN_RESERVED;
}

static void
lex_quoted (OcCelLexer *lexer, OcCelToken *out)
{
  gsize n = 1;

  while (g_ascii_isalnum (peek (lexer, n)) || (peek (lexer, n) && strchr ("_.-/ ", peek (lexer, n))))
    n++;
  out->text = oc_str (lexer->ast->source.data + lexer->pos + 1, n - 1);
  if (n == 1 || peek (lexer, n) != '`')
    {
      oc_cel_ast_error (lexer->ast, out->offset, (guint32) n, "bad quoted identifier");
      finish (lexer, out, OC_CEL_TOKEN_BAD, 0);
      return;
    }
  finish (lexer, out, OC_CEL_TOKEN_QUOTED, n + 1);
}

static void
lex_operator (OcCelLexer *lexer, OcCelToken *out)
{
  guint8 c = peek (lexer, 0);

  for (guint i = 0; i < G_N_ELEMENTS (double_bytes); i++)
    if (c == (guint8) double_bytes[i].text[0] && peek (lexer, 1) == (guint8) double_bytes[i].text[1])
      {
        finish (lexer, out, double_bytes[i].kind, 2);
        return;
      }
  if (c != 0 && strchr (single_bytes, c))
    {
      finish (lexer, out, c, 1);
      return;
    }
  if (c == '=' || c == '&' || c == '|')
    oc_cel_ast_error (lexer->ast, out->offset, 1, "syntax error: single '%c'; did you mean '%c%c'?",
                      c, c, c);
  else if (g_ascii_isprint (c))
    oc_cel_ast_error (lexer->ast, out->offset, 1, "syntax error: unexpected '%c'", c);
  else
    oc_cel_ast_error (lexer->ast, out->offset, 1, "syntax error: unexpected byte 0x%02x", c);
  finish (lexer, out, OC_CEL_TOKEN_BAD, 0);
}

void
oc_cel_lexer_next (OcCelLexer *lexer, OcCelToken *out)
{
  OcStr source = lexer->ast->source;
  guint8 c;

  skip_blanks (lexer);
  *out = (OcCelToken) { .offset = (guint32) lexer->pos };
  if (lexer->pos >= source.len)
    return;
  c = peek (lexer, 0);
  if (oc_cel_starts_string (oc_str (source.data + lexer->pos, source.len - lexer->pos)))
    oc_cel_lex_string (lexer, out);
  else if (g_ascii_isdigit (c) || (c == '.' && g_ascii_isdigit (peek (lexer, 1))))
    oc_cel_lex_number (lexer, out);
  else if (g_ascii_isalpha (c) || c == '_')
    lex_word (lexer, out);
  else if (c == '`')
    lex_quoted (lexer, out);
  else
    lex_operator (lexer, out);
}
