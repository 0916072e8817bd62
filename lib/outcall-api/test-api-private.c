/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "api-type.h"

#include <string.h>

/* Properties that hold for every type, over generated values. The generator and
 * the mutations walk the same tables as the library; test-api.c holds the tables
 * themselves against the documented JSON. */

#define ROUNDS 400

/* --- Generated values ------------------------------------------------------------ */

static void fill (const ApiType *type, gpointer self, guint64 seed);

static guint64
mix (guint64 seed, guint64 more)
{
  seed = (seed ^ more) * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
  return seed ^ seed >> 29;
}

static GRand *
rand_from (guint64 seed)
{
  return g_rand_new_with_seed ((guint32) (mix (seed, 7) >> 16));
}

/* Pieces that JSON, UTF-8 and HTML find hard, in any order. */
static char *
make_text (GRand *rand)
{
  static const char *const pieces[]
      = { "a",       "host.example", "\"",       "\\",       "/",       "\n",  "\t", "\x01", "\x1f",
          "\x7f",    "ä",            "\u2028",   "€",        "\U0001f511", "<b>", "'",  " ",    "\\u0000",
          "\uffff", "{",            "]",        "0",        "null" };
  GString *text = g_string_new (NULL);

  for (gint32 n = g_rand_int_range (rand, 0, 6); n > 0; n--)
    g_string_append (text, pieces[g_rand_int_range (rand, 0, G_N_ELEMENTS (pieces))]);
  return g_string_free (text, FALSE);
}

static gint64
make_number (GRand *rand, gint64 min, gint64 max)
{
  guint64 span = (guint64) max - (guint64) min;
  guint64 wide = (guint64) g_rand_int (rand) << 32 | g_rand_int (rand);

  switch (g_rand_int_range (rand, 0, 4))
    {
    case 0:
      return min;
    case 1:
      return max;
    default:
      return (gint64) ((guint64) min + (span == G_MAXUINT64 ? wide : wide % (span + 1)));
    }
}

static JsonNode *make_tree (GRand *rand, guint depth, gboolean object);

static JsonNode *
make_object (GRand *rand, guint depth)
{
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();

  for (gint32 i = g_rand_int_range (rand, 0, 4); i > 0; i--)
    {
      g_autofree char *text = make_text (rand);
      g_autofree char *name = g_strdup_printf ("%d%s", i, text);

      json_object_set_member (object, name, make_tree (rand, depth + 1, FALSE));
    }
  json_node_take_object (node, object);
  return node;
}

static JsonNode *
make_array (GRand *rand, guint depth)
{
  JsonNode *node = json_node_new (JSON_NODE_ARRAY);
  JsonArray *array = json_array_new ();

  for (gint32 i = g_rand_int_range (rand, 0, 4); i > 0; i--)
    json_array_add_element (array, make_tree (rand, depth + 1, FALSE));
  json_node_take_array (node, array);
  return node;
}

static JsonNode *
make_tree (GRand *rand, guint depth, gboolean object)
{
  JsonNode *node = json_node_alloc ();
  g_autofree char *text = make_text (rand);

  if (object || (depth < 6 && g_rand_boolean (rand)))
    {
      json_node_free (node);
      return object || g_rand_boolean (rand) ? make_object (rand, depth)
                                             : make_array (rand, depth);
    }
  switch (g_rand_int_range (rand, depth == 1 ? 1 : 0, 5))
    {
    case 0:
      return json_node_init_null (node);
    case 1:
      return json_node_init_boolean (node, g_rand_boolean (rand));
    case 2:
      return json_node_init_int (node, make_number (rand, G_MININT64, G_MAXINT64));
    case 3:
      return json_node_init_double (node, g_rand_double_range (rand, -1e12, 1e12));
    default:
      return json_node_init_string (node, text);
    }
}

static gpointer
make_item (const ApiField *field, GRand *rand, guint64 seed, gsize i)
{
  gpointer item;

  if (field->kind == KIND_STRINGS)
    return make_text (rand);
  item = api_new (api_field_element (field));
  fill (api_field_element (field), item, mix (seed, i + 1));
  if (field->kind == KIND_PAIRS || field->kind == KIND_COUNTERS)
    {
      /* Names are unique in an object. */
      char **name = API_MEMBER (item, G_STRUCT_OFFSET (OutcallPair, name), char *);
      g_autofree char *old = *name;

      *name = g_strdup_printf ("%" G_GSIZE_FORMAT "%s", i, old ? old : "");
    }
  return item;
}

