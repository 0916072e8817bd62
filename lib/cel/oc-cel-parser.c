/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-ast.h"
#include "cel/oc-cel-lexer.h"

/* Recursive descent with one function for all left-associative operators. Depth
 * is bounded twice: by the nesting of the functions below, and by the depth of the
 * tree, which chains such as a+b+c+… make deep without nesting. && and || are
 * collected into one node each, so that long alternatives stay flat.
 *
 * A function returns NULL after a finding; the first one ends parsing.
 */

typedef struct
{
  OcCelAst *ast;
  OcCelLexer lexer;
  OcCelToken token;
  guint32 last_end; /* of the token before */
  guint nesting;
  GPtrArray *stack; /* collects arguments of calls, lists and maps under construction */
} Parser;

static OcCelNode *parse_expression (Parser *p);
static OcCelNode *parse_unary (Parser *p);

static void
advance (Parser *p)
{
  p->last_end = p->token.offset + p->token.length;
  oc_cel_lexer_next (&p->lexer, &p->token);
}

static gboolean
take (Parser *p, guint kind)
{
  if (p->token.kind != kind)
    return FALSE;
  advance (p);
  return TRUE;
}

static void *
unexpected (Parser *p, const char *wanted)
{
  const OcCelToken *t = &p->token;

  if (t->kind == OC_CEL_TOKEN_BAD)
    return NULL;
  if (t->kind == OC_CEL_TOKEN_END)
    oc_cel_ast_error (p->ast, t->offset, 0, "syntax error: expression ends where %s is expected",
                      wanted);
  else
    oc_cel_ast_error (p->ast, t->offset, t->length, "syntax error: '%.*s' where %s is expected",
                      (int) MIN (t->length, 40), p->ast->source.data + t->offset, wanted);
  return NULL;
}

static gboolean
expect (Parser *p, guint kind, const char *wanted)
{
  if (take (p, kind))
    return TRUE;
  (void) unexpected (p, wanted);
  return FALSE;
}

static OcCelNode *
new_node (Parser *p, OcCelNodeKind kind, guint32 offset)
{
  return oc_cel_node_new (p->ast, kind, offset, p->last_end - offset);
}

static OcCelNode *
new_const (Parser *p, guint32 offset, OcCelValue value)
{
  OcCelNode *node = new_node (p, OC_CEL_NODE_CONST, offset);

  if (node)
    node->value = value;
  return node;
}

/* @at: where the operator or the name stands */
static OcCelNode *
new_call (Parser *p, guint32 offset, guint32 at, OcStr name, OcCelNode *const *args, guint n)
{
  OcCelNode *node = new_node (p, OC_CEL_NODE_CALL, offset);

  if (!node)
    return NULL;
  node->name = name;
  node->extra = at;
  return oc_cel_node_set_args (p->ast, node, args, n) ? node : NULL;
}

/* Takes what lies above @mark on the stack as arguments of @node. */
static OcCelNode *
finish_args (Parser *p, OcCelNode *node, guint mark)
{
  guint n = p->stack->len - mark;
  OcCelNode **args = n > 0 ? (OcCelNode **) p->stack->pdata + mark : NULL;

  if (!node || !oc_cel_node_set_args (p->ast, node, args, n))
    return NULL;
  g_ptr_array_set_size (p->stack, (int) mark);
  return node;
}

/* --- Primary expressions ------------------------------------------------- */

/* Expressions up to @close, pushed on the stack. */
static gboolean
parse_list (Parser *p, guint close, gboolean trailing_comma, gboolean optional)
{
  while (p->token.kind != close)
    {
      gboolean is_optional = optional && take (p, '?');
      OcCelNode *item = parse_expression (p);

      if (!item)
        return FALSE;
      if (is_optional)
        item->flags |= OC_CEL_NODE_OPTIONAL;
      g_ptr_array_add (p->stack, item);
      if (!take (p, ','))
        break;
      if (!trailing_comma && p->token.kind == close)
        return unexpected (p, "an argument") != NULL;
    }
  return expect (p, close, close == ')' ? "',' or ')'" : "',' or ']'");
}

