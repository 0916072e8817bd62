/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-cli-commands.h"

#include "common/oc-shim.h"
#include "sandbox.h"

#include "outcall-api/outcall-api.h"

#include <grp.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

/* What keeps Outcall from working here: one line for each thing that was looked at, with
 * the remedy where there is one. Remedies that are safe to repeat are carried out by
 * --fix; then everything is looked at again. */

typedef enum
{
  HEALTH_OK,
  HEALTH_WARNING,
  HEALTH_PROBLEM,
} Health;

/* What --fix can do. */
typedef enum
{
  FIX_NONE,
  FIX_COMMAND,   /* .remedy is the command line */
  FIX_BRIDGE_UP, /* through the API */
} Fix;

typedef struct
{
  const char *check; /* static, not translated */
  Health health;
  char *text;
  char *remedy; /* (nullable) */
  Fix fix;
} Finding;

typedef struct
{
  OcCli *cli;
  GPtrArray *findings; /* of Finding */
} Doctor;

static void
finding_free (gpointer data)
{
  Finding *finding = data;

  g_free (finding->text);
  g_free (finding->remedy);
  g_free (finding);
}

/* @text, @remedy: (transfer full), @remedy (nullable) */
static void
add (Doctor *doctor, const char *check, Health health, char *text, char *remedy, Fix fix)
{
  Finding *finding = g_new0 (Finding, 1);

  *finding = (Finding) { check, health, text, remedy, fix };
  g_ptr_array_add (doctor->findings, finding);
}

/* --- The host ------------------------------------------------------------------------ */

static void
look_at_kernel (Doctor *doctor)
{
  struct utsname name;
  unsigned major = 0, minor = 0;

  if (uname (&name) < 0 || sscanf (name.release, "%u.%u", &major, &minor) != 2)
    return;
  if (major > 5 || (major == 5 && minor >= 10))
    add (doctor, "kernel", HEALTH_OK, g_strdup_printf (_("Linux %s"), name.release), NULL,
         FIX_NONE);
  else
    add (doctor, "kernel", HEALTH_PROBLEM,
         g_strdup_printf (_("Linux %s is older than 5.10"), name.release),
         g_strdup (_("start a newer kernel")), FIX_NONE);
}

static void
look_at_sandbox (Doctor *doctor)
{
  char *why = oc_sandbox_diagnose ();
  g_autofree char *shim = oc_shim_find ();

  if (why != NULL)
    add (doctor, "sandbox", HEALTH_PROBLEM, why, NULL, FIX_NONE);
  else
    add (doctor, "sandbox", HEALTH_OK, g_strdup (_("programs can be confined here")), NULL,
         FIX_NONE);
  if (shim == NULL)
    add (doctor, "shim", HEALTH_WARNING,
         g_strdup (_("outcall-agent is missing: confined programs cannot ask for access")),
         g_strdup (_("install the package outcall-agent")), FIX_NONE);
  else
    add (doctor, "shim", HEALTH_OK, g_strdup (shim), NULL, FIX_NONE);
}

/* --- Who may use it --------------------------------------------------------------------- */

static gboolean
is_member (gid_t gid)
{
  int n = getgroups (0, NULL);
  g_autofree gid_t *groups = n > 0 ? g_new (gid_t, (gsize) n) : NULL;

  if (getegid () == gid)
    return TRUE;
  n = n > 0 ? getgroups (n, groups) : 0;
  for (int i = 0; i < n; i++)
    if (groups[i] == gid)
      return TRUE;
  return FALSE;
}

static void
look_at_group (Doctor *doctor)
{
  const struct group *group = getgrnam ("outcall");

  if (group == NULL)
    add (doctor, "group", HEALTH_WARNING,
         g_strdup (_("there is no group 'outcall': only root may use the daemon")),
         g_strdup ("systemd-sysusers"), FIX_COMMAND);
  else if (geteuid () != 0 && !is_member (group->gr_gid))
    add (doctor, "group", HEALTH_PROBLEM, g_strdup (_("you are not in group 'outcall'")),
         g_strdup_printf ("sudo usermod -aG outcall %s", g_get_user_name ()), FIX_NONE);
  else
    add (doctor, "group", HEALTH_OK, g_strdup (_("you may use the daemon")), NULL, FIX_NONE);
}

/* --- The daemon -------------------------------------------------------------------------- */

