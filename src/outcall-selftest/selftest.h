/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* What `outcall selftest` runs: the known ways out of a sandbox, and those who watch whether
 * anything arrives. One static program, since it also runs where no library is; libc only, one
 * thread. `outcall` starts it in several roles and reads lines from its standard output:
 *
 *   list        the table                         ID CLASS TEXT DETAIL STAGE WITNESS STATE
 *   probe       inside: tries the ways of a stage   "network", if there is one, then
 *                                                   ID OUTCOME DETAIL
 *   listen      on the host: what arrives there     "port N", then "seen N HOW"
 *   wire        on the host: what leaves it         "ready", then "seen N INTERFACE"
 *   neighbour   another workload: what reaches it   "pid N", "at ADDRESS MAC", "seen N HOW"
 *
 * Fields are separated by tabs. A way's number is its place in the whole table, from 1. It is
 * written into everything that the way sends, so that a witness knows which one came through.
 */

#include <libintl.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define N_(text) text

/* Digits that stand for one run; the three digits of a way's number follow. */
#define RUN_LEN 12
#define TAG_LEN (RUN_LEN + 3)
#define PROBES_MAX 249
/* The number by which a witness finds out that it sees at all. */
#define CHECK_NUMBER (PROBES_MAX + 1)
/* How long an answer may take; refusals come at once. */
#define ANSWER_MS 1000

/* Nobody has these addresses (RFC 5737, RFC 3849); the last byte is the way's number. */
#define OUTSIDE_NET 0xc0000200u /* 192.0.2.0 */
#define OUTSIDE_NET6 { 0x20, 0x01, 0x0d, 0xb8 }
/* A neighbour knows a packet without payload by its port, this plus the number. */
#define NEIGHBOUR_PORT 30000
/* What is tried on any port. */
#define OUTSIDE_PORT 9999

typedef enum
{
  STAGE_SANDBOX, /* in a sandbox of `outcall run` */
  STAGE_BARE,    /* in an attached network namespace, with every capability there */
  STAGE_KILLED,  /* the same, after the daemon was killed */
} Stage;

/* Who could tell when a way is open and nothing comes back. */
typedef enum
{
  WITNESS_NONE, /* the way itself is sure */
  WITNESS_HOST,
  WITNESS_WIRE,
  WITNESS_NEIGHBOUR,
} Witness;

typedef enum
{
  OUTCOME_REFUSED,    /* something said no */
  OUTCOME_IMPOSSIBLE, /* it cannot even be tried inside */
  OUTCOME_SILENT,     /* nothing came back: the witness decides */
  OUTCOME_ANSWERED,   /* open */
  OUTCOME_UNFIT,      /* the way needs what is not there */
} Outcome;

/* What one way met. @detail: a few English words for an expert, never a sentence. */
typedef struct
{
  Outcome outcome;
  char detail[96];
} Result;

/* What a stage is told about the place. Addresses in network order; 0: there is none. */
typedef struct
{
  char run[RUN_LEN + 1];
  struct in_addr gateway, host, neighbour, own;
  struct in6_addr host6;
  uint8_t gateway_mac[ETH_ALEN], neighbour_mac[ETH_ALEN], own_mac[ETH_ALEN];
  int ifindex; /* of eth0 */
  uint16_t proxy_port;
  uint16_t port;       /* where the host listens, TCP and UDP */
  const char *outside; /* a file of the host beyond the project */
  const char *via;     /* a host that the rules allow; "": none was named */
} Place;

typedef struct Probe Probe;
typedef Result (*ProbeFunc) (const Place *place, const Probe *probe, unsigned n);
/* Asked on the host. Returns: whether the way exists here at all. */
typedef bool (*AppliesFunc) (const Probe *probe);

struct Probe
{
  const char *id;     /* stable, in JSON */
  const char *text;   /* N_("…"), with %s for the detail where there is one */
  const char *detail; /* (may be NULL): not translated */
  Stage stage;
  Witness witness;
  ProbeFunc run;
  const void *data; /* (may be NULL): what @run sends */
  size_t len;
  AppliesFunc applies; /* (may be NULL): always */
  bool last;           /* after all others: what it claims would lead their packets astray */
};

/* Each ends with an entry without id. */
typedef struct
{
  const char *name;
  const Probe *probes;
} Class;

extern const Probe dns_probes[], tls_probes[], http_probes[], raw_probes[], l2_probes[],
    ipv6_probes[], host_probes[], engine_probes[], files_probes[], killed_probes[];
extern const Class classes[];

/* --- probe.c --------------------------------------------------------------------- */

/* Tries the ways of @stage whose class is in @only (comma-separated; "" is all) and prints a
 * line for each. */
int run_stage (const Place *place, Stage stage, const char *only);
void print_table (void);

/* --- tag.c ------------------------------------------------------------------------- */

