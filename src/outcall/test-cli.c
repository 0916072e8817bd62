/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-cli.h"

#include <stdio.h>

static void
test_did_you_mean (void)
{
  static const char *const words[] = { "status", "stop", "log", "bridge up", "bridge status", NULL };
  static const struct
  {
    const char *word, *near;
  } cases[] = {
    { "statsu", "status" }, { "stauts", "status" }, { "stpo", "stop" },
    { "lgo", "log" },       { "bridge pu", "bridge up" }, { "xyzzy", NULL },
    { "", NULL },           { "q", NULL },
  };
  g_autofree char *huge = g_strnfill (10000, 's');

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpstr (oc_cli_did_you_mean (cases[i].word, words), ==, cases[i].near);
  g_assert_null (oc_cli_did_you_mean (huge, words));
}

static void
test_duration (void)
{
  static const struct
  {
    const char *text;
    gint64 seconds; /* -1: refused */
  } cases[] = {
    { "0", 0 },     { "90", 90 },   { "90s", 90 }, { "30m", 1800 }, { "8h", 28800 },
    { "2d", 172800 }, { "", -1 },   { "m", -1 },   { "-1", -1 },    { "+1", -1 },
    { "1 h", -1 },  { "1hh", -1 },  { "1.5h", -1 }, { "99999999999999999999", -1 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      gint64 seconds = -1;

      g_assert_cmpint (oc_cli_parse_duration (cases[i].text, &seconds), ==,
                       cases[i].seconds >= 0);
      g_assert_cmpint (seconds, ==, cases[i].seconds);
    }
}

static void
test_ages (void)
{
  static const struct
  {
    gint64 seconds;
    const char *text;
  } cases[] = {
    { -5, "0 seconds" },  { 1, "1 second" },    { 59, "59 seconds" }, { 60, "1 minute" },
    { 3599, "59 minutes" }, { 3600, "1 hour" }, { 86399, "23 hours" }, { 86400, "1 day" },
    { 864000, "10 days" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = oc_cli_age (cases[i].seconds);

      g_assert_cmpstr (text, ==, cases[i].text);
    }
}

static void
test_clean (void)
{
  static const struct
  {
    const char *text, *clean;
  } cases[] = {
    { NULL, "" },
    { "plain", "plain" },
    { "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
    { "\x1b[31mred", "?[31mred" },
    { "two\nlines", "two lines" },
    { "\xc2\x9b" "31m", "?31m" },
    { "\xe2\x80\xae" "abc", "?abc" },
    { "\xff", "\xef\xbf\xbd" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *clean = oc_cli_clean (cases[i].text);

      g_assert_cmpstr (clean, ==, cases[i].clean);
    }
}

static void
test_widths (void)
{
  g_assert_cmpuint (oc_cli_text_width (""), ==, 0);
  g_assert_cmpuint (oc_cli_text_width ("abc"), ==, 3);
  g_assert_cmpuint (oc_cli_text_width ("gr\xc3\xbc\xc3\x9f"), ==, 4);
  g_assert_cmpuint (oc_cli_text_width ("\xe6\x97\xa5\xe6\x9c\xac"), ==, 4); /* wide */
  g_assert_cmpuint (oc_cli_text_width ("e\xcc\x81"), ==, 1);                /* combining */
}

static void
test_cut (void)
{
  static const struct
  {
    const char *text;
    gsize width;
    const char *cut;
  } cases[] = {
    { "abcdef", 0, "abcdef" },
    { "abcdef", 6, "abcdef" },
    { "abcdef", 5, "abcd\xe2\x80\xa6" },
    { "abcdef", 1, "\xe2\x80\xa6" },
    { "\xe6\x97\xa5\xe6\x9c\xac", 4, "\xe6\x97\xa5\xe6\x9c\xac" },
    { "\xe6\x97\xa5\xe6\x9c\xac", 3, "\xe6\x97\xa5\xe2\x80\xa6" },
    { "\xe6\x97\xa5\xe6\x9c\xac", 2, "\xe2\x80\xa6" }, /* half a wide one does not fit */
    { "", 1, "" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *cut = oc_cli_cut (cases[i].text, cases[i].width);

      g_assert_cmpstr (cut, ==, cases[i].cut);
    }
}

static void
test_targets (void)
{
  g_autofree char *none = oc_cli_make_target ("/x", "a", NULL, NULL);
  g_autofree char *some = oc_cli_make_target ("/x", "a", "1 &2", "b", NULL, "c", "\xc3\xbc", NULL);

  g_assert_cmpstr (none, ==, "/x");
  g_assert_cmpstr (some, ==, "/x?a=1%20%262&c=%C3%BC");
}

static void
fill_table (void)
{
  static const char *const headings[] = { "NAME", ">N", "WHAT", NULL };
  OcCli cli = { .no_color = TRUE };
  g_autoptr (OcTable) table = oc_table_new (&cli, headings);
  g_autoptr (OcTable) pairs = oc_table_new_pairs (&cli);

  oc_table_add_row (table);
  oc_table_add_cell (table, OC_STYLE_GOOD, "\xe6\x97\xa5\xe6\x9c\xac");
  oc_table_add_cell_printf (table, OC_STYLE_PLAIN, "%d", 1);
  oc_table_add_cell (table, OC_STYLE_PLAIN, NULL);
  oc_table_add_row (table);
  oc_table_add_cell (table, OC_STYLE_PLAIN, "longer\n");
  oc_table_add_cell (table, OC_STYLE_PLAIN, "1000");
  oc_table_add_cell (table, OC_STYLE_PLAIN, "x");
  oc_table_print (table);
  oc_table_add_pair (pairs, "Label", "text");
  oc_table_add_count (pairs, "N", 7);
  oc_table_print (pairs);
  fflush (stdout);
}

/* Each line is as wide as it may be, wide characters are not halved, and what cannot
 * be made narrower is left as it is. */
static void
fill_narrow (void)
{
  static const char *const headings[] = { "NAME", ">N", "WHAT", NULL };
  static const gsize widths[] = { 24, 13, 3 };
  OcCli cli = { .no_color = TRUE };

  for (gsize i = 0; i < G_N_ELEMENTS (widths); i++)
    {
      g_autoptr (OcTable) table = oc_table_new (&cli, headings);

      oc_table_add_row (table);
      oc_table_add_cell (table, OC_STYLE_PLAIN, "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5");
      oc_table_add_cell (table, OC_STYLE_PLAIN, "7");
      oc_table_add_cell (table, OC_STYLE_PLAIN, "abcdefghijklmnopqrstuvwxyz");
      oc_table_set_width (table, widths[i]);
      oc_table_print (table);
    }
  fflush (stdout);
}

static void
test_narrow_table (void)
{
  if (g_test_subprocess ())
    {
      fill_narrow ();
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stdout ("*NAME      N  WHAT\n"
                             "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5  7  abcdefghij\xe2\x80\xa6\n"
                             "NAME    N  WHAT\n"
                             "\xe6\x97\xa5\xe6\x9c\xac\xe2\x80\xa6   7  abcde\xe2\x80\xa6\n"
                             "NAME    N  WHAT\n"
                             "\xe6\x97\xa5\xe6\x9c\xac\xe2\x80\xa6   7  abcde\xe2\x80\xa6\n*");
}

static void
test_table (void)
{
  if (g_test_subprocess ())
    {
      fill_table ();
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stdout ("*NAME        N  WHAT\n"
                             "\xe6\x97\xa5\xe6\x9c\xac        1  \n"
                             "longer   1000  x\n"
                             "Label  text\n"
                             "N      7\n*");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cli/did-you-mean", test_did_you_mean);
  g_test_add_func ("/cli/duration", test_duration);
  g_test_add_func ("/cli/ages", test_ages);
  g_test_add_func ("/cli/clean", test_clean);
  g_test_add_func ("/cli/widths", test_widths);
  g_test_add_func ("/cli/cut", test_cut);
  g_test_add_func ("/cli/targets", test_targets);
  g_test_add_func ("/cli/table", test_table);
  g_test_add_func ("/cli/narrow-table", test_narrow_table);
  return g_test_run ();
}