static gboolean
parse_entries (Parser *p)
{
  while (p->token.kind != '}')
    {
      gboolean is_optional = take (p, '?');
      OcCelNode *key = parse_expression (p);
      OcCelNode *value;

      if (!key || !expect (p, ':', "':'"))
        return FALSE;
      value = parse_expression (p);
      if (!value)
        return FALSE;
      if (is_optional)
        value->flags |= OC_CEL_NODE_OPTIONAL;
      g_ptr_array_add (p->stack, key);
      g_ptr_array_add (p->stack, value);
      if (!take (p, ','))
        break;
    }
  return expect (p, '}', "',' or '}'");
}

static OcCelNode *
parse_aggregate (Parser *p, guint open)
{
  guint32 offset = p->token.offset;
  guint mark = p->stack->len;

  advance (p);
  if (open == '{' ? !parse_entries (p) : !parse_list (p, ']', TRUE, TRUE))
    return NULL;
  return finish_args (p, new_node (p, open == '{' ? OC_CEL_NODE_MAP : OC_CEL_NODE_LIST, offset),
                      mark);
}

/* name(args) of a function without target. */
static OcCelNode *
parse_call (Parser *p, guint32 offset, guint32 at, OcStr name, guint16 flags)
{
  guint mark = p->stack->len;
  OcCelNode *node;

  advance (p);
  if (!parse_list (p, ')', FALSE, FALSE))
    return NULL;
  node = new_node (p, OC_CEL_NODE_CALL, offset);
  if (!finish_args (p, node, mark))
    return NULL;
  node->name = name;
  node->flags |= flags;
  node->extra = at;
  return oc_cel_expand_macro (p->ast, node);
}

static OcCelNode *
parse_name (Parser *p)
{
  guint32 offset = p->token.offset;
  guint16 flags = take (p, '.') ? OC_CEL_NODE_ABSOLUTE : 0;
  guint32 at = p->token.offset;
  OcStr name = p->token.text;
  OcCelNode *node;

  if (p->token.kind == OC_CEL_TOKEN_RESERVED)
    {
      oc_cel_ast_error (p->ast, at, p->token.length, "'%.*s' is a reserved word", OC_STR_ARGS (name));
      return NULL;
    }
  if (!expect (p, OC_CEL_TOKEN_IDENT, "a name"))
    return NULL;
  if (p->token.kind == '(')
    return parse_call (p, offset, at, name, flags);
  node = new_node (p, OC_CEL_NODE_VARIABLE, offset);
  if (!node)
    return NULL;
  node->name = name;
  node->flags |= flags;
  return node;
}

static OcCelNode *
parse_literal (Parser *p, guint32 offset)
{
  OcCelValue value = p->token.value;

  if (p->token.too_large_int)
    {
      oc_cel_ast_error (p->ast, offset, p->token.length, "number is out of range");
      return NULL;
    }
  advance (p);
  return new_const (p, offset, value);
}

static OcCelNode *
parse_primary (Parser *p)
{
  guint32 offset = p->token.offset;
  OcCelNode *node;

  switch (p->token.kind)
    {
    case OC_CEL_TOKEN_LITERAL:
      return parse_literal (p, offset);
    case OC_CEL_TOKEN_IDENT:
    case OC_CEL_TOKEN_RESERVED:
    case '.':
      return parse_name (p);
    case '[':
    case '{':
      return parse_aggregate (p, p->token.kind);
    case '(':
      advance (p);
      node = parse_expression (p);
      return node && expect (p, ')', "')'") ? node : NULL;
    default:
      return unexpected (p, "an expression");
    }
}

/* --- Members: a.b  a.?b  a.f(x)  a[i]  a[?i] ----------------------------- */

static OcCelNode *
parse_member_call (Parser *p, OcCelNode *target, guint32 at, OcStr name)
{
  guint mark = p->stack->len;
  OcCelNode *node;

  advance (p);
  g_ptr_array_add (p->stack, target);
  if (!parse_list (p, ')', FALSE, FALSE))
    return NULL;
  node = new_node (p, OC_CEL_NODE_CALL, target->offset);
  if (!finish_args (p, node, mark))
    return NULL;
  node->name = name;
  node->flags |= OC_CEL_NODE_MEMBER;
  node->extra = at;
  return oc_cel_expand_macro (p->ast, node);
}

