/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Source text to tokens. Private to lib/cel. */

#include "cel/oc-cel-ast.h"

typedef enum
{
  OC_CEL_TOKEN_END,
  OC_CEL_TOKEN_BAD, /* a finding was added */
  OC_CEL_TOKEN_IDENT,
  OC_CEL_TOKEN_QUOTED, /* `identifier` */
  OC_CEL_TOKEN_LITERAL,
  OC_CEL_TOKEN_RESERVED, /* a word that is no variable's name */
  OC_CEL_TOKEN_IN,
  OC_CEL_TOKEN_AND,
  OC_CEL_TOKEN_OR,
  OC_CEL_TOKEN_EQ,
  OC_CEL_TOKEN_NE,
  OC_CEL_TOKEN_LE,
  OC_CEL_TOKEN_GE,
  /* Single bytes stand for themselves: ( ) [ ] { } . , ? : ! - + * / % < > */
} OcCelTokenKind;

typedef struct
{
  guint kind; /* OcCelTokenKind or a byte above ' ' */
  guint32 offset, length;
  OcStr text;       /* IDENT, QUOTED (without quotes), RESERVED */
  OcCelValue value; /* LITERAL */
  gboolean too_large_int; /* LITERAL 9223372036854775808, right after a minus sign only */
} OcCelToken;

typedef struct
{
  OcCelAst *ast;
  gsize pos;
} OcCelLexer;

/* Findings go to the AST; the texts of literals live in its arena. */
void oc_cel_lexer_next (OcCelLexer *lexer, OcCelToken *out);

/* Reads the literal that starts at lexer->pos ("abc", rb'''…'''). */
void oc_cel_lex_string (OcCelLexer *lexer, OcCelToken *out);
/* Whether a string literal starts at @s. */
gboolean oc_cel_starts_string (OcStr s);
void oc_cel_lex_number (OcCelLexer *lexer, OcCelToken *out);
