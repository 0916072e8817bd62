/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Ways through CONNECT and the transparent TLS port.
 */
#include "config.h"

#include "selftest.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/oc-fd.h"

#define HANDSHAKE 22
#define ALERT 21

/* --- CONNECT ------------------------------------------------------------------------ */

static Result
try_connect (const Place *place, const Probe *probe, unsigned n)
{
  struct sockaddr_in proxy = make_addr (place->gateway, place->proxy_port);
  oc_autofd int fd = -1;
  char request[1024];
  char answer[1024];
  size_t len;
  ssize_t got;

  if (place->proxy_port == 0)
    return result (OUTCOME_UNFIT, "no proxy");
  fd = connect_tcp ((struct sockaddr *) &proxy, sizeof proxy);
  if (fd < 0)
    return result_errno (errno);
  len = expand (place, n, probe->data, probe->len, request, sizeof request);
  got = exchange (fd, request, len, answer, sizeof answer);
  return got < 0 ? result_errno (errno) : judge_http (answer, (size_t) got);
}

/* --- ClientHello ---------------------------------------------------------------------- */

typedef struct
{
  const char *name; /* of the server name extension; NULL: none */
  size_t name_len;
  bool twice;    /* two names */
  bool split;    /* over two TLS records */
  bool encrypted; /* with encrypted_client_hello */
  bool not_tls;
} Hello;

static void
put_u16 (Frame *frame, size_t at, size_t value)
{
  frame->bytes[at] = (uint8_t) (value >> 8);
  frame->bytes[at + 1] = (uint8_t) value;
}

static void
add_name (Frame *frame, const Place *place, unsigned n, const Hello *hello)
{
  char name[256];
  size_t len = expand (place, n, hello->name, hello->name_len, name, sizeof name);
  size_t list;

  frame_add_u16 (frame, 0);
  frame_add_u16 (frame, 0);
  frame_add_u16 (frame, 0);
  list = frame->len;
  for (unsigned i = 0; i < (hello->twice ? 2u : 1u); i++)
    {
      frame_add_u8 (frame, 0);
      frame_add_u16 (frame, (unsigned) len);
      frame_add (frame, name, len);
    }
  put_u16 (frame, list - 4, frame->len - list + 2);
  put_u16 (frame, list - 2, frame->len - list);
}

static void
add_encrypted (Frame *frame)
{
  static const uint8_t outer[] = { 0, 0, 1, 0, 1, 7, 0, 1, 1, 0, 16, 1, 2, 3, 4, 5, 6, 7, 8, 9,
                                   10, 11, 12, 13, 14, 15, 16 };

  frame_add_u16 (frame, 0xfe0d);
  frame_add_u16 (frame, sizeof outer);
  frame_add (frame, outer, sizeof outer);
}

/* What a server of TLS 1.2 or 1.3 goes on with; a key share is left to the second try. */
static void
make_hello (const Place *place, unsigned n, const Hello *hello, Frame *frame)
{
  static const uint8_t always[]
      = { 0, 43, 0, 5, 4, 3, 4, 3, 3,             /* supported_versions */
          0, 10, 0, 6, 0, 4, 0, 29, 0, 23,        /* supported_groups */
          0, 13, 0, 8, 0, 6, 4, 3, 8, 4, 4, 1,    /* signature_algorithms */
          0, 51, 0, 2, 0, 0 };                    /* key_share */
  static const uint8_t ciphers[] = { 0, 0, 6, 0x13, 1, 0xc0, 0x2b, 0xc0, 0x2f, 1, 0, 0, 0 };
  static const uint8_t random[32] = { 1 };
  size_t extensions;

  frame->len = 0;
  frame_add (frame, "\x16\3\1\0\0\1\0\0\0\3\3", 11);
  frame_add (frame, random, sizeof random);
  frame_add (frame, ciphers, sizeof ciphers);
  extensions = frame->len;
  frame_add (frame, always, sizeof always);
  if (hello->name != NULL)
    add_name (frame, place, n, hello);
  if (hello->encrypted)
    add_encrypted (frame);
  put_u16 (frame, extensions - 2, frame->len - extensions);
  put_u16 (frame, 7, frame->len - 9);
  put_u16 (frame, 3, frame->len - 5);
}

/* The record's content as two records. */
static void
split_hello (Frame *frame)
{
  Frame whole = *frame;
  size_t first = 60;

  put_u16 (frame, 3, first);
  frame->len = 5 + first;
  frame_add (frame, "\x16\3\1", 3);
  frame_add_u16 (frame, (unsigned) (whole.len - 5 - first));
  frame_add (frame, whole.bytes + 5 + first, whole.len - 5 - first);
}

