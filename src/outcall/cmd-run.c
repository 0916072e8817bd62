/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "agent-file.h"
#include "oc-cli-commands.h"
#include "run.h"
#include "sandbox.h"
#include "suggest.h"

#include "common/oc-bundle.h"
#include "common/oc-error.h"
#include "common/oc-protected.h"
#include "common/oc-shim.h"
#include "outcall-api/outcall-api.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct
{
  char *name;
  char **binds;
  char **env;
  char **writable;
  char *memory, *pids, *cpus;
  gboolean learn;
} Options;

static void
options_clear (Options *options)
{
  g_free (options->name);
  g_strfreev (options->binds);
  g_strfreev (options->env);
  g_strfreev (options->writable);
  g_free (options->memory);
  g_free (options->pids);
  g_free (options->cpus);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

/* Everything that a plan borrows from. */
typedef struct
{
  OcCli *cli;
  const Options *options;
  OcAgentFile *file; /* (nullable) */
  GPtrArray *writable;
  OcSandboxPlan plan;
  OutcallNetworkConfig *network;
  OutcallSandboxAttachment *attachment; /* (nullable): not yet */
  gint64 attached_us;
  const char *name; /* (nullable) */
  char *project, *home, *shim, *agent_socket;
  GPtrArray *env;
} Job;

static void
job_clear (Job *job)
{
  outcall_network_config_free (job->network);
  outcall_sandbox_attachment_free (job->attachment);
  g_free (job->project);
  g_free (job->home);
  g_free (job->shim);
  g_free (job->agent_socket);
  oc_agent_file_free (job->file);
  g_clear_pointer (&job->writable, g_ptr_array_unref);
  g_clear_pointer (&job->env, g_ptr_array_unref);
  g_clear_pointer (&job->plan.binds, g_ptr_array_unref);
  if (job->plan.project_fd >= 0)
    (void) close (job->plan.project_fd);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Job, job_clear)

/* --- What is shown ------------------------------------------------------------ */

/* Folders that are many people's or the system's, not a project. */
static gboolean
is_shared_folder (const char *path)
{
  static const char *const shared[] = { "/tmp", "/var/tmp", "/var", "/home", "/opt", "/srv",
                                        "/usr", "/bin",     "/lib", "/mnt",  "/media", NULL };

  return g_strv_contains (shared, path);
}

static gboolean
choose_project (Job *job, GError **error)
{
  g_autofree char *cwd = g_get_current_dir ();
  g_autofree char *real = realpath (cwd, NULL);
  g_autofree char *home = realpath (g_get_home_dir (), NULL);

  job->plan.project_fd = -1;
  if (real == NULL || (home != NULL && oc_path_is_under (home, real))
      || is_shared_folder (real))
    {
      fprintf (stderr, _("outcall: %s is not a project's folder and is not shown to the command\n"),
               cwd);
      return TRUE;
    }
  job->plan.project_fd
      = oc_sandbox_open_source (cwd, job->cli->socket_path, &job->project, error);
  job->plan.project = job->project;
  return job->plan.project_fd >= 0;
}

/* The caller's home in name only. A service account's may be a system folder. */
static void
choose_home (Job *job)
{
  static const char *const unfit[]
      = { "/usr", "/bin", "/sbin", "/lib", "/etc", "/proc", "/sys", "/dev", "/run", "/opt", "/nix" };
  const char *home = g_get_home_dir ();
  g_autofree char *clean = g_canonicalize_filename (home, "/");
  gboolean fits = strcmp (clean, "/") != 0 && !is_shared_folder (clean);

  for (guint i = 0; i < G_N_ELEMENTS (unfit); i++)
    fits = fits && !oc_path_is_under (clean, unfit[i]);
  job->home = fits ? g_steal_pointer (&clean) : g_strdup ("/home/user");
  job->plan.home = job->home;
}

/* The daemon has a CA: connections may be opened. */
static gboolean
has_bundle (const char *agent_socket)
{
  g_autofree char *real = agent_socket != NULL ? realpath (agent_socket, NULL) : NULL;
  g_autofree char *dir = real != NULL ? g_path_get_dirname (real) : NULL;
  g_autofree char *bundle = dir != NULL ? g_build_filename (dir, OC_BUNDLE_NAME, NULL) : NULL;

  return bundle != NULL && access (bundle, R_OK) == 0;
}

static void
find_agent_parts (Job *job)
{
  g_autofree char *dir = g_path_get_dirname (job->cli->socket_path);
  g_autofree char *socket = g_build_filename (dir, "agent.sock", NULL);
  struct stat st;

  job->shim = oc_shim_find ();
  job->plan.shim = job->shim;
  if (stat (socket, &st) == 0 && S_ISSOCK (st.st_mode))
    job->agent_socket = g_steal_pointer (&socket);
  job->plan.agent_socket = job->agent_socket;
  job->plan.trusts_ca = has_bundle (job->agent_socket);
}

static gboolean
add_binds (Job *job, char **binds, GError **error)
{
  for (; binds != NULL && *binds != NULL; binds++)
    {
      OcSandboxBind *bind = oc_sandbox_bind_parse (*binds, job->cli->socket_path, error);

      if (bind == NULL)
        return FALSE;
      g_ptr_array_add (job->plan.binds, bind);
      if (!oc_sandbox_check_shown (bind->source,
                                   (const char *const *) job->network->protected_paths, error))
        return FALSE;
    }
  return TRUE;
}

/* The project was chosen before the daemon had told where its files are. */
static gboolean
parse_binds (Job *job, GError **error)
{
  job->plan.binds = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_sandbox_bind_free);
  if (job->project != NULL
      && !oc_sandbox_check_shown (job->project,
                                  (const char *const *) job->network->protected_paths, error))
    return FALSE;
  if (job->file != NULL && !add_binds (job, job->file->binds, error))
    return oc_prefix (error, "%s", OC_AGENT_FILE_NAME);
  return add_binds (job, job->options->binds, error);
}

