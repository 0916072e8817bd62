/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Every option is read as text first, from wherever it stands, and turned into
 * a value once. So the file and the command line accept the same and complain
 * alike.
 */
#include "config.h"

#include "daemon/oc-options.h"

#include "common/oc-error.h"

#include "outcall-api/outcall-api.h"

#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

#define GROUP "outcalld"
#define STRINGIFY_(x) #x
#define STRINGIFY(x) STRINGIFY_ (x)

typedef enum
{
  KIND_TEXT,
  KIND_PATH, /* absolute */
  KIND_FLAG,
  KIND_PORT,
  KIND_COUNT,
  KIND_RATE,
  KIND_DENY,
  KIND_LEVEL,
} Kind;

typedef struct
{
  const char *name;
  Kind kind;
  gsize offset;
  const char *fallback; /* (nullable) */
  guint min, max;       /* KIND_COUNT */
  gboolean only_command_line;
  const char *argument; /* (nullable) */
  const char *summary;
} Option;

#define FIELD(member) G_STRUCT_OFFSET (OcOptions, member)

/* Update man/outcalld.8 with this table. */
static const Option table[] = {
  { "socket", KIND_PATH, FIELD (socket), OUTCALL_DEFAULT_HOST_SOCKET, 0, 0, FALSE, N_ ("PATH"),
    N_ ("management socket") },
  { "agent-socket", KIND_PATH, FIELD (agent_socket), OUTCALL_DEFAULT_AGENT_SOCKET, 0, 0, FALSE,
    N_ ("PATH"), N_ ("socket for workloads") },
  { "bridge", KIND_TEXT, FIELD (bridge), OUTCALL_DEFAULT_BRIDGE_NAME, 0, 0, FALSE, N_ ("NAME"),
    N_ ("bridge of the default network") },
  { "subnet-block", KIND_TEXT, FIELD (subnet_block), OUTCALL_SUBNET_BLOCK, 0, 0, FALSE,
    N_ ("CIDR"), N_ ("block that networks are taken from") },
  { "rules-dir", KIND_PATH, FIELD (rules_dir), OUTCALL_DEFAULT_RULES_DIR, 0, 0, FALSE, N_ ("DIR"),
    N_ ("folder of rule files") },
  { "state-dir", KIND_PATH, FIELD (state_dir), OUTCALL_DEFAULT_STATE_DIR, 0, 0, FALSE, N_ ("DIR"),
    N_ ("folder for state") },
  { "watch-rules", KIND_FLAG, FIELD (watch_rules), NULL, 0, 0, FALSE, NULL,
    N_ ("reload when a rule file changes") },
  { "deny", KIND_DENY, FIELD (deny_drop), "reject", 0, 0, FALSE, "reject|drop",
    N_ ("how packets are refused") },
  { "dns-port", KIND_PORT, FIELD (dns_port), STRINGIFY (OUTCALL_DNS_PORT), 0, 0, FALSE,
    N_ ("PORT"), N_ ("port of the DNS filter") },
  { "dns-upstream", KIND_TEXT, FIELD (dns_upstream), NULL, 0, 0, FALSE, "IP[:PORT],…",
    N_ ("name servers to ask instead of the host's") },
  { "dns-rate", KIND_COUNT, FIELD (dns_rate), "1000", 0, 10000000, FALSE, N_ ("N"),
    N_ ("DNS queries per second and workload, 0 for no limit") },
  { "proxy-port", KIND_PORT, FIELD (proxy_port), STRINGIFY (OUTCALL_PROXY_PORT), 0, 0, FALSE,
    N_ ("PORT"), N_ ("port of the HTTP proxy") },
  { "no-proxy", KIND_FLAG, FIELD (no_proxy), NULL, 0, 0, FALSE, NULL, N_ ("run without the proxy") },
  { "upstream-proxy", KIND_TEXT, FIELD (upstream_proxy), NULL, 0, 0, FALSE, N_ ("HOST[:PORT]"),
    N_ ("HTTP proxy that this host must go out through") },
  { "max-header", KIND_COUNT, FIELD (max_header), "16384", 1024, 65536, FALSE, N_ ("BYTES"),
    N_ ("longest HTTP head") },
  { "ca-cert", KIND_PATH, FIELD (ca_cert), NULL, 0, 0, FALSE, N_ ("FILE"),
    N_ ("certificate of the CA for rules of mode intercept") },
  { "ca-key", KIND_PATH, FIELD (ca_key), NULL, 0, 0, FALSE, N_ ("FILE"), N_ ("its key") },
  { "intercept-leaf-ttl", KIND_COUNT, FIELD (leaf_ttl_s), "86400", 300, 2592000, FALSE,
    N_ ("SECONDS"), N_ ("how long a certificate for a host is good") },
  { "intercept-body-cap", KIND_COUNT, FIELD (body_cap), "1048576", 1024, 16777216, FALSE,
    N_ ("BYTES"), N_ ("longest request body that a rule may see") },
  { "secrets-dir", KIND_PATH, FIELD (secrets_dir), SYSCONFDIR "/outcall/secrets.d", 0, 0, FALSE,
    N_ ("DIR"), N_ ("folder of secrets that rules put into requests") },
  { "engine-socket", KIND_PATH, FIELD (engine_socket), NULL, 0, 0, FALSE, N_ ("PATH"),
    N_ ("socket of Docker or Podman, found by default") },
  { "workers", KIND_COUNT, FIELD (workers), NULL, 1, 256, FALSE, N_ ("N"),
    N_ ("threads for DNS and for the proxy, one per CPU by default") },
  { "agent-timeout", KIND_COUNT, FIELD (agent_timeout_s), "5", 1, 60, FALSE, N_ ("SECONDS"),
    N_ ("longest evaluation of a permission check, which is denied then") },
  { "agent-perm-rate", KIND_RATE, FIELD (agent_perm_rate), "100/10", 0, 100000, FALSE, "N/S",
    N_ ("permission checks of a workload: N in S seconds, 0 for no limit") },
  { "agent-rule-rate", KIND_RATE, FIELD (agent_rule_rate), "10/60", 0, 100000, FALSE, "N/S",
    N_ ("rule requests of a workload: N in S seconds, 0 for no limit") },
  { "audit-log", KIND_PATH, FIELD (audit_log), NULL, 0, 0, FALSE, N_ ("FILE"),
    N_ ("append every verdict as a JSON line") },
  { "log-level", KIND_LEVEL, FIELD (log_level), "info", 0, 0, FALSE, "error|warning|info|debug",
    N_ ("what goes to the journal") },
  { "check", KIND_FLAG, FIELD (check), NULL, 0, 0, TRUE, NULL,
    N_ ("test configuration and rules, then exit") },
  { "version", KIND_FLAG, FIELD (version), NULL, 0, 0, TRUE, NULL, N_ ("print the version") },
};