static OcCelNode *
make_select (Parser *p, OcCelNode *operand, guint32 at, OcStr name, gboolean optional,
             gboolean quoted)
{
  OcCelNode *node;

  if (optional)
    {
      OcCelNode *args[] = { operand, new_const (p, at, oc_cel_string (name)) };

      return args[1] ? new_call (p, operand->offset, at, OC_STR ("_?._"), args, 2) : NULL;
    }
  node = new_node (p, OC_CEL_NODE_SELECT, operand->offset);
  if (!node)
    return NULL;
  node->name = name;
  node->extra = at;
  node->flags |= quoted ? OC_CEL_NODE_QUOTED : 0;
  return oc_cel_node_set_args (p->ast, node, &operand, 1) ? node : NULL;
}

static OcCelNode *
parse_select (Parser *p, OcCelNode *operand)
{
  gboolean optional = take (p, '?');
  guint32 at = p->token.offset;
  guint kind = p->token.kind;
  OcStr name = p->token.text;

  if (kind != OC_CEL_TOKEN_IDENT && kind != OC_CEL_TOKEN_RESERVED && kind != OC_CEL_TOKEN_QUOTED)
    return unexpected (p, "a field name");
  advance (p);
  if (p->token.kind == '(' && kind != OC_CEL_TOKEN_QUOTED && !optional)
    return parse_member_call (p, operand, at, name);
  return make_select (p, operand, at, name, optional, kind == OC_CEL_TOKEN_QUOTED);
}

static OcCelNode *
parse_index (Parser *p, OcCelNode *operand)
{
  guint32 at = p->token.offset;
  gboolean optional;
  OcCelNode *args[2] = { operand };

  advance (p);
  optional = take (p, '?');
  args[1] = parse_expression (p);
  if (!args[1] || !expect (p, ']', "']'"))
    return NULL;
  return new_call (p, operand->offset, at, optional ? OC_STR ("_[?_]") : OC_STR ("_[_]"), args, 2);
}

static OcCelNode *
parse_members (Parser *p, OcCelNode *node)
{
  while (node && (p->token.kind == '.' || p->token.kind == '['))
    if (p->token.kind == '[')
      node = parse_index (p, node);
    else
      {
        advance (p);
        node = parse_select (p, node);
      }
  if (node && p->token.kind == '{')
    return unexpected (p, "an operator (there are no message literals)");
  return node;
}

/* --- Operators ----------------------------------------------------------- */

/* After a minus sign: a number takes it as part of the literal. */
static OcCelNode *
parse_negative (Parser *p, guint32 offset)
{
  OcCelValue value = p->token.value;

  if (value.kind == OC_CEL_INT)
    value.i = (gint64) (0 - (guint64) value.i);
  else
    value.d = -value.d;
  advance (p);
  return parse_members (p, new_const (p, offset, value));
}

static OcCelNode *
parse_prefixed (Parser *p)
{
  guint32 offset = p->token.offset;
  guint op = p->token.kind;
  OcCelNode *operand;

  advance (p);
  if (op == '-' && p->token.kind == OC_CEL_TOKEN_LITERAL
      && (p->token.value.kind == OC_CEL_INT || p->token.value.kind == OC_CEL_DOUBLE))
    return parse_negative (p, offset);
  operand = parse_unary (p);
  if (!operand)
    return NULL;
  return new_call (p, offset, offset, op == '-' ? OC_STR ("-_") : OC_STR ("!_"), &operand, 1);
}

static gboolean
enter (Parser *p)
{
  if (++p->nesting <= OC_CEL_DEPTH_MAX)
    return TRUE;
  oc_cel_ast_error (p->ast, p->token.offset, p->token.length,
                    "expression is nested deeper than %d levels", OC_CEL_DEPTH_MAX);
  return FALSE;
}

static OcCelNode *
parse_unary (Parser *p)
{
  OcCelNode *node;

  if (!enter (p))
    return NULL;
  if (p->token.kind == '-' || p->token.kind == '!')
    node = parse_prefixed (p);
  else
    node = parse_members (p, parse_primary (p));
  p->nesting--;
  return node;
}

