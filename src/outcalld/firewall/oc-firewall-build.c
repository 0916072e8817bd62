/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "firewall/oc-firewall-rules.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/object.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <net/if.h>
#include <string.h>

#include "firewall/oc-firewall-build.h"

/* The largest message: elements, see ELEMENTS_PER_MESSAGE. */
#define MESSAGE_BYTES (64 * 1024)
/* Each is below 100 bytes; a netlink attribute ends at 64 KiB. */
#define ELEMENTS_PER_MESSAGE 256

/* --- Sets ---------------------------------------------------------------- */

/* nft's numbers for data types; kept in the set for whoever lists it. */
static const struct
{
  guint32 nft_type;
  guint len;
} key_types[] = {
  [OC_KEY_IFNAME] = { 41, IFNAMSIZ }, [OC_KEY_IPV4] = { 7, 4 },    [OC_KEY_ETHER] = { 9, 6 },
  [OC_KEY_PROTOCOL] = { 12, 1 },      [OC_KEY_SERVICE] = { 13, 2 },
};
#define NFT_TYPE_BITS 6

/* Concatenated parts begin at multiples of a 32-bit register. */
#define PADDED(len) (((len) + 3u) & ~3u)

static void
put_key (OcKey *key, gconstpointer bytes, guint len)
{
  g_assert (key->len + PADDED (len) <= sizeof key->bytes);
  memset (key->bytes + key->len, 0, PADDED (len));
  memcpy (key->bytes + key->len, bytes, len);
  key->len += PADDED (len);
}

void
oc_key_put_ifname (OcKey *key, const char *name)
{
  char padded[IFNAMSIZ] = { 0 };

  g_strlcpy (padded, name, sizeof padded);
  put_key (key, padded, sizeof padded);
}

void
oc_key_put_ipv4 (OcKey *key, guint32 address_be)
{
  put_key (key, &address_be, sizeof address_be);
}

void
oc_key_put_mac (OcKey *key, const guint8 mac[6])
{
  put_key (key, mac, 6);
}

void
oc_key_put_protocol (OcKey *key, guint8 protocol)
{
  put_key (key, &protocol, sizeof protocol);
}

void
oc_key_put_port (OcKey *key, guint16 port)
{
  guint16 port_be = htons (port);

  put_key (key, &port_be, sizeof port_be);
}

/* --- Messages ------------------------------------------------------------ */

typedef struct
{
  OcNetlinkBatch *batch;
  guint8 family;
  char *buffer; /* MESSAGE_BYTES */
} Writer;

static Writer
writer_init (OcNetlinkBatch *batch, guint8 family)
{
  return (Writer) { batch, family, g_malloc (MESSAGE_BYTES) };
}

static struct nlmsghdr *
begin (Writer *writer, guint16 type, guint16 flags)
{
  return nftnl_nlmsg_build_hdr (writer->buffer, type, writer->family, flags, 0);
}

static const char *
family_name (guint8 family)
{
  return family == NFPROTO_BRIDGE ? "bridge" : "inet";
}

static void
put_table (Writer *writer, guint16 type, const char *name)
{
  struct nftnl_table *table = nftnl_table_alloc ();
  struct nlmsghdr *message = begin (writer, type, type == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0);

  nftnl_table_set_str (table, NFTNL_TABLE_NAME, name);
  nftnl_table_set_u32 (table, NFTNL_TABLE_FAMILY, writer->family);
  nftnl_table_nlmsg_build_payload (message, table);
  oc_netlink_batch_add (writer->batch, message,
                        g_strdup_printf ("table %s %s", family_name (writer->family), name));
  nftnl_table_free (table);
}

static void
put_counter (Writer *writer, const OcTable *table, const char *name)
{
  struct nftnl_obj *object = nftnl_obj_alloc ();
  struct nlmsghdr *message = begin (writer, NFT_MSG_NEWOBJ, NLM_F_CREATE);

  nftnl_obj_set_str (object, NFTNL_OBJ_TABLE, table->name);
  nftnl_obj_set_str (object, NFTNL_OBJ_NAME, name);
  nftnl_obj_set_u32 (object, NFTNL_OBJ_TYPE, NFT_OBJECT_COUNTER);
  nftnl_obj_set_u64 (object, NFTNL_OBJ_CTR_PKTS, 0);
  nftnl_obj_set_u64 (object, NFTNL_OBJ_CTR_BYTES, 0);
  nftnl_obj_nlmsg_build_payload (message, object);
  oc_netlink_batch_add (writer->batch, message, g_strdup_printf ("counter %s", name));
  nftnl_obj_free (object);
}

