/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Is what the kernel has what it was given? Chains and rules are compared with a
 * digest taken right after they went in: they do not change, and their handles tell a
 * rule from one that was put in its place. Sets are compared with what must be in them. Grants
 * are not: their elements come and go, and one that is missing is closed.
 */
#include "config.h"

#include "firewall/oc-firewall-private.h"

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/gen.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "common/oc-error.h"

#define DUMP_TRIES 8

typedef struct
{
  _Alignas (8) char bytes[512];
} Message;

/* --- Chains and rules ------------------------------------------------------ */

static void
add_to_digest (const struct nlmsghdr *message, gpointer user_data)
{
  gsize header = sizeof (struct nfgenmsg); /* holds the generation, which always changes */
  gsize len = mnl_nlmsg_get_payload_len (message);

  if (len > header)
    g_checksum_update (user_data, (const guchar *) mnl_nlmsg_get_payload (message) + header,
                       (gssize) (len - header));
}

static gboolean
dump_rules (OcFirewall *firewall, guint8 family, GChecksum *sum, GError **error)
{
  struct nftnl_rule *rule = nftnl_rule_alloc ();
  Message buffer;
  struct nlmsghdr *message
      = nftnl_nlmsg_build_hdr (buffer.bytes, NFT_MSG_GETRULE, family, NLM_F_DUMP, 0);

  nftnl_rule_set_str (rule, NFTNL_RULE_TABLE, OC_TABLE_NAME);
  nftnl_rule_nlmsg_build_payload (message, rule);
  nftnl_rule_free (rule);
  return oc_netlink_query (firewall->netlink, message, add_to_digest, sum, error, "list rules");
}

static gboolean
get_chains (OcFirewall *firewall, const OcTable *table, GChecksum *sum, GError **error)
{
  for (const OcChain *spec = table->chains; spec->name != NULL; spec++)
    {
      struct nftnl_chain *chain = nftnl_chain_alloc ();
      Message buffer;
      struct nlmsghdr *message
          = nftnl_nlmsg_build_hdr (buffer.bytes, NFT_MSG_GETCHAIN, table->family, 0, 0);

      nftnl_chain_set_str (chain, NFTNL_CHAIN_TABLE, OC_TABLE_NAME);
      nftnl_chain_set_str (chain, NFTNL_CHAIN_NAME, spec->name);
      nftnl_chain_nlmsg_build_payload (message, chain);
      nftnl_chain_free (chain);
      if (!oc_netlink_query (firewall->netlink, message, add_to_digest, sum, error, "chain %s",
                             spec->name))
        return FALSE;
    }
  return TRUE;
}

/* (transfer full); NULL: they cannot be read, so they are not all there. */
static char *
make_digest (OcFirewall *firewall, GError **error)
{
  const OcTable *tables[] = { &oc_table_inet, &oc_table_bridge };

  for (guint i = 1;; i++)
    {
      g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
      g_autoptr (GError) local = NULL;
      gboolean ok = TRUE;

      for (guint k = 0; ok && k < G_N_ELEMENTS (tables); k++)
        ok = get_chains (firewall, tables[k], sum, &local)
             && dump_rules (firewall, tables[k]->family, sum, &local);
      if (ok)
        return g_strdup (g_checksum_get_string (sum));
      if (i < DUMP_TRIES && g_error_matches (local, G_IO_ERROR, G_IO_ERROR_BUSY))
        continue; /* somebody else's change came in between */
      g_propagate_error (error, g_steal_pointer (&local));
      return NULL;
    }
}

static void
read_generation (const struct nlmsghdr *message, gpointer user_data)
{
  struct nftnl_gen *gen = nftnl_gen_alloc ();

  if (nftnl_gen_nlmsg_parse (message, gen) == 0)
    *(guint32 *) user_data = nftnl_gen_get_u32 (gen, NFTNL_GEN_ID);
  nftnl_gen_free (gen);
}

guint32
oc_firewall_get_generation (OcFirewall *firewall)
{
  Message buffer;
  struct nlmsghdr *message
      = nftnl_nlmsg_build_hdr (buffer.bytes, NFT_MSG_GETGEN, NFPROTO_UNSPEC, 0, 0);
  guint32 generation = 0;

  if (!oc_netlink_query (firewall->netlink, message, read_generation, &generation, NULL,
                         "generation of the ruleset"))
    return 0;
  return generation;
}

