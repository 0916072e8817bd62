/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* HTTP/1.1 + JSON on a unix socket: GSocketService on the main loop, a route
 * table, the envelope. Both APIs are instances of it, on sockets of their own,
 * with routes of their own. Every connection is bounded in bytes, time and
 * number. Thread: main.
 */

#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include <sys/types.h>

/* Instead of a peer's pidfd: the kernel has none (before Linux 6.5), and the number of the process
 * is all there is; or the process had ended, and its number may belong to another one by now. */
#define OC_API_PEER_NO_PIDFD (-1)
#define OC_API_PEER_ENDED (-2)

typedef struct OcApiServer OcApiServer;
/* One request in flight. A handler answers it exactly once, now or later. */
typedef struct OcApiRequest OcApiRequest;

typedef struct
{
  pid_t pid;
  uid_t uid;
  gid_t gid;
  int pidfd; /* SO_PEERPIDFD, borrowed; or one of the two above */
  guint64 key; /* what the config's key function said at accept; 0 before */
  const gid_t *groups; /* supplementary, when the authorizer is called; else NULL */
  gsize n_groups;
} OcApiPeer;

typedef void (*OcApiHandler) (OcApiRequest *request, gpointer user_data);

typedef struct
{
  const char *method;
  const char *pattern; /* "/api/v1/rule/{id}": a braced segment matches one segment */
  OcApiHandler handler;
} OcApiRoute;

/* Called at accept. Returns: FALSE to answer the first request with a 403 and close. */
typedef gboolean (*OcApiAuthorizeFunc) (const OcApiPeer *peer, gpointer user_data);
/* A number that is the same for connections that share one limit. */
typedef guint64 (*OcApiKeyFunc) (const OcApiPeer *peer, gpointer user_data);

/* Bytes of a stream that may wait for its reader. */
#define OC_API_STREAM_MAX (1024 * 1024)

typedef struct
{
  const char *path;
  mode_t mode;
  gid_t gid; /* (gid_t) -1: leave */
  gsize head_max, body_max;
  guint request_timeout_s; /* to send head and body */
  guint idle_timeout_s;
  guint max_connections;          /* in all */
  const OcApiRoute *routes;
  gsize n_routes;
  OcApiAuthorizeFunc authorize; /* (nullable) */
  gpointer user_data;           /* for @authorize, @key and the handlers */
  OcApiKeyFunc key;                 /* (nullable) */
  guint max_connections_per_key;    /* with @key */
} OcApiServerConfig;

/* Binds @path (a stale socket of a dead daemon is replaced, a living one is an
 * error) and serves. Connections over a limit get a 503. The routes and strings
 * in @config are borrowed for the server's life, @path is copied. */
OcApiServer *oc_api_server_new (const OcApiServerConfig *config, GError **error);
/* Takes no more connections and no more requests, also none that a client has sent already:
 * so that what handlers answer now cannot call another handler. Requests under way can
 * still be answered, streams written to. */
void oc_api_server_stop (OcApiServer *server);
/* Closes all, after what sockets still take of their answers, and removes the socket file. Requests that a handler has not
 * answered yet stay valid until it does. */
void oc_api_server_free (OcApiServer *server);

const OcApiPeer *oc_api_request_get_peer (OcApiRequest *request);
/* A HEAD for a GET route: the answer goes out without its body by itself, but a stream must not
 * be started. */
gboolean oc_api_request_is_head (OcApiRequest *request);
/* From a handler that answers later: @on_closed is called once, from the main loop, when the peer
 * goes before that; @request is gone after it. Without it a request whose peer has gone still
 * waits for its answer, and its connection counts. */
void oc_api_request_hold (OcApiRequest *request, GDestroyNotify on_closed, gpointer user_data);
/* The segment that matched "{name}", percent-decoded; NULL when there is none. */
const char *oc_api_request_get_param (OcApiRequest *request, const char *name);
/* From the query string, percent-decoded; NULL when absent. */
const char *oc_api_request_get_query (OcApiRequest *request, const char *name);
/* A header's value or NULL. */
const char *oc_api_request_get_header (OcApiRequest *request, const char *name);
/* The JSON body; NULL with @error when it is not JSON. An empty body is an
 * empty object. (transfer none) */
JsonNode *oc_api_request_get_json (OcApiRequest *request, GError **error);
/* The body as bytes. (transfer none) */
GBytes *oc_api_request_get_body (OcApiRequest *request);

/* {"success":true,"data":…}. @data: (transfer full) (nullable) */
void oc_api_request_reply (OcApiRequest *request, guint status, JsonNode *data);
/* {"success":false,"error":…}; @data is added when given. (transfer full) (nullable) */
void oc_api_request_fail (OcApiRequest *request, guint status, JsonNode *data, const char *format,
                          ...) G_GNUC_PRINTF (4, 5);
/* By the GIOErrorEnum or OUTCALL_API_ERROR code of @error. (transfer none) */
void oc_api_request_fail_error (OcApiRequest *request, const GError *error);
/* The answer will carry Retry-After (429, 503). */
void oc_api_request_set_retry_after (OcApiRequest *request, guint seconds);
/* 204 and other bodiless answers. */
void oc_api_request_reply_empty (OcApiRequest *request, guint status);
/* {"success":true,"data":…} with data that is JSON text already, for long lists. */
void oc_api_request_reply_json_text (OcApiRequest *request, guint status, const char *data);
/* Text as it is (metrics). */
void oc_api_request_reply_text (OcApiRequest *request, guint status, const char *content_type,
                                const char *text);
/* Starts a Server-Sent Events stream; @on_closed is called once, from the main
 * loop, when the peer is gone or too slow; @request is gone after it. */
void oc_api_request_start_stream (OcApiRequest *request, GDestroyNotify on_closed,
                                  gpointer user_data);
/* One event; dropped with the connection when more than OC_API_STREAM_MAX waits.
 * @id: (nullable): what a client that comes back sends as Last-Event-ID
 * @event: (nullable) */
void oc_api_request_send_event (OcApiRequest *request, const char *id, const char *event,
                                const char *data);
/* A comment, which clients ignore: shows a relay between us that the stream lives. */
void oc_api_request_send_keepalive (OcApiRequest *request);
/* After the last event: closes when the reader has them all. @request is not to be used
 * after it, and its @on_closed is not called. */
void oc_api_request_end_stream (OcApiRequest *request);
