/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The daemon's own list of the grants that are in the kernel: who has how many,
 * in which order they were last renewed, when they end. No I/O; the caller locks. */

#include "firewall/oc-firewall.h"

typedef struct OcGrants OcGrants;

OcGrants *oc_grants_new (void);
void oc_grants_free (OcGrants *grants);

gsize oc_grants_count (const OcGrants *grants);

/* One grant, in the list until it is removed. */
typedef struct
{
  guint64 id; /* from 1, never used twice */
  OcGrantKey key;
  char *name, *rule; /* (nullable) interned */
  gint64 inserted_us, expires_us; /* monotonic */
  guint64 max_bytes;
  guint64 packets, bytes; /* counted before it was last renewed */
  /*< private >*/
  GList used;   /* in its workload's queue */
  GList recent; /* in the queue of all */
} OcGrantEntry;

/* Of the keys: an address and a port, all ports of an address, or ranges? */
gboolean oc_grant_key_is_any_port (const OcGrantKey *key);
gboolean oc_grant_key_is_range (const OcGrantKey *key);
gboolean oc_grant_key_equal (const OcGrantKey *a, const OcGrantKey *b);

/* (transfer none) (nullable) */
OcGrantEntry *oc_grants_lookup (const OcGrants *grants, const OcGrantKey *key);
OcGrantEntry *oc_grants_lookup_id (const OcGrants *grants, guint64 id);

/* What has to leave so that a grant like @key fits: forgets what has
 * expired; @out_victim is the workload's least recently renewed grant when it is at its limit.
 * Returns: FALSE when there are OC_GRANTS_MAX in all, or OC_GRANT_RANGES_MAX for a range. */
gboolean oc_grants_make_room (OcGrants *grants, const OcGrantKey *key, gint64 now_us,
                              gboolean *out_evict, OcGrantKey *out_victim);
/* FALSE: the workload has OC_GRANTS_PER_WORKLOAD_MAX limits, none of them for @key. */
gboolean oc_grants_may_limit (OcGrants *grants, const OcGrantKey *key);
/* A range of the same workload that has packets in common with @key, itself a
 * range, but is not the same. (transfer none) (nullable) */
const OcGrantEntry *oc_grants_find_overlap (OcGrants *grants, const OcGrantKey *key,
                                            gint64 now_us);
/* Whether the kernel holds a limit for @key. It outlives the grant, since flows do. */
gboolean oc_grants_has_limit (OcGrants *grants, const OcGrantKey *key);
/* To the end of those that go last. */
void oc_grants_mark_used (OcGrants *grants, OcGrantEntry *entry);
/* Inserts, or renews; used last. (transfer none) */
OcGrantEntry *oc_grants_touch (OcGrants *grants, const OcGrantRequest *request, gint64 now_us);
gboolean oc_grants_remove (OcGrants *grants, const OcGrantKey *key);
/* Keys of everything that the kernel may hold for @source_be: its grants, and the
 * limits of those that have expired. (transfer full) (element-type OcGrantKey) */
GArray *oc_grants_get_keys (OcGrants *grants, guint32 source_be);
void oc_grants_drop_source (OcGrants *grants, guint32 source_be);
void oc_grants_clear (OcGrants *grants);

/* Copies up to @limit that have not expired, the most recently renewed first.
 * @source_be: 0: all
 * @out_total: how many there are without @limit
 * (transfer full) (element-type OcGrant) */
GPtrArray *oc_grants_list (OcGrants *grants, guint32 source_be, gint64 now_us, gsize limit,
                           guint64 *out_total);
