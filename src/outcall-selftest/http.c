/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Ways through the proxy by what requests look like. Each aims at the listener on the host: a
 * request that comes through, whole or hidden in another, carries its tag there.
 */
#include "config.h"

#include "selftest.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/oc-fd.h"

static Result
send_request (const Place *place, const Probe *probe, unsigned n, struct sockaddr_in to)
{
  oc_autofd int fd = connect_tcp ((struct sockaddr *) &to, sizeof to);
  char request[2048];
  char answer[2048];
  size_t len;
  ssize_t got;

  if (fd < 0)
    return result_errno (errno);
  len = expand (place, n, probe->data, probe->len, request, sizeof request);
  got = exchange (fd, request, len, answer, sizeof answer);
  return got < 0 ? result_errno (errno) : judge_http (answer, (size_t) got);
}

static Result
try_explicit (const Place *place, const Probe *probe, unsigned n)
{
  if (place->proxy_port == 0)
    return result (OUTCOME_UNFIT, "no proxy");
  return send_request (place, probe, n, make_addr (place->gateway, place->proxy_port));
}

/* Port 80 outside, which the kernel gives to the transparent proxy. */
static Result
try_transparent (const Place *place, const Probe *probe, unsigned n)
{
  return send_request (place, probe, n, make_addr (outside_addr (n), 80));
}

#define URL "http://HOST:PORT/TAG"
#define HEAD " HTTP/1.1\r\nHost: HOST:PORT\r\n"
#define HIDDEN "GET /TAG HTTP/1.1\r\nHost: HOST:PORT\r\n\r\n"
#define REQUEST(id, text, detail, request)                                                        \
  { id, text, detail, STAGE_SANDBOX, WITNESS_HOST, try_explicit, request, sizeof request - 1 }
#define TRANSPARENT(id, text, request)                                                            \
  { id, text, NULL, STAGE_SANDBOX, WITNESS_WIRE, try_transparent, request, sizeof request - 1 }

const Probe http_probes[] = {
  REQUEST ("http-get", N_("A plain request by the proxy to the host"), NULL,
           "GET " URL HEAD "\r\n"),
  REQUEST ("http-get-loopback", N_("A request by the proxy for %s"), "http://127.0.0.1:PORT/",
           "GET http://127.0.0.1:PORT/TAG HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n"),
  REQUEST ("http-get-v6", N_("A request by the proxy for %s"), "http://[::1]:PORT/",
           "GET http://[::1]:PORT/TAG HTTP/1.1\r\nHost: [::1]:PORT\r\n\r\n"),
  REQUEST ("http-get-odd", N_("A request by the proxy for %s"), "http://0x7f000001:PORT/",
           "GET http://0x7f000001:PORT/TAG HTTP/1.1\r\nHost: 0x7f000001:PORT\r\n\r\n"),
  REQUEST ("http-get-metadata", N_("A request by the proxy for %s"), "http://169.254.169.254/",
           "GET http://169.254.169.254/latest/meta-data HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n"),
  REQUEST ("http-userinfo", N_("A request with a user in its URL"), NULL,
           "GET http://x@HOST:PORT/TAG" HEAD "\r\n"),
  REQUEST ("http-scheme", N_("A request for an FTP address by the proxy"), NULL,
           "GET ftp://HOST:PORT/TAG" HEAD "\r\n"),
  REQUEST ("http-te-cl", N_("A request hidden by two lengths"), NULL,
           "POST " URL HEAD "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
           HIDDEN),
  REQUEST ("http-two-cl", N_("A request with two content lengths"), NULL,
           "POST " URL HEAD "Content-Length: 0\r\nContent-Length: 50\r\n\r\n" HIDDEN),
  REQUEST ("http-bad-cl", N_("A request with a malformed content length"), NULL,
           "POST " URL HEAD "Content-Length: +0\r\n\r\n" HIDDEN),
  REQUEST ("http-bad-te", N_("A request with an unknown transfer encoding"), NULL,
           "POST " URL HEAD "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" HIDDEN),
  REQUEST ("http-te-space", N_("A header with a space before the colon"), NULL,
           "POST " URL HEAD "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" HIDDEN),
  REQUEST ("http-two-hosts", N_("A request with two hosts"), NULL,
           "GET " URL HEAD "Host: allowed.example\r\n\r\n"),
  REQUEST ("http-host-differs", N_("A request whose host is not the URL's"), NULL,
           "GET " URL " HTTP/1.1\r\nHost: allowed.example\r\n\r\n"),
  REQUEST ("http-bare-lf", N_("A request with bare line feeds"), NULL,
           "GET " URL " HTTP/1.1\nHost: HOST:PORT\n\n"),
  REQUEST ("http-bare-cr", N_("A header with a bare carriage return"), NULL,
           "GET " URL HEAD "X: a\r" HIDDEN "\r\n\r\n"),
  REQUEST ("http-fold", N_("A folded header"), NULL, "GET " URL HEAD "X: a\r\n b\r\n\r\n"),
  REQUEST ("http-nul", N_("A header with a zero byte"), NULL, "GET " URL HEAD "X: a\0b\r\n\r\n"),
  REQUEST ("http-chunk", N_("A chunk with an overflowing size"), NULL,
           "POST " URL HEAD "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n" HIDDEN),
  REQUEST ("http-09", N_("A request of HTTP/0.9"), NULL, "GET " URL "\r\n"),
  REQUEST ("http-no-host", N_("A request without a host"), NULL, "GET " URL " HTTP/1.1\r\n\r\n"),
  REQUEST ("http-h2c", N_("An upgrade to HTTP/2"), NULL,
           "GET " URL HEAD "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
           "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"),
  REQUEST ("http-websocket", N_("An upgrade to WebSocket"), NULL,
           "GET " URL HEAD "Connection: Upgrade\r\nUpgrade: websocket\r\n"
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"),
  REQUEST ("http-pipeline", N_("A second request behind a refused one"), NULL,
           "GET http://169.254.169.254/ HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n"
           "GET " URL HEAD "\r\n"),
  REQUEST ("http-identity", N_("A request that names another client"), NULL,
           "GET " URL HEAD "X-Forwarded-For: 127.0.0.1\r\nForwarded: for=127.0.0.1\r\n"
           "Proxy-Authorization: Basic b3BlcmF0b3I6\r\n\r\n"),
  TRANSPARENT ("http-transparent", N_("A request past the proxy"),
               "GET /TAG HTTP/1.1\r\nHost: OUTSIDE\r\n\r\n"),
  TRANSPARENT ("http-transparent-host", N_("A request past the proxy for a service of the host"),
               "GET /TAG HTTP/1.1\r\nHost: HOST:PORT\r\n\r\n"),
  TRANSPARENT ("http-transparent-none", N_("Something else than HTTP on its port"), "TAG\n"),
  { NULL },
};
