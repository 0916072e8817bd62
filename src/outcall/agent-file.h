/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* .outcall/agent.yaml: what `outcall run` does in a project without being told.
 * It is read-only in the sandbox, but may come with a project from anywhere and
 * shows files of the user's; so it has no effect until the user has trusted
 * exactly what it says. One thread.
 */

#include "run.h"

#define OC_AGENT_FILE_NAME ".outcall/agent.yaml"
#define OC_AGENT_FILE_MAX_BYTES (64 * 1024)
#define OC_AGENT_FILE_MAX_ITEMS 256 /* of each list */

typedef struct
{
  char *name;      /* (nullable) */
  char **command;  /* (nullable) NULL-terminated, as the other lists */
  char **binds;    /* (nullable) as for --bind */
  char **env;      /* (nullable) as for --env */
  char **writable; /* (nullable) as for --writable */
  OcSandboxLimits limits;
} OcAgentFile;

void oc_agent_file_free (OcAgentFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OcAgentFile, oc_agent_file_free)

/* @path: for messages. @diagnostics: (element-type OcDiagnostic): gets what is wrong
 * Returns: (transfer full) (nullable): NULL after at least one error */
OcAgentFile *oc_agent_file_parse (const char *path, const char *text, gsize len,
                                  GPtrArray *diagnostics);

/* The bytes of the project's file, not through any link.
 * Returns: (transfer full) (nullable): G_IO_ERROR_NOT_FOUND when there is none */
char *oc_agent_file_read (int project_fd, gsize *out_len, GError **error);

/* Makes the project's file with @text, through no link; never replaces one. */
gboolean oc_agent_file_make (int project_fd, const char *text, GError **error);

/* --- Trust (agent-trust.c) ---------------------------------------------------- */

/* Whether the user has trusted exactly @text for @project. */
gboolean oc_agent_is_trusted (const char *project, const char *text, gsize len);
gboolean oc_agent_trust (const char *project, const char *text, gsize len, GError **error);

/* --- For outcall run (cmd-agent.c) ---------------------------------------------- */

/* @project_fd: -1: there is none
 * @command: (nullable): what shall run; in a project without a file a known agent runs by its
 *   recipe, and that is told
 * @out: (out) (transfer full): the trusted file or the recipe's, untouched when there is none
 * Returns: -1 to go on, else the exit code after a message. */
int oc_run_load_agent_file (int project_fd, const char *project, const char *command,
                            OcAgentFile **out);
