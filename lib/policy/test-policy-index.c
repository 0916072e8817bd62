/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

/* The decision index against the linear scan: random policies, random requests,
 * the same verdict each time, for connections and for look-ups. A difference is
 * shrunk to the fewest rules and the smallest conditions that still show it.
 * OUTCALL_LONG=1 tries twenty times as many. 03-policy.md, "Decision index". */

#include "policy/oc-policy.h"

#include <string.h>

#define N_POLICIES 2500
#define N_REQUESTS 50
#define RULES_MAX 12
#define N_DEFINITIONS 3
#define LONGER 20

/* Names that are alike in all the ways that could be mixed up. */
static const char *const names[]
    = { "",           "a.example",   "b.a.example", "x.b.a.example",  "example",
        "evila.example", "A.Example", "a.example.",  ".a.example",     "github.com",
        "evilgithub.com", "api.github.com", "com",  "a..example",     "1.2.3.4",
        "EXAMPLE.",   "b.A.example", "a_example",   "xn--a.example" };
static const char *const suffixes[] = { ".example",  "example",   ".a.example", "hub.com", ".com",
                                        "",          ".",         "a.example.", ".EXAMPLE", "m",
                                        "b.a.example", ".github.com" };
static const char *const host_variables[] = { "network.hostname", "http.host", "dns.query" };
static const char *const agents[] = { "", "ci", "CI", "dev", "build-bot" };
static const char *const methods[] = { "", "GET", "POST", "CONNECT" };
static const char *const hosts[]
    = { "a.example", "*.a.example", "*.example", "github.com", "*.github.com", "1.2.3.4" };
static const int ports[] = { 0, 22, 80, 443, 8443, 65535 };

#define PICK(array) (array)[g_test_rand_int_range (0, G_N_ELEMENTS (array))]

static void
append_list (GString *out, const char *const *words, gsize n)
{
  gint32 len = g_test_rand_int_range (0, 4);

  g_string_append_c (out, '[');
  for (gint32 i = 0; i < len; i++)
    g_string_append_printf (out, "%s\\\"%s\\\"", i > 0 ? ", " : "",
                            words[g_test_rand_int_range (0, (gint32) n)]);
  g_string_append_c (out, ']');
}

static void
append_host_test (GString *out)
{
  const char *variable = PICK (host_variables);

  switch (g_test_rand_int_range (0, 11))
    {
    case 9:
      append_list (out, names, G_N_ELEMENTS (names));
      g_string_append_printf (out, ".exists(d, inDomain(%s, d))", variable);
      break;
    case 10:
      append_list (out, suffixes, G_N_ELEMENTS (suffixes));
      g_string_append (out, ".exists(s, ");
      append_list (out, names, G_N_ELEMENTS (names));
      g_string_append_printf (out, ".exists(h, h == %s || %s.endsWith(s)))", variable,
                              PICK (host_variables));
      break;
    case 0:
      g_string_append_printf (out, "%s == \\\"%s\\\"", variable, PICK (names));
      break;
    case 1:
      g_string_append_printf (out, "\\\"%s\\\" == %s", PICK (names), variable);
      break;
    case 2:
      g_string_append_printf (out, "%s != \\\"%s\\\"", variable, PICK (names));
      break;
    case 3:
      g_string_append_printf (out, "%s.endsWith(\\\"%s\\\")", variable, PICK (suffixes));
      break;
    case 4:
      g_string_append_printf (out, "inDomain(%s, \\\"%s\\\")", variable, PICK (names));
      break;
    case 5:
      g_string_append_printf (out, "%s in ", variable);
      append_list (out, names, G_N_ELEMENTS (names));
      break;
    case 6:
      append_list (out, names, G_N_ELEMENTS (names));
      g_string_append_printf (out, ".exists(h, h == %s)", variable);
      break;
    case 7:
      append_list (out, suffixes, G_N_ELEMENTS (suffixes));
      g_string_append_printf (out, ".exists(h, %s.endsWith(h) && network.port != 22)", variable);
      break;
    default:
      g_string_append_printf (out, "%s == %s", variable, PICK (host_variables));
      break;
    }
}

