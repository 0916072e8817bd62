/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* `outcall watch`: what is on the screen, and the screen. Thread: main. */

#include "oc-cli-commands.h"

#define WATCH_ROWS_MAX 500

/* A line: a request that waits, or verdicts about one target. */
typedef struct
{
  OutcallRuleRequestEntry *request; /* (nullable) */
  OutcallDecision *decision;        /* (nullable): the newest */
  guint64 count;                    /* of verdicts that are the same */
} WatchRow;

typedef struct
{
  OcCli *cli;
  GPtrArray *requests; /* of WatchRow, oldest first */
  GPtrArray *verdicts; /* of WatchRow, newest first */
  guint selected;      /* over both, in this order */
  /* The question that is shown instead of the table. It is about a copy: rows come and go
   * meanwhile, and agents make them. (nullable) both, one at most is there. */
  OutcallRuleRequestReview *review;
  OutcallDecision *asked;
  guint scroll;  /* its lines above the screen */
  gboolean read; /* it was on the screen to its end */
  char *message; /* (nullable): outcome of the last key */
} Watch;

/* --- watch-state.c ------------------------------------------------------------- */

void watch_init (Watch *watch, OcCli *cli);
void watch_clear (Watch *watch);
/* Takes an event of the daemon in. */
void watch_take_event (Watch *watch, const char *event, const char *data, gsize len);
/* (transfer full) @requests: those that wait now */
void watch_set_requests (Watch *watch, GPtrArray *requests);
/* (nullable) */
WatchRow *watch_get_selected (Watch *watch);
void watch_move (Watch *watch, int by);
/* Takes the selected row off the screen. */
void watch_hide_selected (Watch *watch);
/* Takes the rows about what @decision is about off the screen. */
void watch_hide_decision (Watch *watch, const OutcallDecision *decision);
gboolean watch_is_asking (const Watch *watch);
void watch_say (Watch *watch, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* --- watch-screen.c --------------------------------------------------------------- */

/* The terminal in its raw mode, on its second screen. */
gboolean watch_screen_begin (void);
/* As it was before; also safe in a signal handler. */
void watch_screen_end (void);
void watch_screen_draw (Watch *watch);
/* Forgets what was typed before a question was on the screen: it was no answer to it. */
void watch_screen_drop_input (void);

/* --- watch-question.c --------------------------------------------------------------- */

/* What would be opened, whole, in lines of at most @width columns. (transfer full)
 * (element-type utf8) */
GPtrArray *watch_list_question (const Watch *watch, gsize width);
