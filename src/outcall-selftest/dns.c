/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Ways through the DNS filter and around it. A refusal is the filter's own: NXDOMAIN with the
 * extended error "Blocked" or with AA, REFUSED, FORMERR, NOTIMP, or a closed connection. All
 * else says that somebody else was asked.
 */
#include "config.h"

#include "selftest.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/oc-fd.h"

#define TYPE_A 1
#define TYPE_NULL 10
#define TYPE_PTR 12
#define TYPE_TXT 16
#define TYPE_OPT 41
#define TYPE_IXFR 251
#define TYPE_AXFR 252
#define TYPE_ANY 255
#define TYPE_PRIVATE 65280
#define CLASS_IN 1
#define CLASS_CHAOS 3

/* @name: labels with their lengths before them; TAG is replaced. */
typedef struct
{
  const char *name;
  size_t name_len;
  uint16_t type, class;
  uint8_t flags;  /* opcode << 3, RD: 1 */
  uint8_t questions;
  bool tcp;
  bool subnet; /* the tag in an EDNS client subnet instead */
  uint16_t port; /* of another server, outside; 0: the gateway */
} Question;

/* The length bytes count the tag's fifteen digits. */
#define NAME(text) .name = text "\7outcall\7example", .name_len = sizeof (text "\7outcall\7example")
#define WHOLE_NAME(text) .name = text, .name_len = sizeof (text)
#define ASK(...) .data = &(const Question){ __VA_ARGS__ }

/* --- Questions ----------------------------------------------------------------------- */

static void
add_option (Frame *message, const Place *place, unsigned n, const Question *question)
{
  frame_add_u8 (message, 0);
  frame_add_u16 (message, TYPE_OPT);
  frame_add_u16 (message, 1232);
  frame_add_u16 (message, 0);
  frame_add_u16 (message, 0);
  if (!question->subnet)
    {
      frame_add_u16 (message, 0);
      return;
    }
  frame_add_u16 (message, 8 + TAG_LEN);
  frame_add_u16 (message, 8);
  frame_add_u16 (message, 4 + TAG_LEN);
  frame_add_u16 (message, 2);
  frame_add_u16 (message, 128 << 8);
  frame_add_tag (message, place, n);
}

/* A message is built as frames are. @message begins with room for the length over TCP. */
static void
make_question (const Place *place, unsigned n, const Question *question, Frame *message)
{
  char name[512];
  size_t len
      = expand (place, n, question->name, question->name_len, name, sizeof name);

  message->len = 0;
  frame_add_u16 (message, 0);
  frame_add_u16 (message, n << 8 | 0x2a);
  frame_add_u8 (message, question->flags);
  frame_add_u8 (message, 0);
  frame_add_u16 (message, question->questions);
  frame_add_u16 (message, 0);
  frame_add_u16 (message, 0);
  frame_add_u16 (message, 1);
  for (unsigned i = 0; i < question->questions; i++)
    {
      frame_add (message, name, len);
      frame_add_u16 (message, question->type);
      frame_add_u16 (message, question->class);
    }
  add_option (message, place, n, question);
  message->bytes[0] = (uint8_t) ((message->len - 2) >> 8);
  message->bytes[1] = (uint8_t) (message->len - 2);
}

/* --- Asking --------------------------------------------------------------------------- */

static Result
ask_udp (struct sockaddr_in to, const Frame *message)
{
  oc_autofd int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  uint8_t answer[2048];
  ssize_t len;

  if (fd < 0 || connect (fd, (struct sockaddr *) &to, sizeof to) < 0)
    return result_errno (errno);
  len = exchange (fd, message->bytes + 2, message->len - 2, answer, sizeof answer);
  return len < 0 ? result_errno (errno) : judge_dns (answer, (size_t) len);
}

static Result
ask_tcp (struct sockaddr_in to, const Frame *message)
{
  oc_autofd int fd = connect_tcp ((struct sockaddr *) &to, sizeof to);
  uint8_t answer[2048];
  ssize_t len;

  if (fd < 0)
    return result_errno (errno);
  len = exchange (fd, message->bytes, message->len, answer, sizeof answer);
  if (len < 0)
    return result_errno (errno);
  return judge_dns (answer + 2, len > 2 ? (size_t) len - 2 : 0);
}