static void
append_other_test (GString *out)
{
  switch (g_test_rand_int_range (0, 13))
    {
    case 11:
      append_list (out, agents, G_N_ELEMENTS (agents));
      g_string_append (out, ".exists(a, a == agent.name)");
      break;
    case 12:
      g_string_append_printf (out, "[%d, %d].exists(p, network.port == p)", PICK (ports),
                              PICK (ports));
      break;
    case 0:
      g_string_append_printf (out, "network.port == %d", PICK (ports));
      break;
    case 1:
      g_string_append_printf (out, "network.port in [%d, %d]", PICK (ports), PICK (ports));
      break;
    case 2:
      g_string_append_printf (out, "network.port != %d", PICK (ports));
      break;
    case 3:
      g_string_append_printf (out, "network.port > %d", PICK (ports));
      break;
    case 4:
      g_string_append_printf (out, "agent.name == \\\"%s\\\"", PICK (agents));
      break;
    case 5:
      g_string_append (out, "agent.name in ");
      append_list (out, agents, G_N_ELEMENTS (agents));
      break;
    case 6:
      g_string_append_printf (out, "http.method == \\\"%s\\\"", PICK (methods));
      break;
    case 7: /* errs when the header is missing */
      g_string_append (out, "http.headers[\\\"x\\\"] == \\\"1\\\"");
      break;
    case 8: /* errs at port 0 */
      g_string_append (out, "10 / network.port == 0");
      break;
    case 9:
      g_string_append (out, g_test_rand_bit () ? "true" : "false");
      break;
    default:
      g_string_append (out, "dns.record_type == \\\"A\\\"");
      break;
    }
}

static void
append_expression (GString *out, guint depth)
{
  gint32 kind = depth == 0 ? 0 : g_test_rand_int_range (0, 11);

  g_string_append_c (out, '(');
  if (kind == 10)
    g_string_append_printf (out, "$d%d", g_test_rand_int_range (0, N_DEFINITIONS));
  else if (kind <= 2)
    {
      if (g_test_rand_int_range (0, 3) > 0)
        append_host_test (out);
      else
        append_other_test (out);
    }
  else if (kind <= 8)
    {
      append_expression (out, depth - 1);
      g_string_append (out, kind <= 5 ? " && " : " || ");
      append_expression (out, depth - 1);
      if (kind == 8)
        {
          g_string_append (out, " ? ");
          append_expression (out, depth - 1);
          g_string_append (out, " : ");
          append_expression (out, depth - 1);
        }
    }
  else
    {
      g_string_append_c (out, '!');
      append_expression (out, depth - 1);
    }
  g_string_append_c (out, ')');
}

/* A policy as text in pieces: definitions first, then a line of YAML for each rule. */
typedef struct
{
  char *definitions[N_DEFINITIONS];
  GPtrArray *rules; /* (element-type utf8): without their ids */
} Draft;

static void
draft_clear (Draft *draft)
{
  for (guint i = 0; i < N_DEFINITIONS; i++)
    g_free (draft->definitions[i]);
  g_ptr_array_unref (draft->rules);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Draft, draft_clear)

static char *
make_expression (guint depth)
{
  GString *out = g_string_new (NULL);

  append_expression (out, depth);
  return g_string_free (out, FALSE);
}

static void
append_short_form (GString *out)
{
  if (g_test_rand_bit ())
    g_string_append_printf (out, ", hosts: [\"%s\", \"%s\"]", PICK (hosts), PICK (hosts));
  if (g_test_rand_bit ())
    g_string_append_printf (out, ", ports: [%d]", g_test_rand_bit () ? 443 : 80);
  g_string_append_printf (out, ", agents: [%s]", g_test_rand_bit () ? "ci" : "CI, dev");
}

static char *
make_rule (void)
{
  GString *out = g_string_new (g_test_rand_int_range (0, 3) > 0 ? "action: allow" : "action: block");
  gint32 form = g_test_rand_int_range (0, 8);

  g_string_append_printf (out, ", priority: %d", g_test_rand_int_range (0, 3));
  if (form < 2)
    append_short_form (out);
  if (form > 0)
    {
      g_autofree char *condition = make_expression ((guint) g_test_rand_int_range (0, 4));

      g_string_append_printf (out, ", condition: \"%s\"", condition);
    }
  g_string_append (out, "}\n");
  return g_string_free (out, FALSE);
}

