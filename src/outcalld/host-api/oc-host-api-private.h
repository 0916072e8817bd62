/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The handlers of the management API, by subject, and what they share. */

#include "host-api/oc-host-api.h"

#include "api-server/oc-api-server.h"
#include "outcall-api/outcall-api.h"

#define OC_HOST_API_LOG_LIMIT 1000 /* records when no limit is asked for */
#define OC_HOST_API_GRANTS_LIMIT 1000     /* shown when no limit is asked for */
#define OC_HOST_API_GRANTS_LIMIT_MAX 10000 /* each one is a question to the kernel */
#define OC_HOST_API_HOSTS_MAX 64   /* in one `allow` */

typedef struct OcHostEvents OcHostEvents;
typedef struct OcHostResolve OcHostResolve;

struct OcHostApi
{
  OcHostApiSubsystems s;
  OcApiServer *server;
  gboolean has_group; /* the group "outcall" exists */
  gid_t gid;          /* of it */
  OcHostEvents *events;
  OcHostResolve *resolve;
  GHashTable *waiting; /* requests that wait for the engine */
};

/* Every route of the API. Static. */
const OcApiRoute *oc_host_api_get_routes (gsize *out_n);
/* The OpenAPI 3.1 document of them. (transfer full) */
JsonNode *oc_host_api_describe (void);

/* --- Helpers (oc-host-api.c) ------------------------------------------------- */

/* Notes who changed what, and answers with @error when it is set.
 * Returns: TRUE when there was no error. */
gboolean oc_host_api_note (OcHostApi *api, OcApiRequest *request, const char *action,
                           const char *detail, const GError *error);

/* The request's body as a struct of liboutcall-api, by its function @from_json.
 * Returns: (transfer full); NULL after the answer, when @request is gone. */
#define OC_HOST_API_READ_BODY(request, from_json)                                            \
  (__extension__ ({                                                                          \
    g_autoptr (GError) error_ = NULL;                                                        \
    JsonNode *body_ = oc_api_request_get_json ((request), &error_);                          \
    __typeof__ (from_json (NULL, NULL)) read_ = body_ != NULL ? from_json (body_, &error_)   \
                                                              : NULL;                        \
                                                                                             \
    if (read_ == NULL)                                                                       \
      oc_api_request_fail_error ((request), error_);                                         \
    read_;                                                                                   \
  }))

/* --- Events (oc-host-api-events.c) ------------------------------------------- */

/* Decisions that one client is sent in a second; the rest is told as a number. */
#define OC_HOST_API_EVENTS_PER_S 1000
/* Grants by DNS that are told in a second; more are in the list of grants only. */
#define OC_HOST_API_GRANT_EVENTS_PER_S 256
/* What a client that comes back can be sent again: changes that are kept, decisions
 * (the log keeps more) and bytes. */
#define OC_HOST_API_CHANGES_MAX 1024
#define OC_HOST_API_REPLAY_MAX 1000
#define OC_HOST_API_REPLAY_BYTES (OC_API_STREAM_MAX / 2)

void oc_host_api_get_events (OcApiRequest *request, gpointer user_data);
OcHostEvents *oc_host_events_new (OcHostApi *api);
/* After the server, which ends the streams. */
void oc_host_events_free (OcHostEvents *events);
guint oc_host_events_count_streams (OcHostEvents *events);
/* Tells the clients of GET /events that something changed, and keeps it for those
 * that come back. Each kind is described in oc-host-api-describe.c.
 * @event: "grant_added", static
 * @workload, @agent: (nullable): whom it is about; NULL: everybody
 * @data: (transfer full) */
void oc_host_events_tell (OcHostEvents *events, const char *event, const char *workload,
                          const char *agent, JsonNode *data);

/* oc-host-api-grants.c: @out_agent: (out) (nullable): the agent's name, borrowed
 * (transfer full) */
OutcallGrant *oc_host_api_make_grant (OcHostApi *api, const OcGrant *grant, const char **out_agent);

/* --- Requests that wait for the engine: oc-host-api-waiting.c --------------------------- */

typedef struct OcHostWaiting OcHostWaiting;
struct OcHostWaiting
{
  OcHostApi *api;        /* NULL: it has ended, and the request was answered */
  OcApiRequest *request; /* NULL: answered, or its stream's reader is gone */
  /* (nullable): its answer has begun, only events can follow; @failure: (nullable) */
  void (*end_stream) (OcHostWaiting *waiting, const char *failure);
  uid_t uid;             /* who asked; @request may be gone when it is noted */
  pid_t pid;
  const char *action;    /* (nullable): noted when it is done */
  char *name;
  char *subnet;          /* (nullable): of a network that is to be made */
};

/* @action: static (nullable) */
OcHostWaiting *oc_host_waiting_new (OcHostApi *api, OcApiRequest *request, const char *action,
                                    const char *name);
void oc_host_waiting_free (OcHostWaiting *waiting);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OcHostWaiting, oc_host_waiting_free)
/* @failure: (nullable) */
void oc_host_waiting_tell_log (const OcHostWaiting *waiting, const char *failure);
/* Notes what was done, and answers @error. TRUE when an answer is still wanted. */
gboolean oc_host_waiting_note (OcHostWaiting *waiting, const GError *error);
/* Answers those that wait; what they wait for goes on. After oc_api_server_stop(). */
void oc_host_api_end_waiting (OcHostApi *api);