/* "K=V", or "K" for the value that it has here. Returns: FALSE for neither. */
static gboolean
add_env (Job *job, char **env)
{
  for (; env != NULL && *env != NULL; env++)
    {
      const char *value = g_getenv (*env);

      if (**env == '\0' || **env == '=')
        return FALSE;
      if (strchr (*env, '=') != NULL)
        g_ptr_array_add (job->env, g_strdup (*env));
      else if (value != NULL)
        g_ptr_array_add (job->env, g_strconcat (*env, "=", value, NULL));
    }
  return TRUE;
}

/* The file's first: the last one of a name wins. */
static gboolean
parse_env (Job *job)
{
  job->env = g_ptr_array_new_with_free_func (g_free);
  if ((job->file != NULL && !add_env (job, job->file->env)) || !add_env (job, job->options->env))
    return FALSE;
  g_ptr_array_add (job->env, NULL);
  job->plan.extra_env = (const char *const *) job->env->pdata;
  return TRUE;
}

/* Returns: -1 to go on, else the exit code. */
static int
parse_writable (Job *job)
{
  char **const lists[]
      = { job->file != NULL ? job->file->writable : NULL, job->options->writable };

  job->writable = g_ptr_array_new ();
  for (guint i = 0; i < G_N_ELEMENTS (lists); i++)
    for (char **name = lists[i]; name != NULL && *name != NULL; name++)
      {
        if (!oc_sandbox_is_protected (*name))
          return oc_cli_usage_error (job->cli,
                                     _("'%s' is no name that is protected in a project"), *name);
        g_ptr_array_add (job->writable, *name);
      }
  g_ptr_array_add (job->writable, NULL);
  job->plan.writable = (const char *const *) job->writable->pdata;
  return -1;
}

