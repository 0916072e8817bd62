/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-cli-commands.h"

#include "ca/oc-ca.h"
#include "common/oc-shim.h"
#include "outcall-api/outcall-api.h"

#include <stdio.h>
#include <sys/stat.h>

#define DEFAULT_DIR SYSCONFDIR "/outcall/ca"
#define EXIT_NONE 6 /* there is no CA */

/* --- ca init ------------------------------------------------------------------------ */

static void
print_made_as_json (const char *cert, const char *key)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) node = NULL;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "cert");
  json_builder_add_string_value (builder, cert);
  json_builder_set_member_name (builder, "key");
  json_builder_add_string_value (builder, key);
  json_builder_end_object (builder);
  node = json_builder_get_root (builder);
  oc_cli_print_json (node);
}

/* It says itself what went wrong. */
static int
run_helper (const char *dir, const char *algorithm)
{
  g_autofree char *helper = oc_helper_find ("outcall-ca");
  const char *const argv[] = { helper, dir, algorithm, NULL };
  g_autoptr (GError) error = NULL;
  int status;

  if (!g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_CHILD_INHERITS_STDIN, NULL, NULL, NULL,
                     NULL, &status, &error))
    return oc_cli_error ("%s", error->message);
  return status == 0 ? OC_EXIT_OK : OC_EXIT_FAILED;
}

static int
make (OcCli *cli, const char *dir, const char *algorithm)
{
  g_autofree char *cert = g_build_filename (dir, OC_CA_CERT_NAME, NULL);
  g_autofree char *key = g_build_filename (dir, OC_CA_KEY_NAME, NULL);
  g_autofree char *parent = g_path_get_dirname (dir);

  /* The folders above are for others too. */
  if (g_mkdir_with_parents (parent, 0755) < 0 || (mkdir (dir, 0700) < 0 && errno != EEXIST))
    return oc_cli_error ("%s: %s", dir, g_strerror (errno));
  if (run_helper (dir, algorithm) != OC_EXIT_OK)
    return OC_EXIT_FAILED;
  if (cli->json)
    {
      print_made_as_json (cert, key);
      return OC_EXIT_OK;
    }
  /* TRANSLATORS: a file */
  printf (_("Made %s, which is good for ten years. Keep the key beside it to yourself.\n"), cert);
  printf (_("To open connections with it, write into outcalld.conf and restart outcalld:\n"));
  printf ("\n    [outcalld]\n    ca-cert=%s\n    ca-key=%s\n", cert, key);
  return OC_EXIT_OK;
}

int
oc_cmd_ca_init (OcCli *cli, int argc, char **argv)
{
  g_autofree char *out = NULL;
  g_autofree char *algorithm = NULL;
  g_autofree char *dir = NULL;
  const GOptionEntry entries[] = {
    { "out", 0, 0, G_OPTION_ARG_FILENAME, &out, N_("Folder to write to"), N_("DIR") },
    { "algorithm", 0, 0, G_OPTION_ARG_STRING, &algorithm, N_("Kind of key"), "ecdsa|rsa" },
    { 0 },
  };
  int code = oc_cli_parse_options (cli, entries, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code < 0)
    code = oc_cli_refuse_arguments (cli, argc, argv);
  if (code >= 0)
    return code;
  if (algorithm != NULL && !g_str_equal (algorithm, "ecdsa") && !g_str_equal (algorithm, "rsa"))
    return oc_cli_usage_error (cli, _("--algorithm is ecdsa or rsa, not '%s'"), algorithm);
  dir = g_canonicalize_filename (out != NULL ? out : DEFAULT_DIR, NULL);
  return make (cli, dir, algorithm != NULL ? algorithm : "ecdsa");
}

/* --- ca status ---------------------------------------------------------------------- */

static void
add_date (OcTable *table, const char *label, gint64 time_us)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_local (time_us / G_USEC_PER_SEC);
  g_autofree char *text = time != NULL ? g_date_time_format (time, "%x") : g_strdup ("");

  oc_table_add_pair (table, label, text);
}

int
oc_cmd_ca_status (OcCli *cli, int argc, char **argv)
{
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (OutcallCa) ca = NULL;
  g_autoptr (OcTable) table = NULL;
  g_autoptr (GError) error = NULL;
  int code = oc_cli_fetch_plain (cli, argc, argv, "GET", "/api/v1/ca", &data);

  if (code >= 0)
    return code;
  ca = outcall_ca_from_json (data, &error);
  if (ca == NULL)
    return oc_cli_bad_answer (cli, error);
  if (!ca->loaded)
    {
      puts (_("The daemon has no CA, so it opens no connections. To make one: outcall ca init"));
      return OC_EXIT_OK;
    }
  table = oc_table_new_pairs (cli);
  oc_table_add_pair (table, _("CA"), ca->subject);
  oc_table_add_pair (table, _("Key"), ca->algorithm);
  oc_table_add_pair (table, _("Fingerprint"), ca->fingerprint);
  add_date (table, _("Good until"), ca->not_after_us);
  oc_table_print (table);
  return OC_EXIT_OK;
}

/* --- ca bundle ---------------------------------------------------------------------- */

int
oc_cmd_ca_bundle (OcCli *cli, int argc, char **argv)
{
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (OutcallCaBundle) bundle = NULL;
  g_autoptr (GError) error = NULL;
  int code = oc_cli_fetch_plain (cli, argc, argv, "GET", "/api/v1/ca/bundle", &data);

  if (code >= 0)
    return cli->status == 404 ? EXIT_NONE : code;
  bundle = outcall_ca_bundle_from_json (data, &error);
  if (bundle == NULL)
    return oc_cli_bad_answer (cli, error);
  fputs (bundle->pem, stdout);
  return OC_EXIT_OK;
}
