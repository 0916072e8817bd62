/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* A little world for the proxy's tests, in a network namespace of its own: two
 * workloads, a stranger, a gateway, servers at public addresses, a DNS server.
 */

#include "proxy/oc-proxy-private.h"

#define GATEWAY "10.77.0.1"
#define AGENT "10.77.0.2"
#define OTHER "10.77.0.3"
#define STRANGER "10.77.0.9"
#define SERVER "5.5.5.5"
#define SERVER2 "5.5.5.6"
#define PRIVATE "192.168.7.7"
#define NAME_SERVER "5.5.5.53"

/* Long for a busy machine, and shorter than the time-outs that would hide that
 * nothing happens at once. */
#define PX_AT_ONCE_MS 4000
#define PX_QUIET_MS 8000
#define PX_DEADLINE_S 9

/* The rules that most tests run under. */
extern const char px_rules[];

/* Enters the namespace and sets it up. Call first in main(). */
void px_init (int *argc, char ***argv);
/* Stops what px_init() started. */
void px_done (void);

typedef struct
{
  OcSnapshotHub *hub;
  OcLog *log;
  OcDns *dns;
  OcProxy *proxy;
  GPtrArray *identities;
} Px;

/* @timeouts: (nullable); @per_workload: 0 for the default */
Px *px_start (const OcProxyTimeouts *timeouts, guint per_workload);
/* @all: the limit of all workloads together */
Px *px_start_small (guint per_workload, guint all);
/* @intercept: borrowed */
Px *px_start_intercepting (const OcProxyTimeouts *timeouts, OcIntercept *intercept);
void px_stop (Px *px);
void px_set_rules (Px *px, const char *yaml);
/* Only AGENT stays; OTHER comes back. */
void px_remove_other (Px *px);
void px_add_other (Px *px);
/* The newest record: "allow|block layer host:port method path rule". (transfer full) */
char *px_last_log (Px *px);
typedef struct
{
  gboolean ended;
  char address[OC_ADDRESS_TEXT_MAX];
  guint64 bytes_up, bytes_down;
  gint64 duration_us;
} PxEnd;
/* What the newest record says of its end. */
PxEnd px_last_end (Px *px);
/* The same when it has ended, which the client may see before the log. */
PxEnd px_wait_end (Px *px);
guint64 px_n_blocked (Px *px);
/* For oc_test_wait(): no connection is left. @user_data: a Px */
gboolean px_is_quiet (gpointer user_data);
guint px_count_fds (void); /* of this process */
OcAddress px_address (const char *text);

/* --- Servers -------------------------------------------------------------- */

typedef struct PxServer PxServer;
typedef void (*PxServe) (PxServer *server, int fd);

struct PxServer
{
  int listen_fd;
  PxServe serve;
  GThread *thread;
  GMutex lock;
  GString *received;   /* everything that all clients sent; protected by lock */
  guint n_connections; /* protected by lock */
  guint n_requests;    /* protected by lock */
  guint n_live;        /* protected by lock */
  gint released;       /* atomic: "/held" is answered, as "/reveal" */
};

PxServer *px_serve (const char *address, guint16 port, PxServe serve);
void px_server_stop (PxServer *server);
void px_server_forget (PxServer *server); /* received and counts */
char *px_server_get_received (PxServer *server);
guint px_server_get_connections (PxServer *server);
guint px_server_get_live (PxServer *server);
void px_server_note (PxServer *server, const char *data, gsize len);

/* Answers by path; see the table in the source. */
void px_serve_http (PxServer *server, int fd);
/* Notes what comes; answers "pong" to each read. */
void px_serve_pong (PxServer *server, int fd);
/* Says "220 ready" at once, then as above. */
void px_serve_banner (PxServer *server, int fd);

/* --- Clients --------------------------------------------------------------- */

/* A blocking socket with a deadline of five seconds for each operation. */
int px_connect (const char *from, const char *to, guint16 port);
void px_set_deadline (int fd); /* of PX_DEADLINE_S for each operation */
void px_send (int fd, const char *data, gsize len);
void px_send_text (int fd, const char *text);
/* Until the end of the stream. (transfer full); @out_len (nullable) */
char *px_read_all (int fd, gsize *out_len);
/* Until @text has come; fails the test at the end of the stream. (transfer full) */
char *px_read_until (int fd, const char *text);
/* Whether the peer closes within @timeout_ms. */
gboolean px_wait_closed (int fd, guint timeout_ms);
/* One exchange over the explicit port: sends, reads to the end. (transfer full) */
char *px_ask (const char *from, const char *request);
/* CONNECTs and expects 200. */
int px_tunnel (const char *from, const char *authority);
/* A ClientHello with @sni (nullable), in records of @record_max bytes. (transfer full) */
GByteArray *px_hello (const char *sni, gboolean ech, gsize record_max);
void px_send_hello (int fd, const char *sni, gboolean ech);
/* Whether a fatal alert access_denied and then the end came. */
gboolean px_is_denied (int fd);
