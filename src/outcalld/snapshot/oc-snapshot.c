/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Publication: the hub builds a new snapshot, then puts one reference into
 * every reader's mailbox. A mailbox is a pointer behind a mutex that is only
 * taken when something new is there: the reader looks at an atomic flag first.
 * The flag is set with release order before the publisher returns, so an event
 * that is caused by the publication (a workload that was let run) finds it.
 */
#include "config.h"

#include "snapshot/oc-snapshot.h"

#include "common/oc-fd.h"

#include <stdatomic.h>
#include <sys/eventfd.h>

/* Open addressing over IPv4 addresses, at most half full. */
typedef struct
{
  guint32 address_be; /* 0: empty */
  OcIdentity *identity;
} Slot;

struct OcSnapshot
{
  gatomicrefcount ref_count;
  guint64 generation;
  OcPolicy *policy;
  OcSecrets *secrets;    /* (nullable) */
  GPtrArray *identities; /* owns the references that slots borrow */
  Slot *slots;
  guint32 mask;
  OcAddress *own;
  gsize n_own;
};

struct OcSnapshotReader
{
  OcSnapshotHub *hub;
  OcSnapshot *current; /* the reader's thread alone */
  GMutex lock;         /* protects @mail; held for two pointer moves */
  OcSnapshot *mail;    /* (nullable): newest not yet taken */
  atomic_bool has_mail;
  int event_fd;
};

struct OcSnapshotHub
{
  OcSnapshot *newest;
  GPtrArray *readers; /* (element-type OcSnapshotReader), borrowed */
};

static guint32
hash_address (guint32 address_be)
{
  /* Fibonacci hashing: neighbours in a /24 spread over the table. */
  return address_be * 2654435769u;
}

OcSnapshot *
oc_snapshot_ref (const OcSnapshot *snapshot)
{
  OcSnapshot *s = (OcSnapshot *) snapshot;

  g_atomic_ref_count_inc (&s->ref_count);
  return s;
}

void
oc_snapshot_unref (OcSnapshot *snapshot)
{
  if (snapshot == NULL || !g_atomic_ref_count_dec (&snapshot->ref_count))
    return;
  oc_policy_unref (snapshot->policy);
  oc_secrets_unref (snapshot->secrets);
  g_ptr_array_unref (snapshot->identities);
  g_free (snapshot->slots);
  g_free (snapshot->own);
  g_free (snapshot);
}

static void
index_identities (OcSnapshot *snapshot)
{
  guint32 size = 16;

  while (size < snapshot->identities->len * 2)
    size *= 2;
  snapshot->slots = g_new0 (Slot, size);
  snapshot->mask = size - 1;
  for (guint i = 0; i < snapshot->identities->len; i++)
    {
      OcIdentity *identity = snapshot->identities->pdata[i];
      guint32 address_be = oc_address_get_v4 (&identity->address);
      guint32 at = hash_address (address_be) & snapshot->mask;

      if (address_be == 0)
        continue;
      while (snapshot->slots[at].address_be != 0)
        at = (at + 1) & snapshot->mask;
      snapshot->slots[at] = (Slot) { address_be, identity };
    }
}

static OcSnapshot *
snapshot_new (guint64 generation, OcPolicy *policy, OcSecrets *secrets, GPtrArray *identities,
              const OcAddress *own, gsize n_own)
{
  OcSnapshot *snapshot = g_new0 (OcSnapshot, 1);

  g_atomic_ref_count_init (&snapshot->ref_count);
  snapshot->generation = generation;
  snapshot->policy = oc_policy_ref (policy);
  snapshot->secrets = secrets != NULL ? oc_secrets_ref (secrets) : NULL;
  snapshot->identities = g_ptr_array_ref (identities);
  snapshot->own = g_memdup2 (own, n_own * sizeof *own);
  snapshot->n_own = n_own;
  index_identities (snapshot);
  return snapshot;
}

const OcPolicy *
oc_snapshot_get_policy (const OcSnapshot *snapshot)
{
  return snapshot->policy;
}

OcSecrets *
oc_snapshot_get_secrets (const OcSnapshot *snapshot)
{
  return snapshot->secrets;
}

guint64
oc_snapshot_get_generation (const OcSnapshot *snapshot)
{
  return snapshot->generation;
}

OcIdentity *
oc_snapshot_lookup (const OcSnapshot *snapshot, const OcAddress *address)
{
  guint32 address_be = oc_address_get_v4 (address);
  guint32 at = hash_address (address_be) & snapshot->mask;

  if (address_be == 0)
    return NULL;
  for (; snapshot->slots[at].address_be != 0; at = (at + 1) & snapshot->mask)
    if (snapshot->slots[at].address_be == address_be)
      return snapshot->slots[at].identity;
  return NULL;
}

gboolean
oc_snapshot_is_own_address (const OcSnapshot *snapshot, const OcAddress *address)
{
  for (gsize i = 0; i < snapshot->n_own; i++)
    if (oc_address_equal (&snapshot->own[i], address))
      return TRUE;
  return FALSE;
}

/* --- Readers -------------------------------------------------------------- */

