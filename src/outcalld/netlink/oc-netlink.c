/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "netlink/oc-netlink-private.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/oc-error.h"
#include "common/oc-fd.h"

/* The kernel answers while sendmsg() runs; this only bounds a broken one. */
#define REPLY_TIMEOUT_MS 5000
/* The kernel fills dumps up to 32 KiB per message when the reader offers it. */
#define RECEIVE_BYTES 32768
/* Acknowledgements of a large batch that fails everywhere: some 100 bytes each. */
#define RECEIVE_QUEUE_BYTES (1024 * 1024)

struct OcNetlink
{
  int fd;
  guint32 sequence;
  char *buffer;
};

struct OcNetlinkBatch
{
  GByteArray *bytes;
  GPtrArray *labels; /* one per message */
  GArray *offsets;   /* gsize */
};

OcNetlink *
oc_netlink_new (int protocol, int netns_fd, GError **error)
{
  int fd = oc_netlink_open_fd (protocol, netns_fd, error);
  OcNetlink *netlink;

  if (fd < 0)
    return NULL;
  netlink = g_new0 (OcNetlink, 1);
  netlink->fd = fd;
  netlink->buffer = g_malloc (RECEIVE_BYTES);
  return netlink;
}

void
oc_netlink_free (OcNetlink *netlink)
{
  if (netlink == NULL)
    return;
  oc_fd_clear (&netlink->fd);
  g_free (netlink->buffer);
  g_free (netlink);
}

guint32
oc_netlink_get_port (OcNetlink *netlink)
{
  struct sockaddr_nl self = { 0 };
  socklen_t len = sizeof self;

  if (getsockname (netlink->fd, (struct sockaddr *) &self, &len) < 0)
    return 0; /* nobody's: then what is ours looks foreign, which costs a look */
  return self.nl_pid;
}

/* --- Sending and receiving ----------------------------------------------- */

/* A batch must fit the socket's send buffer as a whole. FORCE needs
 * CAP_NET_ADMIN of the first user namespace; without it the system's limit holds. */
