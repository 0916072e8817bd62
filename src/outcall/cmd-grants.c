/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-cli-commands.h"

#include "outcall-api/outcall-api.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_LIFETIME_S 3600

/* --- list --------------------------------------------------------------------------- */

/* (transfer full) */
static char *
format_ports (const OutcallGrant *grant)
{
  const char *protocol = outcall_protocol_to_string (grant->protocol);

  if (grant->port == 0)
    /* TRANSLATORS: every port of a protocol, "tcp" or "udp" */
    return g_strdup_printf (_("%s, every port"), protocol);
  if (grant->last_port != 0)
    return g_strdup_printf ("%s %u-%u", protocol, grant->port, grant->last_port);
  return g_strdup_printf ("%s %u", protocol, grant->port);
}

/* (transfer full) */
static char *
format_sent (const OutcallGrant *grant)
{
  g_autofree char *sent = g_format_size_full (grant->bytes, G_FORMAT_SIZE_IEC_UNITS);
  g_autofree char *most = NULL;

  if (grant->max_bytes == 0)
    return g_steal_pointer (&sent);
  most = g_format_size_full (grant->max_bytes, G_FORMAT_SIZE_IEC_UNITS);
  /* TRANSLATORS: bytes sent, of at most so many */
  return g_strdup_printf (_("%s of %s"), sent, most);
}

static void
add_grant (OcTable *table, const OutcallGrant *grant)
{
  gint64 left_us = grant->expires_at_us - g_get_real_time ();
  g_autofree char *left = oc_cli_age (MAX (left_us / G_USEC_PER_SEC, 0));
  g_autofree char *ports = format_ports (grant);
  g_autofree char *sent = format_sent (grant);

  oc_table_add_row (table);
  oc_table_add_cell (table, OC_STYLE_BOLD, grant->id);
  oc_table_add_cell (table, OC_STYLE_PLAIN, grant->workload);
  if (grant->name != NULL)
    oc_table_add_cell_printf (table, OC_STYLE_PLAIN, "%s (%s)", grant->name, grant->destination);
  else
    oc_table_add_cell (table, OC_STYLE_PLAIN, grant->destination);
  oc_table_add_cell (table, OC_STYLE_PLAIN, ports);
  oc_table_add_cell (table, OC_STYLE_PLAIN, left);
  oc_table_add_cell (table, OC_STYLE_PLAIN, sent);
  oc_table_add_cell (table, OC_STYLE_DIM, grant->rule != NULL ? grant->rule : _("by hand"));
}

static void
print_grants (OcCli *cli, const OutcallActiveGrants *active)
{
  const char *const headings[]
      = { _("Grant"), _("Program"), _("Destination"), _("Ports"), _("Ends in"), _("Sent"),
          _("Rule"), NULL };
  g_autoptr (OcTable) table = oc_table_new (cli, headings);

  if (active->n_grants == 0)
    {
      puts (_("There is no grant."));
      return;
    }
  for (gsize i = 0; i < active->n_grants; i++)
    add_grant (table, active->grants[i]);
  oc_table_print (table);
  if (active->total > active->n_grants)
    printf (_("… of %lu in all; --limit shows more\n"), (unsigned long) active->total);
}

int
oc_cmd_grants_list (OcCli *cli, int argc, char **argv)
{
  g_autofree char *agent = NULL;
  g_autofree char *limit = NULL;
  const GOptionEntry entries[] = {
    { "agent", 0, 0, G_OPTION_ARG_STRING, &agent, N_("Only those of this program"), N_("NAME") },
    { "limit", 0, 0, G_OPTION_ARG_STRING, &limit, N_("At most so many"), N_("N") },
    { 0 },
  };
  g_autoptr (OutcallActiveGrants) active = NULL;
  g_autofree char *target = NULL;
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (GError) error = NULL;
  int code = oc_cli_parse_options (cli, entries, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code < 0)
    code = oc_cli_refuse_arguments (cli, argc, argv);
  if (code >= 0)
    return code;
  target = oc_cli_make_target ("/api/v1/rules/active", "workload", agent, "limit", limit, NULL);
  code = oc_cli_fetch (cli, "GET", target, NULL, &data);
  if (code >= 0)
    return code;
  active = outcall_active_grants_from_json (data, &error);
  if (active == NULL)
    return oc_cli_bad_answer (cli, error);
  print_grants (cli, active);
  return OC_EXIT_OK;
}

/* --- add ---------------------------------------------------------------------------- */

static gboolean
parse_port (const char *text, gsize len, uint16_t *out)
{
  g_autofree char *digits = g_strndup (text, len);
  guint64 value;

  if (!g_ascii_string_to_unsigned (digits, 10, 1, G_MAXUINT16, &value, NULL))
    return FALSE;
  *out = (uint16_t) value;
  return TRUE;
}