static Result
ask (const Place *place, const Probe *probe, unsigned n)
{
  const Question *question = probe->data;
  struct sockaddr_in to = question->port != 0 ? make_addr (outside_addr (n), question->port)
                                              : make_addr (place->gateway, 53);
  Frame message;

  make_question (place, n, question, &message);
  return question->tcp ? ask_tcp (to, &message) : ask_udp (to, &message);
}

/* Not in the form of a question: nobody answers, and nobody may be asked. */
static Result
ask_raw (const Place *place, const Probe *probe, unsigned n)
{
  Frame message = { .len = 0 };
  char data[512];
  size_t len = expand (place, n, probe->data, probe->len, data, sizeof data);

  frame_add_u16 (&message, len);
  frame_add (&message, data, len);
  return ask_udp (make_addr (place->gateway, 53), &message);
}

/* A name of four labels of 63, which carry data. */
#define FILL "000000000000000000000000000000000000000000000000"

const Probe dns_probes[] = {
  { "dns-name", N_("Look up a name that no rule allows"), NULL, STAGE_SANDBOX, WITNESS_WIRE, ask,
    ASK (NAME ("\17TAG"), TYPE_A, CLASS_IN, 1, 1) },
  { "dns-tcp", N_("The same over TCP"), NULL, STAGE_SANDBOX, WITNESS_WIRE, ask,
    ASK (NAME ("\17TAG"), TYPE_A, CLASS_IN, 1, 1, .tcp = true) },
  { "dns-case", N_("Look up a name in mixed case"), NULL, STAGE_SANDBOX, WITNESS_WIRE, ask,
    ASK (WHOLE_NAME ("\17TAG\7oUtCaLl\7eXaMpLe"), TYPE_A, CLASS_IN, 1, 1) },
  { "dns-tunnel", N_("Send data in long names"), NULL, STAGE_SANDBOX, WITNESS_WIRE, ask,
    ASK (NAME ("\77TAG" FILL "\77TAG" FILL "\77TAG" FILL), TYPE_TXT, CLASS_IN, 1, 1) },
  { "dns-punycode", N_("Look up a name in Punycode"), NULL, STAGE_SANDBOX, WITNESS_WIRE, ask,
    ASK (NAME ("\23xn--TAG"), TYPE_A, CLASS_IN, 1, 1) },
  { "dns-underscore", N_("Look up a service"), NULL, STAGE_SANDBOX, WITNESS_WIRE, ask,
    ASK (NAME ("\6_https\4_tcp\17TAG"), 33, CLASS_IN, 1, 1) },
  { "dns-nul", N_("Look up a name with a zero byte"), NULL, STAGE_SANDBOX, WITNESS_WIRE, ask,
    ASK (NAME ("\20TAG\0"), TYPE_A, CLASS_IN, 1, 1) },
  { "dns-dot", N_("Look up a name with a dot inside a label"), NULL, STAGE_SANDBOX, WITNESS_WIRE,
    ask, ASK (NAME ("\23TAG.com"), TYPE_A, CLASS_IN, 1, 1) },
  { "dns-local", N_("Look up a name of the local network"), NULL, STAGE_SANDBOX, WITNESS_WIRE, ask,
    ASK (WHOLE_NAME ("\17TAG\5local"), TYPE_A, CLASS_IN, 1, 1) },
  { "dns-single", N_("Look up a name of one label"), NULL, STAGE_SANDBOX, WITNESS_WIRE, ask,
    ASK (WHOLE_NAME ("\17TAG"), TYPE_A, CLASS_IN, 1, 1) },
  { "dns-reverse", N_("Look up the name of a private address"), NULL, STAGE_SANDBOX, WITNESS_WIRE,
    ask,
    ASK (WHOLE_NAME ("\17TAG\0010\003168\003192\7in-addr\4arpa"), TYPE_PTR, CLASS_IN, 1, 1) },
  { "dns-null", N_("Ask for records of type %s"), "NULL", STAGE_SANDBOX, WITNESS_WIRE, ask,
    ASK (NAME ("\17TAG"), TYPE_NULL, CLASS_IN, 1, 1) },
  { "dns-private", N_("Ask for records of type %s"), "65280", STAGE_SANDBOX, WITNESS_WIRE, ask,
    ASK (NAME ("\17TAG"), TYPE_PRIVATE, CLASS_IN, 1, 1) },
  { "dns-any", N_("Ask for records of type %s"), "ANY", STAGE_SANDBOX, WITNESS_WIRE, ask,
    ASK (NAME ("\17TAG"), TYPE_ANY, CLASS_IN, 1, 1) },
  { "dns-axfr", N_("Ask for a whole zone (%s)"), "AXFR", STAGE_SANDBOX, WITNESS_WIRE, ask,
    ASK (NAME ("\17TAG"), TYPE_AXFR, CLASS_IN, 1, 1, .tcp = true) },
  { "dns-ixfr", N_("Ask for a whole zone (%s)"), "IXFR", STAGE_SANDBOX, WITNESS_WIRE, ask,
    ASK (NAME ("\17TAG"), TYPE_IXFR, CLASS_IN, 1, 1) },
  { "dns-chaos", N_("Ask in class CHAOS"), NULL, STAGE_SANDBOX, WITNESS_WIRE, ask,
    ASK (NAME ("\17TAG"), TYPE_TXT, CLASS_CHAOS, 1, 1) },
  { "dns-update", N_("Send a DNS message of another kind (%s)"), "UPDATE", STAGE_SANDBOX,
    WITNESS_WIRE, ask, ASK (NAME ("\17TAG"), TYPE_A, CLASS_IN, 5 << 3, 1) },
  { "dns-notify", N_("Send a DNS message of another kind (%s)"), "NOTIFY", STAGE_SANDBOX,
    WITNESS_WIRE, ask, ASK (NAME ("\17TAG"), TYPE_A, CLASS_IN, 4 << 3, 1) },
  { "dns-two", N_("Ask two questions in one message"), NULL, STAGE_SANDBOX, WITNESS_WIRE, ask,
    ASK (NAME ("\17TAG"), TYPE_A, CLASS_IN, 1, 2) },
  { "dns-subnet", N_("Send data in an EDNS option"), NULL, STAGE_SANDBOX, WITNESS_WIRE, ask,
    ASK (NAME ("\4data"), TYPE_A, CLASS_IN, 1, 1, .subnet = true) },
  { "dns-malformed", N_("Send what is no DNS message to the DNS port"), NULL, STAGE_SANDBOX,
    WITNESS_WIRE, ask_raw, .data = "TAG\xc0\x0c\xc0\x0c", .len = 7 },
  { "dns-other", N_("Ask another DNS server"), NULL, STAGE_SANDBOX, WITNESS_WIRE, ask,
    ASK (NAME ("\17TAG"), TYPE_A, CLASS_IN, 1, 1, .port = 53) },
  { "dns-other-tcp", N_("Ask another DNS server over TCP"), NULL, STAGE_SANDBOX, WITNESS_WIRE, ask,
    ASK (NAME ("\17TAG"), TYPE_A, CLASS_IN, 1, 1, .tcp = true, .port = 53) },
  { "dns-tls", N_("DNS over TLS"), NULL, STAGE_SANDBOX, WITNESS_WIRE, ask,
    ASK (NAME ("\17TAG"), TYPE_A, CLASS_IN, 1, 1, .tcp = true, .port = 853) },
  { "dns-quic", N_("DNS over QUIC"), NULL, STAGE_SANDBOX, WITNESS_WIRE, ask,
    ASK (NAME ("\17TAG"), TYPE_A, CLASS_IN, 1, 1, .port = 853) },
  { "dns-multicast-port", N_("Ask another server on the port of multicast DNS"), NULL,
    STAGE_SANDBOX, WITNESS_WIRE, ask,
    ASK (NAME ("\17TAG"), TYPE_A, CLASS_IN, 1, 1, .port = 5353) },
  { NULL },
};
