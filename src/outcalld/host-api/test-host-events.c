/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "test-bed.h"

#include "testlib/oc-testns.h"

#include <signal.h>

/* GET /events: what comes, in which order, and how a client goes on. */

static void
test_events (void)
{
  Stream stream;

  push (TRUE, "ea", "past.example.com");
  stream = open_stream ("/api/v1/events?agent=ea&since=1h");
  await (&stream, "event: decision\ndata: {");
  await (&stream, "past.example.com");
  push (TRUE, "eb", "other.example.com");
  push (FALSE, "ea", "now.example.com");
  await (&stream, "now.example.com");
  g_assert_null (strstr (stream.received->str, "other.example.com"));
  expect ("POST", "/api/v1/rules/reload", NULL, 200);
  await (&stream, "event: reload\n");
  close_stream (&stream);
}

static void
test_events_are_sampled (void)
{
  Stream stream = open_stream ("/api/v1/events?agent=flood");

  await (&stream, "\r\n\r\n");
  for (guint i = 0; i < 3000; i++)
    push (TRUE, "flood", "flood.example.com");
  await (&stream, "event: left_out\ndata: {\"left_out\":2000}\n");
  close_stream (&stream);
}

/* The id of the event that @text is in. */
static char *
id_of (Stream *stream, const char *text)
{
  const char *at = strstr (stream->received->str, text);
  const char *id;

  g_assert_nonnull (at);
  id = g_strrstr_len (stream->received->str, at - stream->received->str, "id: ");
  g_assert_nonnull (id);
  return g_strndup (id + 4, strcspn (id + 4, "\n"));
}

static guint
count_text (Stream *stream, const char *text)
{
  guint n = 0;

  for (const char *at = stream->received->str; (at = strstr (at, text)) != NULL; at++)
    n++;
  return n;
}

static void
test_events_resume (void)
{
  Stream stream = open_stream ("/api/v1/events?agent=ra");
  g_autofree char *seen = NULL;

  await (&stream, "\r\n\r\n");
  push (TRUE, "ra", "one.example.com");
  push (TRUE, "ra", "two.example.com");
  await (&stream, "two.example.com");
  seen = id_of (&stream, "one.example.com");
  close_stream (&stream);

  /* While nobody listens. */
  push (TRUE, "ra", "three.example.com");
  push (TRUE, "rb", "other.example.com");
  expect ("POST", "/api/v1/rules/reload", NULL, 200);
  push (TRUE, "ra", "four.example.com");
  stream = open_stream_after ("/api/v1/events?agent=ra", seen);
  await (&stream, "four.example.com");
  await (&stream, "event: reload\n");
  push (FALSE, "ra", "five.example.com");
  await (&stream, "five.example.com");
  g_assert_cmpuint (count_text (&stream, "event: decision\n"), ==, 4);
  g_assert_null (strstr (stream.received->str, "one.example.com"));
  g_assert_null (strstr (stream.received->str, "event: reset"));
  g_assert_true (strstr (stream.received->str, "two.example.com")
                 < strstr (stream.received->str, "three.example.com"));
  close_stream (&stream);
}

static void
test_events_reset (void)
{
  static const char *const ids[] = { "00000000-1-0", "x", "1-2-3-4", "-1--1--1",
                                     "ffffffffffffffffffffffff-1-1" };

  push (TRUE, "rs", "kept.example.com");
  for (gsize i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      Stream stream = open_stream_after ("/api/v1/events?agent=rs", ids[i]);

      await (&stream, "event: reset\ndata: {}\n");
      await (&stream, "kept.example.com");
      close_stream (&stream);
    }
}

/* More than a client is sent again: the newest, and the number of the others. */
static void
test_events_replay_limit (void)
{
  Stream stream;

  for (guint i = 0; i < 1500; i++)
    push (TRUE, "rl", "limit.example.com");
  stream = open_stream ("/api/v1/events?agent=rl&since=1h&limit=5");
  await (&stream, "event: left_out\ndata: {\"left_out\":1495}\n");
  push (TRUE, "rl", "end.example.com");
  await (&stream, "end.example.com");
  g_assert_cmpuint (count_text (&stream, "event: decision\n"), ==, 6);
  close_stream (&stream);
  stream = open_stream ("/api/v1/events?agent=rl&since=1h&limit=60000");
  await (&stream, "event: left_out\n");
  await (&stream, "end.example.com");
  g_assert_cmpuint (count_text (&stream, "event: decision\n"), <=, OC_LOG_RING_MAX / 65);
  close_stream (&stream);
}

int
main (int argc, char **argv)
{
  int code;

  oc_test_enter_netns ();
  signal (SIGPIPE, SIG_IGN);
  g_test_init (&argc, &argv, NULL);
  start ();
  g_test_add_func ("/host-api/events", test_events);
  g_test_add_func ("/host-api/events-are-sampled", test_events_are_sampled);
  g_test_add_func ("/host-api/events/resume", test_events_resume);
  g_test_add_func ("/host-api/events/reset", test_events_reset);
  g_test_add_func ("/host-api/events/replay-limit", test_events_replay_limit);
  code = g_test_run ();
  stop ();
  return code;
}
