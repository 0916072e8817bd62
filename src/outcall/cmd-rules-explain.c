/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cmd-rules.h"

#include "common/oc-host.h"
#include "oc-cli-commands.h"

#include <stdio.h>
#include <string.h>

static char *opt_rules_dir;
static char *opt_host;
static char *opt_method;
static char *opt_path;
static char *opt_agent;
static char *opt_dns;
static int opt_port = -1;

/* man/outcall.1 and the completions are to be kept in step. */
static const GOptionEntry options[] = {
  { "host", 0, 0, G_OPTION_ARG_STRING, &opt_host, N_("The host that is asked for"), N_("HOST") },
  { "port", 0, 0, G_OPTION_ARG_INT, &opt_port, N_("The port (443)"), N_("PORT") },
  { "method", 0, 0, G_OPTION_ARG_STRING, &opt_method, N_("The HTTP method"), N_("METHOD") },
  { "path", 0, 0, G_OPTION_ARG_STRING, &opt_path, N_("The HTTP path"), N_("PATH") },
  { "agent", 0, 0, G_OPTION_ARG_STRING, &opt_agent, N_("The agent that asks"), N_("NAME") },
  { "dns", 0, 0, G_OPTION_ARG_STRING, &opt_dns,
    N_("The look-up of the host's records of TYPE, not a connection"), N_("TYPE") },
  { "rules-dir", 0, 0, G_OPTION_ARG_FILENAME, &opt_rules_dir,
    N_("Read the rule files in DIR, without a daemon"), N_("DIR") },
  { NULL },
};

/* What the options and the argument say together. */
typedef struct
{
  char *host;
  char *scheme; /* (nullable) */
  char *path;   /* (nullable) */
  int port;     /* -1: not given */
} Target;

static void
target_clear (Target *target)
{
  g_free (target->host);
  g_free (target->scheme);
  g_free (target->path);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Target, target_clear)

/* @text: a URL */
static gboolean
take_url (Target *target, const char *text)
{
  g_autoptr (GUri) uri = g_uri_parse (text, G_URI_FLAGS_ENCODED, NULL);

  if (uri == NULL || g_uri_get_host (uri) == NULL)
    return FALSE;
  target->host = g_strdup (g_uri_get_host (uri));
  target->scheme = g_strdup (g_uri_get_scheme (uri));
  target->path = g_strdup (g_uri_get_path (uri)[0] != '\0' ? g_uri_get_path (uri) : "/");
  target->port = g_uri_get_port (uri);
  if (target->port < 0)
    target->port = g_str_equal (target->scheme, "http") ? 80 : 443;
  return TRUE;
}

static gboolean
take_argument (Target *target, const char *text)
{
  if (strstr (text, "://") != NULL)
    return take_url (target, text);
  target->host = g_strdup (text);
  return TRUE;
}

/* The host as the policy sees it. */
static gboolean
make_canonical (Target *target)
{
  OcHost host;
  guint16 port;

  if (!oc_host_parse_authority (oc_str_from (target->host), 443, &host, &port))
    return FALSE;
  if (target->port < 0 && strrchr (target->host, ':') != NULL && port != 443)
    target->port = port;
  g_free (target->host);
  target->host = g_strndup (host.name, host.len);
  return TRUE;
}

static int
read_target (OcCli *cli, int argc, char **argv, Target *target)
{
  if (argc > 2 || (argc == 2 && opt_host != NULL))
    return oc_cli_usage_error (cli, _("one host or URL is enough"));
  if (argc < 2 && opt_host == NULL)
    return oc_cli_usage_error (cli, _("a host or URL is needed"));
  if (!take_argument (target, argc == 2 ? argv[1] : opt_host))
    return oc_cli_usage_error (cli, _("'%s' is not a URL"), argv[1]);
  if (opt_port != -1 && (opt_port < 1 || opt_port > 65535))
    return oc_cli_usage_error (cli, _("a port is 1-65535, not %d"), opt_port);
  if (!make_canonical (target))
    return oc_cli_usage_error (cli, _("'%s' is not a host"), target->host);
  if (opt_port > 0)
    target->port = opt_port;
  return -1;
}