/* "443", "8000-8010", "any", each with "/udp" or "/tcp" */
static gboolean
parse_ports (const char *text, OutcallGrantRequest *out)
{
  const char *slash = strchr (text, '/');
  gsize len = slash != NULL ? (gsize) (slash - text) : strlen (text);
  const char *dash = memchr (text, '-', len);

  out->protocol = OUTCALL_PROTOCOL_TCP;
  if (slash != NULL && !outcall_protocol_from_string (slash + 1, &out->protocol))
    return FALSE;
  if (len == 3 && strncmp (text, "any", 3) == 0)
    return TRUE;
  if (dash == NULL)
    return parse_port (text, len, &out->port);
  return parse_port (text, (gsize) (dash - text), &out->port)
         && parse_port (dash + 1, len - (gsize) (dash + 1 - text), &out->last_port)
         && out->last_port > out->port;
}

static int
read_request (OcCli *cli, char **argv, const char *lifetime, const char *most,
              OutcallGrantRequest *out)
{
  gint64 lifetime_s = DEFAULT_LIFETIME_S;

  out->workload = argv[1];
  out->destination = argv[2];
  if (!parse_ports (argv[3], out))
    return oc_cli_usage_error (
        cli, _("'%s' is no port: one like 443, 8000-8010, 53/udp or any"), argv[3]);
  if (lifetime != NULL && !oc_cli_parse_duration (lifetime, &lifetime_s))
    return oc_cli_usage_error (cli, _("'%s' is no duration: one like 90s, 30m, 8h, 2d"), lifetime);
  if (lifetime_s < 1 || lifetime_s > OUTCALL_GRANT_LIFETIME_MAX_SECS)
    return oc_cli_usage_error (cli, _("a grant lasts a second to a week"));
  if (most != NULL && !oc_cli_parse_size (most, &out->max_bytes))
    return oc_cli_usage_error (cli, _("'%s' is no size like 512m or 2g"), most);
  out->lifetime_s = (uint64_t) lifetime_s;
  return -1;
}

int
oc_cmd_grants_add (OcCli *cli, int argc, char **argv)
{
  g_autofree char *lifetime = NULL;
  g_autofree char *most = NULL;
  const GOptionEntry entries[] = {
    { "for", 0, 0, G_OPTION_ARG_STRING, &lifetime, N_("How long; one hour when not given"),
      N_("TIME") },
    { "max-bytes", 0, 0, G_OPTION_ARG_STRING, &most, N_("What may be sent, at most"), N_("SIZE") },
    { 0 },
  };
  OutcallGrantRequest request = { 0 };
  g_autoptr (OutcallGrant) grant = NULL;
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (GError) error = NULL;
  int code = oc_cli_parse_options (cli, entries, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code >= 0)
    return code;
  if (argc != 4)
    return oc_cli_usage_error (cli, _("a program's NAME, an ADDRESS and a PORT are needed"));
  code = read_request (cli, argv, lifetime, most, &request);
  if (code < 0)
    code = oc_cli_fetch (cli, "POST", "/api/v1/rule/allow",
                         outcall_grant_request_to_json (&request), &data);
  if (code >= 0)
    return code;
  grant = outcall_grant_from_json (data, &error);
  if (grant == NULL)
    return oc_cli_bad_answer (cli, error);
  /* TRANSLATORS: the id of a grant */
  printf (_("Granted as %s.\n"), grant->id);
  return OC_EXIT_OK;
}

/* --- revoke and flush --------------------------------------------------------------- */

int
oc_cmd_grants_revoke (OcCli *cli, int argc, char **argv)
{
  int code = oc_cli_parse_options (cli, NULL, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code >= 0)
    return code;
  if (argc < 2)
    return oc_cli_usage_error (cli, _("which GRANT? See outcall grants list"));
  for (int i = 1; i < argc; i++)
    {
      const OutcallRevokeRequest request = { argv[i] };
      g_autoptr (JsonNode) data = NULL;

      code = oc_cli_fetch (cli, "POST", "/api/v1/rule/revoke",
                           outcall_revoke_request_to_json (&request), &data);
      if (code > OC_EXIT_OK)
        return code;
      if (code < 0)
        /* TRANSLATORS: the id of a grant */
        printf (_("%s is revoked, and what it allowed has ended.\n"), argv[i]);
    }
  return OC_EXIT_OK;
}

int
oc_cmd_grants_flush (OcCli *cli, int argc, char **argv)
{
  g_autofree char *agent = NULL;
  const GOptionEntry entries[] = {
    { "agent", 0, 0, G_OPTION_ARG_STRING, &agent, N_("Only those of this program"), N_("NAME") },
    { 0 },
  };
  OutcallFlushRequest request = { 0 };
  g_autoptr (OutcallGrantsRemoved) removed = NULL;
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (GError) error = NULL;
  int code = oc_cli_parse_options (cli, entries, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code < 0)
    code = oc_cli_refuse_arguments (cli, argc, argv);
  if (code >= 0)
    return code;
  request.workload = agent;
  code = oc_cli_fetch (cli, "POST", "/api/v1/rules/flush", outcall_flush_request_to_json (&request),
                       &data);
  if (code >= 0)
    return code;
  removed = outcall_grants_removed_from_json (data, &error);
  if (removed == NULL)
    return oc_cli_bad_answer (cli, error);
  printf (ngettext ("%lu grant has ended.\n", "%lu grants have ended.\n",
                    (unsigned long) removed->removed),
          (unsigned long) removed->removed);
  return OC_EXIT_OK;
}
