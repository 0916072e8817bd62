/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * A thread reads the daemon's events and hands them over through a queue; the
 * main thread waits for keys and for that queue, decides, draws.
 */
#include "config.h"

#include "watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define PAST "50" /* verdicts from before */
#define QUEUE_MAX 10000

typedef struct
{
  char *event, *data; /* both NULL: the stream ended, why is in @data */
  gsize len;
} Event;

typedef struct
{
  OcCli *cli;
  char *target;
  GAsyncQueue *queue; /* of Event */
  int wake_fd;
} Feed;

static void
event_free (gpointer data)
{
  Event *event = data;

  g_free (event->event);
  g_free (event->data);
  g_free (event);
}

/* --- The thread ------------------------------------------------------------------------ */

static void
push (Feed *feed, const char *event, const char *data, gsize len)
{
  const guint64 one = 1;
  Event *copy = g_new0 (Event, 1);

  copy->event = g_strdup (event);
  copy->data = g_strndup (data, len);
  copy->len = len;
  g_async_queue_push (feed->queue, copy);
  (void) !write (feed->wake_fd, &one, sizeof one);
}

static gboolean
on_event (const char *event, const char *data, gsize len, gpointer user_data)
{
  Feed *feed = user_data;

  /* More than anybody can read: verdicts are left out, requests are not. */
  if (g_async_queue_length (feed->queue) < QUEUE_MAX || g_strcmp0 (event, "request") == 0)
    push (feed, event, data, len);
  return TRUE;
}

static gpointer
read_events (gpointer user_data)
{
  Feed *feed = user_data;
  g_autofree char *why = oc_cli_follow (feed->cli, feed->target, on_event, feed);

  push (feed, NULL, why, strlen (why));
  return NULL;
}

/* --- Keys --------------------------------------------------------------------------------- */

/* The daemon's answer or refusal becomes the message. */
static gboolean
call (Watch *watch, const char *method, const char *target, JsonNode *body, JsonNode **out_data)
{
  g_autofree char *error = NULL;

  if (oc_cli_try_call (watch->cli, method, target, body, out_data, &error))
    return TRUE;
  watch_say (watch, "%s", error);
  return FALSE;
}

static JsonNode *
make_allow_body (const OutcallDecision *decision)
{
  g_autofree char *target = oc_cli_decision_target (decision);
  char *hosts[] = { target };
  const OutcallAllowHosts request = { hosts, 1, decision->agent, 0 };

  return outcall_allow_hosts_to_json (&request);
}

/* --- Questions: nothing is opened that was not shown first, whole ---------------------- */

static void
begin_question (Watch *watch)
{
  watch->scroll = 0;
  watch->read = FALSE;
  watch_screen_drop_input ();
}

static void
begin_allow (Watch *watch, const OutcallDecision *decision)
{
  if (decision->verdict == OUTCALL_OUTCOME_ALLOWED || decision->host == NULL)
    {
      watch_say (watch, _("There is nothing to allow here."));
      return;
    }
  watch->asked = outcall_decision_copy (decision);
  begin_question (watch);
}

static void
finish_allow (Watch *watch, gboolean yes)
{
  g_autoptr (OutcallDecision) decision = g_steal_pointer (&watch->asked);
  g_autofree char *target = oc_cli_decision_target (decision);

  if (!yes)
    watch_say (watch, _("Not allowed."));
  else if (call (watch, "POST", "/api/v1/rules/allow", make_allow_body (decision), NULL))
    {
      watch_say (watch, _("%s is allowed for %s."), target, decision->agent);
      watch_hide_decision (watch, decision);
    }
}

static void
begin_approval (Watch *watch, const OutcallRuleRequestEntry *entry)
{
  g_autofree char *target = g_strconcat ("/api/v1/requests/rules/", entry->id, NULL);
  g_autoptr (JsonNode) data = NULL;

  if (!call (watch, "GET", target, NULL, &data))
    return;
  watch->review = outcall_rule_request_review_from_json (data, NULL);
  if (watch->review == NULL)
    watch_say (watch, _("The request is decided already."));
  else
    begin_question (watch);
}