static void
deliver (OcSnapshotReader *reader, OcSnapshot *snapshot)
{
  g_autoptr (OcSnapshot) missed = NULL;

  g_mutex_lock (&reader->lock);
  missed = g_steal_pointer (&reader->mail);
  reader->mail = oc_snapshot_ref (snapshot);
  g_mutex_unlock (&reader->lock);
  atomic_store_explicit (&reader->has_mail, true, memory_order_release);
  (void) eventfd_write (reader->event_fd, 1); /* full only if already readable */
}

OcSnapshotReader *
oc_snapshot_hub_add_reader (OcSnapshotHub *hub)
{
  OcSnapshotReader *reader = g_new0 (OcSnapshotReader, 1);

  reader->hub = hub;
  g_mutex_init (&reader->lock);
  reader->current = oc_snapshot_ref (hub->newest);
  reader->event_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (reader->event_fd < 0)
    g_error ("eventfd: %s", g_strerror (errno));
  g_ptr_array_add (hub->readers, reader);
  return reader;
}

void
oc_snapshot_reader_free (OcSnapshotReader *reader)
{
  if (reader == NULL)
    return;
  g_ptr_array_remove_fast (reader->hub->readers, reader);
  oc_snapshot_unref (reader->mail);
  oc_snapshot_unref (reader->current);
  oc_fd_clear (&reader->event_fd);
  g_mutex_clear (&reader->lock);
  g_free (reader);
}

const OcSnapshot *
oc_snapshot_reader_get (OcSnapshotReader *reader)
{
  eventfd_t count;

  if (G_LIKELY (!atomic_load_explicit (&reader->has_mail, memory_order_acquire)))
    return reader->current;
  /* Cleared before the mail is taken: a delivery in between sets both again. */
  atomic_store_explicit (&reader->has_mail, false, memory_order_relaxed);
  (void) eventfd_read (reader->event_fd, &count);
  g_mutex_lock (&reader->lock);
  if (reader->mail != NULL)
    {
      OcSnapshot *old = reader->current;

      reader->current = g_steal_pointer (&reader->mail);
      g_mutex_unlock (&reader->lock);
      oc_snapshot_unref (old);
    }
  else
    g_mutex_unlock (&reader->lock);
  return reader->current;
}

gboolean
oc_snapshot_reader_is_behind (OcSnapshotReader *reader)
{
  return atomic_load_explicit (&reader->has_mail, memory_order_acquire);
}

int
oc_snapshot_reader_get_fd (OcSnapshotReader *reader)
{
  return reader->event_fd;
}

/* --- The hub --------------------------------------------------------------- */

OcSnapshotHub *
oc_snapshot_hub_new (void)
{
  OcSnapshotHub *hub = g_new0 (OcSnapshotHub, 1);
  g_autoptr (OcPolicy) empty = oc_policy_new_empty ();
  g_autoptr (GPtrArray) nobody = g_ptr_array_new ();

  hub->readers = g_ptr_array_new ();
  hub->newest = snapshot_new (1, empty, NULL, nobody, NULL, 0);
  return hub;
}

void
oc_snapshot_hub_free (OcSnapshotHub *hub)
{
  if (hub == NULL)
    return;
  g_assert (hub->readers->len == 0);
  g_ptr_array_unref (hub->readers);
  oc_snapshot_unref (hub->newest);
  g_free (hub);
}

/* (transfer full) @snapshot */
static void
publish (OcSnapshotHub *hub, OcSnapshot *snapshot)
{
  oc_snapshot_unref (hub->newest);
  hub->newest = snapshot;
  for (guint i = 0; i < hub->readers->len; i++)
    deliver (hub->readers->pdata[i], snapshot);
}

void
oc_snapshot_hub_set_policy (OcSnapshotHub *hub, OcPolicy *policy)
{
  oc_snapshot_hub_set_rules (hub, policy, hub->newest->secrets);
}

void
oc_snapshot_hub_set_rules (OcSnapshotHub *hub, OcPolicy *policy, OcSecrets *secrets)
{
  OcSnapshot *now = hub->newest;

  publish (hub, snapshot_new (now->generation + 1, policy, secrets, now->identities, now->own,
                              now->n_own));
}

void
oc_snapshot_hub_set_identities (OcSnapshotHub *hub, GPtrArray *identities)
{
  OcSnapshot *now = hub->newest;
  g_autoptr (GPtrArray) own
      = g_ptr_array_new_full (identities->len, (GDestroyNotify) oc_identity_unref);

  for (guint i = 0; i < identities->len; i++)
    g_ptr_array_add (own, oc_identity_ref (identities->pdata[i]));
  publish (hub, snapshot_new (now->generation + 1, now->policy, now->secrets, own, now->own,
                              now->n_own));
}

void
oc_snapshot_hub_set_own_addresses (OcSnapshotHub *hub, const OcAddress *addresses, gsize n)
{
  OcSnapshot *now = hub->newest;

  publish (hub, snapshot_new (now->generation + 1, now->policy, now->secrets, now->identities,
                              addresses, n));
}

const OcSnapshot *
oc_snapshot_hub_get (OcSnapshotHub *hub)
{
  return hub->newest;
}
