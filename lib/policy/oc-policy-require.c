/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "policy/oc-policy-require.h"

#include <string.h>

/* More atoms than this are not worth an index entry each. */
#define ATOMS_MAX 20000

/* A macro's variable and the constants that it runs through. */
typedef struct Binding Binding;

struct Binding
{
  const Binding *outer;
  gint32 slot;
  const OcCelNode *list;
};

typedef struct
{
  guint variables;
  OcArena *arena;
} Deriver;

static GArray *derive (const Deriver *deriver, const OcCelNode *node, gboolean want,
                       const Binding *binding);

OcKeyVariable
oc_require_variable (const OcCelNode *node)
{
  if (node->kind != OC_CEL_NODE_VARIABLE)
    return 0;
  switch (node->slot)
    {
    case OC_SLOT_NETWORK_HOSTNAME:
      return OC_KEY_HOSTNAME;
    case OC_SLOT_HTTP_HOST:
      return OC_KEY_HTTP_HOST;
    case OC_SLOT_DNS_QUERY:
      return OC_KEY_DNS_QUERY;
    case OC_SLOT_AGENT_NAME:
      return OC_KEY_AGENT;
    case OC_SLOT_NETWORK_PORT:
      return OC_KEY_PORT;
    case OC_SLOT_HTTP_METHOD:
      return OC_KEY_METHOD;
    default:
      return 0;
    }
}

/* --- Constants ------------------------------------------------------------ */

/* The elements of a constant list, whichever way the compiler left it.
 * Returns: FALSE when @node is no list of constants. */
gboolean
oc_require_list_size (const OcCelNode *node, guint *out_n)
{
  if (node->kind == OC_CEL_NODE_CONST && node->value.kind == OC_CEL_LIST)
    {
      *out_n = node->value.list->len;
      return TRUE;
    }
  if (node->kind != OC_CEL_NODE_LIST)
    return FALSE;
  for (guint i = 0; i < node->n_args; i++)
    if (node->args[i]->kind != OC_CEL_NODE_CONST)
      return FALSE;
  *out_n = node->n_args;
  return TRUE;
}

OcCelValue
oc_require_list_element (const OcCelNode *node, guint i)
{
  return node->kind == OC_CEL_NODE_CONST ? oc_cel_list_get (node->value.list, i)
                                         : node->args[i]->value;
}

static const OcCelNode *
bound_list (const OcCelNode *node, const Binding *binding)
{
  if (node->kind != OC_CEL_NODE_LOCAL)
    return NULL;
  for (; binding != NULL; binding = binding->outer)
    if (binding->slot == node->slot)
      return binding->list;
  return NULL;
}

/* --- Atoms ---------------------------------------------------------------- */

static GArray *
new_atoms (void)
{
  return g_array_sized_new (FALSE, FALSE, sizeof (OcAtom), 4);
}

static void
add_text_atom (const Deriver *deriver, GArray *atoms, OcKeyVariable variable, gboolean suffix,
               OcStr text)
{
  char *copy = oc_arena_strndup (deriver->arena, text.data, text.len);
  OcAtom atom = { .variable = (guint8) variable, .suffix = suffix != FALSE, .text = { copy, text.len } };

  for (gsize i = 0; i < text.len; i++)
    {
      copy[i] = g_ascii_tolower (copy[i]);
      atom.folded = atom.folded || copy[i] != text.data[i];
    }
  g_array_append_val (atoms, atom);
}

/* How a test relates the variable to its constant. */
typedef enum
{
  TEST_EQUAL,
  TEST_SUFFIX,
  TEST_DOMAIN,
} Test;

/* Only whole labels can be looked up: of "hub.com" that is ".com". */
static gboolean
add_suffix (const Deriver *deriver, GArray *atoms, OcKeyVariable variable, OcStr suffix)
{
  const char *dot = suffix.len > 0 ? memchr (suffix.data, '.', suffix.len) : NULL;
  gsize skip = dot != NULL ? (gsize) (dot - suffix.data) : 0;

  if (dot == NULL)
    return FALSE;
  add_text_atom (deriver, atoms, variable, TRUE, oc_str (dot, suffix.len - skip));
  return TRUE;
}

static gboolean
add_domain (const Deriver *deriver, GArray *atoms, OcKeyVariable variable, OcStr domain)
{
  g_autofree char *below = NULL;

  if (domain.len == 0 || domain.data[0] == '.' || domain.data[domain.len - 1] == '.'
      || memchr (domain.data, '\0', domain.len) != NULL)
    return FALSE;
  below = g_strdup_printf (".%.*s", OC_STR_ARGS (domain));
  add_text_atom (deriver, atoms, variable, FALSE, domain);
  add_text_atom (deriver, atoms, variable, TRUE, oc_str_from (below));
  return TRUE;
}

