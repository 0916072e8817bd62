/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Rule requests: an agent proposes rules, an operator decides. What waits is in
 * $STATE_DIR/rule-requests.json, what was decided in rule-decisions.jsonl (README.md
 * says in which order they are written). An approval writes agent-<id>.yaml into the
 * rules directory and loads it. Thread: main.
 */

#include "log/oc-log.h"
#include "outcall-api/outcall-api.h"
#include "rules/oc-rules.h"
#include "snapshot/oc-snapshot.h"

#define OC_REQUESTS_PER_WORKLOAD_MAX 100 /* that wait */
#define OC_REQUESTS_MAX 1000             /* the same, of all workloads */
#define OC_REQUESTS_DECIDED_MAX 10000    /* kept for audit */
#define OC_REQUEST_RULES_MAX 64          /* in one request: somebody has to read them */
#define OC_REQUEST_TEXT_MAX (64 * 1024)  /* bytes of its rules, written out in full */
#define OC_REQUEST_REASON_MAX 1024
#define OC_REQUEST_DURATION_MAX_S (366 * 24 * 3600)

typedef struct OcRequests OcRequests;

/* Reads what waits, takes back approvals that were cut off half-way and those whose time
 * is over. Call it before the rules are loaded: it removes rule files. */
OcRequests *oc_requests_new (const char *state_dir, OcRules *rules, OcLog *log, GError **error);
void oc_requests_free (OcRequests *requests);

/* Queues what @who asks for; it is on disk when this returns.
 * @diagnostics: (element-type OcDiagnostic): what is wrong with the rules
 * Returns: (transfer none) (nullable): NULL with G_IO_ERROR_INVALID_ARGUMENT (not a
 * request), _INVALID_DATA (the rules are wrong), _WOULD_BLOCK (too many of this workload
 * wait), _NO_SPACE (too many wait in all). */
const OutcallRuleRequestEntry *oc_requests_submit (OcRequests *requests, const OcIdentity *who,
                                                   const OutcallRuleSubmission *what,
                                                   GPtrArray *diagnostics, GError **error);

/* (transfer none) (nullable) */
const OutcallRuleRequestEntry *oc_requests_lookup (OcRequests *requests, const char *id);
/* Those that wait, or the @limit newest that are decided, in the order of asking.
 * (transfer container) (element-type OutcallRuleRequestEntry) */
GPtrArray *oc_requests_list (OcRequests *requests, gboolean decided, guint limit);
guint oc_requests_count_pending (OcRequests *requests);

/* What an approval would write and do. Its other_agents are left empty.
 * @duration_s: 0: for good. @diagnostics: as above
 * Returns: (transfer full) (nullable): NULL with G_IO_ERROR_NOT_FOUND, _EXISTS (decided
 * already), _INVALID_ARGUMENT, _INVALID_DATA (the rules would not load with it) */
OutcallRuleRequestReview *oc_requests_review (OcRequests *requests, const char *id,
                                              gint64 duration_s, gboolean any_agent,
                                              GPtrArray *diagnostics, GError **error);

/* Brings what was reviewed into force, or changes nothing. Errors as for the review, and
 * G_IO_ERROR_BUSY when the rules are not those that were shown. */
gboolean oc_requests_approve (OcRequests *requests, const char *id,
                              const OutcallRuleRequestApproval *approval, uid_t uid,
                              GError **error);
/* @reason: (nullable): at most OC_REQUEST_REASON_MAX bytes without control characters */
gboolean oc_requests_reject (OcRequests *requests, const char *id, const char *reason, uid_t uid,
                             GError **error);

/* --- An operator's own: nobody asked, nothing waits -------------------------------- */

/* What allowing @what would write and do; its request has an id for the approval. Nothing
 * is kept. @diagnostics, errors: as for oc_requests_review(), and _INVALID_DATA for a host
 * that is none. */
OutcallRuleRequestReview *oc_requests_review_own (OcRequests *requests,
                                                  const OutcallAllowRequest *what,
                                                  GPtrArray *diagnostics, GError **error);
/* Brings what was reviewed into force, or changes nothing; from then on it is like an
 * approved request, which ends when its time is over. Errors as for oc_requests_approve(). */
gboolean oc_requests_approve_own (OcRequests *requests, const OutcallAllowRequest *what,
                                  uid_t uid, GError **error);

/* What the agent is told of @entry: its status and why. (transfer full) */
JsonNode *oc_request_to_response (const OutcallRuleRequestEntry *entry);

/* Called after a request came, was decided, or ended. */
typedef void (*OcRequestsFunc) (const OutcallRuleRequestEntry *entry, gpointer user_data);
void oc_requests_add_listener (OcRequests *requests, OcRequestsFunc func, gpointer user_data);
void oc_requests_remove_listener (OcRequests *requests, gpointer user_data);