/* Returns: -1 to go on, else the exit code. */
static int
parse_limits (Job *job)
{
  const Options *options = job->options;
  OcSandboxLimits *limits = &job->plan.limits;

  if (job->file != NULL)
    *limits = job->file->limits;
  if (options->memory != NULL && !oc_run_parse_memory (options->memory, limits))
    return oc_cli_usage_error (job->cli, _("'%s' is no size like 512m or 2g, 6m or more"),
                               options->memory);
  if (options->pids != NULL && !oc_run_parse_pids (options->pids, limits))
    return oc_cli_usage_error (job->cli, _("'%s' is no number of processes, 4 or more"),
                               options->pids);
  if (options->cpus != NULL && !oc_run_parse_cpus (options->cpus, limits))
    return oc_cli_usage_error (job->cli, _("'%s' is no number of CPUs like 2 or 0.5"),
                               options->cpus);
  return -1;
}

/* What the project's file says, and over it the options. Returns: -1 to go on, else the exit
 * code. */
static int
choose_options (Job *job)
{
  int code = oc_run_load_agent_file (job->plan.project_fd, job->project, *job->plan.command,
                                     &job->file);

  if (code >= 0)
    return code;
  if (*job->plan.command == NULL)
    {
      if (job->file == NULL || job->file->command == NULL)
        return oc_cli_usage_error (job->cli, _("what shall run?"));
      job->plan.command = job->file->command;
    }
  job->name = job->options->name != NULL || job->file == NULL ? job->options->name
                                                              : job->file->name;
  if (!parse_env (job))
    return oc_cli_usage_error (job->cli, _("--env wants NAME or NAME=VALUE"));
  code = parse_writable (job);
  return code < 0 ? parse_limits (job) : code;
}

/* A program in the home would only be "not found" inside; say why. */
static void
warn_if_hidden (Job *job)
{
  g_autofree char *program = g_find_program_in_path (job->plan.command[0]);
  g_autofree char *home = realpath (g_get_home_dir (), NULL);

  if (program == NULL || home == NULL || strcmp (home, "/") == 0 || !oc_path_is_under (program, home)
      || (job->project != NULL && oc_path_is_under (program, job->project)))
    return;
  for (guint i = 0; i < job->plan.binds->len; i++)
    if (oc_path_is_under (program,
                                  ((OcSandboxBind *) job->plan.binds->pdata[i])->destination))
      return;
  fprintf (stderr,
           _("outcall: %s is in your home, which a sandbox does not see; --bind shows a folder\n"),
           program);
}

/* --- The daemon's part ------------------------------------------------------------ */

static int
ask_network (Job *job)
{
  g_autoptr (JsonNode) data = NULL;
  g_autoptr (GError) error = NULL;
  int code = oc_cli_call (job->cli, "GET", "/api/v1/network/config", NULL, &data);

  if (code != OC_EXIT_OK)
    return code;
  job->network = outcall_network_config_from_json (data, &error);
  if (job->network == NULL)
    return oc_cli_bad_answer (job->cli, error);
  job->plan.gateway = job->network->gateway;
  job->plan.proxy_port = job->network->proxy_port;
  return OC_EXIT_OK;
}

static gboolean
attach (pid_t pid, gpointer user_data, GError **error)
{
  Job *job = user_data;
  g_autofree char *command = g_strjoinv (" ", (char **) job->plan.command);
  g_autofree char *shown = g_utf8_make_valid (command, -1);
  g_autofree char *project
      = job->project != NULL ? g_utf8_make_valid (job->project, -1) : NULL;
  const OutcallSandboxAttachRequest request
      = { .pid = pid, .name = (char *) job->name, .project = project, .command = shown,
          .learning = job->options->learn };
  g_autoptr (JsonNode) data = NULL;
  g_autofree char *reason = NULL;

  job->attached_us = g_get_real_time ();
  if (!oc_cli_try_call (job->cli, "POST", "/api/v1/sandbox/attach",
                        outcall_sandbox_attach_request_to_json (&request), &data, &reason))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, reason);
      return FALSE;
    }
  /* Anything but the whole answer is no permission to run. */
  job->attachment = data != NULL ? outcall_sandbox_attachment_from_json (data, error) : NULL;
  if (job->attachment == NULL && *error == NULL)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED,
                         _("outcalld did not say what it attached"));
  if (job->attachment != NULL && job->options->learn)
    fprintf (stderr,
             _("outcall: LEARNING: what no rule is about is let through, to every public host; %s is "
               "not confined by rules. Give it no secrets.\n"),
             job->attachment->name);
  return job->attachment != NULL;
}