static void
fill_list (const ApiField *field, gpointer self, GRand *rand, guint64 seed)
{
  gsize n = (gsize) g_rand_int_range (rand, 0, 4);
  gpointer *items = n > 0 ? g_new0 (gpointer, n + 1) : NULL;

  for (gsize i = 0; i < n; i++)
    items[i] = make_item (field, rand, seed, i);
  *API_MEMBER (self, field->offset, gpointer *) = items;
  *API_MEMBER (self, field->extra, gsize) = n;
}

static gint64
count_words (ApiWords words)
{
  gint64 n = 0;

  while (words[n])
    n++;
  return n;
}

static void
fill_value (const ApiField *field, gpointer self, GRand *rand, guint64 seed)
{
  switch (field->kind)
    {
    case KIND_BOOL:
      *API_MEMBER (self, field->offset, bool) = g_rand_boolean (rand) != 0;
      break;
    case KIND_INTEGER:
    case KIND_TIME:
      api_store_integer (field, self, make_number (rand, field->min, field->max));
      break;
    case KIND_ENUM:
      api_store_integer (field, self, make_number (rand, 0, count_words (field->words) - 1));
      break;
    case KIND_STRING:
      *API_MEMBER (self, field->offset, char *) = make_text (rand);
      break;
    case KIND_NODE:
    case KIND_OBJECT:
      *API_MEMBER (self, field->offset, JsonNode *)
          = make_tree (rand, 1, field->kind == KIND_OBJECT);
      break;
    case KIND_STRUCT:
      fill (field->type, API_MEMBER (self, field->offset, char), seed);
      break;
    default:
      fill_list (field, self, rand, seed);
    }
}

static void
fill_field (const ApiField *field, gpointer self, guint64 seed)
{
  GRand *rand = rand_from (seed);
  gboolean absent = (field->flags & FIELD_OPTIONAL) && g_rand_boolean (rand);

  if (field->flags & FIELD_HAS)
    *API_MEMBER (self, field->extra, bool) = !absent;
  if (!absent)
    fill_value (field, self, rand, seed);
  g_rand_free (rand);
}

static void
fill (const ApiType *type, gpointer self, guint64 seed)
{
  for (gsize i = 0; i < type->n_fields; i++)
    fill_field (&type->fields[i], self, mix (seed, i));
}

static gpointer
make (const ApiType *type, guint64 seed)
{
  gpointer self = api_new (type);

  fill (type, self, seed);
  return self;
}

/* As make(), but for one member, which has another seed. */
static gpointer
make_variant (const ApiType *type, guint64 seed, gsize other)
{
  gpointer self = api_new (type);

  for (gsize i = 0; i < type->n_fields; i++)
    fill_field (&type->fields[i], self, mix (i == other ? seed + 1 : seed, i));
  return self;
}

static char *
print (const ApiType *type, gconstpointer self)
{
  g_autoptr (JsonNode) node = api_to_json (type, self);

  return outcall_json_print (node);
}

/* --- Properties ------------------------------------------------------------------ */

/* from_json (to_json (x)) is x, through text. */
static void
test_round_trip (gconstpointer data)
{
  const ApiType *type = data;

  for (guint64 seed = 0; seed < ROUNDS; seed++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (JsonNode) node = NULL;
      g_autofree char *text = NULL;
      g_autofree char *again = NULL;
      gpointer self = make (type, seed);
      gpointer back;

      text = print (type, self);
      node = outcall_json_parse (text, strlen (text), &error);
      g_assert_no_error (error);
      back = api_from_json (type, node, &error);
      g_assert_no_error (error);
      again = print (type, back);
      g_assert_cmpstr (text, ==, again);
      g_assert_true (api_equal (type, self, back));
      api_free (type, back);
      api_free (type, self);
    }
}

