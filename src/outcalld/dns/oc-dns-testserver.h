/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* For tests: a name server that does what it is told, on BED_SECOND port 53, UDP
 * and TCP, in a thread of its own; and a client of raw sockets.
 */

#include "dns/oc-dns-wire.h"

#include <stdatomic.h>

typedef enum
{
  SERVER_SILENT,
  SERVER_HONEST,
  SERVER_LIES_FIRST,  /* wrong ID, wrong question, wrong port, then the truth */
  SERVER_FLOODS,      /* many wrong IDs, then the truth */
  SERVER_LOWERS_CASE, /* the truth over TCP alone */
  SERVER_SERVFAIL,
  SERVER_LAME,    /* REFUSED */
  SERVER_NO_EDNS, /* FORMERR to every query with OPT */
  SERVER_GARBAGE, /* right head, nonsense behind it */
  SERVER_FORGED,  /* what a blind forger can do, @n_forged times, then the truth */
  SERVER_CHANGES, /* other addresses each time, 5.6.0.0/16, TTL 0 */
} Behaviour;

#define SERVER_ADDRESSES 8 /* in an answer of SERVER_CHANGES */
#define TRUE_ADDRESS "\x05\x06\x07\x63" /* 5.6.7.99 */
#define FALSE_ADDRESS "\x06\x06\x06\x06"

typedef struct
{
  Behaviour behaviour;
  guint n_forged;
  int udp, tcp, stranger;
  atomic_bool stop;
  atomic_uint n_udp, n_tcp;
  GThread *thread;
} Server;

void server_start (Server *server, Behaviour behaviour);
void server_stop (Server *server);

/* From @source to the filter. */
int client_open (const char *source, int type);
/* A question for an A record. Returns: octets. */
gsize client_make_query (const char *host, guint16 id, guint8 *out);
/* Returns: octets, 0 for end or nothing within @timeout_ms. */
gsize client_receive (int fd, guint8 *out, gsize size, int timeout_ms);
/* Asks and waits. Returns: the rcode; the first A record's address goes to @out_address,
 * zero when there is none. */
guint client_ask (int fd, const char *host, guint16 id, guint8 out_address[4]);
