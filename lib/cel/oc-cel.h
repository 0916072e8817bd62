/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The CEL language: source text to an immutable program, program and variables
 * to a value. An OcCelEnv says which variables and functions exist; it is built
 * once and only read afterwards. oc_cel_compile() parses, expands macros, checks
 * types, folds constants and makes compact code. The program is shared by any
 * number of threads; each thread evaluates with an OcCelScratch of its own.
 *
 * Nothing that a source text or a value can say makes this library recurse
 * without bound, run longer than its step budget or hold more memory than its
 * limits; breaking one is an error value, never an abort.
 */

#include "cel/oc-cel-value.h"

#include <glib.h>

#define OC_CEL_SOURCE_MAX (1024 * 1024) /* bytes of one expression */
#define OC_CEL_DEPTH_MAX 250            /* nesting of one expression */
#define OC_CEL_STEPS_DEFAULT 100000     /* per evaluation */
#define OC_CEL_MEMORY_DEFAULT (4 * 1024 * 1024) /* bytes built during one evaluation */
#define OC_CEL_ERRORS_MAX 20            /* findings reported for one expression */

typedef struct OcCelEnv OcCelEnv;
typedef struct OcCelProgram OcCelProgram;
typedef struct OcCelScratch OcCelScratch;

/* --- Environment --------------------------------------------------------- */

/* With the standard library, all extensions and inDomain(). */
OcCelEnv *oc_cel_env_new (void);
void oc_cel_env_free (OcCelEnv *env);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OcCelEnv, oc_cel_env_free)

/* Declares a variable by its dotted name.
 * @type: as text: bool int uint double string bytes null_type dyn type timestamp
 *   duration net.IP net.CIDR list(T) map(K, V) optional_type(T) wrapper(T)
 *   param(T) name(T, ..)
 * Returns: its slot in the array given to oc_cel_eval(), counted from 0; -1 when
 * @type is no type or the name is taken. */
int oc_cel_env_add_variable (OcCelEnv *env, const char *name, const char *type);

/* Implements one overload.
 * @args: of the kinds declared; never errors or unknowns. A member function gets its target first.
 * @out: set it, to oc_cel_error() on failure. */
typedef void (*OcCelFunc) (OcCelScratch *scratch, const OcCelValue *args, OcCelValue *out);

/* Declares one overload of a function.
 * @signature: "(string, string) -> bool", or "string.(int) -> string" for a member function;
 *   one capital letter is a type parameter
 * @func: (nullable): declared for checking only; evaluation errs
 * Returns: FALSE when @signature can't be read. */
gboolean oc_cel_env_add_function (OcCelEnv *env, const char *name, const char *signature,
                                  OcCelFunc func);

/* Names are looked up in @container ("a.b") and its parents first. */
void oc_cel_env_set_container (OcCelEnv *env, const char *container);

guint oc_cel_env_get_n_slots (const OcCelEnv *env);
/* The dotted name behind @slot. (transfer none) */
const char *oc_cel_env_get_slot_name (const OcCelEnv *env, guint slot);
/* Returns: -1 when @name is no variable. */
int oc_cel_env_lookup_slot (const OcCelEnv *env, OcStr name);

/* --- Compiling ----------------------------------------------------------- */

typedef enum
{
  /* A condition: a result that is not bool (or dyn) is an error, and so is a constant that a
   * function can't read (pattern, time, address). */
  OC_CEL_COMPILE_BOOL = 1 << 0,
  OC_CEL_COMPILE_NO_CHECK = 1 << 1,  /* names and overloads are resolved at run time */
  OC_CEL_COMPILE_NO_MACROS = 1 << 2,
  OC_CEL_COMPILE_NO_FOLD = 1 << 3,
} OcCelCompileFlags;

/* One finding in a source text. */
typedef struct
{
  guint line;   /* from 1 */
  guint column; /* from 1, in code points */
  guint offset; /* in bytes, from 0 */
  guint length; /* in bytes of the place; may be 0 at the end of the text */
  char *message; /* one sentence, with "did you mean" where something comes close */
} OcCelError;

void oc_cel_error_free (OcCelError *error);

/* @source: need not outlive the call
 * @errors: (element-type OcCelError) (nullable): findings are appended; make it
 *   with oc_cel_error_free() as its free function
 * Returns: (transfer full) (nullable): NULL after an error. @env must outlive the program.
 * Thread: any, as long as @env doesn't change. */
OcCelProgram *oc_cel_compile (const OcCelEnv *env, OcStr source, OcCelCompileFlags flags,
                              GPtrArray *errors);