/* --- The command -------------------------------------------------------------------- */

static int
run (Job *job)
{
  g_autoptr (GError) error = NULL;
  int code;

  if (access (OC_SANDBOX_MARK, F_OK) == 0)
    return oc_cli_error (_("this is a sandbox already; run the command as it is"));
  if (access (OC_BWRAP_PATH, X_OK) != 0)
    {
      g_autofree char *why = oc_sandbox_diagnose ();

      return oc_cli_error ("%s", why);
    }
  if (!choose_project (job, &error))
    return oc_cli_error ("%s", error->message);
  code = choose_options (job);
  if (code < 0)
    code = ask_network (job);
  if (code != OC_EXIT_OK)
    return code;
  choose_home (job);
  find_agent_parts (job);
  if (!parse_binds (job, &error))
    return oc_cli_error ("%s", error->message);
  warn_if_hidden (job);
  code = oc_sandbox_run (&job->plan, attach, job, &error);
  if (job->options->learn && job->attachment != NULL)
    oc_suggest_tell_learned (job->cli, job->attachment->name, job->attached_us);
  if (code < 0)
    return oc_cli_error ("%s", error->message);
  if (oc_sandbox_made_repository (&job->plan))
    fprintf (stderr,
             _("outcall: the command made %s/.git; git runs what its config and hooks say\n"),
             job->project);
  return code;
}

/* The options are described in man/outcall.1 too. */
int
oc_cmd_run (OcCli *cli, int argc, char **argv)
{
  g_auto (Options) options = { 0 };
  g_auto (Job) job = { .cli = cli, .options = &options, .plan = { .project_fd = -1 } };
  const GOptionEntry entries[]
      = { { "name", 'n', 0, G_OPTION_ARG_STRING, &options.name, N_("name of the workload"),
            N_("NAME") },
          { "bind", 'b', 0, G_OPTION_ARG_FILENAME_ARRAY, &options.binds,
            N_("show a file or folder of the host"), N_("SRC[:DST][:ro]") },
          { "env", 'e', 0, G_OPTION_ARG_FILENAME_ARRAY, &options.env,
            N_("set a variable, or pass it on"), N_("NAME[=VALUE]") },
          { "writable", 'w', 0, G_OPTION_ARG_FILENAME_ARRAY, &options.writable,
            N_("let a protected name of the project be written"), N_("NAME") },
          { "learn", 0, 0, G_OPTION_ARG_NONE, &options.learn,
            N_("let through what no rule is about, and suggest rules for it"), NULL },
          { "memory", 'm', 0, G_OPTION_ARG_STRING, &options.memory, N_("at most so much memory"),
            N_("SIZE") },
          { "pids", 0, 0, G_OPTION_ARG_STRING, &options.pids, N_("at most so many processes"),
            N_("NUMBER") },
          { "cpus", 0, 0, G_OPTION_ARG_STRING, &options.cpus, N_("at most so many CPUs"),
            N_("NUMBER") },
          G_OPTION_ENTRY_NULL };
  int code = oc_cli_parse_options (cli, entries, OC_CLI_PARSE_STRICT, &argc, &argv);

  if (code >= 0)
    return code;
  job.plan.command = argv + 1;
  job.plan.is_root = geteuid () == 0;
  return run (&job);
}
