/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-cli-commands.h"
#include "selftest.h"

#include "common/oc-host.h"

#include <string.h>

static gboolean opt_list;
static gboolean opt_disruptive;
static char **opt_classes;
static char *opt_via;

/* man/outcall.1 describes them too. */
static const GOptionEntry options[] = {
  { "class", 0, 0, G_OPTION_ARG_STRING_ARRAY, &opt_classes, N_("Only the ways of this class"),
    N_("CLASS") },
  { "via", 0, 0, G_OPTION_ARG_STRING, &opt_via,
    N_("A host that the rules allow, to try to hide behind"), N_("HOST") },
  { "list", 0, 0, G_OPTION_ARG_NONE, &opt_list, N_("List the ways, try none"), NULL },
  { "disruptive", 0, 0, G_OPTION_ARG_NONE, &opt_disruptive,
    N_("Also those that interrupt other programs: the daemon is killed"), NULL },
  { NULL },
};

/* It becomes part of a request. Returns: -1 to go on, else the exit code. */
static int
check_via (const OcSelftest *test)
{
  OcHost host;
  guint16 port;

  if (opt_via != NULL && !oc_host_parse_authority (oc_str_from (opt_via), 443, &host, &port))
    return oc_cli_usage_error (test->cli, _("'%s' is not a host"), opt_via);
  return -1;
}

/* Returns: -1 to go on, else the exit code. */
static int
check_classes (const OcSelftest *test)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (guint i = 0; i < test->ways->len; i++)
    g_ptr_array_add (names, ((OcWay *) test->ways->pdata[i])->class);
  g_ptr_array_add (names, NULL);
  for (char **class = opt_classes; class != NULL && *class != NULL; class++)
    if (!g_strv_contains ((const char *const *) names->pdata, *class))
      {
        const char *near = oc_cli_did_you_mean (*class, (const char *const *) names->pdata);

        return near != NULL ? oc_cli_usage_error (test->cli,
                                                  _("there is no class '%s'; did you mean '%s'?"),
                                                  *class, near)
                            : oc_cli_usage_error (test->cli, _("there is no class '%s'"), *class);
      }
  return -1;
}

/* What gave no result was not shown to hold. */
static int
get_exit_code (const OcSelftest *test)
{
  for (guint i = 0; i < test->ways->len; i++)
    {
      const OcWay *way = test->ways->pdata[i];

      if (oc_selftest_is_chosen (test, way)
          && (way->state == OC_WAY_ESCAPED || way->reason == OC_WAY_NO_RESULT))
        return OC_EXIT_FAILED;
    }
  return OC_EXIT_OK;
}

int
oc_cmd_selftest (OcCli *cli, int argc, char **argv)
{
  g_auto (OcSelftest) test = { 0 };
  g_autoptr (GError) error = NULL;
  int code = oc_cli_parse_options (cli, options, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code < 0)
    code = oc_cli_refuse_arguments (cli, argc, argv);
  if (code >= 0)
    return code;
  if (!oc_selftest_init (&test, cli, &error))
    return oc_cli_error ("%s", error->message);
  code = check_via (&test);
  if (code < 0)
    code = check_classes (&test);
  if (code >= 0)
    return code;
  test.classes = opt_classes;
  test.via = opt_via;
  test.disruptive = opt_disruptive;
  if (opt_list)
    {
      oc_selftest_print_list (&test);
      return OC_EXIT_OK;
    }
  code = oc_cli_call (cli, "GET", "/api/v1/network/config", NULL, NULL);
  if (code != OC_EXIT_OK)
    return code;
  if (!oc_selftest_run (&test, &error))
    return oc_cli_error ("%s", error->message);
  oc_selftest_print (&test);
  return get_exit_code (&test);
}