static void
look_at_policy (Doctor *doctor, const OutcallStatus *status)
{
  for (gsize i = 0; i < status->n_counters; i++)
    if (g_str_equal (status->counters[i]->name, "rules") && status->counters[i]->value == 0)
      add (doctor, "rules", HEALTH_WARNING,
           g_strdup (_("there is no rule: everything is blocked")),
           g_strdup ("outcall allow example.org"), FIX_NONE);
}

static void
look_at_part (Doctor *doctor, const OutcallSubsystem *part)
{
  gboolean kernel = g_str_equal (part->name, "bridge") || g_str_equal (part->name, "firewall");
  gboolean engine = g_str_equal (part->name, "engine");
  const char *reason = part->reason != NULL ? part->reason : "";
  char *remedy = NULL;

  if (part->state == OUTCALL_STATE_RUNNING || part->state == OUTCALL_STATE_DISABLED)
    return;
  if (kernel)
    remedy = g_strdup ("outcall bridge up");
  else if (engine)
    remedy = g_strdup (_("start Docker or Podman, to confine containers too"));
  else if (g_str_equal (part->name, "policy"))
    remedy = g_strdup ("outcall rules check");
  else if (g_str_equal (part->name, "log"))
    remedy = g_strdup (_("make room on the audit file's disk"));
  else
    remedy = g_strdup ("journalctl -u outcalld");
  /* Sandboxes need no engine. */
  add (doctor, "part",
       part->state == OUTCALL_STATE_UNAVAILABLE && !engine ? HEALTH_PROBLEM : HEALTH_WARNING,
       g_strdup_printf ("%s: %s", part->name, reason), remedy, kernel ? FIX_BRIDGE_UP : FIX_NONE);
}

static void
look_at_version (Doctor *doctor, const OutcallStatus *status)
{
  if (g_str_equal (status->version, PACKAGE_VERSION))
    add (doctor, "daemon", HEALTH_OK, g_strdup_printf (_("outcalld %s answers"), status->version),
         NULL, FIX_NONE);
  else
    add (doctor, "daemon", HEALTH_WARNING,
         /* TRANSLATORS: two versions */
         g_strdup_printf (_("outcalld is %s, this is %s"), status->version, PACKAGE_VERSION),
         g_strdup ("systemctl restart outcalld"), FIX_COMMAND);
}

/* @error: (transfer full) */
static void
add_silent_daemon (Doctor *doctor, char *error)
{
  const char *socket = doctor->cli->socket_path;

  if (access (socket, F_OK) != 0)
    add (doctor, "daemon", HEALTH_PROBLEM, error, g_strdup ("systemctl enable --now outcalld"),
         FIX_COMMAND);
  else if (access (socket, R_OK | W_OK) != 0)
    add (doctor, "daemon", HEALTH_PROBLEM, error,
         g_strdup_printf ("sudo usermod -aG outcall %s", g_get_user_name ()), FIX_NONE);
  else
    add (doctor, "daemon", HEALTH_PROBLEM, error, g_strdup ("systemctl restart outcalld"),
         FIX_COMMAND);
}

static void
look_at_daemon (Doctor *doctor)
{
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (OutcallStatus) status = NULL;
  g_autofree char *error = NULL;

  if (!oc_cli_try_call (doctor->cli, "GET", "/api/v1/status", NULL, &data, &error))
    {
      add_silent_daemon (doctor, g_steal_pointer (&error));
      return;
    }
  status = data != NULL ? outcall_status_from_json (data, NULL) : NULL;
  if (status == NULL)
    {
      add (doctor, "daemon", HEALTH_PROBLEM,
           g_strdup (_("outcalld and this program do not understand each other")),
           g_strdup ("systemctl restart outcalld"), FIX_COMMAND);
      return;
    }
  look_at_version (doctor, status);
  for (gsize i = 0; i < status->n_subsystems; i++)
    look_at_part (doctor, status->subsystems[i]);
  look_at_policy (doctor, status);
}

static void
examine (Doctor *doctor)
{
  g_ptr_array_set_size (doctor->findings, 0);
  look_at_kernel (doctor);
  look_at_sandbox (doctor);
  look_at_group (doctor);
  look_at_daemon (doctor);
}

/* --- Repairs ------------------------------------------------------------------------------- */

