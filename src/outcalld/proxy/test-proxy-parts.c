/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Request targets and timers.
 */
#include "config.h"

#include "proxy/oc-proxy-conn.h"

static void
test_paths (void)
{
  static const struct
  {
    const char *path;
    bool plain;
  } cases[] = {
    { "/", true },
    { "/a/b", true },
    { "/a.b/..c/...", true },
    { "/.well-known/x", true },
    { "/@scope%2fname", true },
    { "/a%20b", true },
    { "/a;v=1/b", true },
    { "//a", true },
    { "/..", false },
    { "/.", false },
    { "/a/../b", false },
    { "/a/./b", false },
    { "/a/..", false },
    { "/%2e%2e/b", false },
    { "/.%2E/b", false },
    { "/%2e", false },
    { "/a%2f..%2fb", false },
    { "/a/..%2fb", false },
    { "/a/..%5cb", false },
    { "/a/..;x/b", false },
    { "/a\\b", false },
    { "/a/..\\b", false },
    { "/a%00", false },
    { "/a%0ab", false },
    { "/a%", false },
    { "/a%2", false },
    { "/a%zz", false },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("%s", cases[i].path);
      g_assert_cmpint (oc_target_path_is_plain (oc_str_from (cases[i].path)), ==, cases[i].plain);
    }
}