#define N_OPTIONS G_N_ELEMENTS (table)

/* --- One option ------------------------------------------------------------ */

static gboolean
parse_number (const Option *option, const char *text, guint min, guint max, guint *out,
              GError **error)
{
  guint64 value;

  if (!g_ascii_string_to_unsigned (text, 10, min, max, &value, NULL))
    return oc_throw (error, "%s must be %u to %u, got '%s'", option->name, min, max, text);
  *out = (guint) value;
  return TRUE;
}

/* "N/S", or N in as many seconds as by default. */
static gboolean
parse_rate (const Option *option, const char *text, OcRate *out, GError **error)
{
  const char *slash = strchr (text, '/');
  g_autofree char *count = slash != NULL ? g_strndup (text, (gsize) (slash - text))
                                         : g_strdup (text);
  const char *window = slash != NULL ? slash + 1 : strchr (option->fallback, '/') + 1;
  OcRate rate;

  if (!parse_number (option, count, option->min, option->max, &rate.count, error))
    return FALSE;
  if (!parse_number (option, window, 1, 3600, &rate.window_s, error))
    return oc_prefix (error, "seconds");
  *out = rate;
  return TRUE;
}

static gboolean
set_flag (const Option *option, const char *text, gboolean *out, GError **error)
{
  if (g_str_equal (text, "true"))
    *out = TRUE;
  else if (g_str_equal (text, "false"))
    *out = FALSE;
  else
    return oc_throw (error, "%s must be true or false, got '%s'", option->name, text);
  return TRUE;
}

/* Those that oc_daemon_reload() takes over. */
static gboolean
is_reloadable (const Option *option)
{
  static const char *const names[] = { "deny", "dns-upstream", "dns-rate", "upstream-proxy",
                                       "agent-perm-rate", "agent-rule-rate", "audit-log",
                                       "log-level", NULL };

  return g_strv_contains (names, option->name);
}

