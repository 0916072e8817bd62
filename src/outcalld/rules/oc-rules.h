/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The policy that is in force: loaded from the rules directory, published to
 * the data plane, replaced as a whole or not at all. Thread: main.
 */

#include "outcall-api/outcall-api.h"
#include "policy/oc-policy.h"
#include "snapshot/oc-snapshot.h"

typedef struct OcRules OcRules;

/* @options: what this daemon can enforce; copied */
OcRules *oc_rules_new (const char *rules_dir, const OcPolicyOptions *options, OcSnapshotHub *hub);
/* From the next load on, secrets are read with the rules and come into force with them.
 * @dir, @credentials: as oc_secrets_load() takes them; copied */
void oc_rules_set_secrets (OcRules *rules, const char *dir, const char *credentials);
/* (nullable) (transfer none): those in force */
const OcSecrets *oc_rules_get_secrets (OcRules *rules);
void oc_rules_free (OcRules *rules);

/* Loads everything anew and publishes it. An error leaves the old policy in
 * force (at start: the empty one, which blocks everything).
 * @out_diagnostics: (out) (transfer full) (nullable) (element-type OcDiagnostic) */
gboolean oc_rules_reload (OcRules *rules, GPtrArray **out_diagnostics, GError **error);
/* The same, but only when what is loaded has @digest (oc_policy_get_digest()): what somebody
 * was shown is what comes into force. Else nothing changes, with G_IO_ERROR_BUSY when all
 * would be well but for the digest. */
gboolean oc_rules_reload_expecting (OcRules *rules, const char *digest,
                                    GPtrArray **out_diagnostics, GError **error);
/* What the rules directory would become with one more file, as oc_rules_reload() would load
 * it. (transfer full) (nullable) */
OcPolicy *oc_rules_preview (OcRules *rules, const OcPolicySource *extra, GPtrArray *diagnostics,
                            GError **error);
/* Whether @source is sound by itself, for what this daemon can enforce and the secrets that
 * it has. (transfer full) (nullable) */
OcPolicy *oc_rules_lint (OcRules *rules, const OcPolicySource *source, GPtrArray *diagnostics,
                         GError **error);
/* Whether @source, which is a workload's, is sound by itself, for what this daemon can enforce,
 * and has at most @rules_max rules: expanding definitions takes time. It may not name secrets.
 * (transfer full) (nullable) */
OcPolicy *oc_rules_lint_foreign (OcRules *rules, const OcPolicySource *source, guint rules_max,
                                 GPtrArray *diagnostics, GError **error);
/* Brings @policy, which was in force before, back without reading anything. */
void oc_rules_put_back (OcRules *rules, OcPolicy *policy);
/* Has everything that the policy in force once allowed judged anew: it may hold rules whose
 * time is over. */
void oc_rules_rejudge (OcRules *rules);
/* Errors as warnings, warnings as messages.
 * @diagnostics: (nullable) (element-type OcDiagnostic) */
void oc_rules_log_diagnostics (GPtrArray *diagnostics);
/* The same finding as it goes over a socket. (transfer full) */
OutcallDiagnostic *oc_rules_diagnostic_to_api (const OcDiagnostic *diagnostic);
/* Reloads 250 ms after the last change in the rules directory (--watch-rules); the outcome
 * and the diagnostics are logged. Returns: FALSE when the directory cannot be watched. */
gboolean oc_rules_watch (OcRules *rules, GError **error);
OcPolicy *oc_rules_get_policy (OcRules *rules); /* (transfer none) */
const char *oc_rules_get_dir (OcRules *rules);
gint64 oc_rules_get_loaded_us (OcRules *rules); /* of the last success, since the epoch */
/* The text of the last failed reload, NULL when the last one succeeded. */
const char *oc_rules_get_last_error (OcRules *rules);

/* Called after each successful reload; grants and tunnels are re-judged there. */
typedef void (*OcRulesFunc) (OcPolicy *policy, gpointer user_data);
void oc_rules_set_listener (OcRules *rules, OcRulesFunc func, gpointer user_data);