static struct nftnl_expr *
make_counter (void)
{
  struct nftnl_expr *expr = nftnl_expr_alloc ("counter");

  nftnl_expr_set_u64 (expr, NFTNL_EXPR_CTR_PACKETS, 0);
  nftnl_expr_set_u64 (expr, NFTNL_EXPR_CTR_BYTES, 0);
  return expr;
}

/* nft prints keys of one part by this; 1 is the host's byte order, 2 the network's. */
static void
set_byte_order (struct nftnl_set *set, OcKeyType type)
{
  struct nftnl_udata_buf *data = nftnl_udata_buf_alloc (64);

  if (nftnl_udata_put_u32 (data, NFTNL_UDATA_SET_KEYBYTEORDER, type == OC_KEY_IFNAME ? 1 : 2))
    nftnl_set_set_data (set, NFTNL_SET_USERDATA, nftnl_udata_buf_data (data),
                        nftnl_udata_buf_len (data));
  nftnl_udata_buf_free (data);
}

static void
put_set (Writer *writer, const OcTable *table, const OcSet *spec, guint32 id)
{
  struct nftnl_set *set = nftnl_set_alloc ();
  struct nlmsghdr *message = begin (writer, NFT_MSG_NEWSET, NLM_F_CREATE);
  guint8 lengths[OC_STEP_FIELDS_MAX];
  guint32 flags = 0;
  guint32 type = 0;
  guint32 len = 0;
  guint n = 0;

  for (guint i = 0; i < OC_STEP_FIELDS_MAX && spec->key[i] != OC_KEY_NONE; i++)
    {
      gboolean is_concatenation = spec->key[1] != OC_KEY_NONE;

      type = type << NFT_TYPE_BITS | key_types[spec->key[i]].nft_type;
      len += is_concatenation ? PADDED (key_types[spec->key[i]].len) : key_types[spec->key[i]].len;
      lengths[n++] = (guint8) key_types[spec->key[i]].len;
    }
  nftnl_set_set_str (set, NFTNL_SET_TABLE, table->name);
  nftnl_set_set_str (set, NFTNL_SET_NAME, spec->name);
  nftnl_set_set_u32 (set, NFTNL_SET_ID, id);
  nftnl_set_set_u32 (set, NFTNL_SET_FAMILY, writer->family);
  nftnl_set_set_u32 (set, NFTNL_SET_KEY_TYPE, type);
  nftnl_set_set_u32 (set, NFTNL_SET_KEY_LEN, len);
  if (spec->key[1] == OC_KEY_NONE)
    set_byte_order (set, spec->key[0]);
  if (spec->timeouts)
    flags |= NFT_SET_TIMEOUT;
  if (spec->intervals)
    {
      flags |= NFT_SET_INTERVAL | NFT_SET_CONCAT;
      nftnl_set_set_data (set, NFTNL_SET_DESC_CONCAT, lengths, n);
    }
  if (flags != 0)
    nftnl_set_set_u32 (set, NFTNL_SET_FLAGS, flags);
  if (spec->counters)
    nftnl_set_add_expr (set, make_counter ());
  if (spec->size != 0)
    nftnl_set_set_u32 (set, NFTNL_SET_DESC_SIZE, spec->size);
  nftnl_set_nlmsg_build_payload (message, set);
  oc_netlink_batch_add (writer->batch, message, g_strdup_printf ("set %s", spec->name));
  nftnl_set_free (set);
}

static void
put_chain (Writer *writer, const OcTable *table, const OcChain *spec)
{
  struct nftnl_chain *chain = nftnl_chain_alloc ();
  struct nlmsghdr *message = begin (writer, NFT_MSG_NEWCHAIN, NLM_F_CREATE);

  nftnl_chain_set_str (chain, NFTNL_CHAIN_TABLE, table->name);
  nftnl_chain_set_str (chain, NFTNL_CHAIN_NAME, spec->name);
  if (spec->type != NULL)
    {
      nftnl_chain_set_str (chain, NFTNL_CHAIN_TYPE, spec->type);
      nftnl_chain_set_u32 (chain, NFTNL_CHAIN_HOOKNUM, spec->hook);
      nftnl_chain_set_s32 (chain, NFTNL_CHAIN_PRIO, spec->priority);
      nftnl_chain_set_u32 (chain, NFTNL_CHAIN_POLICY, spec->policy_drop ? NF_DROP : NF_ACCEPT);
    }
  nftnl_chain_nlmsg_build_payload (message, chain);
  oc_netlink_batch_add (writer->batch, message, g_strdup_printf ("chain %s", spec->name));
  nftnl_chain_free (chain);
}

