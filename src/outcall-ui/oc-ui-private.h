/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The parts of the dashboard server among themselves. Thread: any, but where
 * said; OcUi does not change while connections are served.
 */

#include "oc-ui.h"

#include "http1/oc-http1.h"

/* More than connections, so that those over the limit are told so. GLib's service
 * itself, at its limit, stops accepting and now and then drops one. */
#define OC_UI_THREADS_MAX (2 * OC_UI_CONNECTIONS_MAX)

/* Reference counted (g_atomic_rc_box): the service has one, its owner the other. */
struct OcUi
{
  GSocketService *service; /* the owner's; NULL until it listens */
  char *socket_path;
  char *host[2];   /* the two values of Host that are ours */
  char *origin[2]; /* the same for Origin */
  char *address;
  char token[OC_UI_TOKEN_LEN + 1];
  int n_connections, n_streams; /* atomic; all others never change */
};

/* What is to be done with a request that was let in, or the answer itself. */
typedef enum
{
  OC_UI_ANSWERED,
  OC_UI_TO_DAEMON,        /* oc_ui_forward() decides */
  OC_UI_TO_DAEMON_STREAM, /* oc_ui_stream() decides */
} OcUiStep;

typedef struct
{
  OcUiStep step; /* the rest is for OC_UI_ANSWERED only, but for `close` */
  guint status;
  const char *content_type;
  GBytes *body; /* (nullable) */
  gboolean close; /* end the connection after it */
} OcUiAnswer;

/* --- oc-ui-token.c --------------------------------------------------------------- */

/* Fresh from the kernel. */
gboolean oc_ui_token_make (char token[OC_UI_TOKEN_LEN + 1], GError **error);
/* Takes the same time wherever they differ. */
gboolean oc_ui_token_equal (const char token[OC_UI_TOKEN_LEN + 1], OcStr given);

/* --- oc-ui-answer.c -------------------------------------------------------------- */

/* Decides about one request by its head, whose body is not read yet; never fails. */
void oc_ui_answer (OcUi *ui, const OcHttpHead *head, OcUiAnswer *out);
void oc_ui_answer_clear (OcUiAnswer *answer);
/* An answer that is the status itself: JSON's envelope or a line of text. */
void oc_ui_answer_refuse (OcUiAnswer *out, guint status, const char *why);
/* 502 for a question to the daemon that failed with @err (an errno). */
void oc_ui_answer_refuse_errno (OcUi *ui, OcUiAnswer *out, int err);
/* What every answer's head has, as lines. Static. */
const char *oc_ui_security_headers (void);
/* Head and body as they go out. (transfer full) */
GString *oc_ui_answer_format (const OcUiAnswer *answer);

/* --- oc-ui-forward.c ------------------------------------------------------------- */

/* Passes a request on to the daemon and makes its answer ours. Blocks.
 * @body: as long as the head says */
void oc_ui_forward (OcUi *ui, const OcHttpHead *head, const char *body, OcUiAnswer *out);

/* --- oc-ui-stream.c -------------------------------------------------------------- */

/* Passes the daemon's event stream on to the browser at @fd until either ends.
 * Returns: FALSE when nothing was sent; then @out has the refusal to send. */
gboolean oc_ui_stream (OcUi *ui, const OcHttpHead *head, int fd, OcUiAnswer *out);

/* --- oc-ui-io.c ------------------------------------------------------------------ */

/* Monotonic, microseconds. */
gint64 oc_ui_deadline (gint64 ms_from_now);
/* Returns: FALSE at the deadline. */
gboolean oc_ui_wait (int fd, short events, gint64 deadline_us);
/* All of it within OC_UI_WRITE_TIMEOUT_MS. @fd: a non-blocking socket */
gboolean oc_ui_send (int fd, const char *data, gsize len);

/* --- oc-ui-connection.c ---------------------------------------------------------- */

/* Serves one connection to its end. Thread: a worker of the service. */
void oc_ui_connection_serve (OcUi *ui, GSocket *socket);
/* Answers 503 to whatever it is about to ask. Thread: the same. */
void oc_ui_connection_refuse (OcUi *ui, GSocket *socket);
