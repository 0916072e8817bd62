/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* HTTP/1.x as RFC 9112 frames it, read strictly: what two implementations
 * could read differently is refused, never repaired. Used by the proxy (hostile
 * bytes from both sides), by the daemon's two APIs, by the dashboard server and
 * by the clients. libc only, no allocation in the parsers, no I/O in this
 * header (see oc-http1-client.h). Any thread.
 */

#include "common/oc-str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OC_HTTP_HEADERS_MAX 100
#define OC_HTTP_REQUEST_LINE_MAX 8192
#define OC_HTTP_HEAD_MAX 16384
#define OC_HTTP_CHUNK_EXT_MAX 256

typedef enum
{
  OC_HTTP_OK,
  OC_HTTP_MORE,     /* the bytes so far are fine but not all there */
  OC_HTTP_BAD,      /* 400 */
  OC_HTTP_TOO_LONG, /* 431: head, line or header count over its limit */
  OC_HTTP_VERSION,  /* 505: not HTTP/1.0 or HTTP/1.1 */
  OC_HTTP_UNSUPPORTED, /* 501: transfer coding other than exactly "chunked" */
} OcHttpResult;

typedef enum
{
  OC_HTTP_BODY_NONE,
  OC_HTTP_BODY_LENGTH,
  OC_HTTP_BODY_CHUNKED,
  OC_HTTP_BODY_UNTIL_CLOSE, /* responses only */
} OcHttpBody;

typedef struct
{
  OcStr name; /* as sent; compare with oc_str_equal_nocase() */
  OcStr value; /* surrounding white space removed */
} OcHttpHeader;

/* Everything points into the caller's buffer. */
typedef struct
{
  uint8_t minor;  /* HTTP/1.<minor>: 0 or 1 */
  OcStr method;   /* requests */
  OcStr target;   /* requests: as sent */
  uint16_t status; /* responses */
  OcStr phrase;    /* responses */
  OcHttpHeader headers[OC_HTTP_HEADERS_MAX];
  size_t n_headers;
  /* Derived, already checked against each other: */
  OcHttpBody body;
  uint64_t content_length; /* with OC_HTTP_BODY_LENGTH */
  bool keep_alive;         /* by version and Connection */
  bool expect_continue;    /* requests: Expect: 100-continue */
  bool upgrade;            /* Upgrade and Connection: upgrade are both there */
  OcStr host;              /* requests: the one Host header; empty when absent (1.0) */
} OcHttpHead;

typedef struct
{
  size_t head_max;         /* bytes of the whole head; 0: OC_HTTP_HEAD_MAX */
  size_t request_line_max; /* 0: OC_HTTP_REQUEST_LINE_MAX */
} OcHttpLimits;

/* Parses one head, including the empty line, from @data.
 * @limits: (nullable)
 * @out_consumed: bytes of the head; set with OC_HTTP_OK only
 * @out_why: (nullable): static text for the refusal
 * A request without exactly one Host (1.1), with both Content-Length and
 * Transfer-Encoding, with repeated or malformed Content-Length, bare CR or LF,
 * obs-fold, control bytes, or space before the colon is OC_HTTP_BAD. */
OcHttpResult oc_http_parse_request (const char *data, size_t len, const OcHttpLimits *limits,
                                    OcHttpHead *out, size_t *out_consumed, const char **out_why);
/* @to_head: the request was HEAD, so no body follows whatever the head says;
 * @to_connect: it was CONNECT. 1xx, 204 and 304 have no body. */
OcHttpResult oc_http_parse_response (const char *data, size_t len, const OcHttpLimits *limits,
                                     bool to_head, bool to_connect, OcHttpHead *out,
                                     size_t *out_consumed, const char **out_why);

/* The first header called @name (any case), or NULL. */
const OcHttpHeader *oc_http_head_get (const OcHttpHead *head, OcStr name);
/* Whether the comma list in @name's headers has @token (any case). */
bool oc_http_head_has_token (const OcHttpHead *head, OcStr name, OcStr token);
/* Whether @header belongs to one hop only (RFC 9110 7.6.1, the Connection
 * options of @head included) and must not be passed on. */
bool oc_http_is_hop_by_hop (const OcHttpHead *head, const OcHttpHeader *header);
/* The number for the status line that answers a refused head: 400, 431, 501, 505. */
unsigned oc_http_result_status (OcHttpResult result);
const char *oc_http_status_phrase (unsigned status);

/* A chunked body, decoded as it arrives. */
typedef struct
{
  uint8_t state;
  uint64_t left;      /* bytes left of the current chunk */
  uint32_t ext_len;   /* bytes of the current chunk's extensions */
  uint32_t trailer_len;
} OcHttpChunked;

void oc_http_chunked_init (OcHttpChunked *chunked);
/* Takes bytes from @data up to and including the next run of payload.
 * @out_consumed: bytes taken; @out_payload: payload among them (may be empty)
 * Returns: OC_HTTP_OK when the body with its trailers has ended, OC_HTTP_MORE
 * when it goes on (call again with what is left), else the refusal. */
OcHttpResult oc_http_chunked_feed (OcHttpChunked *chunked, const char *data, size_t len,
                                   size_t *out_consumed, OcStr *out_payload);