static void
reserve_send_buffer (int fd, gsize bytes)
{
  int size = (int) MIN (bytes + 4096, (gsize) G_MAXINT / 4);

  if (setsockopt (fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) < 0)
    (void) setsockopt (fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

static gboolean
send_bytes (OcNetlink *netlink, gconstpointer bytes, gsize len)
{
  struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
  ssize_t n;

  do
    n = sendto (netlink->fd, bytes, len, 0, (struct sockaddr *) &kernel, sizeof kernel);
  while (n < 0 && errno == EINTR);
  return n == (ssize_t) len;
}

/* Returns: bytes of one datagram from the kernel, or -1 with errno. */
static gssize
receive (OcNetlink *netlink)
{
  for (;;)
    {
      struct sockaddr_nl from = { 0 };
      socklen_t from_len = sizeof from;
      struct pollfd poll_fd = { .fd = netlink->fd, .events = POLLIN };
      ssize_t n = recvfrom (netlink->fd, netlink->buffer, RECEIVE_BYTES, MSG_TRUNC,
                            (struct sockaddr *) &from, &from_len);
      int ready;

      if (n >= 0 && from.nl_pid != 0)
        continue; /* another process; only the kernel counts */
      if (n > RECEIVE_BYTES)
        return errno = EMSGSIZE, -1;
      if (n >= 0 || (errno != EAGAIN && errno != EINTR))
        return n;
      ready = poll (&poll_fd, 1, REPLY_TIMEOUT_MS);
      if (ready == 0)
        return errno = ETIMEDOUT, -1;
    }
}

/* The kernel's own words behind an error, or NULL. */
static const char *
get_extack (const struct nlmsghdr *message)
{
  const struct nlmsgerr *err = mnl_nlmsg_get_payload (message);
  gsize skip = sizeof *err;
  const struct nlattr *table[NLMSGERR_ATTR_MAX + 1];

  if (!(message->nlmsg_flags & NLM_F_ACK_TLVS))
    return NULL;
  if (!(message->nlmsg_flags & NLM_F_CAPPED))
    skip += err->msg.nlmsg_len - NLMSG_HDRLEN;
  if (mnl_nlmsg_get_payload_len (message) < skip)
    return NULL;
  oc_netlink_parse (message, skip, table, NLMSGERR_ATTR_MAX);
  return oc_netlink_get_string (table[NLMSGERR_ATTR_MSG]);
}

/* @err: positive errno. Returns: FALSE */
static gboolean
throw_answer (GError **error, int err, const char *extack, const char *what)
{
  const char *hint = err == EPERM ? " (CAP_NET_ADMIN is missing)" : "";
  int code = (int) g_io_error_from_errno (err);

  if (err == ENODEV || err == ENOENT || err == ESRCH || err == EADDRNOTAVAIL)
    code = G_IO_ERROR_NOT_FOUND;
  if (extack != NULL)
    return oc_throw_code (error, code, "%s: %s: %s%s", what, g_strerror (err), extack, hint);
  return oc_throw_code (error, code, "%s: %s%s", what, g_strerror (err), hint);
}

typedef enum
{
  STEP_MORE,
  STEP_DONE,
  STEP_FAILED,
  STEP_INTERRUPTED,
} Step;

typedef struct
{
  guint32 sequence;
  OcNetlinkFunc func;
  gpointer user_data;
  const char *what;
  gboolean interrupted;
} Talk;

static Step
handle_message (Talk *talk, const struct nlmsghdr *message, GError **error)
{
  if (message->nlmsg_seq != talk->sequence)
    return STEP_MORE; /* left over from a request that failed */
  if (message->nlmsg_flags & NLM_F_DUMP_INTR)
    talk->interrupted = TRUE;
  if (message->nlmsg_type == NLMSG_ERROR)
    {
      const struct nlmsgerr *err = mnl_nlmsg_get_payload (message);

      if (mnl_nlmsg_get_payload_len (message) < sizeof *err)
        return throw_answer (error, EBADMSG, NULL, talk->what), STEP_FAILED;
      if (err->error == 0)
        return STEP_DONE;
      return throw_answer (error, -err->error, get_extack (message), talk->what), STEP_FAILED;
    }
  if (message->nlmsg_type == NLMSG_DONE)
    {
      const int *status = mnl_nlmsg_get_payload (message);

      if (mnl_nlmsg_get_payload_len (message) >= sizeof *status && *status < 0)
        return throw_answer (error, -*status, NULL, talk->what), STEP_FAILED;
      return talk->interrupted ? STEP_INTERRUPTED : STEP_DONE;
    }
  if (talk->func != NULL && message->nlmsg_type >= NLMSG_MIN_TYPE)
    talk->func (message, talk->user_data);
  return STEP_MORE;
}

static gboolean
read_answers (OcNetlink *netlink, Talk *talk, GError **error)
{
  for (;;)
    {
      const struct nlmsghdr *message = (const struct nlmsghdr *) netlink->buffer;
      gssize n = receive (netlink);
      int left = (int) n;

      if (n < 0)
        return oc_throw_errno (error, "%s", talk->what);
      for (; mnl_nlmsg_ok (message, left); message = mnl_nlmsg_next (message, &left))
        switch (handle_message (talk, message, error))
          {
          case STEP_MORE:
            break;
          case STEP_DONE:
            return TRUE;
          case STEP_FAILED:
            return FALSE;
          case STEP_INTERRUPTED:
            return oc_throw_code (error, G_IO_ERROR_BUSY, "%s: changed while it was read",
                                  talk->what);
          }
    }
}

static gboolean
talk_valist (OcNetlink *netlink, struct nlmsghdr *request, OcNetlinkFunc func, gpointer user_data,
             GError **error, const char *format, va_list args) G_GNUC_PRINTF (6, 0);

static gboolean
talk_valist (OcNetlink *netlink, struct nlmsghdr *request, OcNetlinkFunc func, gpointer user_data,
             GError **error, const char *format, va_list args)
{
  g_autofree char *what = g_strdup_vprintf (format, args);
  Talk talk = { .func = func, .user_data = user_data, .what = what };

  talk.sequence = request->nlmsg_seq = ++netlink->sequence;
  request->nlmsg_flags |= NLM_F_REQUEST;
  if ((request->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
    request->nlmsg_flags |= NLM_F_ACK;
  if (!send_bytes (netlink, request, request->nlmsg_len))
    return oc_throw_errno (error, "%s", what);
  return read_answers (netlink, &talk, error);
}

gboolean
oc_netlink_request (OcNetlink *netlink, struct nlmsghdr *request, GError **error, const char *what,
                    ...)
{
  va_list args;
  gboolean ok;

  va_start (args, what);
  ok = talk_valist (netlink, request, NULL, NULL, error, what, args);
  va_end (args);
  return ok;
}

gboolean
oc_netlink_query (OcNetlink *netlink, struct nlmsghdr *request, OcNetlinkFunc func,
                  gpointer user_data, GError **error, const char *what, ...)
{
  va_list args;
  gboolean ok;

  va_start (args, what);
  ok = talk_valist (netlink, request, func, user_data, error, what, args);
  va_end (args);
  return ok;
}

/* --- Attributes ---------------------------------------------------------- */

struct nlmsghdr *
oc_netlink_begin (OcNetlinkBuffer *buffer, guint16 type, guint16 flags, gsize header_size)
{
  struct nlmsghdr *message;

  memset (buffer, 0, sizeof *buffer);
  message = mnl_nlmsg_put_header (buffer->bytes);
  message->nlmsg_type = type;
  message->nlmsg_flags = flags;
  (void) mnl_nlmsg_put_extra_header (message, header_size);
  return message;
}

static void
store_attribute (const struct nlattr *attr, const struct nlattr **table, guint max)
{
  if (mnl_attr_get_type (attr) <= max)
    table[mnl_attr_get_type (attr)] = attr;
}

void
oc_netlink_parse (const struct nlmsghdr *message, gsize header_size, const struct nlattr **table,
                  guint max)
{
  const struct nlattr *attr;

  memset (table, 0, (max + 1) * sizeof *table);
  if (mnl_nlmsg_get_payload_len (message) < header_size)
    return;
  mnl_attr_for_each (attr, message, (unsigned) header_size)
    store_attribute (attr, table, max);
}

void
oc_netlink_parse_nested (const struct nlattr *nest, const struct nlattr **table, guint max)
{
  const struct nlattr *attr;

  memset (table, 0, (max + 1) * sizeof *table);
  if (nest == NULL)
    return;
  mnl_attr_for_each_nested (attr, nest)
    store_attribute (attr, table, max);
}

gconstpointer
oc_netlink_get (const struct nlattr *attr, gsize size)
{
  if (attr == NULL || mnl_attr_get_payload_len (attr) != size)
    return NULL;
  return mnl_attr_get_payload (attr);
}

const char *
oc_netlink_get_string (const struct nlattr *attr)
{
  if (attr == NULL || mnl_attr_validate (attr, MNL_TYPE_NUL_STRING) < 0)
    return NULL;
  return mnl_attr_get_payload (attr);
}

/* --- Batches ------------------------------------------------------------- */

OcNetlinkBatch *
oc_netlink_batch_new (void)
{
  OcNetlinkBatch *batch = g_new0 (OcNetlinkBatch, 1);

  batch->bytes = g_byte_array_new ();
  batch->labels = g_ptr_array_new_with_free_func (g_free);
  batch->offsets = g_array_new (FALSE, FALSE, sizeof (gsize));
  return batch;
}

void
oc_netlink_batch_free (OcNetlinkBatch *batch)
{
  if (batch == NULL)
    return;
  g_byte_array_unref (batch->bytes);
  g_ptr_array_unref (batch->labels);
  g_array_unref (batch->offsets);
  g_free (batch);
}

void
oc_netlink_batch_add (OcNetlinkBatch *batch, const struct nlmsghdr *message, char *label)
{
  gsize offset = batch->bytes->len;

  g_assert (NLMSG_ALIGN (message->nlmsg_len) == message->nlmsg_len);
  g_byte_array_append (batch->bytes, (const guint8 *) message, message->nlmsg_len);
  g_array_append_val (batch->offsets, offset);
  g_ptr_array_add (batch->labels, label);
}

gsize
oc_netlink_batch_get_size (const OcNetlinkBatch *batch)
{
  return batch->bytes->len;
}

static void
append_marker (GByteArray *bytes, guint16 type, guint8 subsystem, guint32 sequence)
{
  OcNetlinkBuffer buffer;
  struct nlmsghdr *message = oc_netlink_begin (&buffer, type, NLM_F_REQUEST,
                                               sizeof (struct nfgenmsg));
  struct nfgenmsg *header = mnl_nlmsg_get_payload (message);

  message->nlmsg_seq = sequence;
  header->version = NFNETLINK_V0;
  header->res_id = htons (subsystem);
  g_byte_array_append (bytes, (const guint8 *) message, message->nlmsg_len);
}

/* The bytes to send: begin, the messages with their sequence numbers, end. Only
 * the last message asks for an acknowledgement; errors come unasked. */
static GByteArray *
frame_batch (const OcNetlinkBatch *batch, guint8 subsystem, guint32 first)
{
  GByteArray *bytes = g_byte_array_sized_new (batch->bytes->len + 64);
  guint base;

  append_marker (bytes, NFNL_MSG_BATCH_BEGIN, subsystem, first);
  base = bytes->len;
  g_byte_array_append (bytes, batch->bytes->data, batch->bytes->len);
  for (guint i = 0; i < batch->offsets->len; i++)
    {
      struct nlmsghdr *message
          = (struct nlmsghdr *) (bytes->data + base + g_array_index (batch->offsets, gsize, i));

      message->nlmsg_seq = first + 1 + i;
      message->nlmsg_flags |= NLM_F_REQUEST;
      if (i + 1 == batch->offsets->len)
        message->nlmsg_flags |= NLM_F_ACK;
    }
  append_marker (bytes, NFNL_MSG_BATCH_END, subsystem, first + 1 + batch->offsets->len);
  return bytes;
}

/* Returns: TRUE when no more answers follow. Keeps the first error. */
static gboolean
handle_batch_answer (const OcNetlinkBatch *batch, guint32 first, const struct nlmsghdr *message,
                     GError **error)
{
  const struct nlmsgerr *err = mnl_nlmsg_get_payload (message);
  guint32 index = message->nlmsg_seq - first;

  if (index > batch->labels->len || message->nlmsg_type != NLMSG_ERROR
      || mnl_nlmsg_get_payload_len (message) < sizeof *err)
    return FALSE;
  if (err->error != 0 && *error == NULL)
    throw_answer (error, -err->error, get_extack (message),
                  index == 0 ? "transaction"
                             : (const char *) g_ptr_array_index (batch->labels, index - 1));
  return index == batch->labels->len || (index == 0 && err->error != 0);
}

static gboolean
read_batch_answers (OcNetlink *netlink, const OcNetlinkBatch *batch, guint32 first, GError **error)
{
  g_autoptr (GError) local = NULL;
  gboolean done = FALSE;

  while (!done)
    {
      const struct nlmsghdr *message = (const struct nlmsghdr *) netlink->buffer;
      gssize n = receive (netlink);
      int left = (int) n;

      if (n < 0 && local == NULL)
        return oc_throw_errno (error, "transaction: acknowledgement");
      if (n < 0)
        break;
      for (; mnl_nlmsg_ok (message, left); message = mnl_nlmsg_next (message, &left))
        done |= handle_batch_answer (batch, first, message, &local);
    }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

gboolean
oc_netlink_commit (OcNetlink *netlink, const OcNetlinkBatch *batch, guint8 subsystem,
                   GError **error)
{
  guint32 first = netlink->sequence + 1;
  g_autoptr (GByteArray) bytes = NULL;

  if (batch->labels->len == 0)
    return TRUE;
  netlink->sequence += batch->labels->len + 2;
  bytes = frame_batch (batch, subsystem, first);
  reserve_send_buffer (netlink->fd, bytes->len);
  if (!send_bytes (netlink, bytes->data, bytes->len))
    return oc_throw_errno (error, "transaction of %u messages, %u bytes", batch->labels->len,
                           bytes->len);
  return read_batch_answers (netlink, batch, first, error);
}

/* --- Opening ------------------------------------------------------------- */

typedef struct
{
  int protocol;
  int fd;
} Open;

static gboolean
open_here (gpointer user_data, GError **error)
{
  Open *request = user_data;
  struct sockaddr_nl self = { .nl_family = AF_NETLINK };
  oc_autofd int fd = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
                             request->protocol);
  int one = 1;
  int queue = RECEIVE_QUEUE_BYTES;

  if (fd < 0)
    return oc_throw_errno (error, "netlink socket");
  if (bind (fd, (struct sockaddr *) &self, sizeof self) < 0)
    return oc_throw_errno (error, "bind netlink socket");
  /* Better messages and shorter answers where the kernel has them. */
  (void) setsockopt (fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof one);
  (void) setsockopt (fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof one);
  if (setsockopt (fd, SOL_SOCKET, SO_RCVBUFFORCE, &queue, sizeof queue) < 0)
    (void) setsockopt (fd, SOL_SOCKET, SO_RCVBUF, &queue, sizeof queue);
  request->fd = oc_fd_steal (&fd);
  return TRUE;
}

int
oc_netlink_open_fd (int protocol, int netns_fd, GError **error)
{
  Open request = { protocol, -1 };

  if (!oc_netns_run (netns_fd, open_here, &request, error))
    return -1;
  return request.fd;
}