static void
make_draft (Draft *draft)
{
  gint32 n = g_test_rand_int_range (1, RULES_MAX + 1);

  /* The first one stands alone, the next may use it. */
  draft->definitions[0] = g_strdup_printf ("(%s == \\\"%s\\\")", PICK (host_variables), PICK (names));
  draft->definitions[1] = g_strdup_printf ("($d0 && network.port == %d)", PICK (ports));
  draft->definitions[2] = g_strdup_printf ("(!$d1 || inDomain(%s, \\\"%s\\\"))",
                                           PICK (host_variables), PICK (names));
  draft->rules = g_ptr_array_new_with_free_func (g_free);
  for (gint32 i = 0; i < n; i++)
    g_ptr_array_add (draft->rules, make_rule ());
}

static char *
make_text (const Draft *draft)
{
  GString *text = g_string_new ("version: \"1\"\ndefinitions:\n");

  for (guint i = 0; i < N_DEFINITIONS; i++)
    g_string_append_printf (text, "  d%u: \"%s\"\n", i, draft->definitions[i]);
  /* The first rule makes methods on port 443 enforceable, so that no policy is refused. */
  g_string_append (text, "rules:\n- {id: never, action: allow, priority: 9, condition: 'false', "
                         "egress: {mode: intercept}}\n");
  for (guint i = 0; i < draft->rules->len; i++)
    g_string_append_printf (text, "- {id: r%u, %s", i,
                            (const char *) g_ptr_array_index (draft->rules, i));
  return g_string_free (text, FALSE);
}

static OcPolicy *
load_draft (const Draft *draft)
{
  g_autofree char *text = make_text (draft);
  OcPolicySource source = { "t.yaml", text, strlen (text) };
  g_autoptr (GError) error = NULL;
  OcPolicy *policy = oc_policy_load_sources (&source, 1, NULL, NULL, &error);

  if (error != NULL)
    g_error ("%s in:\n%s", error->message, text);
  return policy;
}

static void
make_context (OcPolicyContext *context)
{
  static const OcPair headers[] = { { OC_STR_INIT ("x"), OC_STR_INIT ("1") } };

  *context = (OcPolicyContext) { 0 };
  context->network.hostname = oc_str_from (PICK (names));
  context->network.port = PICK (ports);
  context->http.host
      = g_test_rand_bit () ? context->network.hostname : oc_str_from (PICK (names));
  context->http.method = oc_str_from (PICK (methods));
  context->http.headers = headers;
  context->http.n_headers = (gsize) g_test_rand_bit ();
  context->dns.query = g_test_rand_bit () ? context->network.hostname : oc_str_from (PICK (names));
  context->dns.record_type = oc_str_from (g_test_rand_bit () ? "A" : "");
  context->agent.name = oc_str_from (PICK (agents));
}

/* Returns: whether index and linear scan agree on both questions. */
static gboolean
agrees (const OcPolicy *policy, const OcPolicyContext *context)
{
  OcPolicyVerdict indexed;
  OcPolicyVerdict linear;

  oc_policy_evaluate (policy, context, &indexed);
  oc_policy_evaluate_linear (policy, context, &linear);
  if (indexed.rule != linear.rule || indexed.allowed != linear.allowed)
    return FALSE;
  oc_policy_evaluate_name (policy, context, &indexed);
  oc_policy_evaluate_name_linear (policy, context, &linear);
  return indexed.rule == linear.rule && indexed.allowed == linear.allowed;
}

/* --- Shrinking --------------------------------------------------------------- */

static gboolean
still_differs (const Draft *draft, const OcPolicyContext *context)
{
  g_autoptr (OcPolicy) policy = load_draft (draft);

  return !agrees (policy, context);
}

static gboolean
drop_rules (Draft *draft, const OcPolicyContext *context)
{
  gboolean smaller = FALSE;

  for (guint i = 0; i < draft->rules->len;)
    {
      g_autofree char *dropped = g_ptr_array_steal_index (draft->rules, i);

      if (still_differs (draft, context))
        {
          smaller = TRUE;
          continue;
        }
      g_ptr_array_insert (draft->rules, (gint) i, g_steal_pointer (&dropped));
      i++;
    }
  return smaller;
}

/* The end of the parenthesis that opens at @open; conditions quote none. */
static const char *
find_close (const char *open)
{
  guint depth = 0;

  for (const char *p = open; *p != '\0'; p++)
    {
      depth += *p == '(';
      if (*p == ')' && --depth == 0)
        return p;
    }
  return NULL;
}

/* @text with its part [@open, @close] replaced by [@inner, @inner_close]. */
static char *
replace_part (const char *text, const char *open, const char *close, const char *inner,
              const char *inner_close)
{
  return g_strdup_printf ("%.*s%.*s%s", (int) (open - text), text, (int) (inner_close - inner + 1),
                          inner, close + 1);
}