void oc_cel_program_free (OcCelProgram *program);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OcCelProgram, oc_cel_program_free)

/* The checked type of the result as text. (transfer full) */
char *oc_cel_program_dup_type (const OcCelProgram *program);
/* Bytes on the heap, the AST included while it is there. */
gsize oc_cel_program_get_size (const OcCelProgram *program);
/* Whether evaluating reads @slot. */
gboolean oc_cel_program_uses_slot (const OcCelProgram *program, guint slot);

/* --- The checked and folded syntax tree ---------------------------------- */

typedef enum
{
  OC_CEL_NODE_CONST,    /* value */
  OC_CEL_NODE_VARIABLE, /* slot */
  OC_CEL_NODE_LOCAL,    /* slot: variable of a macro */
  OC_CEL_NODE_SELECT,   /* args[0].name */
  OC_CEL_NODE_HAS,      /* has(args[0].name) */
  OC_CEL_NODE_CALL,     /* name(args…); a member call's target is args[0] */
  OC_CEL_NODE_AND,      /* args[0] && args[1] && … (two or more) */
  OC_CEL_NODE_OR,
  OC_CEL_NODE_TERNARY,  /* args[0] ? args[1] : args[2] */
  OC_CEL_NODE_LIST,     /* args */
  OC_CEL_NODE_MAP,      /* args: key, value, key, value… */
  OC_CEL_NODE_MACRO,    /* name: "exists"…; args[0] is the range, the others run per element */
  OC_CEL_NODE_BIND,     /* local slot = args[0] in args[1] */
  OC_CEL_NODE_FAIL,     /* an error known at compile time (without type check): value */
} OcCelNodeKind;

typedef struct OcCelNode OcCelNode;
typedef struct OcCelType OcCelType;

/* Operators are calls named "_==_" "_!=_" "_<_" "_<=_" "_>_" "_>=_" "_+_" "_-_"
 * "_*_" "_/_" "_%_" "-_" "!_" "_[_]" "@in". Read only. */
struct OcCelNode
{
  guint8 kind;   /* OcCelNodeKind */
  guint8 depth;  /* private */
  guint16 flags; /* private */
  guint32 n_args;
  guint32 offset, length; /* of the source text it stands for */
  gint32 slot;   /* VARIABLE, LOCAL, BIND; MACRO: its first local */
  guint32 extra; /* private */
  const OcCelType *type;
  OcStr name;    /* CALL, SELECT, HAS, MACRO; VARIABLE: the dotted name */
  OcCelNode **args;
  OcCelValue value; /* CONST */
  gconstpointer resolved; /* private */
};

/* (nullable): NULL after oc_cel_program_release_ast(). (transfer none) */
const OcCelNode *oc_cel_program_get_root (const OcCelProgram *program);
/* The source text, as long as the AST is there. */
OcStr oc_cel_program_get_source (const OcCelProgram *program);
/* Frees the tree and the source text; the program evaluates as before. Not while
 * other threads use the program. */
void oc_cel_program_release_ast (OcCelProgram *program);

/* Evaluates @node alone; a slow path for explaining. A node that needs a macro's variable errs. */
void oc_cel_eval_node (const OcCelProgram *program, const OcCelNode *node,
                       const OcCelValue *slots, OcCelScratch *scratch, OcCelValue *out);

/* --- Evaluating ---------------------------------------------------------- */

/* The memory of evaluations, one per thread. It keeps what it grew to. */
OcCelScratch *oc_cel_scratch_new (void);
void oc_cel_scratch_free (OcCelScratch *scratch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OcCelScratch, oc_cel_scratch_free)

/* @steps, @memory_bytes: per evaluation from now on; 0: the default */
void oc_cel_scratch_set_limits (OcCelScratch *scratch, guint32 steps, gsize memory_bytes);

/* @slots: one value per slot of the environment. OC_CEL_UNKNOWN propagates like an
 *   error, `false && unknown` is false, `true || unknown` is true, and unknown wins over error.
 * @out: the value; what it points to is borrowed from @slots, the program and
 *   @scratch, and valid until the next evaluation with @scratch.
 * Thread: any, with its own @scratch. No heap for programs without macros and without functions
 * that build strings or lists, once @scratch has grown. */
void oc_cel_eval (const OcCelProgram *program, const OcCelValue *slots, OcCelScratch *scratch,
                  OcCelValue *out);
/* Whether the result is `true`; anything else, errors included, is FALSE. */
gboolean oc_cel_eval_bool (const OcCelProgram *program, const OcCelValue *slots,
                           OcCelScratch *scratch);
