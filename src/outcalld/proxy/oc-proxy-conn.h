/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* One client connection with at most one upstream connection. The states and
 * who moves them are drawn in README.md. Thread: the worker's own.
 */

#include "proxy/oc-proxy-worker.h"

#include "common/oc-host.h"

typedef enum
{
  OC_CONN_HEAD,     /* reads a request head; between requests the upstream may stay open */
  OC_CONN_HELLO,    /* reads a ClientHello (transparent TLS) */
  OC_CONN_SHAKE,    /* intercepted: TLS handshake with the client */
  OC_CONN_BODY,     /* reads a body that a rule wants to see */
  OC_CONN_DIAL,     /* resolves and connects */
  OC_CONN_SECURE,   /* intercepted: TLS handshake with the server */
  OC_CONN_EXCHANGE, /* moves one request and its answer */
  OC_CONN_TUNNEL,   /* moves bytes both ways */
  OC_CONN_FLUSH,    /* writes a last answer */
  OC_CONN_LINGER,   /* lets the client read it */
  OC_CONN_DEAD,
} OcConnState;

typedef struct OcTls OcTls;

typedef struct
{
  int fd;
  guint32 source;
  OcTls *tls; /* (nullable): intercepted */
  bool eof;   /* the peer will send no more */
  bool ready; /* epoll said that there is something to read */
  bool muted; /* hung up: epoll says nothing more */
} OcEnd;

/* One direction of a tunnel. */
typedef struct
{
  OcPipe *pipe; /* (nullable): only while bytes are in it */
  bool shut;    /* end of stream passed on */
} OcLane;

/* The request that is being answered. */
typedef struct
{
  guint8 client_minor;
  bool client_keep;  /* the client connection may serve another request */
  bool to_head;      /* HEAD: the answer has no body */
  bool upgrade;      /* asked to become a websocket */
  bool deaf;         /* the client is read no more before the answer is out */
  bool accepts_json;
  bool reused;       /* the upstream connection had served a request before */
  bool retryable;    /* no body and idempotent: may be sent again when a reused
                      * upstream turns out dead */
  bool req_done, resp_started, resp_done;
  bool resp_head_done;
  bool resp_sent; /* the client may have seen some of it */
  bool up_keep;
  bool resp_to_chunks; /* the answer goes out chunked */
  OcHttpBody req_body, resp_body;
  guint64 req_left, resp_left;
  OcHttpChunked req_chunked, resp_chunked;
} OcExchange;

/* A request's body that a rule sees before anything goes out. */
typedef struct
{
  gsize len, size;
  gsize sent; /* of it, upstream */
  char data[];
} OcBody;

typedef struct OcDial OcDial;

struct OcConn
{
  OcWorker *worker;
  OcConn *next, *prev;
  OcConn *next_ready;
  bool is_ready;
  OcMode mode;
  OcConnState state;
  OcIdentity *identity; /* (nullable): none, refused */
  bool counted;         /* in the limits */
  OcEnd client, upstream;
  OcTimer timer;
  gint64 active_us;     /* when bytes moved last */
  OcAddress original;   /* transparent: where the client wanted to */
  guint16 original_port;

  /* The verdict in force, kept so that a reload can ask again. */
  bool judged;
  bool is_tunnel_request; /* CONNECT or transparent TLS: host and port are all there is */
  bool inside;            /* intercepted: TLS ends here; host and port stay */
  const char *failure;    /* (nullable): what an intercepted connection failed at; static */
  OcHost host;
  guint16 port;
  OcHost *sni; /* (nullable): when it differs from host */
  const OcRule *rule; /* of the worker's snapshot */
  OcHost upstream_host; /* what the upstream connection was made for */
  OcAddress upstream_address; /* that was judged; .family 0: only the upstream proxy knows it */
  bool via_parent;            /* the upstream connection leads to the upstream proxy */
  guint16 upstream_port;
  OcLogTicket ticket; /* of the record of what is going on */
  gint64 judged_us;   /* monotonic: when that was allowed */
  guint64 bytes_up, bytes_down; /* since then */
  guint64 sent;      /* bytes that went upstream over this connection */
  guint64 max_bytes; /* the rule's limit for them; 0: none */
  guint64 trash_left; /* LINGER: bytes that are still read */
  char *head;        /* raw head of the request in flight */
  gsize head_len, head_size;
  gsize head_tried; /* bytes of from_client that were an incomplete head */
  OcSecrets *told;  /* (nullable): the set that requests over this connection had values of */
  OcBody *body;     /* (nullable): of the request in flight, complete before its verdict */

  OcBuffer *from_client, *to_upstream, *from_upstream, *to_client; /* (nullable) */
  OcExchange x;
  OcDial *dial; /* (nullable) */

  OcLane up, down;
  bool gate;       /* the first client bytes are yet to be judged */
  bool gate_plain; /* the rule names the port: other protocols may pass, and
                    * servers that speak first */
  gint64 gate_due_us; /* 0: waits for the first byte */
  bool ech_pending;   /* transparent: decided when the addresses are known */
  bool needs_ech;     /* the hello hides its name: the rule must say ech: allow */
  bool is_plain;      /* not TLS in the tunnel: the rule must name the port */
};

