/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* A small blocking HTTP/1.1 client over a unix socket, for the command line,
 * the shim and the dashboard's forwarder. libc only. One connection is for one
 * thread at a time.
 */

#include "http1/oc-http1.h"

typedef struct OcHttpClient OcHttpClient;

/* The answer to one request; release with oc_http_reply_clear(). */
typedef struct
{
  unsigned status;
  char *body; /* owned; NUL-terminated for convenience, may hold NUL before that */
  size_t body_len;
  char content_type[64];
} OcHttpReply;

/* Connects within @timeout_ms. Returns: NULL with errno set when the socket is
 * missing, refused, not a socket, or slow. */
OcHttpClient *oc_http_client_connect (const char *socket_path, int timeout_ms);
void oc_http_client_close (OcHttpClient *client); /* accepts NULL */

/* One request and its whole answer, within @timeout_ms from now in all.
 * @headers: (nullable): complete lines "Name: value\r\n"
 * @body: (nullable): JSON, sent with its Content-Length
 * @body_max: answers over it fail with EMSGSIZE
 * Returns: 0, or -1 with errno (EBADMSG: the answer was not HTTP). After a
 * failure the connection is unusable. */
int oc_http_client_request (OcHttpClient *client, const char *method, const char *target,
                            const char *headers, const char *body, size_t body_len,
                            size_t body_max, int timeout_ms, OcHttpReply *out);
void oc_http_reply_clear (OcHttpReply *reply);

/* For event streams: sends a request and calls @on_data with each run of decoded
 * body bytes until the peer ends, @on_data returns false, or an error.
 * Returns: the HTTP status, or -1 with errno. */
int oc_http_client_stream (OcHttpClient *client, const char *method, const char *target,
                           const char *body, int connect_timeout_ms,
                           bool (*on_data) (const char *data, size_t len, void *user_data),
                           void *user_data);
