/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The parts of the rule requests: the queue, its files, the rule file that an
 * approval writes, the link to the decision log.
 */

#include "requests/oc-requests.h"

#define OC_REQUEST_ID_LEN 16 /* hex digits */

typedef struct OcRequestLinks OcRequestLinks;

struct OcRequests
{
  int state_fd; /* the state directory */
  OcRules *rules;
  OcLog *log;
  GHashTable *by_id; /* id → OutcallRuleRequestEntry, owned; both kinds */
  GQueue pending;    /* in the order of asking */
  GQueue decided;    /* in the order of deciding */
  guint n_lines;     /* in the journal, also those that a later one replaces */
  GSource *timer;    /* (nullable): the next approval that ends */
  GArray *listeners; /* of Listener */
  OcRequestLinks *links;
};

/* --- oc-requests-state.c: what is on disk ------------------------------------- */

/* Fills the table and the queues; the journal's word counts. */
gboolean oc_requests_state_load (OcRequests *requests, GError **error);
/* Replaces the queue file by what waits now. */
gboolean oc_requests_state_save_queue (OcRequests *requests, GError **error);
/* Appends @entry to the journal: from then on it is decided. */
gboolean oc_requests_state_append (OcRequests *requests, const OutcallRuleRequestEntry *entry,
                                   GError **error);

/* --- oc-requests-file.c: rules as text ------------------------------------------ */

/* The rules of @policy, written out so that nothing else belongs to them: no
 * definitions, no YAML but the plainest. (transfer full) */
char *oc_request_write_rules (const OcPolicy *policy);
/* What an approval of @entry writes. (transfer full) (nullable): NULL with @error when the
 * stored rules do not load here any more.
 * @expires_at_us: 0: never */
char *oc_request_make_file (OcRequests *requests, const OutcallRuleRequestEntry *entry,
                            gboolean any_agent, gint64 expires_at_us, GError **error);
/* "agent-<id>.yaml" (transfer full) */
char *oc_request_file_name (const char *id);
/* @text: UTF-8. Whether it is short enough and has no control characters. */
gboolean oc_request_check_prose (const char *what, const char *text, GError **error);

/* --- oc-requests-decide.c ---------------------------------------------------------- */

/* Removes the rule file of @id, also one that was not finished. A rules directory that is
 * not there has none. */
gboolean oc_requests_remove_file (OcRequests *requests, const char *id, GError **error);
/* Ends what is over and waits for the next. @reload: FALSE before the rules are loaded */
void oc_requests_end_expired (OcRequests *requests, gboolean reload);
/* That waits. (nullable): NULL with G_IO_ERROR_NOT_FOUND or _EXISTS */
OutcallRuleRequestEntry *oc_requests_require_pending (OcRequests *requests, const char *id,
                                                      GError **error);
void oc_requests_tell (OcRequests *requests, const OutcallRuleRequestEntry *entry);
/* Forgets the oldest decisions over the limit; an approval that still runs is kept. */
void oc_requests_trim (OcRequests *requests);

/* --- oc-requests.c, oc-requests-review.c: for oc-requests-own.c ---------------------- */

/* 16 hex digits nobody has. (transfer full) (nullable) */
char *oc_request_make_id (GError **error);
/* "*.NAME", NAME or an address, in the one spelling that rules compare with. (transfer full)
 * (nullable) */
char *oc_request_canonical_host (const char *text, GError **error);
/* Whether @name can stand in a rule as it is. */
gboolean oc_request_check_name (const char *name, GError **error);
/* oc_requests_review() for an entry that need not be in the queue. */
OutcallRuleRequestReview *oc_requests_review_entry (OcRequests *requests,
                                                    const OutcallRuleRequestEntry *entry,
                                                    gint64 duration_s, gboolean any_agent,
                                                    GPtrArray *diagnostics, GError **error);

/* --- oc-requests-link.c: blocks and the requests they lead to ----------------------- */

OcRequestLinks *oc_request_links_new (OcLog *log);
void oc_request_links_free (OcRequestLinks *links);
/* Blocks of what @entry asks for carry its id from now on.
 * @policy: (nullable): of the entry's rule file */
void oc_request_links_add (OcRequestLinks *links, const OutcallRuleRequestEntry *entry,
                           const OcPolicy *policy);
/* The same for the past day; fills the entry's decision and tool_use_id. */
void oc_request_links_find (OcRequestLinks *links, OutcallRuleRequestEntry *entry,
                            const OcPolicy *policy);
void oc_request_links_remove (OcRequestLinks *links, const OutcallRuleRequestEntry *entry);