static void
test_absolute (void)
{
  static const struct
  {
    const char *target, *host;
    guint16 port;
    const char *path, *query;
  } cases[] = {
    { "http://a.example/x?y=1", "a.example", 80, "/x", "?y=1" },
    { "HTTP://A.Example.:8080/", "a.example", 8080, "/", "" },
    { "http://a?q", "a", 80, "/", "?q" },
    { "http://a", "a", 80, "/", "" },
    { "http://a/./x/././y", "a", 80, "/x/y", "" },
    { "http://a/x/.", "a", 80, "/x/", "" },
    { "http://a/.", "a", 80, "/", "" },
    { "http://a/./..", NULL, 0, NULL, NULL },
    { "http://a/.%2e/x", NULL, 0, NULL, NULL },
    { "http://a/%2e/x", NULL, 0, NULL, NULL },
    { "http://a/./.x/y.", "a", 80, "/.x/y.", "" },
    { "http://[2001:DB8::1]:81/x", "2001:db8::1", 81, "/x", "" },
    { "http://1.2.3.4/", "1.2.3.4", 80, "/", "" },
    { "http://a/x?http://b@c/", "a", 80, "/x", "?http://b@c/" },
    { "https://a/", NULL, 0, NULL, NULL },
    { "ftp://a/", NULL, 0, NULL, NULL },
    { "http:a", NULL, 0, NULL, NULL },
    { "http:///x", NULL, 0, NULL, NULL },
    { "http://u@a/", NULL, 0, NULL, NULL },
    { "http://u:p@a/", NULL, 0, NULL, NULL },
    { "http://a:0/", NULL, 0, NULL, NULL },
    { "http://a:/", NULL, 0, NULL, NULL },
    { "http://a:65536/", NULL, 0, NULL, NULL },
    { "http://a:080/", NULL, 0, NULL, NULL },
    { "http://0x7f.1/", NULL, 0, NULL, NULL },
    { "http://0177.0.0.1/", NULL, 0, NULL, NULL },
    { "http://127.1/", NULL, 0, NULL, NULL },
    { "http://2130706433/", NULL, 0, NULL, NULL },
    { "http://a%2eb/", NULL, 0, NULL, NULL },
    { "http://a\\@b/", NULL, 0, NULL, NULL },
    { "http://::1/", NULL, 0, NULL, NULL },
    { "http://[fe80::1%25eth0]/", NULL, 0, NULL, NULL },
    { "http://a..b/", NULL, 0, NULL, NULL },
    { "http://a/../b", NULL, 0, NULL, NULL },
    { "/x", NULL, 0, NULL, NULL },
    { "*", NULL, 0, NULL, NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      OcTarget target;
      const char *why = oc_target_parse_absolute (oc_str_from (cases[i].target), &target);

      g_test_message ("%s", cases[i].target);
      g_assert_cmpint (why == NULL, ==, cases[i].host != NULL);
      if (why != NULL)
        continue;
      g_assert_cmpstr (target.host.name, ==, cases[i].host);
      g_assert_cmpuint (target.port, ==, cases[i].port);
      g_assert_true (oc_str_equal (target.path, oc_str_from (cases[i].path)));
      g_assert_true (oc_str_equal (target.query, oc_str_from (cases[i].query)));
    }
}

/* --- Timers ---------------------------------------------------------------------- */

enum
{
  N_ALARMS = 1000,
};

typedef struct
{
  OcTimers timers;
  gint64 before_us, now_us; /* the last two times the wheel was turned to */
  gint64 last_tick;
  guint n_armed, n_fired;
} Clock;

typedef struct
{
  OcTimer timer;
  Clock *clock;
  gint64 armed_us; /* when */
} Alarm;

/* Within the tick it is due at, or the one after it was armed. */
static void
on_alarm (gpointer owner)
{
  Alarm *alarm = owner;
  Clock *clock = alarm->clock;
  gint64 tick = MAX (alarm->timer.due_us + 999, alarm->armed_us + 1000) / 1000;

  g_assert_null (alarm->timer.link);
  g_assert_cmpint (alarm->timer.due_us, <=, clock->now_us);
  g_assert_cmpint (tick, >, clock->before_us / 1000);
  g_assert_cmpint (tick, <=, clock->now_us / 1000);
  g_assert_cmpint (tick, >=, clock->last_tick);
  clock->last_tick = tick;
  clock->n_armed--;
  clock->n_fired++;
}

static void
turn_to (Clock *clock, gint64 now_us)
{
  clock->before_us = clock->now_us;
  clock->now_us = now_us;
  oc_timers_run (&clock->timers, now_us);
}

/* From a microsecond to seven weeks, each magnitude as likely as the others. */
static gint64
random_us (void)
{
  gint64 low = g_test_rand_int_range (0, 1 << 21);
  gint64 high = g_test_rand_int_range (1 << 20, 1 << 21);

  return (high << 21 | low) >> g_test_rand_int_range (0, 42);
}

static void
arm (Alarm *alarm)
{
  Clock *clock = alarm->clock;

  clock->n_armed += alarm->timer.link == NULL;
  alarm->armed_us = clock->now_us;
  oc_timers_arm (&clock->timers, &alarm->timer,
                 clock->now_us + (g_test_rand_bit () ? random_us () : -random_us () / 1000));
}

static void
disarm (Alarm *alarm)
{
  Clock *clock = alarm->clock;

  clock->n_armed -= alarm->timer.link != NULL;
  oc_timers_disarm (&clock->timers, &alarm->timer);
}

/* Armed, moved and disarmed at random, with time in steps of any size: each fires in time. */
static void
test_timers (void)
{
  g_autofree Alarm *alarms = g_new0 (Alarm, N_ALARMS);
  Clock clock = { .now_us = 12345678901 };

  oc_timers_init (&clock.timers, clock.now_us);
  for (guint i = 0; i < N_ALARMS; i++)
    alarms[i] = (Alarm) { { .func = on_alarm, .owner = &alarms[i] }, &clock, 0 };
  for (guint i = 0; i < 200000; i++)
    {
      Alarm *alarm = &alarms[g_test_rand_int_range (0, N_ALARMS)];

      switch (g_test_rand_int_range (0, 4))
        {
        case 0:
          disarm (alarm);
          break;
        case 1:
          turn_to (&clock, clock.now_us + random_us () / 100);
          break;
        default:
          arm (alarm);
          break;
        }
    }
  g_assert_cmpuint (clock.n_fired, >, 1000);
  turn_to (&clock, clock.now_us + 60 * 24 * 3600 * (gint64) G_USEC_PER_SEC);
  g_assert_cmpuint (clock.n_armed, ==, 0);
  g_assert_cmpint (oc_timers_next_ms (&clock.timers, clock.now_us), ==, -1);
}

/* Who waits as long as told turns the wheel a few times at most, and is never late. */
static void
test_timers_wait (void)
{
  for (guint i = 0; i < 2000; i++)
    {
      Clock clock = { .now_us = g_test_rand_int_range (0, G_MAXINT32) * (gint64) 1000 };
      Alarm alarm = { { .func = on_alarm, .owner = &alarm }, &clock, 0 };
      guint n_turns = 0;
      int wait_ms;

      oc_timers_init (&clock.timers, clock.now_us);
      arm (&alarm);
      while ((wait_ms = oc_timers_next_ms (&clock.timers, clock.now_us)) >= 0)
        {
          g_assert_cmpuint (++n_turns, <=, 2 * OC_TIMERS_LEVELS);
          g_assert_cmpint (wait_ms, >, 0);
          if (wait_ms > 1)
            turn_to (&clock, clock.now_us + (wait_ms - 1) * (gint64) 1000);
          g_assert_cmpuint (clock.n_fired, ==, 0);
          turn_to (&clock, clock.now_us + 1000);
        }
      g_assert_cmpuint (clock.n_fired, ==, 1);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/proxy/target/paths", test_paths);
  g_test_add_func ("/proxy/target/absolute", test_absolute);
  g_test_add_func ("/proxy/timers", test_timers);
  g_test_add_func ("/proxy/timers/wait", test_timers_wait);
  return g_test_run ();
}