/* Returns: FALSE when the test cannot be said in atoms. */
static gboolean
add_test (const Deriver *deriver, GArray *atoms, OcKeyVariable variable, Test test, OcCelValue value)
{
  OcAtom atom = { .variable = (guint8) variable };

  if (atoms->len >= ATOMS_MAX)
    return FALSE;
  if (variable == OC_KEY_PORT)
    {
      if (value.kind != OC_CEL_INT || test != TEST_EQUAL)
        return FALSE;
      atom.number = value.i;
      g_array_append_val (atoms, atom);
      return TRUE;
    }
  if (value.kind != OC_CEL_STRING)
    return FALSE;
  if (test == TEST_EQUAL)
    add_text_atom (deriver, atoms, variable, FALSE, oc_cel_value_get_str (value));
  else if (test == TEST_SUFFIX)
    return add_suffix (deriver, atoms, variable, oc_cel_value_get_str (value));
  else
    return add_domain (deriver, atoms, variable, oc_cel_value_get_str (value));
  return TRUE;
}

/* @constant: a constant or a macro's variable that runs through constants */
static GArray *
atoms_of_test (const Deriver *deriver, const OcCelNode *variable, Test test,
               const OcCelNode *constant, const Binding *binding)
{
  OcKeyVariable key = oc_require_variable (variable);
  const OcCelNode *list;
  g_autoptr (GArray) atoms = NULL;
  guint n = 0;

  if ((key & deriver->variables) == 0)
    return NULL;
  list = bound_list (constant, binding);
  if (list == NULL && constant->kind != OC_CEL_NODE_CONST)
    return NULL;
  atoms = new_atoms ();
  if (list == NULL)
    return add_test (deriver, atoms, key, test, constant->value) ? g_steal_pointer (&atoms) : NULL;
  (void) oc_require_list_size (list, &n);
  for (guint i = 0; i < n; i++)
    if (!add_test (deriver, atoms, key, test, oc_require_list_element (list, i)))
      return NULL;
  return g_steal_pointer (&atoms);
}

static GArray *
atoms_of_in (const Deriver *deriver, const OcCelNode *variable, const OcCelNode *list)
{
  OcKeyVariable key = oc_require_variable (variable);
  g_autoptr (GArray) atoms = NULL;
  guint n;

  if ((key & deriver->variables) == 0 || !oc_require_list_size (list, &n))
    return NULL;
  atoms = new_atoms ();
  for (guint i = 0; i < n; i++)
    if (!add_test (deriver, atoms, key, TEST_EQUAL, oc_require_list_element (list, i)))
      return NULL;
  return g_steal_pointer (&atoms);
}

static guint
score_items (const OcAtom *atoms, guint n)
{
  guint sum = 0;

  for (guint i = 0; i < n; i++)
    if ((atoms[i].variable & OC_KEY_HOSTS) != 0)
      sum += atoms[i].suffix ? 2 : 1;
    else
      sum += atoms[i].variable == OC_KEY_AGENT ? 1000 : 100000;
  return sum;
}

guint
oc_require_score (const OcAtoms *atoms)
{
  return score_items (atoms->items, atoms->len);
}

static guint
score (const GArray *atoms)
{
  return score_items ((const OcAtom *) (gconstpointer) atoms->data, atoms->len);
}

/* --- The tree ------------------------------------------------------------- */

/* All of the arguments hold: the best one's atoms. */
static GArray *
derive_all (const Deriver *deriver, const OcCelNode *node, gboolean want, const Binding *binding)
{
  g_autoptr (GArray) best = NULL;

  for (guint i = 0; i < node->n_args; i++)
    {
      g_autoptr (GArray) atoms = derive (deriver, node->args[i], want, binding);

      if (atoms == NULL || (best != NULL && score (best) <= score (atoms)))
        continue;
      g_clear_pointer (&best, g_array_unref);
      best = g_steal_pointer (&atoms);
    }
  return g_steal_pointer (&best);
}

/* One of the arguments holds: the atoms of all. */
static GArray *
derive_any (const Deriver *deriver, const OcCelNode *node, gboolean want, const Binding *binding)
{
  g_autoptr (GArray) sum = new_atoms ();

  for (guint i = 0; i < node->n_args; i++)
    {
      g_autoptr (GArray) atoms = derive (deriver, node->args[i], want, binding);

      if (atoms == NULL || sum->len + atoms->len > ATOMS_MAX)
        return NULL;
      g_array_append_vals (sum, atoms->data, atoms->len);
    }
  return g_steal_pointer (&sum);
}

static GArray *
derive_equal (const Deriver *deriver, const OcCelNode *node, const Binding *binding)
{
  GArray *atoms = atoms_of_test (deriver, node->args[0], TEST_EQUAL, node->args[1], binding);

  return atoms != NULL
             ? atoms
             : atoms_of_test (deriver, node->args[1], TEST_EQUAL, node->args[0], binding);
}

