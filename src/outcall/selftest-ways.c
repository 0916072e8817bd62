/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "selftest.h"

#include "common/oc-error.h"
#include "common/oc-shim.h"

#include <string.h>
#include <unistd.h>

#define RUN_LEN 12

static void
way_free (gpointer data)
{
  OcWay *way = data;

  g_free (way->id);
  g_free (way->class);
  g_free (way->text);
  g_free (way->detail);
  g_free (way->stage);
  g_free (way->witness);
  g_free (way->evidence);
  g_free (way);
}

void
oc_way_set (OcWay *way, OcWayState state, OcWayReason reason, const char *evidence)
{
  way->state = state;
  way->reason = reason;
  g_free (way->evidence);
  way->evidence = evidence != NULL && *evidence != '\0' ? g_strdup (evidence) : NULL;
}

OcWay *
oc_selftest_get_way (const OcSelftest *test, guint64 number)
{
  return number >= 1 && number <= test->ways->len ? test->ways->pdata[number - 1] : NULL;
}

OcWay *
oc_selftest_find_way (const OcSelftest *test, const char *id)
{
  for (guint i = 0; i < test->ways->len; i++)
    {
      OcWay *way = test->ways->pdata[i];

      if (g_str_equal (way->id, id))
        return way;
    }
  return NULL;
}

gboolean
oc_selftest_is_chosen (const OcSelftest *test, const OcWay *way)
{
  return test->classes == NULL
         || g_strv_contains ((const char *const *) test->classes, way->class);
}

static gboolean
read_table (OcSelftest *test, GError **error)
{
  const char *const argv[] = { test->helper, "list", NULL };
  g_autoptr (GSubprocess) process
      = g_subprocess_newv (argv, G_SUBPROCESS_FLAGS_STDOUT_PIPE, error);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (process == NULL || !g_subprocess_communicate_utf8 (process, NULL, NULL, &text, NULL, error))
    return FALSE;
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) fields = g_strsplit (lines[i], "\t", -1);
      OcWay *way;

      if (g_strv_length (fields) != 7)
        continue;
      way = g_new0 (OcWay, 1);
      *way = (OcWay){ .id = g_strdup (fields[0]), .class = g_strdup (fields[1]),
                      .text = g_strdup (fields[2]), .detail = g_strdup (fields[3]),
                      .stage = g_strdup (fields[4]), .witness = g_strdup (fields[5]),
                      .here = g_str_equal (fields[6], "here"),
                      .state = OC_WAY_NOT_APPLICABLE, .reason = OC_WAY_NO_RESULT };
      g_ptr_array_add (test->ways, way);
    }
  return test->ways->len > 0 || oc_throw (error, _("%s does not work"), test->helper);
}

/* Digits of its own, so that nothing of another run is taken for this one's. */
static char *
make_run (void)
{
  char digits[RUN_LEN + 1];

  for (guint i = 0; i < RUN_LEN; i++)
    digits[i] = (char) ('0' + g_random_int_range (0, 10));
  digits[RUN_LEN] = '\0';
  return g_strdup (digits);
}

gboolean
oc_selftest_init (OcSelftest *test, OcCli *cli, GError **error)
{
  test->cli = cli;
  test->ways = g_ptr_array_new_with_free_func (way_free);
  test->helper = oc_helper_find ("outcall-selftest");
  test->run = make_run ();
  return read_table (test, error);
}

void
oc_selftest_clear (OcSelftest *test)
{
  oc_selftest_remove_place (test);
  g_clear_pointer (&test->ways, g_ptr_array_unref);
  outcall_network_config_free (test->network);
  g_free (test->helper);
  g_free (test->run);
  g_free (test->host);
  g_free (test->host6);
  g_free (test->dir);
  g_free (test->project);
  g_free (test->secret);
  g_free (test->port);
  g_free (test->neighbour);
  g_free (test->neighbour_mac);
  g_free (test->allowed_by);
}
