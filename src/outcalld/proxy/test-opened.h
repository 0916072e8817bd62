/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The proxy's world with connections that are opened: a client that trusts the
 * one CA, servers with certificates of another, and one that nobody trusts.
 */

#include "proxy/test-support.h"

#define PX_OPENED_TIMEOUT_MS 5000 /* of heads, handshakes and connecting */

#define C "Connection: close\r\n"
#define UP "Host: up.test\r\n"

#define PX_OPENED_SECRET "s3cret-value-1234" /* called "token" */

extern const char px_opened_rules[];

typedef struct
{
  char *dir;              /* with a folder for each CA: own, web, odd */
  OcIntercept *intercept; /* the proxy's, whose CA the client trusts */
  OcIntercept *web_ca;    /* the one of the servers, which the proxy trusts */
  OcIntercept *odd_ca;    /* that nobody trusts */
  Px *px;
  PxServer *web; /* HTTPS at SERVER */
} PxOpened;

extern PxOpened px_opened;

/* Call first in main(). */
void px_opened_init (int *argc, char ***argv);
/* Runs the tests and stops what px_opened_init() started. Returns: the exit status */
int px_opened_run (void);

/* "token" from now on, with the rules that are in force. */
void px_opened_set_secret (const char *value);

/* Servers. */
gnutls_session_t px_opened_new_server (gnutls_certificate_credentials_t credentials);
/* HTTP over TLS on @fd, with a certificate of @ca for @name. */
void px_opened_serve (PxServer *server, int fd, OcIntercept *ca, const char *name,
                      gnutls_certificate_request_t ask);

/* Clients, at AGENT. */
gnutls_certificate_credentials_t px_opened_get_trust (OcIntercept *ca);
/* Takes @fd. Returns: a descriptor for plain bytes; -1 when the handshake failed. */
int px_opened_open_tls (int fd, const char *name, gnutls_certificate_credentials_t trust,
                        const char *protocol);
/* Through CONNECT, trusting the proxy's CA. */
int px_opened_open (const char *host);
/* One exchange over that. (transfer full) */
char *px_opened_ask (const char *host, const char *request);