static gboolean
set_text (const Option *option, const char *text, char **out, GError **error)
{
  static const char *const levels[] = { "error", "warning", "info", "debug", NULL };

  if (option->kind == KIND_PATH && !g_path_is_absolute (text))
    return oc_throw (error, "%s must be an absolute path, got '%s'", option->name, text);
  if (option->kind == KIND_LEVEL && !g_strv_contains (levels, text))
    return oc_throw (error, "%s must be error, warning, info or debug, got '%s'", option->name,
                     text);
  g_free (*out);
  *out = g_strdup (text);
  return TRUE;
}

static gboolean
set_option (OcOptions *options, const Option *option, const char *text, GError **error)
{
  gpointer field = G_STRUCT_MEMBER_P (options, option->offset);
  guint number = 0;

  switch (option->kind)
    {
    case KIND_FLAG:
      return set_flag (option, text, field, error);
    case KIND_DENY:
      if (!g_str_equal (text, "drop") && !g_str_equal (text, "reject"))
        return oc_throw (error, "%s must be reject or drop, got '%s'", option->name, text);
      *(gboolean *) field = g_str_equal (text, "drop");
      return TRUE;
    case KIND_PORT:
      if (!parse_number (option, text, 1, 65535, &number, error))
        return FALSE;
      *(guint16 *) field = (guint16) number;
      return TRUE;
    case KIND_COUNT:
      return parse_number (option, text, option->min, option->max, field, error);
    case KIND_RATE:
      return parse_rate (option, text, field, error);
    case KIND_TEXT:
    case KIND_PATH:
    case KIND_LEVEL:
      return set_text (option, text, field, error);
    default:
      g_assert_not_reached ();
    }
}

/* --- The three sources ----------------------------------------------------- */

static gboolean
set_defaults (OcOptions *options, GError **error)
{
  long cpus = sysconf (_SC_NPROCESSORS_ONLN);

  options->workers = (guint) CLAMP (cpus, 1, 256);
  for (gsize i = 0; i < N_OPTIONS; i++)
    if (table[i].fallback != NULL
        && !set_option (options, &table[i], table[i].fallback, error))
      return FALSE;
  return TRUE;
}

static const Option *
lookup_option (const char *name)
{
  for (gsize i = 0; i < N_OPTIONS; i++)
    if (g_str_equal (table[i].name, name))
      return &table[i];
  return NULL;
}

static gboolean
load_key_file (OcOptions *options, GKeyFile *file, GError **error)
{
  g_auto (GStrv) groups = g_key_file_get_groups (file, NULL);
  g_auto (GStrv) keys = g_key_file_get_keys (file, GROUP, NULL, NULL);

  for (gsize i = 0; groups[i] != NULL; i++)
    if (!g_str_equal (groups[i], GROUP))
      return oc_throw (error, "unknown group [%s]", groups[i]);
  for (gsize i = 0; keys != NULL && keys[i] != NULL; i++)
    {
      const Option *option = lookup_option (keys[i]);
      g_autofree char *value = g_key_file_get_string (file, GROUP, keys[i], error);

      if (value == NULL)
        return FALSE;
      if (option == NULL || option->only_command_line)
        return oc_throw (error, "unknown key '%s'", keys[i]);
      if (!set_option (options, option, value, error))
        return FALSE;
    }
  return TRUE;
}