static const struct
{
  guint token;
  guint precedence;
  OcStr name;
} operators[] = {
  { OC_CEL_TOKEN_EQ, 1, OC_STR_INIT ("_==_") }, { OC_CEL_TOKEN_NE, 1, OC_STR_INIT ("_!=_") },
  { '<', 1, OC_STR_INIT ("_<_") },              { OC_CEL_TOKEN_LE, 1, OC_STR_INIT ("_<=_") },
  { '>', 1, OC_STR_INIT ("_>_") },              { OC_CEL_TOKEN_GE, 1, OC_STR_INIT ("_>=_") },
  { OC_CEL_TOKEN_IN, 1, OC_STR_INIT ("@in") },  { '+', 2, OC_STR_INIT ("_+_") },
  { '-', 2, OC_STR_INIT ("_-_") },              { '*', 3, OC_STR_INIT ("_*_") },
  { '/', 3, OC_STR_INIT ("_/_") },              { '%', 3, OC_STR_INIT ("_%_") },
};

#define PRECEDENCE_MAX 3

/* All left-associative operators that bind at least as tight as @precedence. The recursion
 * is as deep as there are precedences. */
static OcCelNode *
parse_binary (Parser *p, guint precedence)
{
  OcCelNode *node = precedence > PRECEDENCE_MAX ? parse_unary (p) : parse_binary (p, precedence + 1);
  guint i = 0;

  if (precedence > PRECEDENCE_MAX)
    return node;
  while (node && i < G_N_ELEMENTS (operators))
    if (operators[i].precedence == precedence && operators[i].token == p->token.kind)
      {
        guint32 at = p->token.offset;
        OcCelNode *args[2] = { node };

        advance (p);
        args[1] = parse_binary (p, precedence + 1);
        node = args[1] ? new_call (p, node->offset, at, operators[i].name, args, 2) : NULL;
        i = 0;
      }
    else
      i++;
  return node;
}

/* a && b && c, or the same with ||, as one node. */
static OcCelNode *
parse_logic (Parser *p, guint token)
{
  OcCelNode *first = token == OC_CEL_TOKEN_OR ? parse_logic (p, OC_CEL_TOKEN_AND)
                                              : parse_binary (p, 1);
  guint mark = p->stack->len;
  OcCelNode *node;

  if (!first || p->token.kind != token)
    return first;
  g_ptr_array_add (p->stack, first);
  while (take (p, token))
    {
      OcCelNode *next = token == OC_CEL_TOKEN_OR ? parse_logic (p, OC_CEL_TOKEN_AND)
                                                 : parse_binary (p, 1);

      if (!next)
        return NULL;
      g_ptr_array_add (p->stack, next);
    }
  node = new_node (p, token == OC_CEL_TOKEN_OR ? OC_CEL_NODE_OR : OC_CEL_NODE_AND, first->offset);
  return finish_args (p, node, mark);
}

static OcCelNode *
parse_ternary (Parser *p)
{
  OcCelNode *args[3];
  OcCelNode *node;

  args[0] = parse_logic (p, OC_CEL_TOKEN_OR);
  if (!args[0] || !take (p, '?'))
    return args[0];
  args[1] = parse_logic (p, OC_CEL_TOKEN_OR);
  if (!args[1] || !expect (p, ':', "':'"))
    return NULL;
  args[2] = parse_expression (p);
  node = args[2] ? new_node (p, OC_CEL_NODE_TERNARY, args[0]->offset) : NULL;
  return node && oc_cel_node_set_args (p->ast, node, args, 3) ? node : NULL;
}

static OcCelNode *
parse_expression (Parser *p)
{
  OcCelNode *node;

  if (!enter (p))
    return NULL;
  node = parse_ternary (p);
  p->nesting--;
  return node;
}

/* A NUL is a code point like any other here. */
static gboolean
check_utf8 (OcCelAst *ast)
{
  const char *p = ast->source.data;
  const char *end = p + ast->source.len;

  while (p < end && !g_utf8_validate_len (p, (gsize) (end - p), &p))
    {
      if (*p != '\0')
        {
          oc_cel_ast_error (ast, (guint32) (p - ast->source.data), 1, "source text is not UTF-8");
          return FALSE;
        }
      p++;
    }
  return TRUE;
}

gboolean
oc_cel_parse (OcCelAst *ast)
{
  g_autoptr (GPtrArray) stack = g_ptr_array_new ();
  Parser p = { .ast = ast, .lexer = { .ast = ast }, .stack = stack };

  if (!check_utf8 (ast))
    return FALSE;
  advance (&p);
  ast->root = parse_expression (&p);
  if (!ast->root)
    return FALSE;
  if (p.token.kind != OC_CEL_TOKEN_END)
    (void) unexpected (&p, "an operator");
  return p.token.kind == OC_CEL_TOKEN_END;
}
