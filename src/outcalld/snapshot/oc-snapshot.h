/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* What the data plane knows, as one immutable value: the policy, who is at
 * which address, and the host's own addresses. The main thread builds and
 * publishes it; each worker thread has a reader that hands out the newest one
 * between events. A request uses the snapshot it began with, so it never sees
 * two policies.
 */

#include "common/oc-address.h"
#include "policy/oc-policy.h"
#include "secrets/oc-secrets.h"

typedef struct OcIdentity OcIdentity;
typedef struct OcSnapshot OcSnapshot;
typedef struct OcSnapshotHub OcSnapshotHub;
typedef struct OcSnapshotReader OcSnapshotReader;

/* What a workload did at the proxy so far. Any thread adds (relaxed: statistics
 * order nothing). */
typedef struct
{
  _Atomic guint64 connections, requests, blocked, bytes_up, bytes_down;
} OcTraffic;

/* Who is behind a source address: immutable but for the counters, reference
 * counted, any thread. Workers keep a reference in their connections. */
struct OcIdentity
{
  gatomicrefcount ref_count;
  char *name;       /* of the workload */
  char *agent_name; /* name without a trailing -N */
  char *id;         /* immutable id of the workload */
  char *image;      /* "" for native sandboxes */
  char *project;    /* path of the project, "" when unknown */
  OcAddress address;
  OcAddress gateway; /* of its network */
  gboolean learning; /* what no rule is about is let through; set before it is published */
  guint32 slot;      /* small number, unique among the living: index for per-workload counters */
  OcTraffic traffic;
};

/* Strings are copied. */
OcIdentity *oc_identity_new (const char *name, const char *id, const char *image,
                             const char *project, const OcAddress *address,
                             const OcAddress *gateway, guint32 slot);
OcIdentity *oc_identity_ref (OcIdentity *identity);
void oc_identity_unref (OcIdentity *identity);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OcIdentity, oc_identity_unref)
/* Fills @context's agent.* with borrowed strings. */
void oc_identity_fill_context (const OcIdentity *identity, OcPolicyContext *context);

/* --- Reading: one reader per worker thread ------------------------------- */

/* The newest snapshot, borrowed until the next call on the same reader. Cheap
 * when nothing changed (one atomic load). Thread: the worker's own. */
const OcSnapshot *oc_snapshot_reader_get (OcSnapshotReader *reader);
/* Whether a newer one waits: what was just done by the current one may be out of
 * date. One atomic load. Thread: the worker's own. */
gboolean oc_snapshot_reader_is_behind (OcSnapshotReader *reader);
/* An eventfd that becomes readable when a newer snapshot is there;
 * oc_snapshot_reader_get() makes it unreadable again. For epoll. */
int oc_snapshot_reader_get_fd (OcSnapshotReader *reader);

const OcPolicy *oc_snapshot_get_policy (const OcSnapshot *snapshot);
/* (nullable): none. What its rules put into requests. (transfer none): take a reference to
 * keep it. */
OcSecrets *oc_snapshot_get_secrets (const OcSnapshot *snapshot);
/* Grows by one with each publication. */
guint64 oc_snapshot_get_generation (const OcSnapshot *snapshot);
/* The workload that holds the lease on @address; NULL: nobody, refuse.
 * (transfer none): take a reference to keep it. */
OcIdentity *oc_snapshot_lookup (const OcSnapshot *snapshot, const OcAddress *address);
/* Whether @address is one of this host's own. */
gboolean oc_snapshot_is_own_address (const OcSnapshot *snapshot, const OcAddress *address);
OcSnapshot *oc_snapshot_ref (const OcSnapshot *snapshot);
void oc_snapshot_unref (OcSnapshot *snapshot);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OcSnapshot, oc_snapshot_unref)

/* --- Publishing: main thread --------------------------------------------- */

/* Starts with an empty policy and no identities: everything is refused. */
OcSnapshotHub *oc_snapshot_hub_new (void);
void oc_snapshot_hub_free (OcSnapshotHub *hub);
/* Readers outlive no hub. */
OcSnapshotReader *oc_snapshot_hub_add_reader (OcSnapshotHub *hub);
void oc_snapshot_reader_free (OcSnapshotReader *reader);

/* Each takes effect for every event that a worker handles after the call. */
void oc_snapshot_hub_set_policy (OcSnapshotHub *hub, OcPolicy *policy);
/* Both at once, so that no request sees one without the other.
 * @secrets: (nullable): none */
void oc_snapshot_hub_set_rules (OcSnapshotHub *hub, OcPolicy *policy, OcSecrets *secrets);
/* @identities: (element-type OcIdentity): the living, complete */
void oc_snapshot_hub_set_identities (OcSnapshotHub *hub, GPtrArray *identities);
void oc_snapshot_hub_set_own_addresses (OcSnapshotHub *hub, const OcAddress *addresses, gsize n);
/* The newest, for the main thread. (transfer none) */
const OcSnapshot *oc_snapshot_hub_get (OcSnapshotHub *hub);
