/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* A real outcall-ui process between us, who speak as a browser or as an attacker
 * does, and a unix-socket HTTP server that answers as the daemon does.
 */

#include "oc-ui.h"

#define UI_ANSWER_TIMEOUT_S 20

typedef struct
{
  char *folder;
  char *socket_path;
  GSocketService *daemon;
  GMutex lock;
  GString *daemon_heads; /* under lock: all that the daemon's side was sent */
  GSubprocess *program;
  char *address;
  char *host;  /* "127.0.0.1:PORT" */
  char *port;
  char *token;
  int streams; /* atomic: that the daemon's side is writing */
} UiFixture;

/* The daemon's side listens, the program serves. */
void ui_set_up (UiFixture *fixture);
/* Ends the program by SIGTERM and all else. */
void ui_tear_down (UiFixture *fixture);
/* The same for a program that has ended. */
void ui_clear_fixture (UiFixture *fixture);

void ui_start_daemon (UiFixture *fixture);
void ui_stop_daemon (UiFixture *fixture);

/* (transfer full) */
char *ui_program_path (void);
GSubprocess *ui_spawn (const char *socket_path, const char *port);
/* The address that the program prints once it serves. (transfer full) */
char *ui_read_address (GSubprocess *program);
/* Checks that the signal ends it well. */
void ui_stop_by (GSubprocess *program, int signal_number);

/* {HOST}, {PORT} and {TOKEN} are replaced. (transfer full) */
char *ui_expand (UiFixture *fixture, const char *template);
GSocketConnection *ui_dial (UiFixture *fixture);
void ui_send_bytes (GSocketConnection *connection, const char *data, gsize len);
/* All that comes until the server closes. (transfer full) */
char *ui_receive (GSocketConnection *connection);
/* One connection for one request, expanded. (transfer full) */
char *ui_exchange (UiFixture *fixture, const char *template);
/* Status, security headers, and that @has (nullable) is in it. */
void ui_check_answer (const char *answer, guint status, const char *has);