static Result
send_hello (int fd, const Place *place, unsigned n, const Hello *hello)
{
  Frame frame = { .len = 0 };
  uint8_t answer[1024];
  ssize_t len;

  if (hello->not_tls)
    frame_add_tag (&frame, place, n);
  else
    make_hello (place, n, hello, &frame);
  if (hello->split)
    split_hello (&frame);
  len = exchange (fd, frame.bytes, frame.len, answer, sizeof answer);
  if (len < 0)
    return result_errno (errno);
  if (len == 0)
    return result (OUTCOME_REFUSED, "closed");
  if (answer[0] == ALERT)
    return result (OUTCOME_REFUSED, "TLS alert %u", len >= 7 ? answer[6] : 0);
  return result (OUTCOME_ANSWERED, answer[0] == HANDSHAKE ? "TLS handshake" : "data");
}

/* To a TLS port outside, which the kernel gives to the transparent proxy. */
static Result
try_hello (const Place *place, const Probe *probe, unsigned n)
{
  struct sockaddr_in to = make_addr (outside_addr (n), 443);
  oc_autofd int fd = connect_tcp ((struct sockaddr *) &to, sizeof to);

  return fd >= 0 ? send_hello (fd, place, n, probe->data) : result_errno (errno);
}

/* --- Behind an allowed host -------------------------------------------------------------- */

/* A tunnel to it. Returns: -1 with @met. */
static int
open_via (const Place *place, unsigned n, Result *met)
{
  static const char words[] = "CONNECT VIA:443 HTTP/1.1\r\nHost: VIA:443\r\n\r\n";
  struct sockaddr_in proxy = make_addr (place->gateway, place->proxy_port);
  oc_autofd int fd = -1;
  char request[1024];
  char answer[1024];
  size_t len = expand (place, n, words, sizeof words - 1, request, sizeof request);
  ssize_t got;

  *met = result (OUTCOME_UNFIT, "%s", place->proxy_port == 0 ? "no proxy" : "--via HOST");
  if (*place->via == '\0' || place->proxy_port == 0)
    return -1;
  fd = connect_tcp ((struct sockaddr *) &proxy, sizeof proxy);
  got = fd >= 0 ? exchange (fd, request, len, answer, sizeof answer) : -1;
  if (got >= 12 && memcmp (answer + 9, "200", 3) == 0)
    return oc_fd_steal (&fd);
  *met = result (OUTCOME_UNFIT, "--via HOST: %.3s", got >= 12 ? answer + 9 : "-");
  return -1;
}

static Result
try_via_hello (const Place *place, const Probe *probe, unsigned n)
{
  Result met;
  oc_autofd int fd = open_via (place, n, &met);

  return fd >= 0 ? send_hello (fd, place, n, probe->data) : met;
}

/* To an address outside in the name of the host. The host itself may answer: the proxy goes to
 * the host's own address. Only the wire tells whether it went to the other. */
static Result
try_via_outside (const Place *place, const Probe *probe, unsigned n)
{
  Result met;

  if (*place->via == '\0')
    return result (OUTCOME_UNFIT, "--via HOST");
  met = try_hello (place, probe, n);
  return met.outcome == OUTCOME_ANSWERED ? result (OUTCOME_SILENT, "%s", "") : met;
}

#define REQUEST(authority) "CONNECT " authority " HTTP/1.1\r\nHost: " authority "\r\n\r\n"
#define DATA(authority) REQUEST (authority), sizeof REQUEST (authority) - 1
#define CONNECT(id, target)                                                                       \
  { id, N_("CONNECT to %s"), target, STAGE_SANDBOX, WITNESS_HOST, try_connect, DATA (target) }
#define HELLO(...) .data = &(const Hello){ __VA_ARGS__ }
#define NAME(text) .name = text, .name_len = sizeof text - 1

