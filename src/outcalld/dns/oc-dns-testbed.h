/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* For tests: the filter with a real policy, and unbound with a zone of every
 * record type behind it, on loopback addresses of a private network namespace.
 */

#include "dns/oc-dns.h"

#define BED_GATEWAY "10.200.0.1"
#define BED_WORKLOAD "10.200.0.2"   /* holds a lease */
#define BED_OTHER "10.200.0.3"      /* holds another */
#define BED_STRANGER "10.200.0.9"   /* holds none */
#define BED_UPSTREAM "127.0.0.2"    /* unbound */
#define BED_SECOND "127.0.0.3"      /* for servers of the test itself */
#define BED_OWN "5.9.9.9"           /* said to be the host's own */

typedef struct
{
  char *dir;
  GPid unbound;
  OcSnapshotHub *hub;
  OcLog *log;
  OcDns *dns;
} Bed;

/* Once, before everything else. */
void bed_enter (void);
/* @upstreams: (nullable): unbound; "": resolv.conf. @rate: 0 for none.
 * @firewall: (nullable) (transfer none) */
void bed_start (Bed *bed, const char *upstreams, guint32 rate, OcFirewall *firewall);
void bed_stop (Bed *bed);
void bed_set_policy (Bed *bed, const char *yaml);
void bed_start_unbound (Bed *bed);
void bed_kill_unbound (Bed *bed);
/* How often unbound was asked for names that contain @text. */
guint bed_count_asked (Bed *bed, const char *text);
/* dig's whole output; asks from @source. (transfer full) */
char *bed_dig (const char *source, const char *args);
guint64 bed_stat (Bed *bed, gsize offset);
#define BED_STAT(bed, field) bed_stat (bed, G_STRUCT_OFFSET (OcDnsStats, field))
extern const char bed_rules[];