static void
test_copy (gconstpointer data)
{
  const ApiType *type = data;

  for (guint64 seed = 0; seed < ROUNDS; seed++)
    {
      gpointer self = make (type, seed);
      gpointer copy = api_copy (type, self);
      g_autofree char *text = print (type, self);
      g_autofree char *again = NULL;

      g_assert_true (api_equal (type, self, copy));
      /* The copy has nothing of the original's. */
      api_free (type, self);
      again = print (type, copy);
      g_assert_cmpstr (text, ==, again);
      api_free (type, copy);
    }
  g_assert_null (api_copy (type, NULL));
  api_free (type, NULL);
}

/* Two values are equal exactly when their JSON is. */
static void
test_equal (gconstpointer data)
{
  const ApiType *type = data;
  guint different = 0;

  for (guint64 seed = 0; seed < ROUNDS; seed++)
    {
      gpointer a = make (type, seed);
      gpointer b = make_variant (type, seed, seed % type->n_fields);
      g_autofree char *text_a = print (type, a);
      g_autofree char *text_b = print (type, b);

      g_assert_cmpint (api_equal (type, a, b), ==, strcmp (text_a, text_b) == 0);
      different += strcmp (text_a, text_b) != 0;
      g_assert_false (api_equal (type, a, NULL));
      api_free (type, a);
      api_free (type, b);
    }
  g_assert_cmpuint (different, >, ROUNDS / 20);
  g_assert_true (api_equal (type, NULL, NULL));
}

/* --- Mutations ------------------------------------------------------------------- */

static void
expect (const ApiType *type, JsonNode *node, int code, const char *path)
{
  g_autoptr (GError) error = NULL;
  gpointer self = api_from_json (type, node, &error);

  if (code < 0)
    {
      g_assert_no_error (error);
      g_assert_nonnull (self);
    }
  else
    {
      g_assert_null (self);
      g_assert_error (error, OUTCALL_API_ERROR, code);
      g_assert_true (g_str_has_prefix (error->message, path));
      g_assert_cmpint (error->message[strlen (path)], ==, ':');
    }
  api_free (type, self);
}

/* A value of a JSON type that @field does not take. */
static JsonNode *
make_wrong (const ApiField *field)
{
  JsonNode *node = json_node_alloc ();

  switch (field->kind)
    {
    case KIND_INTEGER:
      return json_node_init_double (node, 1.5);
    case KIND_NODE:
      return json_node_init_null (node);
    case KIND_STRINGS:
    case KIND_STRUCTS:
      return json_node_init_string (node, "x");
    default:
      return json_node_init_int (node, 1);
    }
}

static void
mutate_member (const ApiType *type, const ApiField *field, guint64 seed)
{
  gpointer self = make (type, seed);
  g_autoptr (JsonNode) node = api_to_json (type, self);
  JsonObject *object = json_node_get_object (node);
  gboolean optional = (field->flags & FIELD_OPTIONAL) != 0;

  json_object_set_member (object, field->name, make_wrong (field));
  expect (type, node, OUTCALL_API_ERROR_WRONG_TYPE, field->name);
  json_object_set_null_member (object, field->name);
  expect (type, node,
          optional && !(field->flags & FIELD_NO_NULL) ? -1 : (int) OUTCALL_API_ERROR_WRONG_TYPE,
          field->name);
  json_object_remove_member (object, field->name);
  expect (type, node, optional ? -1 : (int) OUTCALL_API_ERROR_MISSING_MEMBER, field->name);
  api_free (type, self);
}

static void
mutate_range (const ApiType *type, const ApiField *field, guint64 seed)
{
  gpointer self = make (type, seed);
  g_autoptr (JsonNode) node = api_to_json (type, self);
  JsonObject *object = json_node_get_object (node);

  json_object_set_int_member (object, field->name, field->min);
  expect (type, node, -1, field->name);
  json_object_set_int_member (object, field->name, field->max);
  expect (type, node, -1, field->name);
  if (field->min > G_MININT64)
    {
      json_object_set_int_member (object, field->name, field->min - 1);
      expect (type, node, OUTCALL_API_ERROR_OUT_OF_RANGE, field->name);
    }
  if (field->max < G_MAXINT64)
    {
      json_object_set_int_member (object, field->name, field->max + 1);
      expect (type, node, OUTCALL_API_ERROR_OUT_OF_RANGE, field->name);
    }
  api_free (type, self);
}