/* --- Handlers ------------------------------------------------------------------ */

void oc_host_api_get_status (OcApiRequest *request, gpointer user_data);
void oc_host_api_get_openapi (OcApiRequest *request, gpointer user_data);
void oc_host_api_get_health (OcApiRequest *request, gpointer user_data);
void oc_host_api_get_ready (OcApiRequest *request, gpointer user_data);
void oc_host_api_get_metrics (OcApiRequest *request, gpointer user_data);
void oc_host_api_get_dns (OcApiRequest *request, gpointer user_data);
void oc_host_api_get_dns_cache (OcApiRequest *request, gpointer user_data);
void oc_host_api_get_proxy (OcApiRequest *request, gpointer user_data);
void oc_host_api_get_ca (OcApiRequest *request, gpointer user_data);
void oc_host_api_get_ca_bundle (OcApiRequest *request, gpointer user_data);
void oc_host_api_get_intercept (OcApiRequest *request, gpointer user_data);
void oc_host_api_post_intercept_flush (OcApiRequest *request, gpointer user_data);
void oc_host_api_get_secrets (OcApiRequest *request, gpointer user_data);

void oc_host_api_get_bridge (OcApiRequest *request, gpointer user_data);
void oc_host_api_post_bridge_up (OcApiRequest *request, gpointer user_data);
void oc_host_api_post_bridge_down (OcApiRequest *request, gpointer user_data);
void oc_host_api_get_network_config (OcApiRequest *request, gpointer user_data);

void oc_host_api_get_networks (OcApiRequest *request, gpointer user_data);
void oc_host_api_get_network (OcApiRequest *request, gpointer user_data);
void oc_host_api_post_network_create (OcApiRequest *request, gpointer user_data);
void oc_host_api_post_network_destroy (OcApiRequest *request, gpointer user_data);

void oc_host_api_get_workloads (OcApiRequest *request, gpointer user_data);
void oc_host_api_post_attach (OcApiRequest *request, gpointer user_data);
void oc_host_api_post_stop (OcApiRequest *request, gpointer user_data);
/* (transfer full) */
JsonNode *oc_host_api_workload_to_json (OcWorkload *workload);
void oc_host_api_format_mac (const guint8 mac[6], char text[18]);

void oc_host_api_get_container (OcApiRequest *request, gpointer user_data);
void oc_host_api_get_containers (OcApiRequest *request, gpointer user_data);
void oc_host_api_get_logs (OcApiRequest *request, gpointer user_data);
void oc_host_api_get_workload (OcApiRequest *request, gpointer user_data);
void oc_host_api_post_container_create (OcApiRequest *request, gpointer user_data);
void oc_host_api_post_container_pull (OcApiRequest *request, gpointer user_data);
void oc_host_api_post_container_remove (OcApiRequest *request, gpointer user_data);
void oc_host_api_get_rules (OcApiRequest *request, gpointer user_data);
void oc_host_api_get_rule (OcApiRequest *request, gpointer user_data);
void oc_host_api_post_reload (OcApiRequest *request, gpointer user_data);
void oc_host_api_post_evaluate (OcApiRequest *request, gpointer user_data);
void oc_host_api_post_rule_test (OcApiRequest *request, gpointer user_data);
void oc_host_api_post_lint (OcApiRequest *request, gpointer user_data);
void oc_host_api_post_allow (OcApiRequest *request, gpointer user_data);
/* OutcallReloadResult of @policy (nullable: nothing was loaded). (transfer full) */
JsonNode *oc_host_api_make_reload_result (const OcPolicy *policy, GPtrArray *diagnostics);

void oc_host_api_get_requests (OcApiRequest *request, gpointer user_data);
void oc_host_api_get_request (OcApiRequest *request, gpointer user_data);
void oc_host_api_post_allow_review (OcApiRequest *request, gpointer user_data);
void oc_host_api_post_allow_approve (OcApiRequest *request, gpointer user_data);
void oc_host_api_post_approve (OcApiRequest *request, gpointer user_data);
void oc_host_api_post_reject (OcApiRequest *request, gpointer user_data);

void oc_host_api_get_active_grants (OcApiRequest *request, gpointer user_data);
void oc_host_api_post_rule_allow (OcApiRequest *request, gpointer user_data);
void oc_host_api_post_rule_revoke (OcApiRequest *request, gpointer user_data);
void oc_host_api_post_rules_flush (OcApiRequest *request, gpointer user_data);

void oc_host_api_get_log (OcApiRequest *request, gpointer user_data);
/* agent, verdict, host, since and limit of the query. Returns: FALSE after the answer. */
gboolean oc_host_api_read_log_filter (OcApiRequest *request, OcLogFilter *out);

void oc_host_api_post_dns_flush (OcApiRequest *request, gpointer user_data);
void oc_host_api_post_dns_test (OcApiRequest *request, gpointer user_data);
OcHostResolve *oc_host_resolve_new (OcHostApi *api);
/* Questions in flight are answered with an error; before the server. */
void oc_host_resolve_free (OcHostResolve *resolve);
