/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Files that somebody on the host would run or obey later. In the project, `outcall` looks
 * afterwards for the tag in what is there; elsewhere, a file that could be made is removed at
 * once, and the making was the way out.
 */
#include "config.h"

#include "selftest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/oc-fd.h"

static Result
cannot (int err)
{
  return result (OUTCOME_IMPOSSIBLE, "%s", strerror (err));
}

static void
make_parents (const char *path)
{
  char copy[256];

  (void) snprintf (copy, sizeof copy, "%s", path);
  for (char *slash = strchr (copy + 1, '/'); slash != NULL; slash = strchr (slash + 1, '/'))
    {
      *slash = '\0';
      (void) mkdir (copy, 0755);
      *slash = '/';
    }
}

static Result
write_tag (const Place *place, const char *path, unsigned n)
{
  oc_autofd int fd = open (path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0755);
  char text[TAG_LEN + 4] = "# ";

  make_tag (place, n, text + 2);
  text[2 + TAG_LEN] = '\n';
  if (fd < 0 || write (fd, text, TAG_LEN + 3) < 0)
    return cannot (errno);
  return result (OUTCOME_ANSWERED, "written");
}

/* In the project. */
static Result
plant (const Place *place, const Probe *probe, unsigned n)
{
  Result met;

  make_parents (probe->detail);
  met = write_tag (place, probe->detail, n);
  /* Another way may have taken the folder away meanwhile. */
  if (met.outcome == OUTCOME_IMPOSSIBLE && access (probe->detail, F_OK) < 0)
    {
      make_parents (probe->detail);
      met = write_tag (place, probe->detail, n);
    }
  return met;
}

/* A new folder in the place of a protected one, under whose name the file then is. */
static Result
swap (const Place *place, const Probe *probe, unsigned n)
{
  char aside[256];
  char path[512];

  (void) snprintf (aside, sizeof aside, "aside-%u", n);
  if (rename (probe->detail, aside) < 0)
    return cannot (errno);
  (void) snprintf (path, sizeof path, "%s/planted", probe->detail);
  make_parents (path);
  return write_tag (place, path, n);
}

/* A link in its place, to a folder that may be written. */
static Result
swap_link (const Place *place, const Probe *probe, unsigned n)
{
  char aside[256];
  char path[512];

  (void) snprintf (aside, sizeof aside, "free-%u", n);
  if (mkdir (aside, 0755) < 0 || rmdir (probe->detail) < 0
      || symlink (aside, probe->detail) < 0)
    return cannot (errno);
  (void) snprintf (path, sizeof path, "%s/planted", probe->detail);
  return write_tag (place, path, n);
}

/* A file of the system. */
static Result
plant_system (const Place *place, const Probe *probe, unsigned n)
{
  char path[256];
  int fd;

  (void) n;
  (void) snprintf (path, sizeof path, "%s/outcall-selftest-%s", probe->detail, place->run);
  fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0)
    return cannot (errno);
  (void) close (fd);
  (void) unlink (path);
  return result (OUTCOME_ANSWERED, "written");
}

/* A setting of the kernel's. To have it open is enough. */
static Result
open_setting (const Place *place, const Probe *probe, unsigned n)
{
  oc_autofd int fd = open (probe->detail, O_WRONLY | O_CLOEXEC);

  (void) place;
  (void) n;
  return fd >= 0 ? result (OUTCOME_ANSWERED, "open") : cannot (errno);
}

/* Root's own: another user cannot open it on the host either. */
static bool
may_write (const Probe *probe)
{
  return access (probe->detail, W_OK) == 0;
}

#define PLANT(id, path) { id, N_("Write %s"), path, STAGE_SANDBOX, WITNESS_NONE, plant, NULL }
#define SYSTEM(id, path)                                                                          \
  { id, N_("Make a file in %s"), path, STAGE_SANDBOX, WITNESS_NONE, plant_system,                 \
    .applies = may_write }
#define SETTING(id, path)                                                                         \
  { id, N_("Write %s"), path, STAGE_SANDBOX, WITNESS_NONE, open_setting, .applies = may_write }

const Probe files_probes[] = {
  PLANT ("files-git-hook", ".git/hooks/post-checkout"),
  PLANT ("files-git-config", ".git/config"),
  PLANT ("files-git-commondir", ".git/commondir"),
  PLANT ("files-envrc", ".envrc"),
  PLANT ("files-vscode", ".vscode/tasks.json"),
  PLANT ("files-idea", ".idea/workspace.xml"),
  PLANT ("files-claude", ".claude/settings.json"),
  PLANT ("files-codex", ".codex/config.toml"),
  PLANT ("files-cursor", ".cursor/mcp.json"),
  PLANT ("files-gemini", ".gemini/settings.json"),
  PLANT ("files-mcp", ".mcp.json"),
  PLANT ("files-workflow", ".github/workflows/planted.yml"),
  PLANT ("files-devcontainer", ".devcontainer/devcontainer.json"),
  PLANT ("files-husky", ".husky/pre-commit"),
  PLANT ("files-bashrc", ".bashrc"),
  PLANT ("files-vimrc", ".vimrc"),
  PLANT ("files-agent", ".outcall/agent.yaml"),
  { "files-git-swap", N_("Put another folder in the place of %s"), ".git", STAGE_SANDBOX,
    WITNESS_NONE, swap, NULL },
  { "files-link", N_("Put a link in the place of %s"), ".zed", STAGE_SANDBOX,
    WITNESS_NONE, swap_link, NULL },
  SYSTEM ("files-usr", "/usr/bin"),
  SYSTEM ("files-local", "/usr/local/bin"),
  SYSTEM ("files-profile", "/etc/profile.d"),
  SYSTEM ("files-cron", "/etc/cron.d"),
  SYSTEM ("files-units", "/etc/systemd/system"),
  SETTING ("files-core-pattern", "/proc/sys/kernel/core_pattern"),
  SETTING ("files-modprobe", "/proc/sys/kernel/modprobe"),
  SETTING ("files-sysrq", "/proc/sysrq-trigger"),
  { NULL },
};
