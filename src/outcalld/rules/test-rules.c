/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

/* A reload replaces the policy as a whole or not at all. 03-policy.md, "Reload". */

#include "rules/oc-rules.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

typedef struct
{
  char *dir;
  OcSnapshotHub *hub;
  OcSnapshotReader *reader;
  OcRules *rules;
  guint heard; /* calls of the listener */
} Fixture;

static void
on_reload (OcPolicy *policy, gpointer user_data)
{
  Fixture *fixture = user_data;

  g_assert_true (policy == oc_rules_get_policy (fixture->rules));
  fixture->heard++;
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  OcPolicyOptions options = { TRUE, FALSE };
  g_autoptr (GError) error = NULL;

  fixture->dir = g_dir_make_tmp ("oc-rules-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->hub = oc_snapshot_hub_new ();
  fixture->reader = oc_snapshot_hub_add_reader (fixture->hub);
  fixture->rules = oc_rules_new (fixture->dir, &options, fixture->hub);
  oc_rules_set_listener (fixture->rules, on_reload, fixture);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->dir, "a.yaml", NULL);

  oc_rules_free (fixture->rules);
  oc_snapshot_reader_free (fixture->reader);
  oc_snapshot_hub_free (fixture->hub);
  (void) g_unlink (path); /* not every test makes it */
  g_assert_no_errno (g_rmdir (fixture->dir));
  g_free (fixture->dir);
}

static void
write_file (const Fixture *fixture, const char *text)
{
  g_autofree char *path = g_build_filename (fixture->dir, "a.yaml", NULL);
  g_autoptr (GError) error = NULL;

  g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error);
  g_assert_no_error (error);
}

/* What a worker decides with the newest snapshot. */
static gboolean
worker_allows (const Fixture *fixture, const char *host)
{
  const OcSnapshot *snapshot = oc_snapshot_reader_get (fixture->reader);
  OcPolicyContext context = { 0 };
  OcPolicyVerdict verdict;

  context.network.hostname = oc_str_from (host);
  context.network.port = 443;
  oc_policy_evaluate (oc_snapshot_get_policy (snapshot), &context, &verdict);
  return verdict.allowed;
}

#define RULE(host) "version: \"1\"\nrules: [{id: r, hosts: [" host "], action: allow}]\n"

static void
test_start (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpuint (oc_policy_get_n_rules (oc_rules_get_policy (fixture->rules)), ==, 0);
  g_assert_cmpint (oc_rules_get_loaded_us (fixture->rules), ==, 0);
  g_assert_cmpstr (oc_rules_get_dir (fixture->rules), ==, fixture->dir);
  g_assert_false (worker_allows (fixture, "a.example"));
}