/* What was on the screen is what is approved: the daemon compares. */
static void
finish_approval (Watch *watch, gboolean yes)
{
  g_autoptr (OutcallRuleRequestReview) review = g_steal_pointer (&watch->review);
  g_autofree char *target
      = g_strconcat ("/api/v1/requests/rules/", review->request.id, "/approve", NULL);

  if (!yes)
    watch_say (watch, _("Not approved."));
  else if (call (watch, "POST", target, oc_cli_make_approval (review), NULL))
    watch_say (watch, _("Approved; %s is in force."), review->file);
}

static void
reject (Watch *watch, const OutcallRuleRequestEntry *entry)
{
  g_autofree char *target = g_strconcat ("/api/v1/requests/rules/", entry->id, "/reject", NULL);

  if (call (watch, "POST", target, NULL, NULL))
    watch_say (watch, _("Rejected."));
}

static void
on_decide (Watch *watch, gboolean yes)
{
  WatchRow *row = watch_get_selected (watch);

  if (row == NULL)
    return;
  if (row->request == NULL && yes)
    begin_allow (watch, row->decision);
  else if (row->request == NULL)
    watch_hide_selected (watch);
  else if (yes)
    begin_approval (watch, row->request);
  else
    reject (watch, row->request);
}

/* -1: up, 1: down, 0: neither. */
static int
direction (const char *keys)
{
  if (strcmp (keys, "\033[A") == 0 || strcmp (keys, "k") == 0)
    return -1;
  return strcmp (keys, "\033[B") == 0 || strcmp (keys, "j") == 0 ? 1 : 0;
}

static void
on_answer (Watch *watch, const char *keys)
{
  gboolean yes = *keys == 'y' || *keys == 'Y';
  int by = direction (keys);

  if (by < 0)
    watch->scroll -= watch->scroll > 0;
  else if (by > 0)
    watch->scroll++;
  else if (yes && !watch->read)
    watch_say (watch, _("Read to the end first."));
  else if (watch->review != NULL)
    finish_approval (watch, yes);
  else
    finish_allow (watch, yes);
}

/* Returns: FALSE to end. @keys: one key: a byte, or the bytes of an arrow */
static gboolean
on_key (Watch *watch, const char *keys)
{
  g_clear_pointer (&watch->message, g_free);
  if (watch_is_asking (watch))
    on_answer (watch, keys);
  else if (direction (keys) != 0)
    watch_move (watch, direction (keys));
  else if (strcmp (keys, "a") == 0 || strcmp (keys, "d") == 0)
    on_decide (watch, *keys == 'a');
  else if (strcmp (keys, "q") == 0 || strcmp (keys, "\003") == 0)
    return FALSE;
  return TRUE;
}

/* Splits what came in one read into keys; those behind one that asks are dropped with the
 * rest of what was typed too early. */
static gboolean
on_input (Watch *watch, const char *bytes, gsize len)
{
  gboolean was_asking = watch_is_asking (watch);

  for (gsize i = 0; i < len && watch_is_asking (watch) == was_asking;)
    {
      gsize n = bytes[i] == '\033' && len - i >= 3 ? 3 : 1;
      g_autofree char *key = g_strndup (bytes + i, n);

      if (!on_key (watch, key))
        return FALSE;
      i += n;
    }
  return TRUE;
}

/* --- The loop ---------------------------------------------------------------------------------- */

/* Returns: FALSE at the end of the stream. */
static gboolean
take_events (Watch *watch, Feed *feed, char **out_why)
{
  Event *event;
  guint64 n;

  (void) !read (feed->wake_fd, &n, sizeof n);
  while ((event = g_async_queue_try_pop (feed->queue)) != NULL)
    {
      if (event->event == NULL && *out_why == NULL)
        *out_why = g_strdup (event->data);
      else
        watch_take_event (watch, event->event, event->data, event->len);
      event_free (event);
    }
  return *out_why == NULL;
}

