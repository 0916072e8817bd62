/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * $STATE_DIR/workloads.json:
 *   { "version": 1, "boot_id": "…", "workloads": [ { "name", "id", "runtime",
 *     "image", "pid", "start_ticks", "netns", "network", "bridge", "port", "mac",
 *     "address", "uid", "project", "command", "started_us" }, … ],
 *     "resting": [ { "network", "address", "free_from_us" }, … ] }
 * It names living processes, so a file of an earlier boot says nothing, and
 * writing it need not wait for the disk. Numbers
 * of 64 bits are strings, since a JSON reader may use doubles.
 */
#include "config.h"

#include "workload/oc-workload-private.h"

#include "common/oc-error.h"
#include "common/oc-file.h"

#include <json-glib/json-glib.h>
#include <string.h>

#define STATE_FILE "workloads.json"
#define STATE_VERSION 1
#define STATE_MAX_BYTES (16 * 1024 * 1024)
#define MAC_TEXT_LEN 17

/* --- Writing ---------------------------------------------------------------- */

static char *
read_boot_id (void)
{
  g_autofree char *text = NULL;

  if (!g_file_get_contents ("/proc/sys/kernel/random/boot_id", &text, NULL, NULL))
    return g_strdup ("");
  return g_strdup (g_strchomp (text));
}

static void
add_string (JsonBuilder *b, const char *name, const char *value)
{
  json_builder_set_member_name (b, name);
  json_builder_add_string_value (b, value);
}

static void
add_uint64 (JsonBuilder *b, const char *name, guint64 value)
{
  char text[24];

  g_snprintf (text, sizeof text, "%" G_GUINT64_FORMAT, value);
  add_string (b, name, text);
}

static void
add_int (JsonBuilder *b, const char *name, gint64 value)
{
  json_builder_set_member_name (b, name);
  json_builder_add_int_value (b, value);
}

static void
add_lease (JsonBuilder *b, const OcLease *lease)
{
  char address[OC_ADDRESS_TEXT_MAX];
  char mac[MAC_TEXT_LEN + 1];

  oc_workload_format_mac (lease->mac, mac);
  add_string (b, "bridge", lease->bridge);
  add_string (b, "port", lease->port);
  add_string (b, "mac", mac);
  add_string (b, "address", oc_address_format (&lease->address, address, sizeof address));
}

static void
add_workload (JsonBuilder *b, const OcWorkload *workload)
{
  json_builder_begin_object (b);
  add_string (b, "name", workload->identity->name);
  add_string (b, "id", workload->identity->id);
  add_string (b, "runtime", workload->ops->word);
  add_string (b, "image", workload->identity->image);
  add_int (b, "pid", workload->pid);
  add_uint64 (b, "start_ticks", workload->start_ticks);
  add_uint64 (b, "netns", workload->netns_inode);
  add_string (b, "network", oc_network_get_name (workload->network));
  add_lease (b, &workload->lease);
  add_int (b, "uid", workload->uid);
  add_string (b, "project", workload->identity->project);
  add_string (b, "command", workload->command);
  add_int (b, "started_us", workload->started_us);
  json_builder_end_object (b);
}

static void
add_resting (JsonBuilder *b, OcNetwork *network, const OcAddress *address, gint64 free_from_us)
{
  char text[OC_ADDRESS_TEXT_MAX];

  json_builder_begin_object (b);
  add_string (b, "network", oc_network_get_name (network));
  add_string (b, "address", oc_address_format (address, text, sizeof text));
  add_uint64 (b, "free_from_us", (guint64) free_from_us);
  json_builder_end_object (b);
}

static void
add_resting_of (JsonBuilder *b, OcNetwork *network)
{
  g_autoptr (GArray) list = oc_network_list_resting (network);

  for (guint i = 0; i < list->len; i++)
    {
      const OcRestingAddress *resting = &g_array_index (list, OcRestingAddress, i);

      add_resting (b, network, &resting->address, resting->free_from_us);
    }
}