static void
set_comment (struct nftnl_rule *rule, const char *comment)
{
  struct nftnl_udata_buf *data = nftnl_udata_buf_alloc (NFTNL_UDATA_COMMENT_MAXLEN + 2);

  if (nftnl_udata_put_strz (data, NFTNL_UDATA_RULE_COMMENT, comment))
    nftnl_rule_set_data (rule, NFTNL_RULE_USERDATA, nftnl_udata_buf_data (data),
                         nftnl_udata_buf_len (data));
  nftnl_udata_buf_free (data);
}

static void
put_rule (Writer *writer, const OcTable *table, const OcChain *chain, const OcRule *spec,
          const OcFirewallOptions *options)
{
  struct nftnl_rule *rule = nftnl_rule_alloc ();

  nftnl_rule_set_str (rule, NFTNL_RULE_TABLE, table->name);
  nftnl_rule_set_str (rule, NFTNL_RULE_CHAIN, chain->name);
  nftnl_rule_set_u32 (rule, NFTNL_RULE_FAMILY, writer->family);
  set_comment (rule, spec->comment);
  if (oc_build_steps (rule, writer->family, spec, options))
    {
      struct nlmsghdr *message = begin (writer, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);

      nftnl_rule_nlmsg_build_payload (message, rule);
      oc_netlink_batch_add (writer->batch, message,
                            g_strdup_printf ("chain %s: rule '%s'", chain->name, spec->comment));
    }
  nftnl_rule_free (rule);
}

void
oc_build_table (OcNetlinkBatch *batch, const OcTable *table, const OcFirewallOptions *options)
{
  Writer writer = writer_init (batch, table->family);
  guint32 id = 1;

  oc_build_remove_table (batch, table->family, table->name);
  put_table (&writer, NFT_MSG_NEWTABLE, table->name);
  for (guint i = 0; table->counters[i] != NULL; i++)
    put_counter (&writer, table, table->counters[i]);
  for (const OcSet *set = table->sets; set->name != NULL; set++)
    put_set (&writer, table, set, id++);
  /* All chains before the first rule, since rules name chains. */
  for (const OcChain *chain = table->chains; chain->name != NULL; chain++)
    put_chain (&writer, table, chain);
  for (const OcChain *chain = table->chains; chain->name != NULL; chain++)
    for (const OcRule *rule = chain->rules; rule->steps[0].kind != OC_STEP_END; rule++)
      put_rule (&writer, table, chain, rule, options);
  g_free (writer.buffer);
}

static void
put_flush_chain (Writer *writer, const char *table, const char *chain)
{
  struct nftnl_rule *rule = nftnl_rule_alloc ();
  struct nlmsghdr *message = begin (writer, NFT_MSG_DELRULE, 0);

  nftnl_rule_set_str (rule, NFTNL_RULE_TABLE, table);
  nftnl_rule_set_str (rule, NFTNL_RULE_CHAIN, chain);
  nftnl_rule_set_u32 (rule, NFTNL_RULE_FAMILY, writer->family);
  nftnl_rule_nlmsg_build_payload (message, rule);
  oc_netlink_batch_add (writer->batch, message, g_strdup_printf ("chain %s", chain));
  nftnl_rule_free (rule);
}

void
oc_build_refill_chain (OcNetlinkBatch *batch, const OcTable *table, const char *name,
                       const OcFirewallOptions *options)
{
  Writer writer = writer_init (batch, table->family);

  put_flush_chain (&writer, table->name, name);
  for (const OcChain *chain = table->chains; chain->name != NULL; chain++)
    if (strcmp (chain->name, name) == 0)
      for (const OcRule *rule = chain->rules; rule->steps[0].kind != OC_STEP_END; rule++)
        put_rule (&writer, table, chain, rule, options);
  g_free (writer.buffer);
}

void
oc_build_remove_table (OcNetlinkBatch *batch, guint8 family, const char *name)
{
  Writer writer = writer_init (batch, family);

  /* Created first, so that removing it works whether or not it was there. */
  put_table (&writer, NFT_MSG_NEWTABLE, name);
  put_table (&writer, NFT_MSG_DELTABLE, name);
  g_free (writer.buffer);
}

/* --- Elements ------------------------------------------------------------ */