/* Of the shared memory that the host keeps during a run. */
int get_shm_key (const char *run);
/* "RUNnnn" */
void make_tag (const Place *place, unsigned n, char tag[TAG_LEN + 1]);
/* The number of a way whose tag is in @data; 0: none. */
unsigned find_tag (const char *run, const void *data, size_t len);
/* Copies @data with the words TAG, HOST, PORT, GATEWAY, NEIGHBOUR, NPORT, OUTSIDE and VIA replaced.
 * Returns: the length, at most @size. */
size_t expand (const Place *place, unsigned n, const char *data, size_t len, char *out,
               size_t size);

/* --- net.c ------------------------------------------------------------------------ */

Result result (Outcome outcome, const char *format, ...) __attribute__ ((format (printf, 2, 3)));
/* Of a call that failed with @err: "refused" or "silent" for what a network says, else that it
 * is not possible. */
Result result_errno (int err);
struct sockaddr_in make_addr (struct in_addr address, uint16_t port);
/* The address outside that stands for the way @n. */
struct in_addr outside_addr (unsigned n);
struct in6_addr outside_addr6 (unsigned n);
/* A TCP connection within ANSWER_MS. Returns: -1 with errno. */
int connect_tcp (const struct sockaddr *address, socklen_t len);
/* Connects and says the tag. Open when that worked. */
Result try_tcp (const Place *place, unsigned n, struct in_addr address, uint16_t port);
Result try_udp (const Place *place, unsigned n, struct in_addr address, uint16_t port);
Result try_unix (const char *path, bool is_abstract);
/* Sends @data and reads one answer. Returns: its length, 0 for end of file, -1 with errno
 * (EAGAIN: nothing came in time). */
ssize_t exchange (int fd, const void *data, size_t len, void *answer, size_t size);

/* --- frame.c ----------------------------------------------------------------------- */

#define FRAME_MAX 1514

typedef struct
{
  uint8_t bytes[FRAME_MAX];
  size_t len;
} Frame;

void frame_add (Frame *frame, const void *data, size_t len);
void frame_add_u8 (Frame *frame, unsigned value);
void frame_add_u16 (Frame *frame, unsigned value);
/* @to, @from: MACs */
void frame_begin (Frame *frame, const uint8_t *to, const uint8_t *from, unsigned ethertype);
/* Returns: where the header begins; frame_end_ip() fills in length and checksum. */
size_t frame_add_ip (Frame *frame, struct in_addr from, struct in_addr to, unsigned protocol);
void frame_end_ip (Frame *frame, size_t begin);
size_t frame_add_ip6 (Frame *frame, const struct in6_addr *from, const struct in6_addr *to,
                      unsigned next_header);
void frame_end_ip6 (Frame *frame, size_t begin);
/* With the tag for payload. */
void frame_add_udp (Frame *frame, const Place *place, unsigned n, uint16_t from, uint16_t to);
void frame_add_tag (Frame *frame, const Place *place, unsigned n);
/* The checksum of what follows the header of @proto, over the pseudo header, at @offset in it. */
void frame_checksum (Frame *frame, size_t ip, unsigned proto, size_t offset);
/* Sends it out of eth0 and waits for what it meets: a refusal of the gateway's, an answer from
 * @peer, or nothing. */
Result send_frame (const Place *place, const Frame *frame, struct in_addr peer);
/* The same of @count frames, one after the other. */
Result send_frames (const Place *place, const Frame *frames, unsigned count, struct in_addr peer);

/* --- packet.c ------------------------------------------------------------------------ */

/* The way that a packet on a wire belongs to; 0: none. @type: EtherType. @ip: what follows. */
unsigned judge_wire (const char *run, unsigned type, const uint8_t *ip, size_t len);
/* That of a frame at the neighbour. */
unsigned judge_neighbour (const char *run, const uint8_t *frame, size_t len);
/* Whether a frame decides what became of one that was sent to @peer, or in its name. */
bool judge_frame (const Place *place, const uint8_t *bytes, size_t len, struct in_addr peer,
                  Result *out);
Result judge_dns (const uint8_t *answer, size_t len);
/* An answer of the proxy's, or of whoever the request came to. */
Result judge_http (const char *answer, size_t len);

/* --- watch.c ------------------------------------------------------------------------ */

int watch_host (const char *run);
int watch_wire (const char *run, const char *bridge);
int watch_neighbour (const Place *place);

/* --- bare.c -------------------------------------------------------------------------- */

/* A namespace with every capability, attached by who started us: prints "pid N", waits for a
 * line. Returns: false when it cannot be had, after a line "unfit REASON". */
bool enter_bare (void);
/* Waits for a line from who started us; its end is ours. */
void wait_for_go (void);
/* Fills in what eth0 is and who the gateway is. */
bool look_around (Place *place);
/* Whether the gateway answers a question at all: else nothing here would mean anything. */
bool wake_gateway (const Place *place);