static void
test_reload (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) diagnostics = NULL;
  g_autoptr (GError) error = NULL;

  write_file (fixture, RULE ("a.example"));
  g_assert_true (oc_rules_reload (fixture->rules, &diagnostics, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (diagnostics->len, ==, 0);
  g_assert_cmpuint (fixture->heard, ==, 1);
  g_assert_cmpint (oc_rules_get_loaded_us (fixture->rules), >, 0);
  g_assert_true (worker_allows (fixture, "a.example"));
  write_file (fixture, RULE ("b.example"));
  g_assert_true (worker_allows (fixture, "a.example"));
  g_assert_true (oc_rules_reload (fixture->rules, NULL, &error));
  g_assert_false (worker_allows (fixture, "a.example"));
  g_assert_true (worker_allows (fixture, "b.example"));
}

/* Bad files of each kind: the old policy stays, and the reason is kept. */
static void
test_bad_reload (Fixture *fixture, gconstpointer data)
{
  static const char *const bad[] = {
    "version: [",
    RULE ("'*'"),
    "version: \"1\"\nrules: [{id: r, condition: nope, action: allow}]\n",
    ("version: \"1\"\nrules: [{id: r, hosts: [b.example], action: allow, "
     "egress: {mode: intercept}}]\n"),
  };
  g_autoptr (GError) error = NULL;
  gint64 loaded_us;

  write_file (fixture, RULE ("a.example"));
  g_assert_true (oc_rules_reload (fixture->rules, NULL, &error));
  loaded_us = oc_rules_get_loaded_us (fixture->rules);
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GPtrArray) diagnostics = NULL;

      write_file (fixture, bad[i]);
      g_assert_false (oc_rules_reload (fixture->rules, &diagnostics, &error));
      g_assert_nonnull (strstr (error->message, "a.yaml:"));
      g_assert_cmpstr (oc_rules_get_last_error (fixture->rules), ==, error->message);
      g_assert_cmpuint (diagnostics->len, >, 0);
      g_clear_error (&error);
      g_assert_true (worker_allows (fixture, "a.example"));
      g_assert_cmpint (oc_rules_get_loaded_us (fixture->rules), ==, loaded_us);
      g_assert_cmpuint (fixture->heard, ==, 1);
    }
  write_file (fixture, RULE ("b.example"));
  g_assert_true (oc_rules_reload (fixture->rules, NULL, &error));
  g_assert_null (oc_rules_get_last_error (fixture->rules));
  g_assert_false (worker_allows (fixture, "a.example"));
}

/* No directory is no rules: everything that was allowed is blocked. */
static void
test_directory_goes (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) diagnostics = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (fixture->dir, "a.yaml", NULL);

  write_file (fixture, RULE ("a.example"));
  g_assert_true (oc_rules_reload (fixture->rules, NULL, &error));
  g_assert_no_errno (g_unlink (path));
  g_assert_no_errno (g_rmdir (fixture->dir));
  g_assert_true (oc_rules_reload (fixture->rules, &diagnostics, &error));
  g_assert_cmpuint (diagnostics->len, ==, 1);
  g_assert_false (worker_allows (fixture, "a.example"));
  g_assert_no_errno (g_mkdir (fixture->dir, 0700));
}

/* A change of the directory becomes a reload by itself. */
static void
test_watch (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  gint64 deadline_us = g_get_monotonic_time () + 10 * G_USEC_PER_SEC;

  g_assert_true (oc_rules_watch (fixture->rules, &error));
  g_assert_no_error (error);
  write_file (fixture, RULE ("a.example"));
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "rules reloaded: 1 in force");
  while (fixture->heard == 0 && g_get_monotonic_time () < deadline_us)
    (void) g_main_context_iteration (NULL, TRUE);
  g_test_assert_expected_messages ();
  g_assert_true (worker_allows (fixture, "a.example"));
  write_file (fixture, "version: [");
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "*a.yaml:1:*");
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "rules not reloaded*a.yaml:*");
  while (oc_rules_get_last_error (fixture->rules) == NULL
         && g_get_monotonic_time () < deadline_us)
    (void) g_main_context_iteration (NULL, TRUE);
  g_test_assert_expected_messages ();
  g_assert_true (worker_allows (fixture, "a.example"));
}

static void
test_watch_nothing (Fixture *fixture, gconstpointer data)
{
  OcPolicyOptions options = { TRUE, FALSE };
  g_autofree char *missing = g_build_filename (fixture->dir, "missing", NULL);
  OcRules *rules = oc_rules_new (missing, &options, fixture->hub);
  g_autoptr (GError) error = NULL;

  g_assert_false (oc_rules_watch (rules, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  oc_rules_free (rules);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)
  ADD ("/rules/start", test_start);
  ADD ("/rules/reload", test_reload);
  ADD ("/rules/reload/bad", test_bad_reload);
  ADD ("/rules/reload/directory-goes", test_directory_goes);
  ADD ("/rules/watch", test_watch);
  ADD ("/rules/watch/nothing", test_watch_nothing);
  return g_test_run ();
}