static void
add_all_resting (JsonBuilder *b, OcWorkloads *workloads)
{
  g_autoptr (GPtrArray) networks = oc_networks_list (workloads->networks);

  json_builder_set_member_name (b, "resting");
  json_builder_begin_array (b);
  for (guint i = 0; i < networks->len; i++)
    add_resting_of (b, networks->pdata[i]);
  /* These the kernel still has; a daemon that starts again begins with a new ruleset. */
  for (guint i = 0; i < workloads->ended->len; i++)
    {
      const OcWorkload *workload = workloads->ended->pdata[i];

      add_resting (b, workload->network, &workload->lease.address, G_MAXINT64);
    }
  json_builder_end_array (b);
}

static char *
format_state (OcWorkloads *workloads, gsize *out_len)
{
  g_autoptr (JsonBuilder) b = json_builder_new ();
  g_autoptr (JsonGenerator) generator = json_generator_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *boot_id = read_boot_id ();
  GHashTableIter iter;
  gpointer workload;

  json_builder_begin_object (b);
  add_int (b, "version", STATE_VERSION);
  add_string (b, "boot_id", boot_id);
  json_builder_set_member_name (b, "workloads");
  json_builder_begin_array (b);
  g_hash_table_iter_init (&iter, workloads->by_name);
  while (g_hash_table_iter_next (&iter, NULL, &workload))
    add_workload (b, workload);
  json_builder_end_array (b);
  add_all_resting (b, workloads);
  json_builder_end_object (b);
  root = json_builder_get_root (b);
  json_generator_set_root (generator, root);
  return json_generator_to_data (generator, out_len);
}

gboolean
oc_workload_state_save (OcWorkloads *workloads, GError **error)
{
  gsize len = 0;
  g_autofree char *text = format_state (workloads, &len);

  return oc_file_replace_for_boot (workloads->state_dir_fd, STATE_FILE, text, len, 0600, error);
}

/* --- Reading ---------------------------------------------------------------- */

void
oc_workload_record_free (OcWorkloadRecord *record)
{
  if (record == NULL)
    return;
  g_free (record->name);
  g_free (record->id);
  g_free (record->image);
  g_free (record->project);
  g_free (record->command);
  g_free (record->network);
  g_free (record);
}

static const char *
get_string (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node)
                 && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
}

static gboolean
get_int (JsonObject *object, const char *name, gint64 min, gint64 max, gint64 *out)
{
  JsonNode *node = json_object_get_member (object, name);

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node)
      || json_node_get_value_type (node) != G_TYPE_INT64)
    return FALSE;
  *out = json_node_get_int (node);
  return *out >= min && *out <= max;
}

static gboolean
get_uint64 (JsonObject *object, const char *name, guint64 *out)
{
  const char *text = get_string (object, name);

  return text != NULL && g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, out, NULL);
}

static gboolean
copy_interface (JsonObject *object, const char *name, char out[16])
{
  const char *text = get_string (object, name);

  return text != NULL && *text != '\0' && g_strlcpy (out, text, 16) < 16;
}

static gboolean
parse_mac (const char *text, guint8 mac[6])
{
  if (text == NULL || strlen (text) != MAC_TEXT_LEN)
    return FALSE;
  for (guint i = 0; i < 6; i++)
    {
      int high = g_ascii_xdigit_value (text[i * 3]);
      int low = g_ascii_xdigit_value (text[i * 3 + 1]);

      if (high < 0 || low < 0 || (i < 5 && text[i * 3 + 2] != ':'))
        return FALSE;
      mac[i] = (guint8) (high << 4 | low);
    }
  return TRUE;
}

static gboolean
read_lease (JsonObject *object, OcLease *out)
{
  return copy_interface (object, "bridge", out->bridge)
         && copy_interface (object, "port", out->port)
         && parse_mac (get_string (object, "mac"), out->mac)
         && oc_address_parse (oc_str_from (get_string (object, "address")), &out->address)
         && out->address.family == 4;
}

static gboolean
read_runtime (JsonObject *object, OcRuntime *out)
{
  const char *word = get_string (object, "runtime");

  *out = g_strcmp0 (word, oc_runtime_engine.word) == 0 ? OC_RUNTIME_ENGINE : OC_RUNTIME_NATIVE;
  return g_strcmp0 (word, oc_runtime_get_ops (*out)->word) == 0;
}