void
oc_firewall_remember_rules (OcFirewall *firewall, guint32 before)
{
  guint32 ours = before + 1 != 0 ? before + 1 : 1; /* the kernel leaves 0 out */

  g_free (firewall->digest);
  firewall->digest = make_digest (firewall, NULL);
  if (before != 0 && firewall->digest != NULL && oc_firewall_get_generation (firewall) == ours)
    return;
  /* Somebody was quicker: no digest is like this one, so the next look puts all back. */
  g_free (firewall->digest);
  firewall->digest = g_strdup ("");
}

/* --- Sets ------------------------------------------------------------------ */

static int
collect_key (struct nftnl_set_elem *element, void *keys)
{
  guint32 len = 0;
  gconstpointer key = nftnl_set_elem_get (element, NFTNL_SET_ELEM_KEY, &len);

  if (key != NULL)
    g_hash_table_add (keys, g_bytes_new (key, len));
  return 0;
}

static void
on_elements (const struct nlmsghdr *message, gpointer keys)
{
  struct nftnl_set *set = nftnl_set_alloc ();

  if (nftnl_set_elems_nlmsg_parse (message, set) == 0)
    nftnl_set_elem_foreach (set, collect_key, keys);
  nftnl_set_free (set);
}

static GHashTable *
make_key_set (void)
{
  return g_hash_table_new_full (g_bytes_hash, g_bytes_equal, (GDestroyNotify) g_bytes_unref, NULL);
}

GHashTable *
oc_firewall_dump_set (OcFirewall *firewall, guint8 family, const char *name)
{
  for (guint i = 0; i < DUMP_TRIES; i++)
    {
      g_autoptr (GHashTable) keys = make_key_set ();
      struct nftnl_set *set = nftnl_set_alloc ();
      g_autoptr (GError) error = NULL;
      Message buffer;
      struct nlmsghdr *message
          = nftnl_nlmsg_build_hdr (buffer.bytes, NFT_MSG_GETSETELEM, family, NLM_F_DUMP, 0);

      nftnl_set_set_str (set, NFTNL_SET_TABLE, OC_TABLE_NAME);
      nftnl_set_set_str (set, NFTNL_SET_NAME, name);
      nftnl_set_elems_nlmsg_build_payload (message, set);
      nftnl_set_free (set);
      if (oc_netlink_query (firewall->netlink, message, on_elements, keys, &error, "set %s", name))
        return g_steal_pointer (&keys);
      if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_BUSY))
        return NULL;
    }
  return NULL;
}

/* TRUE when the set has exactly the keys of @wanted. */
static gboolean
has_exactly (OcFirewall *firewall, guint8 family, const char *name, const OcElement *wanted,
             gsize n)
{
  g_autoptr (GHashTable) keys = oc_firewall_dump_set (firewall, family, name);
  g_autoptr (GHashTable) expected = make_key_set ();
  GHashTableIter iter;
  gpointer key;

  if (keys == NULL)
    return FALSE;
  for (gsize i = 0; i < n; i++)
    g_hash_table_add (expected, g_bytes_new (wanted[i].key.bytes, wanted[i].key.len));
  if (g_hash_table_size (keys) != g_hash_table_size (expected))
    return FALSE;
  g_hash_table_iter_init (&iter, expected);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    if (!g_hash_table_contains (keys, key))
      return FALSE;
  return TRUE;
}

/* --- All of it --------------------------------------------------------------- */

typedef struct
{
  OcFirewall *firewall;
  char *difference;
} Check;

static void
check_set (guint8 family, const char *set, const OcElement *elements, gsize n, gpointer user_data)
{
  Check *check = user_data;

  if (check->difference == NULL && !has_exactly (check->firewall, family, set, elements, n))
    check->difference = g_strdup_printf ("set %s of table %s", set,
                                         family == NFPROTO_BRIDGE ? "bridge" : "inet");
}

char *
oc_firewall_find_difference (OcFirewall *firewall)
{
  g_autofree char *digest = NULL;
  g_autoptr (GError) error = NULL;
  Check check = { firewall, NULL };

  digest = make_digest (firewall, &error);
  if (digest == NULL)
    return g_strdup (error->message);
  if (g_strcmp0 (digest, firewall->digest) != 0)
    return g_strdup ("a chain or a rule");
  oc_firewall_foreach_set (firewall, check_set, &check);
  return check.difference;
}