static void
mutate_name (const ApiType *type, const char *name, guint64 seed)
{
  gpointer self = make (type, seed);
  g_autoptr (JsonNode) node = api_to_json (type, self);

  json_object_set_null_member (json_node_get_object (node), name);
  expect (type, node, OUTCALL_API_ERROR_UNKNOWN_MEMBER, name);
  api_free (type, self);
}

static void
test_mutations (gconstpointer data)
{
  const ApiType *type = data;

  for (guint64 seed = 0; seed < 8; seed++)
    {
      for (gsize i = 0; i < type->n_fields; i++)
        {
          mutate_member (type, &type->fields[i], seed);
          if (type->fields[i].kind == KIND_INTEGER)
            mutate_range (type, &type->fields[i], seed);
        }
      mutate_name (type, "no_such_member", seed);
    }
}

/* --- What the writer makes of values that JSON cannot carry ----------------------- */

static void
test_clamp (void)
{
  OutcallDecision decision = { .sequence = G_MAXUINT64,
                               .time_us = G_MAXINT64,
                               .host = (char *) "\xff.example",
                               .bytes_up = G_MAXUINT64,
                               .duration_us = -5 };
  g_autoptr (JsonNode) node = outcall_decision_to_json (&decision);
  g_autoptr (GError) error = NULL;
  g_autoptr (OutcallDecision) back = outcall_decision_from_json (node, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (back->sequence, ==, (guint64) G_MAXINT64);
  g_assert_cmpuint (back->bytes_up, ==, (guint64) G_MAXINT64);
  g_assert_cmpint (back->duration_us, ==, 0);
  g_assert_cmpint (back->time_us, ==, API_TIME_MAX);
  g_assert_cmpstr (back->host, ==, "\uFFFD.example");
  g_assert_cmpstr (back->workload, ==, "");
}

/* A number outside its enumeration is written so that nobody takes it. */
static void
test_bad_enum (void)
{
  OutcallRuleRequest request = { .action = (OutcallRuleAction) 77 };
  g_autoptr (JsonNode) node = outcall_rule_request_to_json (&request);
  g_autoptr (GError) error = NULL;

  g_assert_null (outcall_rule_request_from_json (node, &error));
  g_assert_error (error, OUTCALL_API_ERROR, OUTCALL_API_ERROR_WRONG_TYPE);
}

/* Trees that no parser made: bytes that are not UTF-8, and endless depth. */
static void
test_hostile_tree (void)
{
  g_autoptr (JsonNode) text = json_node_init_string (json_node_alloc (), "\xc0\x80");
  g_autoptr (JsonNode) deep = json_node_init_int (json_node_alloc (), 1);
  static const int codes[] = { OUTCALL_API_ERROR_BAD_STRING, OUTCALL_API_ERROR_TOO_DEEP };
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < OUTCALL_JSON_DEPTH_MAX; i++)
    {
      JsonArray *array = json_array_new ();

      json_array_add_element (array, g_steal_pointer (&deep));
      deep = json_node_new (JSON_NODE_ARRAY);
      json_node_take_array (deep, array);
    }
  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    {
      g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
      JsonObject *object = json_object_new ();

      json_object_set_boolean_member (object, "success", TRUE);
      json_object_set_member (object, "data", json_node_copy (i == 0 ? text : deep));
      json_node_take_object (node, object);
      g_assert_null (outcall_api_response_from_json (node, &error));
      g_assert_error (error, OUTCALL_API_ERROR, codes[i]);
      g_assert_true (g_str_has_prefix (error->message, "data"));
      g_clear_error (&error);
    }
}

static void
add (const char *name, const ApiType *type, GTestDataFunc func)
{
  g_autofree char *path = g_strdup_printf ("/api/%s/%s", name, type->name);

  g_test_add_data_func (path, type, func);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (const ApiEntry *entry = api_entries; entry->type; entry++)
    {
      add ("round-trip", entry->type, test_round_trip);
      add ("copy", entry->type, test_copy);
      add ("equal", entry->type, test_equal);
      add ("mutations", entry->type, test_mutations);
    }
  g_test_add_func ("/api/clamp", test_clamp);
  g_test_add_func ("/api/bad-enum", test_bad_enum);
  g_test_add_func ("/api/hostile-tree", test_hostile_tree);
  return g_test_run ();
}