/* --- oc-proxy-conn.c: life and events ------------------------------------- */

/* Takes @fd. */
void oc_conn_new (OcWorker *worker, int fd, OcMode mode, const OcAddress *peer,
                  const OcAddress *original, guint16 original_port);
/* Lets go of everything now; the struct itself goes when no callback can hold it. */
void oc_conn_close (OcConn *conn);
void oc_conn_free (OcConn *conn);
/* Goes on with whatever the state allows, then sets the wanted events. */
void oc_conn_run (OcConn *conn);
/* Comes back after the next look at epoll. */
void oc_conn_yield (OcConn *conn);
void oc_conn_arm (OcConn *conn, guint timeout_ms);
void oc_conn_on_client (gpointer owner, guint32 events);
void oc_conn_on_upstream (gpointer owner, guint32 events);
void oc_conn_drop_upstream (OcConn *conn);
/* Of the shared counters, the one of @conn's workload; those whom nobody knows share the last. */
guint oc_conn_get_slot (const OcConn *conn);
/* Whether nothing has come from there since it was last read, not even the end. */
bool oc_conn_upstream_rests (const OcConn *conn);
/* The dial has ended well: the upstream end is open. Moves the state only; who
 * was called by an event runs the connection then, so that pipelined requests
 * do not nest. The same holds for all answers. */
void oc_conn_connected (OcConn *conn);

typedef enum
{
  OC_IO_DONE,  /* something moved */
  OC_IO_AGAIN, /* would block */
  OC_IO_EOF,
  OC_IO_BROKEN,
} OcIoResult;

/* Reads once into *@buffer, which is made when needed and given back when
 * nothing came. OC_IO_AGAIN too when it is full. */
OcIoResult oc_conn_recv (OcConn *conn, OcEnd *end, OcBuffer **buffer);
/* Writes until *@buffer is empty (and given back) or the peer blocks. */
OcIoResult oc_conn_send (OcConn *conn, OcEnd *end, OcBuffer **buffer);

/* --- oc-proxy-target.c ------------------------------------------------------------ */

typedef struct
{
  OcHost host;
  guint16 port;
  OcStr path;   /* for the policy: without query; may point into @clean */
  OcStr query;  /* with its "?" */
  char clean[OC_HTTP_REQUEST_LINE_MAX];
} OcTarget;

/* "http://host[:port]/path?query". Returns: NULL, or why not. */
const char *oc_target_parse_absolute (OcStr target, OcTarget *out);
const char *oc_target_parse_origin (OcStr target, OcTarget *out);
/* Whether every server reads @path as the same sequence of segments. */
bool oc_target_path_is_plain (OcStr path);

/* --- oc-proxy-verdict.c ------------------------------------------------------ */

typedef struct
{
  bool allowed;
  const OcRule *rule; /* (nullable) */
  const char *reason; /* when not allowed; static, the rule's, or worker->reason */
  OcProxyReason why;  /* when not allowed */
} OcProxyVerdict;

/* A tunnel to @host. @log: push a record */
OcProxyVerdict oc_proxy_judge_tunnel (OcConn *conn, const OcHost *host, guint16 port, OcLayer layer,
                                      bool log);
/* The request in worker->head. */
OcProxyVerdict oc_proxy_judge_request (OcConn *conn, const OcTarget *target, bool log);
/* Whether the rule that may let it through wants to see the body first. */
bool oc_proxy_wants_body (OcConn *conn, const OcTarget *target);
/* Whether what goes to @host (and conn->port) is to be opened: the first rule that may let some
 * request through is for interception, or the one that would let a tunnel through is. */
bool oc_proxy_is_intercepted (OcConn *conn, const OcHost *host);
/* Whether @address may be dialled under conn->rule. Returns: NULL, or a word for
 * what it is. One that is not known (.family 0) is the upstream proxy's affair. */
const char *oc_proxy_judge_address (OcConn *conn, const OcAddress *address);
/* For a refusal that the policy's verdict alone does not explain. */
void oc_proxy_log_block (OcConn *conn, OcProxyReason why, OcLayer layer, const OcAddress *address,
                         const char *reason);
/* What was allowed is over: tells the log how much of it there was. Does nothing when that
 * was told already. */
void oc_proxy_log_end (OcConn *conn);
/* Whether everything about @conn still holds under the worker's snapshot; the
 * refusal is logged. */
bool oc_proxy_still_allowed (OcConn *conn);
OcLayer oc_proxy_get_layer (const OcConn *conn);
/* @conn's rule from now on, and what it limits. */
void oc_proxy_set_rule (OcConn *conn, const OcRule *rule);

/* --- oc-proxy-count.c -------------------------------------------------------- */

/* Of the worker, the workload and, for bytes, the rule in force. */
void oc_proxy_count_request (OcConn *conn);
void oc_proxy_count_bytes (OcConn *conn, bool up, gsize n);
/* @rule: (nullable): the one that matched */
void oc_proxy_count_refusal (OcConn *conn, OcProxyReason reason, const OcRule *rule);
/* To a server, under the connection's rule. */
void oc_proxy_count_upstream (OcConn *conn);