static gboolean
run_remedy (const char *line)
{
  g_autoptr (GError) error = NULL;
  int status;

  if (!g_spawn_command_line_sync (line, NULL, NULL, &status, &error))
    {
      oc_cli_error ("%s", error->message);
      return FALSE;
    }
  return g_spawn_check_wait_status (status, NULL);
}

static void
repair_one (Doctor *doctor, const Finding *finding)
{
  gboolean done;

  if (finding->fix == FIX_BRIDGE_UP)
    {
      g_autofree char *error = NULL;

      done = oc_cli_try_call (doctor->cli, "POST", "/api/v1/bridge/up", NULL, NULL, &error);
    }
  else
    done = run_remedy (finding->remedy);
  fprintf (stderr,
           /* TRANSLATORS: a command */
           done ? _("outcall: done: %s\n") : _("outcall: failed: %s\n"), finding->remedy);
}

static void
repair (Doctor *doctor)
{
  for (guint i = 0; i < doctor->findings->len; i++)
    {
      const Finding *finding = doctor->findings->pdata[i];

      if (finding->health != HEALTH_OK && finding->fix != FIX_NONE)
        repair_one (doctor, finding);
    }
  examine (doctor);
}

/* --- Telling ---------------------------------------------------------------------------------- */

static void
print_json (const Doctor *doctor)
{
  static const char *const words[] = { "ok", "warning", "problem" };
  JsonArray *array = json_array_new ();
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_ARRAY);

  for (guint i = 0; i < doctor->findings->len; i++)
    {
      const Finding *finding = doctor->findings->pdata[i];
      JsonObject *object = json_object_new ();

      json_object_set_string_member (object, "check", finding->check);
      json_object_set_string_member (object, "state", words[finding->health]);
      json_object_set_string_member (object, "finding", finding->text);
      if (finding->remedy != NULL)
        json_object_set_string_member (object, "remedy", finding->remedy);
      json_array_add_object_element (array, object);
    }
  json_node_take_array (node, array);
  oc_cli_print_json (node);
}

static const char *
health_text (Health health)
{
  switch (health)
    {
    case HEALTH_OK:
      /* TRANSLATORS: the state of a thing that was looked at */
      return _("fine");
    case HEALTH_WARNING:
      return _("warning");
    case HEALTH_PROBLEM:
    default:
      return _("problem");
    }
}

static void
print_table (const Doctor *doctor)
{
  static const OcStyle styles[] = { OC_STYLE_GOOD, OC_STYLE_WARN, OC_STYLE_BAD };
  const char *const headings[] = { _("STATE"), _("FINDING"), _("REMEDY"), NULL };
  g_autoptr (OcTable) table = oc_table_new (doctor->cli, headings);

  for (guint i = 0; i < doctor->findings->len; i++)
    {
      const Finding *finding = doctor->findings->pdata[i];

      oc_table_add_row (table);
      oc_table_add_cell (table, styles[finding->health], health_text (finding->health));
      oc_table_add_cell (table, OC_STYLE_PLAIN, finding->text);
      oc_table_add_cell (table, OC_STYLE_PLAIN, finding->remedy);
    }
  oc_table_print (table);
}

static gboolean
has_problem (const Doctor *doctor)
{
  for (guint i = 0; i < doctor->findings->len; i++)
    if (((Finding *) doctor->findings->pdata[i])->health == HEALTH_PROBLEM)
      return TRUE;
  return FALSE;
}

int
oc_cmd_doctor (OcCli *cli, int argc, char **argv)
{
  gboolean fix = FALSE;
  const GOptionEntry entries[] = {
    { "fix", 0, 0, G_OPTION_ARG_NONE, &fix, N_("Carry out the remedies that are safe"), NULL },
    { 0 },
  };
  Doctor doctor = { .cli = cli };
  int code = oc_cli_parse_options (cli, entries, OC_CLI_PARSE_PLAIN, &argc, &argv);

  if (code < 0)
    code = oc_cli_refuse_arguments (cli, argc, argv);
  if (code >= 0)
    return code;
  /* JSON is the same in every language. */
  if (cli->json)
    setlocale (LC_MESSAGES, "C");
  doctor.findings = g_ptr_array_new_with_free_func (finding_free);
  examine (&doctor);
  if (fix)
    repair (&doctor);
  if (cli->json)
    print_json (&doctor);
  else
    print_table (&doctor);
  code = has_problem (&doctor) ? OC_EXIT_FAILED : OC_EXIT_OK;
  g_ptr_array_unref (doctor.findings);
  return code;
}