/* As the proxy would ask: a tunnel shows its host only. */
static void
fill_connection (OutcallEvaluateRequest *request, const Target *target)
{
  OutcallContext *context = &request->context;
  int port = target->port > 0 ? target->port : 443;
  const char *path = opt_path != NULL ? opt_path : target->path;
  gboolean tunnel = opt_method == NULL && opt_path == NULL && port != 80
                    && g_strcmp0 (target->scheme, "http") != 0;

  context->network.port = (guint16) port;
  context->network.protocol = g_strdup ("tcp");
  context->http.host = g_strdup (target->host);
  context->http.method = g_strdup (tunnel ? "CONNECT" : opt_method != NULL ? opt_method : "GET");
  context->http.path = g_strdup (tunnel || path == NULL ? "/" : path);
  context->http.scheme
      = g_strdup (target->scheme != NULL ? target->scheme : port == 80 ? "http" : "https");
}

static OutcallEvaluateRequest *
make_request (const Target *target)
{
  OutcallEvaluateRequest *request = outcall_evaluate_request_new ();

  request->trace = true;
  request->name_only = opt_dns != NULL;
  request->context.network.hostname = g_strdup (target->host);
  request->context.agent.name = g_strdup (opt_agent);
  if (opt_dns == NULL)
    {
      fill_connection (request, target);
      return request;
    }
  request->context.dns.query = g_strdup (target->host);
  request->context.dns.record_type = g_ascii_strup (opt_dns, -1);
  return request;
}

static OutcallEvaluateResult *
ask_local (OcCli *cli, const OutcallEvaluateRequest *request)
{
  g_auto (OcLocalRules) rules = { NULL, NULL };

  oc_local_rules_load (&rules, opt_rules_dir, NULL, 0);
  return oc_local_rules_require (cli, &rules) ? oc_local_rules_evaluate (rules.policy, request)
                                              : NULL;
}

static OutcallEvaluateResult *
ask_remote (OcCli *cli, const OutcallEvaluateRequest *request)
{
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (GError) error = NULL;
  OutcallEvaluateResult *result;

  if (oc_cli_call (cli, "POST", "/api/v1/rule/evaluate",
                   outcall_evaluate_request_to_json (request), &data)
      != OC_EXIT_OK)
    return NULL;
  result = outcall_evaluate_result_from_json (data, &error);
  if (result == NULL)
    (void) oc_cli_bad_answer (cli, error);
  return result;
}

static void
print_verdict (OcCli *cli, const OutcallEvaluateResult *result)
{
  const char *style = oc_cli_style (cli, result->verdict.allowed ? OC_STYLE_GOOD : OC_STYLE_BAD);
  const char *word = result->verdict.allowed ? _("allowed") : _("blocked");

  if (result->verdict.matched_rule == NULL)
    printf (_("%s%s%s by default: no rule matches\n"), style, word, oc_cli_style_end (cli));
  else
    printf (_("%s%s%s by rule %s (%s:%u)\n"), style, word, oc_cli_style_end (cli),
            result->verdict.matched_rule, result->file, result->line);
}

static void
print_step (OcCli *cli, const OutcallTraceStep *step)
{
  g_autofree char *why = oc_cli_clean (step->why);

  printf ("  %s%s%s (%s:%u): ", oc_cli_style (cli, OC_STYLE_BOLD), step->rule,
          oc_cli_style_end (cli), step->file, step->line);
  if (step->matched)
    puts (_("matches"));
  else
    printf (_("does not match: %s\n"), why);
}

static void
print_result (OcCli *cli, const OutcallEvaluateResult *result)
{
  print_verdict (cli, result);
  if (result->n_trace > 0)
    puts (_("Rules looked at, in order:"));
  for (gsize i = 0; i < result->n_trace; i++)
    print_step (cli, result->trace[i]);
}

int
oc_cmd_rules_explain (OcCli *cli, int argc, char **argv)
{
  g_auto (Target) target = { .port = -1 };
  g_autoptr (OutcallEvaluateRequest) request = NULL;
  g_autoptr (OutcallEvaluateResult) result = NULL;
  g_autoptr (JsonNode) json = NULL;
  int code = oc_cli_parse_options (cli, options, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code < 0)
    code = read_target (cli, argc, argv, &target);
  if (code >= 0)
    return code;
  request = make_request (&target);
  result = opt_rules_dir != NULL ? ask_local (cli, request) : ask_remote (cli, request);
  if (result == NULL)
    return OC_EXIT_FAILED;
  if (!cli->json)
    {
      print_result (cli, result);
      return OC_EXIT_OK;
    }
  json = outcall_evaluate_result_to_json (result);
  oc_cli_print_json (json);
  return OC_EXIT_OK;
}
