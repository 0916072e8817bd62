/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* A scripted daemon for tests of the shim: a process of its own on a real socket. */

#include <glib.h>
#include <sys/types.h>

#define TOKEN "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define CHECKIN "{\"success\":true,\"data\":{\"container_id\":\"c\",\"session_token\":\"" TOKEN \
                "\",\"context_keys\":[]}}"

/* What a peer does with a request. Any other text: the body of an answer. */
#define CLOSE "CLOSE"     /* ends the connection */
#define SILENT "SILENT"   /* never answers */
#define GARBAGE "GARBAGE" /* no HTTP */
#define CUT "CUT"         /* half an answer */
#define HUGE "HUGE"       /* more than an answer may have */
#define SLOW "SLOW"       /* byte by byte, without end */
#define DEAF "DEAF"       /* first only: never accepts */

#define PEER_STEPS_MAX 4

typedef struct
{
  const char *steps[PEER_STEPS_MAX]; /* for the n-th request; NULL: CLOSE */
  guint status;                      /* of the last answer; 0: 200 */
} PeerScript;

/* Listens at @path. @record: (nullable): file that the requests are appended to.
 * Ends with its parent. */
pid_t peer_start (const char *path, const PeerScript *script, const char *record);
void peer_stop (pid_t pid, const char *path);
