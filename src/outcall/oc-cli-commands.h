/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The commands' handlers, in the files cmd-<subject>.c. */

#include "oc-cli.h"

#include "outcall-api/outcall-api.h"

int oc_cmd_allow (OcCli *cli, int argc, char **argv);
int oc_cmd_bridge_down (OcCli *cli, int argc, char **argv);
int oc_cmd_bridge_status (OcCli *cli, int argc, char **argv);
int oc_cmd_bridge_up (OcCli *cli, int argc, char **argv);
int oc_cmd_container_create (OcCli *cli, int argc, char **argv);
int oc_cmd_container_inspect (OcCli *cli, int argc, char **argv);
int oc_cmd_container_list (OcCli *cli, int argc, char **argv);
int oc_cmd_container_pull (OcCli *cli, int argc, char **argv);
int oc_cmd_container_remove (OcCli *cli, int argc, char **argv);
int oc_cmd_container_stop (OcCli *cli, int argc, char **argv);
int oc_cmd_dns_cache (OcCli *cli, int argc, char **argv);
int oc_cmd_dns_flush (OcCli *cli, int argc, char **argv);
int oc_cmd_dns_status (OcCli *cli, int argc, char **argv);
int oc_cmd_dns_test (OcCli *cli, int argc, char **argv);
int oc_cmd_doctor (OcCli *cli, int argc, char **argv);
int oc_cmd_grants_add (OcCli *cli, int argc, char **argv);
int oc_cmd_grants_flush (OcCli *cli, int argc, char **argv);
int oc_cmd_grants_list (OcCli *cli, int argc, char **argv);
int oc_cmd_grants_revoke (OcCli *cli, int argc, char **argv);
int oc_cmd_inspect (OcCli *cli, int argc, char **argv);
int oc_cmd_log (OcCli *cli, int argc, char **argv);
int oc_cmd_logs (OcCli *cli, int argc, char **argv);
int oc_cmd_metrics (OcCli *cli, int argc, char **argv);
int oc_cmd_network_create (OcCli *cli, int argc, char **argv);
int oc_cmd_network_destroy (OcCli *cli, int argc, char **argv);
int oc_cmd_network_list (OcCli *cli, int argc, char **argv);
int oc_cmd_network_status (OcCli *cli, int argc, char **argv);
int oc_cmd_overview (OcCli *cli, int argc, char **argv);
int oc_cmd_proxy_status (OcCli *cli, int argc, char **argv);
int oc_cmd_ca_init (OcCli *cli, int argc, char **argv);
int oc_cmd_ca_status (OcCli *cli, int argc, char **argv);
int oc_cmd_ca_bundle (OcCli *cli, int argc, char **argv);
int oc_cmd_auth_list (OcCli *cli, int argc, char **argv);
int oc_cmd_auth_add (OcCli *cli, int argc, char **argv);
int oc_cmd_auth_remove (OcCli *cli, int argc, char **argv);
int oc_cmd_ps (OcCli *cli, int argc, char **argv);
int oc_cmd_requests_approve (OcCli *cli, int argc, char **argv);
int oc_cmd_requests_list (OcCli *cli, int argc, char **argv);
int oc_cmd_requests_reject (OcCli *cli, int argc, char **argv);
int oc_cmd_requests_show (OcCli *cli, int argc, char **argv);
int oc_cmd_rules_check (OcCli *cli, int argc, char **argv);
int oc_cmd_rules_explain (OcCli *cli, int argc, char **argv);
int oc_cmd_rules_list (OcCli *cli, int argc, char **argv);
int oc_cmd_rules_reload (OcCli *cli, int argc, char **argv);
int oc_cmd_rules_show (OcCli *cli, int argc, char **argv);
int oc_cmd_rules_test (OcCli *cli, int argc, char **argv);
int oc_cmd_agent (OcCli *cli, int argc, char **argv);
int oc_cmd_init (OcCli *cli, int argc, char **argv);
int oc_cmd_recipe (OcCli *cli, int argc, char **argv);
int oc_cmd_run (OcCli *cli, int argc, char **argv);
int oc_cmd_selftest (OcCli *cli, int argc, char **argv);
int oc_cmd_status (OcCli *cli, int argc, char **argv);
int oc_cmd_stop (OcCli *cli, int argc, char **argv);
int oc_cmd_suggest (OcCli *cli, int argc, char **argv);
int oc_cmd_ui (OcCli *cli, int argc, char **argv);
int oc_cmd_watch (OcCli *cli, int argc, char **argv);

/* --- Workloads, for more than one command -------------------------------------------- */

/* @workloads: of OutcallWorkload; as a table on stdout */
void oc_cli_print_workloads (OcCli *cli, GPtrArray *workloads);

/* --- Decisions, for more than one command -------------------------------------------- */

/* "host:port", or what else it was about. (transfer full) (nullable) */
char *oc_cli_decision_target (const OutcallDecision *decision);

/* --- Rule requests, for more than one command ------------------------------------- */

/* "host:port", or that it is a rule file. (transfer full) */
char *oc_cli_request_target (const OutcallRuleRequestEntry *entry);
/* Everything that an approval would do, on stdout. */
void oc_cli_print_review (OcCli *cli, const OutcallRuleRequestReview *review);
/* The body that approves what @review shows. (transfer full) */
JsonNode *oc_cli_make_approval (const OutcallRuleRequestReview *review);