static GArray *
derive_call (const Deriver *deriver, const OcCelNode *node, gboolean want, const Binding *binding)
{
  if (oc_require_is_call (node, "!_"))
    return derive (deriver, node->args[0], !want, binding);
  if (node->n_args != 2)
    return NULL;
  if (oc_require_is_call (node, want ? "_==_" : "_!=_"))
    return derive_equal (deriver, node, binding);
  if (!want)
    return NULL;
  if (oc_require_is_call (node, "@in"))
    return atoms_of_in (deriver, node->args[0], node->args[1]);
  if (oc_require_is_call (node, "endsWith"))
    return atoms_of_test (deriver, node->args[0], TEST_SUFFIX, node->args[1], binding);
  if (oc_require_is_call (node, "inDomain"))
    return atoms_of_test (deriver, node->args[0], TEST_DOMAIN, node->args[1], binding);
  return NULL;
}

/* [constants].exists(x, …x…): for the element that makes it true the body's atoms hold. */
static GArray *
derive_macro (const Deriver *deriver, const OcCelNode *node, gboolean want, const Binding *outer)
{
  Binding binding = { outer, node->slot, NULL };
  guint n;

  if (!want || !oc_str_equal (node->name, OC_STR ("exists")) || node->n_args != 2
      || !oc_require_list_size (node->args[0], &n))
    return NULL;
  binding.list = node->args[0];
  return derive (deriver, node->args[1], TRUE, &binding);
}

/* Recursion is bounded by OC_CEL_DEPTH_MAX. */
static GArray *
derive (const Deriver *deriver, const OcCelNode *node, gboolean want, const Binding *binding)
{
  switch (node->kind)
    {
    case OC_CEL_NODE_CONST:
      return node->value.kind == OC_CEL_BOOL && oc_cel_value_is_true (node->value) != want
                 ? new_atoms ()
                 : NULL;
    case OC_CEL_NODE_AND:
      return want ? derive_all (deriver, node, want, binding)
                  : derive_any (deriver, node, want, binding);
    case OC_CEL_NODE_OR:
      return want ? derive_any (deriver, node, want, binding)
                  : derive_all (deriver, node, want, binding);
    case OC_CEL_NODE_CALL:
      return derive_call (deriver, node, want, binding);
    case OC_CEL_NODE_MACRO:
      return derive_macro (deriver, node, want, binding);
    default:
      return NULL;
    }
}

const OcAtoms *
oc_require (const OcCelNode *root, guint variables, OcArena *arena)
{
  Deriver deriver = { variables, arena };
  g_autoptr (GArray) atoms = derive (&deriver, root, TRUE, NULL);
  OcAtoms *kept;

  if (atoms == NULL)
    return NULL;
  kept = oc_arena_alloc (arena, sizeof (OcAtoms) + atoms->len * sizeof (OcAtom));
  kept->len = atoms->len;
  if (atoms->len > 0)
    memcpy (kept->items, atoms->data, atoms->len * sizeof (OcAtom));
  return kept;
}

/* --- Named ports ---------------------------------------------------------- */

static void
collect_atom_ports (GArray *ports, GArray *atoms)
{
  for (guint i = 0; atoms != NULL && i < atoms->len; i++)
    {
      gint64 number = g_array_index (atoms, OcAtom, i).number;
      guint16 port = (guint16) number;

      if (number >= 1 && number <= 65535)
        g_array_append_val (ports, port);
    }
}

/* Every comparison counts, wherever it stands; only the way to it may turn it round. */
static void
collect_ports (const Deriver *deriver, const OcCelNode *node, gboolean want, GArray *ports)
{
  g_autoptr (GArray) atoms = NULL;
  gboolean negates = oc_require_is_call (node, "!_");

  if (node->kind == OC_CEL_NODE_CALL && !negates)
    {
      atoms = derive_call (deriver, node, want, NULL);
      collect_atom_ports (ports, atoms);
      return;
    }
  if (node->kind == OC_CEL_NODE_MACRO)
    {
      atoms = derive_macro (deriver, node, want, NULL);
      collect_atom_ports (ports, atoms);
    }
  for (guint i = 0; i < node->n_args; i++)
    collect_ports (deriver, node->args[i], want != negates, ports);
}

static int
compare_ports (gconstpointer a, gconstpointer b)
{
  return (int) *(const guint16 *) a - (int) *(const guint16 *) b;
}

GArray *
oc_require_named_ports (const OcCelNode *root)
{
  g_autoptr (OcArena) arena = oc_arena_new (256);
  Deriver deriver = { OC_KEY_PORT, arena };
  GArray *ports = g_array_new (FALSE, FALSE, sizeof (guint16));
  guint n = 0;

  collect_ports (&deriver, root, TRUE, ports);
  g_array_sort (ports, compare_ports);
  for (guint i = 0; i < ports->len; i++)
    {
      guint16 port = g_array_index (ports, guint16, i);

      if (n == 0 || g_array_index (ports, guint16, n - 1) != port)
        g_array_index (ports, guint16, n++) = port;
    }
  g_array_set_size (ports, n);
  return ports;
}
