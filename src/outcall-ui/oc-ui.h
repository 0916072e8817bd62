/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The dashboard server: HTTP on 127.0.0.1, for one browser of the user who
 * started it, in front of the daemon's host socket. Static pages are compiled
 * in; what is below /api/ goes to the daemon, for callers that know the token.
 * Each connection has a thread of the service's pool; there is no state but
 * what is in OcUi, which nobody changes once the server runs.
 */

#include <gio/gio.h>

/* What a browser may ask of us. Each is tested at the limit and one above. */
#define OC_UI_CONNECTIONS_MAX 32
#define OC_UI_STREAMS_MAX 8 /* of them, those that follow events */
#define OC_UI_REQUEST_LINE_MAX 2048 /* bytes */
#define OC_UI_HEAD_MAX 8192         /* bytes, the request line included */
#define OC_UI_BODY_MAX 65536        /* bytes */
#define OC_UI_REQUESTS_MAX 1000     /* on one connection */
#define OC_UI_HEAD_TIMEOUT_MS 5000  /* from a head's first byte to its last */
#define OC_UI_BODY_TIMEOUT_MS 5000  /* from the head's last byte to the body's */
#define OC_UI_IDLE_TIMEOUT_MS 15000 /* between two requests */
#define OC_UI_WRITE_TIMEOUT_MS 10000
#define OC_UI_DAEMON_TIMEOUT_MS 10000
#define OC_UI_ANSWER_MAX (8 * 1024 * 1024) /* bytes of the daemon's answer */

#define OC_UI_DEFAULT_PORT 8470
#define OC_UI_PORTS_TRIED 64

/* 256 bits in base64url. */
#define OC_UI_TOKEN_LEN 43

typedef struct OcUi OcUi;

/* @socket_path: of the daemon's host API
 * @port: the first to try, the next free one above is taken; 0: any */
OcUi *oc_ui_new (const char *socket_path, guint16 port, GError **error);
/* Stops listening. Connections that are being answered end by their time-outs. */
void oc_ui_free (OcUi *ui);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OcUi, oc_ui_free)

/* "http://127.0.0.1:PORT/#TOKEN". It holds the secret: for the user's eyes only. */
const char *oc_ui_get_address (OcUi *ui);

/* Opens the user's browser there. The address is handed over in a file that only
 * the user can read, as command lines can be read by everybody.
 * @out_path: (out) (transfer full): that file, to be removed in the end */
gboolean oc_ui_open_browser (OcUi *ui, char **out_path, GError **error);