static struct nftnl_set_elem *
make_element (const OcElement *spec)
{
  struct nftnl_set_elem *element = nftnl_set_elem_alloc ();

  nftnl_set_elem_set (element, NFTNL_SET_ELEM_KEY, spec->key.bytes, spec->key.len);
  if (spec->end.len != 0)
    nftnl_set_elem_set (element, NFTNL_SET_ELEM_KEY_END, spec->end.bytes, spec->end.len);
  if (spec->timeout_ms != 0)
    nftnl_set_elem_set_u64 (element, NFTNL_SET_ELEM_TIMEOUT, spec->timeout_ms);
  if (spec->quota != 0)
    {
      struct nftnl_expr *expr = nftnl_expr_alloc ("quota");

      nftnl_expr_set_u64 (expr, NFTNL_EXPR_QUOTA_BYTES, spec->quota);
      nftnl_expr_set_u32 (expr, NFTNL_EXPR_QUOTA_FLAGS, NFT_QUOTA_F_INV);
      nftnl_set_elem_add_expr (element, expr);
    }
  return element;
}

static struct nftnl_set *
make_element_list (const char *name, const OcElement *elements, gsize n)
{
  struct nftnl_set *set = nftnl_set_alloc ();

  nftnl_set_set_str (set, NFTNL_SET_TABLE, OC_TABLE_NAME);
  nftnl_set_set_str (set, NFTNL_SET_NAME, name);
  for (gsize i = 0; i < n; i++)
    nftnl_set_elem_add (set, make_element (&elements[i]));
  return set;
}

static void
put_elements (Writer *writer, guint16 type, const char *name, const OcElement *elements, gsize n)
{
  struct nftnl_set *set = make_element_list (name, elements, n);
  struct nlmsghdr *message = begin (writer, type, type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0);

  nftnl_set_elems_nlmsg_build_payload (message, set);
  oc_netlink_batch_add (writer->batch, message,
                        g_strdup_printf ("%" G_GSIZE_FORMAT " elements of %s set %s", n,
                                         family_name (writer->family), name));
  nftnl_set_free (set);
}

void
oc_build_elements (OcNetlinkBatch *batch, guint8 family, const char *set, OcElementOp op,
                   const OcElement *elements, gsize n_elements)
{
  Writer writer = writer_init (batch, family);

  for (gsize done = 0; done < n_elements; done += ELEMENTS_PER_MESSAGE)
    {
      gsize n = MIN (n_elements - done, (gsize) ELEMENTS_PER_MESSAGE);

      /* Adding one that is there is no error, removing one that is not is. */
      if (op != OC_ELEMENT_REMOVE)
        put_elements (&writer, NFT_MSG_NEWSETELEM, set, elements + done, n);
      if (op != OC_ELEMENT_ADD)
        put_elements (&writer, NFT_MSG_DELSETELEM, set, elements + done, n);
    }
  g_free (writer.buffer);
}

void
oc_build_flush_set (OcNetlinkBatch *batch, guint8 family, const char *set)
{
  Writer writer = writer_init (batch, family);

  put_elements (&writer, NFT_MSG_DELSETELEM, set, NULL, 0);
  g_free (writer.buffer);
}

/* --- Asking -------------------------------------------------------------- */

typedef struct
{
  guint64 packets, bytes;
  gboolean found;
} Answer;

static int
read_element (struct nftnl_set_elem *element, void *data)
{
  Answer *answer = data;
  const struct nftnl_expr *expr = nftnl_set_elem_get (element, NFTNL_SET_ELEM_EXPR, &(guint32){ 0 });

  if (expr == NULL || !nftnl_expr_is_set (expr, NFTNL_EXPR_CTR_PACKETS))
    return 0;
  answer->packets = nftnl_expr_get_u64 (expr, NFTNL_EXPR_CTR_PACKETS);
  answer->bytes = nftnl_expr_get_u64 (expr, NFTNL_EXPR_CTR_BYTES);
  answer->found = TRUE;
  return 0;
}

static void
on_element (const struct nlmsghdr *message, gpointer user_data)
{
  struct nftnl_set *set = nftnl_set_alloc ();

  if (nftnl_set_elems_nlmsg_parse (message, set) == 0)
    nftnl_set_elem_foreach (set, read_element, user_data);
  nftnl_set_free (set);
}

gboolean
oc_query_element_counter (OcNetlink *netlink, const char *name, const OcElement *element,
                          guint64 *out_packets, guint64 *out_bytes)
{
  const OcElement key = { .key = element->key, .end = element->end };
  struct nftnl_set *set = make_element_list (name, &key, 1);
  _Alignas (8) char buffer[1024];
  struct nlmsghdr *message
      = nftnl_nlmsg_build_hdr (buffer, NFT_MSG_GETSETELEM, NFPROTO_INET, 0, 0);
  Answer answer = { 0 };

  nftnl_set_elems_nlmsg_build_payload (message, set);
  nftnl_set_free (set);
  if (!oc_netlink_query (netlink, message, on_element, &answer, NULL, "element of set %s", name)
      || !answer.found)
    return FALSE;
  *out_packets = answer.packets;
  *out_bytes = answer.bytes;
  return TRUE;
}
