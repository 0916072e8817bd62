/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The daemon's options: defaults, then the configuration file (GKeyFile, group
 * [outcalld]), then the command line, which wins. One table describes all
 * three. Thread: main.
 */

#include <gio/gio.h>

/* "N/S": N in each S seconds */
typedef struct
{
  guint count; /* 0: no limit */
  guint window_s;
} OcRate;

typedef struct
{
  char *socket;
  char *agent_socket;
  char *bridge;
  char *subnet_block;
  char *rules_dir;
  char *state_dir;
  gboolean watch_rules;
  gboolean deny_drop;
  guint16 dns_port;
  char *dns_upstream; /* (nullable); reloadable */
  guint dns_rate;     /* per workload and second */
  guint16 proxy_port;
  gboolean no_proxy;
  char *upstream_proxy; /* (nullable); reloadable */
  guint max_header; /* bytes */
  guint workers;
  guint agent_timeout_s;
  OcRate agent_perm_rate; /* permission checks of one workload; reloadable */
  OcRate agent_rule_rate; /* its rule requests; reloadable */
  char *engine_socket;   /* (nullable): found */
  char *ca_cert;         /* (nullable): nothing is intercepted */
  char *ca_key;          /* (nullable), as ca_cert */
  guint leaf_ttl_s;
  guint body_cap; /* bytes */
  char *secrets_dir; /* read again with the rules */
  char *audit_log;       /* (nullable); reloadable */
  char *log_level;       /* error warning info debug; reloadable */
  gboolean check;        /* test configuration and rules, exit */
  gboolean version;
} OcOptions;

/* @argv: the whole command line; kept by the caller for oc_options_load() on SIGHUP.
 * Prints the help text and exits for --help.
 * Returns: (transfer full) (nullable): NULL with G_OPTION_ERROR (usage, exit 2)
 * or G_IO_ERROR (configuration). */
OcOptions *oc_options_load (char **argv, GError **error);

/* The names of options that differ and that a running daemon cannot take over,
 * as text; NULL: none. (transfer full) */
char *oc_options_list_restart (const OcOptions *running, const OcOptions *fresh);
void oc_options_free (OcOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OcOptions, oc_options_free)