static OcWorkloadRecord *
read_record (JsonObject *object)
{
  OcWorkloadRecord *record = g_new0 (OcWorkloadRecord, 1);
  gint64 pid = 0;
  gint64 uid = 0;

  record->name = g_strdup (get_string (object, "name"));
  record->id = g_strdup (get_string (object, "id"));
  record->image = g_strdup (get_string (object, "image"));
  record->project = g_strdup (get_string (object, "project"));
  record->command = g_strdup (get_string (object, "command"));
  record->network = g_strdup (get_string (object, "network"));
  if (record->name != NULL && record->id != NULL && record->project != NULL
      && record->command != NULL && record->network != NULL
      && read_runtime (object, &record->runtime)
      && get_int (object, "pid", 1, G_MAXINT32, &pid)
      && get_int (object, "uid", 0, G_MAXUINT32, &uid)
      && get_int (object, "started_us", 0, G_MAXINT64, &record->started_us)
      && get_uint64 (object, "start_ticks", &record->start_ticks)
      && get_uint64 (object, "netns", &record->netns_inode) && read_lease (object, &record->lease))
    {
      record->pid = (pid_t) pid;
      record->uid = (uid_t) uid;
      return record;
    }
  oc_workload_record_free (record);
  return NULL;
}

static gboolean
read_list (JsonArray *list, GPtrArray *records, GError **error)
{
  for (guint i = 0; i < json_array_get_length (list); i++)
    {
      JsonNode *node = json_array_get_element (list, i);
      OcWorkloadRecord *record
          = JSON_NODE_HOLDS_OBJECT (node) ? read_record (json_node_get_object (node)) : NULL;

      if (record == NULL)
        return oc_throw (error, "%s: workload %u is malformed", STATE_FILE, i);
      g_ptr_array_add (records, record);
    }
  return TRUE;
}

static void
rest_one (OcWorkloads *workloads, JsonObject *object)
{
  const char *name = get_string (object, "network");
  OcNetwork *network = name != NULL ? oc_networks_lookup (workloads->networks, name) : NULL;
  guint64 free_from_us;
  OcAddress address;

  if (network != NULL && get_uint64 (object, "free_from_us", &free_from_us)
      && oc_address_parse (oc_str_from (get_string (object, "address")), &address))
    oc_network_rest (network, &address, (gint64) MIN (free_from_us, (guint64) G_MAXINT64));
}

/* An earlier version had no such list. */
static void
rest_all (OcWorkloads *workloads, JsonObject *object)
{
  JsonNode *node = json_object_get_member (object, "resting");
  JsonArray *list = node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  for (guint i = 0; list != NULL && i < json_array_get_length (list); i++)
    if (JSON_NODE_HOLDS_OBJECT (json_array_get_element (list, i)))
      rest_one (workloads, json_array_get_object_element (list, i));
}

static gboolean
read_state (OcWorkloads *workloads, JsonNode *root, GPtrArray *records, GError **error)
{
  g_autofree char *boot_id = read_boot_id ();
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (root) ? json_node_get_object (root) : NULL;
  JsonNode *list = object != NULL ? json_object_get_member (object, "workloads") : NULL;
  gint64 version = 0;

  if (list == NULL || !JSON_NODE_HOLDS_ARRAY (list)
      || !get_int (object, "version", STATE_VERSION, STATE_VERSION, &version))
    return oc_throw (error, "%s is not a state file of this version", STATE_FILE);
  if (g_strcmp0 (get_string (object, "boot_id"), boot_id) != 0)
    return TRUE;
  rest_all (workloads, object);
  return read_list (json_node_get_array (list), records, error);
}

GPtrArray *
oc_workload_state_load (OcWorkloads *workloads, GError **error)
{
  g_autoptr (GPtrArray) records
      = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_workload_record_free);
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GError) local = NULL;
  g_autofree char *text = NULL;
  gsize len = 0;

  text = oc_file_read (workloads->state_dir_fd, STATE_FILE, STATE_MAX_BYTES, &len, &local);
  if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return g_steal_pointer (&records);
  if (text == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return NULL;
    }
  if (!json_parser_load_from_data (parser, text, (gssize) len, error))
    return oc_prefix_null (error, "%s", STATE_FILE);
  if (json_parser_get_root (parser) == NULL)
    return oc_throw_null (error, "%s is empty", STATE_FILE);
  if (!read_state (workloads, json_parser_get_root (parser), records, error))
    return NULL;
  return g_steal_pointer (&records);
}