const Probe tls_probes[] = {
  CONNECT ("connect-loopback", "127.0.0.1:PORT"),
  CONNECT ("connect-localhost", "localhost:PORT"),
  CONNECT ("connect-localhost-dot", "localhost.:PORT"),
  CONNECT ("connect-zero", "0.0.0.0:PORT"),
  CONNECT ("connect-decimal", "2130706433:PORT"),
  CONNECT ("connect-hex", "0x7f.1:PORT"),
  CONNECT ("connect-octal", "0177.0.0.1:PORT"),
  CONNECT ("connect-short", "127.1:PORT"),
  CONNECT ("connect-v6", "[::1]:PORT"),
  CONNECT ("connect-mapped", "[::ffff:127.0.0.1]:PORT"),
  CONNECT ("connect-compatible", "[::127.0.0.1]:PORT"),
  CONNECT ("connect-userinfo", "x@127.0.0.1:PORT"),
  CONNECT ("connect-host", "HOST:PORT"),
  CONNECT ("connect-gateway", "GATEWAY:PORT"),
  CONNECT ("connect-self", "GATEWAY:8080"),
  { "connect-neighbour", N_("CONNECT to %s"), "NEIGHBOUR:NPORT", STAGE_SANDBOX, WITNESS_NEIGHBOUR,
    try_connect, DATA ("NEIGHBOUR:NPORT") },
  { "connect-nul", N_("CONNECT to a name with a zero byte"), NULL, STAGE_SANDBOX, WITNESS_HOST,
    try_connect, DATA ("127.0.0.1:PORT\0.example:PORT") },
  { "connect-outside", N_("CONNECT to %s"), "OUTSIDE:443", STAGE_SANDBOX, WITNESS_WIRE,
    try_connect, DATA ("OUTSIDE:443") },
  { "connect-ssh", N_("CONNECT to %s"), "OUTSIDE:22", STAGE_SANDBOX, WITNESS_WIRE, try_connect,
    DATA ("OUTSIDE:22") },
  { "connect-metadata", N_("CONNECT to %s"), "169.254.169.254:80", STAGE_SANDBOX, WITNESS_NONE,
    try_connect, DATA ("169.254.169.254:80") },
  { "connect-name", N_("CONNECT to a name that no rule allows"), NULL, STAGE_SANDBOX, WITNESS_WIRE,
    try_connect, DATA ("TAG.outcall.example:443") },
  { "tls-no-name", N_("TLS without a server name"), NULL, STAGE_SANDBOX, WITNESS_WIRE, try_hello,
    HELLO (.name = NULL) },
  { "tls-address", N_("TLS with an address for a server name"), NULL, STAGE_SANDBOX, WITNESS_WIRE,
    try_hello, HELLO (NAME ("OUTSIDE")) },
  { "tls-name", N_("TLS with a name that no rule allows"), NULL, STAGE_SANDBOX, WITNESS_WIRE,
    try_hello, HELLO (NAME ("TAG.outcall.example")) },
  { "tls-nul", N_("TLS with a zero byte in the server name"), NULL, STAGE_SANDBOX, WITNESS_WIRE,
    try_hello, HELLO (NAME ("TAG.outcall.example\0.example")) },
  { "tls-two", N_("TLS with two server names"), NULL, STAGE_SANDBOX, WITNESS_WIRE, try_hello,
    HELLO (NAME ("TAG.outcall.example"), .twice = true) },
  { "tls-split", N_("TLS with a server name over two records"), NULL, STAGE_SANDBOX, WITNESS_WIRE,
    try_hello, HELLO (NAME ("TAG.outcall.example"), .split = true) },
  { "tls-ech", N_("TLS with an encrypted ClientHello"), NULL, STAGE_SANDBOX, WITNESS_WIRE,
    try_hello, HELLO (NAME ("TAG.outcall.example"), .encrypted = true) },
  { "tls-none", N_("Something else than TLS on its port"), NULL, STAGE_SANDBOX, WITNESS_WIRE,
    try_hello, HELLO (.not_tls = true) },
  { "via-name", N_("CONNECT to an allowed host, TLS with another name"), NULL, STAGE_SANDBOX,
    WITNESS_NONE, try_via_hello, HELLO (NAME ("TAG.outcall.example")) },
  { "via-split", N_("CONNECT to an allowed host, TLS with another name over two records"), NULL,
    STAGE_SANDBOX, WITNESS_NONE, try_via_hello,
    HELLO (NAME ("TAG.outcall.example"), .split = true) },
  { "via-ech", N_("CONNECT to an allowed host, TLS with another name and an encrypted one"), NULL,
    STAGE_SANDBOX, WITNESS_NONE, try_via_hello,
    HELLO (NAME ("TAG.outcall.example"), .encrypted = true) },
  { "via-outside", N_("TLS with an allowed name to an address outside"), NULL, STAGE_SANDBOX,
    WITNESS_WIRE, try_via_outside, HELLO (NAME ("VIA")) },
  { NULL },
};
