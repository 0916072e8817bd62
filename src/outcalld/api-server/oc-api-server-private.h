/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The parts of the API server: connections (bytes and their states), requests
 * (what handlers see), routes.
 */

#include "api-server/oc-api-server.h"

#include "http1/oc-http1.h"

#define OC_API_PARAMS_MAX 8
#define OC_API_QUERY_MAX 32

typedef struct Connection Connection;

/* A connection's life:
 *
 *   HEAD -> BODY -> HANDLING -> WRITING -> HEAD (keep-alive) or LINGER
 *                            -> STREAM  -> closed
 *
 * Nothing is read in HANDLING and WRITING, so a client that pipelines waits. LINGER
 * reads and drops what the client still sends, else the kernel would throw away
 * our answer together with it. */
typedef enum
{
  STATE_HEAD,
  STATE_BODY,
  STATE_HANDLING,
  STATE_WRITING,
  STATE_STREAM,
  STATE_LINGER,
  STATE_CLOSED,
} State;

struct Connection
{
  guint ref_count;
  OcApiServer *server; /* NULL when closed */
  GSocketConnection *stream;
  int fd; /* of @stream */
  OcApiPeer peer;
  guint64 key; /* of the config's key function */
  gboolean refused; /* by the authorizer: 403 for the first request */
  State state;
  gboolean processing;
  gboolean close_after;
  gboolean overrun; /* a stream's reader is too slow: about to be closed */
  gboolean at_eof;

  GSource *source;
  gpointer tag;        /* of @fd in @source; NULL: not polled */
  gint64 deadline_us;  /* -1: none */

  char *in;            /* config.head_max bytes */
  gsize in_len;
  guint64 body_left;   /* with a Content-Length */
  OcHttpChunked chunked;
  GByteArray *body;
  gsize lingered;

  GByteArray *out;
  gsize out_position;

  OcApiRequest *request; /* the one being read, handled or streamed to */
};

struct OcApiServer
{
  OcApiServerConfig config;
  char *path;
  guint64 socket_inode; /* so that only our own file is removed */
  GSocketService *service;
  GHashTable *connections; /* set of Connection, one reference each */
};

struct OcApiRequest
{
  Connection *connection; /* NULL when it is gone */
  OcApiServer *server;
  OcApiPeer peer;
  char *head_bytes;
  OcHttpHead head;        /* points into head_bytes */
  char *path;             /* as sent, without the query */
  GHashTable *query;      /* (nullable) utf8 to utf8 */
  const OcApiRoute *route;
  struct
  {
    const char *name; /* in the pattern, not terminated */
    gsize name_len;
    char *value;
  } params[OC_API_PARAMS_MAX];
  guint n_params;
  GBytes *body;
  JsonNode *json;
  gboolean answered;
  gboolean in_handler; /* its handler runs and may look at it */
  gboolean is_over;    /* freed while its handler ran: goes when that returns */
  guint retry_after_s; /* 0: no such header */
  GDestroyNotify on_closed;
  gpointer on_closed_data;
};

/* --- Connections ----------------------------------------------------------- */

/* Takes the connection over. */
Connection *oc_api_connection_new (OcApiServer *server, GSocketConnection *stream,
                                   const OcApiPeer *peer);
/* Ends it at once; a stream's owner is told. */
void oc_api_connection_close (Connection *connection);
/* Takes no further request: ends it unless one is under way. */
void oc_api_connection_stop (Connection *connection);
/* Ends it after what the socket takes of the answer at once. */
void oc_api_connection_finish (Connection *connection);
Connection *oc_api_connection_ref (Connection *connection);
void oc_api_connection_unref (Connection *connection);
/* Sends a complete answer with @body and goes on to the next request. */
void oc_api_connection_answer (Connection *connection, guint status, const char *content_type,
                               const char *extra_headers, const char *body, gsize len);
void oc_api_connection_start_stream (Connection *connection);
/* Queues bytes of a stream; too many end it soon. */
void oc_api_connection_stream (Connection *connection, const char *data, gsize len);

/* Sends what is queued and closes. */
void oc_api_connection_end_stream (Connection *connection);

/* --- Requests ---------------------------------------------------------------- */

/* @head: checked by the parser; its bytes are copied. */
OcApiRequest *oc_api_request_new (Connection *connection, const char *head, gsize len);
void oc_api_request_free (OcApiRequest *request);
/* Finds the route and calls its handler, or answers the error. */
void oc_api_request_dispatch (OcApiRequest *request);
/* {"success":false,"error":…} for failures before there is a request. (transfer full) */
char *oc_api_make_error_body (const char *text);

/* --- Routes ------------------------------------------------------------------ */

typedef enum
{
  OC_API_ROUTE_FOUND,
  OC_API_ROUTE_NOT_FOUND,
  OC_API_ROUTE_METHOD,   /* the path is known, the method is not */
  OC_API_ROUTE_BAD,      /* the target is malformed */
} OcApiRouteResult;

/* Splits the target, matches it, fills path, query, route and params.
 * @out_allow: (transfer full): with OC_API_ROUTE_METHOD, the methods there are */
OcApiRouteResult oc_api_route_find (OcApiRequest *request, char **out_allow);