/* --- oc-proxy-inject.c ------------------------------------------------------ */

/* The request in worker->head under @rule, which allows it. Returns: NULL, or why it may not go
 * (worker->reason or static). */
const char *oc_inject_check (OcConn *conn, const OcRule *rule);
/* Whether conn->rule sets the header @name (any case). */
bool oc_inject_replaces (const OcConn *conn, OcStr name);
/* The headers that conn->rule sets. */
void oc_inject_add (OcConn *conn, OcBuffer *out);
/* A server's head is not to tell what was put in. */
void oc_inject_redact (const OcConn *conn, char *text, gsize len);

/* --- oc-proxy-answer.c ---------------------------------------------------------- */

/* What is blocked, for the answer's text; empty parts are left out. */
typedef struct
{
  const char *layer;
  OcStr method;
  OcStr path;
  OcStr host; /* empty: nothing to ask for */
  guint16 port;
  const OcRule *rule;
  const char *reason;
} OcDenial;

/* Puts a 403 into to_client and, unless the connection may go on, flushes and closes. */
void oc_proxy_deny (OcConn *conn, const OcDenial *denial);
/* Any other answer of our own; closes. @reason: static or worker->reason */
void oc_proxy_answer_error (OcConn *conn, guint status, const char *reason);
void oc_proxy_answer_health (OcConn *conn);
void oc_proxy_answer_connected (OcConn *conn);
/* Fatal alert access_denied, then close. */
void oc_proxy_alert (OcConn *conn);
/* Refuses in the way the mode wants: @status answer or alert. */
void oc_proxy_refuse (OcConn *conn, guint status, const char *reason);

/* --- oc-proxy-http.c ---------------------------------------------------------------- */

/* Returns: true when the state changed and can go on at once. */
bool oc_http_step_head (OcConn *conn);
/* Judges the request in conn->head anew, now that its body is here, and sends it on. */
bool oc_http_go_on (OcConn *conn);
/* Whether the request asks to become a websocket, the only upgrade that is passed on. */
bool oc_http_is_websocket (const OcHttpHead *head);
/* Sends the request in worker->head over a new connection. */
void oc_http_dial (OcConn *conn, const OcTarget *target);

/* --- oc-proxy-exchange.c --------------------------------------------------------------- */

bool oc_exchange_step (OcConn *conn);
/* All of the request is here; what lies behind it is dropped. */
void oc_exchange_end_request (OcConn *conn);
guint32 oc_exchange_client_events (const OcConn *conn);
guint32 oc_exchange_upstream_events (const OcConn *conn);

/* --- oc-proxy-dial.c ---------------------------------------------------------------------- */

/* To conn->host and conn->port; ends in oc_conn_connected() or an answer. */
void oc_dial_start (OcConn *conn);
void oc_dial_cancel (OcConn *conn);
/* The look-ups that have been answered. */
void oc_dial_on_resolver (gpointer owner, guint32 events);
void oc_dial_time_out (OcConn *conn);

/* --- oc-proxy-parent.c ------------------------------------------------------------------------ */

/* Whether the upstream proxy is asked for a tunnel to conn->host. */
bool oc_parent_needs_connect (const OcConn *conn);
/* Over conn->upstream, just open; ends in oc_conn_connected() or an answer. */
void oc_parent_connect (OcConn *conn);

/* --- oc-proxy-body.c --------------------------------------------------------------------------- */

/* Collects the body of the request in worker->head. Returns: true when the state can go on. */
bool oc_body_start (OcConn *conn);
bool oc_body_step (OcConn *conn);
void oc_body_drop (OcConn *conn);

/* --- oc-proxy-idle.c ---------------------------------------------------------------------------- */

/* Lets the upstream connection, between two requests, rest for another client
 * connection of the same workload, or closes it. */
void oc_idle_keep (OcConn *conn);
/* Takes one for conn->host, port and rule. Returns: false when there is none. */
bool oc_idle_take (OcConn *conn);

/* --- oc-proxy-tunnel.c ---------------------------------------------------------------------- */

void oc_tunnel_start (OcConn *conn);
void oc_tunnel_run (OcConn *conn);
/* Transparent TLS: reads the ClientHello before anything is dialled. */
bool oc_hello_step (OcConn *conn);

/* --- oc-proxy-intercept.c -------------------------------------------------------------------- */

#ifdef OC_HAVE_INTERCEPT

/* Opens the TLS that the client is about to begin, in place of a tunnel. */
void oc_intercept_start (OcConn *conn);
bool oc_intercept_step_shake (OcConn *conn);
guint32 oc_intercept_client_events (const OcConn *conn);
/* The upstream end is open: TLS over it. */
void oc_intercept_secure (OcConn *conn);
bool oc_intercept_step_secure (OcConn *conn);
guint32 oc_intercept_upstream_events (const OcConn *conn);
void oc_intercept_time_out (OcConn *conn);

#endif