/* Puts one parenthesis within another in its place, once, if the difference stays. Only
 * those that stand for an expression of their own: behind a name they are arguments. */
static gboolean
shrink_rule (Draft *draft, guint i, const OcPolicyContext *context)
{
  const char *text = g_ptr_array_index (draft->rules, i);

  const char *open = strstr (text, "condition: \"(");

  for (open = open != NULL ? strchr (open, '(') : NULL; open != NULL; open = strchr (open + 1, '('))
    {
      const char *close = g_ascii_isalpha (open[-1]) ? NULL : find_close (open);

      for (const char *inner = open + 1; close != NULL && inner < close; inner++)
        {
          char *shorter;

          if (*inner != '(' || g_ascii_isalpha (inner[-1]))
            continue;
          shorter = replace_part (text, open, close, inner, find_close (inner));
          draft->rules->pdata[i] = shorter;
          if (still_differs (draft, context))
            {
              g_free ((char *) text);
              return TRUE;
            }
          draft->rules->pdata[i] = (gpointer) text;
          g_free (shorter);
        }
    }
  return FALSE;
}

static void
shrink (Draft *draft, const OcPolicyContext *context)
{
  gboolean smaller = TRUE;

  while (smaller)
    {
      smaller = drop_rules (draft, context);
      for (guint i = 0; i < draft->rules->len; i++)
        smaller = shrink_rule (draft, i, context) || smaller;
    }
}

static void
fail_difference (Draft *draft, const OcPolicyContext *context)
{
  g_autofree char *text = NULL;

  shrink (draft, context);
  text = make_text (draft);
  g_error ("index and linear scan differ for hostname '%s' port %d host '%s' method '%s' query "
           "'%s' agent '%s' headers %u:\n%s",
           context->network.hostname.data, (int) context->network.port, context->http.host.data,
           context->http.method.data, context->dns.query.data, context->agent.name.data,
           (guint) context->http.n_headers, text);
}

static void
test_property (void)
{
  guint n_policies = g_getenv ("OUTCALL_LONG") != NULL ? N_POLICIES * LONGER : N_POLICIES;
  guint pairs = 0;
  guint decided = 0;

  for (guint p = 0; p < n_policies; p++)
    {
      g_auto (Draft) draft = { .rules = NULL };
      g_autoptr (OcPolicy) policy = NULL;

      make_draft (&draft);
      policy = load_draft (&draft);
      for (guint r = 0; r < N_REQUESTS; r++, pairs++)
        {
          OcPolicyContext context;
          OcPolicyVerdict verdict;

          make_context (&context);
          if (!agrees (policy, &context))
            fail_difference (&draft, &context);
          oc_policy_evaluate (policy, &context, &verdict);
          decided += verdict.rule != NULL;
        }
    }
  g_test_message ("%u pairs, %u decided by a rule", pairs, decided);
  g_assert_cmpuint (pairs, >=, 100000);
  /* A test in which hardly anything matches would prove little. */
  g_assert_cmpuint (decided, >, pairs / 10);
}

/* More lists than the walk has room for: every rule is looked at. */
static void
test_many_labels (void)
{
  g_auto (Draft) draft = { .rules = NULL };
  g_autoptr (GString) name = g_string_new (NULL);
  g_autoptr (OcPolicy) policy = NULL;
  OcPolicyContext context = { 0 };
  OcPolicyVerdict verdict;

  make_draft (&draft);
  g_ptr_array_set_size (draft.rules, 0);
  for (guint i = 0; i < 120; i++)
    {
      g_string_prepend (name, ".x");
      g_ptr_array_add (draft.rules,
                       g_strdup_printf ("action: allow, condition: \"network.hostname.endsWith('%s')"
                                        " && network.port == %u\"}\n",
                                        name->str, i + 1));
    }
  policy = load_draft (&draft);
  context.network.hostname = oc_str (name->str, name->len);
  for (guint port = 1; port <= 121; port++)
    {
      context.network.port = port;
      oc_policy_evaluate (policy, &context, &verdict);
      g_assert_true (verdict.allowed == (port <= 120));
      g_assert_true (agrees (policy, &context));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/policy/index/many-labels", test_many_labels);
  g_test_add_func ("/policy/index/property", test_property);
  return g_test_run ();
}