/* The default file may be missing; one that was asked for may not. */
static gboolean
load_file (OcOptions *options, const char *path, GError **error)
{
  const char *file_path = path != NULL ? path : SYSCONFDIR "/outcall/outcalld.conf";
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (GError) local = NULL;

  if (!g_key_file_load_from_file (file, file_path, G_KEY_FILE_NONE, &local))
    {
      if (path == NULL && g_error_matches (local, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        return TRUE;
      return oc_throw (error, "%s: %s", file_path, local->message);
    }
  if (!load_key_file (options, file, error))
    return oc_prefix (error, "%s", file_path);
  return TRUE;
}

/* What stands on the command line, as text; flags as "true". */
typedef struct
{
  char *text[N_OPTIONS];
  gboolean flag[N_OPTIONS];
  char *config;
} CommandLine;

static void
command_line_clear (CommandLine *line)
{
  for (gsize i = 0; i < N_OPTIONS; i++)
    g_free (line->text[i]);
  g_free (line->config);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CommandLine, command_line_clear)

static gboolean
parse_command_line (CommandLine *line, char **argv, GError **error)
{
  GOptionEntry entries[N_OPTIONS + 2] = { 0 };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_auto (GStrv) copy = g_strdupv (argv);

  for (gsize i = 0; i < N_OPTIONS; i++)
    entries[i] = (GOptionEntry) {
      .long_name = table[i].name,
      .arg = table[i].kind == KIND_FLAG ? G_OPTION_ARG_NONE : G_OPTION_ARG_STRING,
      .arg_data = table[i].kind == KIND_FLAG ? (gpointer) &line->flag[i] : &line->text[i],
      .description = table[i].summary,
      .arg_description = table[i].argument,
    };
  entries[N_OPTIONS] = (GOptionEntry) {
    .long_name = "config",
    .arg = G_OPTION_ARG_FILENAME,
    .arg_data = &line->config,
    .description = N_ ("configuration file"),
    .arg_description = N_ ("FILE"),
  };
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  g_option_context_set_summary (
      context, _ ("Confines programs to the network destinations that the rules allow."));
  if (!g_option_context_parse_strv (context, &copy, error))
    return FALSE;
  if (copy[0] != NULL && copy[1] != NULL)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, _ ("unexpected argument '%s'"),
                   copy[1]);
      return FALSE;
    }
  return TRUE;
}

static gboolean
apply_command_line (OcOptions *options, const CommandLine *line, GError **error)
{
  for (gsize i = 0; i < N_OPTIONS; i++)
    {
      const char *text = line->flag[i] ? "true" : line->text[i];
      g_autoptr (GError) local = NULL;

      if (text == NULL || set_option (options, &table[i], text, &local))
        continue;
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--%s", local->message);
      return FALSE;
    }
  return TRUE;
}

/* What only makes sense together. */
static gboolean
check_together (const OcOptions *options, GError **error)
{
  if ((options->ca_cert == NULL) != (options->ca_key == NULL))
    return oc_throw (error, "ca-cert and ca-key need each other");
  if (options->ca_cert != NULL && options->no_proxy)
    return oc_throw (error, "ca-cert is of no use with no-proxy");
  return TRUE;
}

OcOptions *
oc_options_load (char **argv, GError **error)
{
  g_autoptr (OcOptions) options = g_new0 (OcOptions, 1);
  g_auto (CommandLine) line = { 0 };

  if (!parse_command_line (&line, argv, error) || !set_defaults (options, error)
      || !load_file (options, line.config, error) || !apply_command_line (options, &line, error)
      || !check_together (options, error))
    return NULL;
  return g_steal_pointer (&options);
}

static gboolean
is_equal (const Option *option, const OcOptions *a, const OcOptions *b)
{
  gconstpointer x = G_STRUCT_MEMBER_P (a, option->offset);
  gconstpointer y = G_STRUCT_MEMBER_P (b, option->offset);

  switch (option->kind)
    {
    case KIND_TEXT:
    case KIND_PATH:
    case KIND_LEVEL:
      return g_strcmp0 (*(char *const *) x, *(char *const *) y) == 0;
    case KIND_PORT:
      return *(const guint16 *) x == *(const guint16 *) y;
    case KIND_RATE:
      return memcmp (x, y, sizeof (OcRate)) == 0;
    case KIND_FLAG:
    case KIND_DENY:
    case KIND_COUNT:
      return *(const guint *) x == *(const guint *) y;
    default:
      g_assert_not_reached ();
    }
}

char *
oc_options_list_restart (const OcOptions *running, const OcOptions *fresh)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (gsize i = 0; i < N_OPTIONS; i++)
    if (!is_reloadable (&table[i]) && !is_equal (&table[i], running, fresh))
      g_string_append_printf (names, "%s%s", names->len > 0 ? ", " : "", table[i].name);
  return names->len > 0 ? g_string_free (g_steal_pointer (&names), FALSE) : NULL;
}

void
oc_options_free (OcOptions *options)
{
  if (options == NULL)
    return;
  g_free (options->ca_cert);
  g_free (options->ca_key);
  g_free (options->secrets_dir);
  g_free (options->socket);
  g_free (options->agent_socket);
  g_free (options->bridge);
  g_free (options->subnet_block);
  g_free (options->rules_dir);
  g_free (options->state_dir);
  g_free (options->dns_upstream);
  g_free (options->upstream_proxy);
  g_free (options->engine_socket);
  g_free (options->audit_log);
  g_free (options->log_level);
  g_free (options);
}