static volatile sig_atomic_t resized;

static void
on_resize (int sig)
{
  resized = 1;
}

static void
on_end_signal (int sig)
{
  watch_screen_end ();
  _exit (128 + sig);
}

/* Returns: (transfer full) (nullable): why it ended, NULL when the user wanted it */
static char *
run (Watch *watch, Feed *feed)
{
  struct pollfd fds[] = { { STDIN_FILENO, POLLIN, 0 }, { feed->wake_fd, POLLIN, 0 } };
  g_autofree char *why = NULL;
  char bytes[64];

  while (TRUE)
    {
      ssize_t n;

      watch_screen_draw (watch);
      if (poll (fds, G_N_ELEMENTS (fds), -1) < 0 && errno != EINTR)
        return g_strdup (g_strerror (errno));
      if (resized)
        {
          resized = 0;
          continue;
        }
      /* A key is about what is on the screen, so it goes first. */
      if (fds[0].revents != 0)
        {
          n = read (STDIN_FILENO, bytes, sizeof bytes);
          if (n <= 0 || !on_input (watch, bytes, (gsize) n))
            return NULL;
        }
      if (fds[1].revents != 0 && !take_events (watch, feed, &why))
        return g_steal_pointer (&why);
    }
}

static gboolean
load_requests (Watch *watch)
{
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (GError) error = NULL;
  GPtrArray *requests;

  if (oc_cli_call (watch->cli, "GET", "/api/v1/requests/rules", NULL, &data) != OC_EXIT_OK)
    return FALSE;
  requests = outcall_rule_request_entry_list_from_json (data, &error);
  if (requests == NULL)
    {
      (void) oc_cli_bad_answer (watch->cli, error);
      return FALSE;
    }
  watch_set_requests (watch, requests);
  return TRUE;
}

static int
watch_terminal (OcCli *cli, char *target)
{
  Feed feed = { .cli = cli, .target = target };
  g_autofree char *why = NULL;
  Watch watch;

  watch_init (&watch, cli);
  feed.queue = g_async_queue_new_full (event_free);
  feed.wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (feed.wake_fd < 0 || !load_requests (&watch) || !watch_screen_begin ())
    {
      watch_clear (&watch);
      return OC_EXIT_FAILED;
    }
  (void) signal (SIGWINCH, on_resize);
  (void) signal (SIGTERM, on_end_signal);
  (void) signal (SIGHUP, on_end_signal);
  (void) signal (SIGINT, on_end_signal);
  g_thread_unref (g_thread_new ("events", read_events, &feed));
  why = run (&watch, &feed);
  watch_screen_end ();
  watch_clear (&watch);
  if (why != NULL)
    (void) oc_cli_error ("%s", why);
  /* The thread waits for the daemon still; it ends with the process. */
  exit (why != NULL ? OC_EXIT_FAILED : OC_EXIT_OK);
}

int
oc_cmd_watch (OcCli *cli, int argc, char **argv)
{
  g_autofree char *agent = NULL;
  gboolean blocked = FALSE;
  const GOptionEntry entries[] = {
    { "agent", 0, 0, G_OPTION_ARG_STRING, &agent, N_("Only of this agent"), N_("NAME") },
    { "blocked", 'b', 0, G_OPTION_ARG_NONE, &blocked, N_("Only what was refused"), NULL },
    { 0 },
  };
  g_autofree char *target = NULL;
  int code = oc_cli_parse_options (cli, entries, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code < 0)
    code = oc_cli_refuse_arguments (cli, argc, argv);
  if (code >= 0)
    return code;
  if (cli->json || !isatty (STDIN_FILENO) || !isatty (STDOUT_FILENO))
    return oc_cli_error (_("watch needs a terminal; elsewhere: outcall log --follow"));
  target = oc_cli_make_target ("/api/v1/events", "agent", agent, "verdict",
                               blocked ? "blocked" : NULL, "since", "1970-01-02T00:00:00Z",
                               "limit", PAST, NULL);
  return watch_terminal (cli, target);
}
