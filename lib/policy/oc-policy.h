/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Rule files to verdicts. A policy is the compiled set of all rule files:
 * immutable, reference counted, shared by all threads without locks. No
 * sockets, no main loop, no daemon types; the command line, the daemon, the
 * fuzzers and the benches use the same code.
 *
 * The language of rule files is described in outcall-rules(5).
 */

#include "cel/oc-cel-value.h"
#include "common/oc-str.h"

#include <glib.h>

#define OC_POLICY_FILE_MAX_BYTES (1024 * 1024)
#define OC_POLICY_RULES_MAX 100000

typedef struct OcPolicy OcPolicy;

typedef enum
{
  OC_EGRESS_PROXY,
  OC_EGRESS_DIRECT_IP,
  OC_EGRESS_INTERCEPT,
} OcEgressMode;

/* A part of a header's value: a text, or the name of a secret. */
typedef struct
{
  OcStr text;
  gboolean is_secret;
} OcInjectPart;

/* A request header that the proxy sets, or replaces. */
typedef struct
{
  OcStr name; /* lower case */
  const OcInjectPart *parts;
  gsize n_parts;
} OcInjectHeader;

typedef struct
{
  OcEgressMode mode;
  const guint16 *ports; /* direct_ip only */
  gsize n_ports;
  gboolean allow_private_ips;
  gboolean ech_allow;
  guint64 max_bytes; /* that the workload may send per connection; 0: no limit */
  gboolean match_body;
  const OcInjectHeader *inject; /* intercept only */
  gsize n_inject;
} OcEgress;

/* One rule, read only, owned by its policy. */
typedef struct
{
  const char *id;
  const char *description; /* (nullable) */
  const char *file;        /* base name */
  guint line;              /* of the rule in its file, from 1 */
  guint index;             /* position in evaluation order, from 0 */
  int priority;
  gboolean allow;
  gboolean log;
  const char *reason;      /* (nullable) */
  const char *condition;   /* complete CEL text: definitions and the short form expanded */
  OcEgress egress;
} OcRule;

/* --- Diagnostics --------------------------------------------------------- */

typedef enum
{
  OC_DIAGNOSTIC_ERROR,
  OC_DIAGNOSTIC_WARNING,
} OcSeverity;

typedef struct
{
  OcSeverity severity;
  char *file;   /* as given */
  guint line;   /* from 1; 0: the whole file */
  guint column; /* from 1; 0: the whole line */
  guint length; /* columns to underline, at least 1 */
  char *text;
  char *source; /* (nullable): the line's text, for the caret line */
  char *rule;   /* (nullable): the id of the rule concerned */
} OcDiagnostic;

void oc_diagnostic_free (OcDiagnostic *diagnostic);
/* "file:line:col: error: text", the source line and the caret line. (transfer full) */
char *oc_diagnostic_format (const OcDiagnostic *diagnostic);

/* --- Loading ------------------------------------------------------------- */

/* What the running daemon can enforce; a rule that needs more is an error. */
typedef struct
{
  gboolean have_proxy;
  gboolean have_intercept;
  gboolean no_inject;         /* the rules come from a workload: they name no secrets */
  const char *const *secrets; /* (nullable): those that are there; NULL: any */
  guint rules_max; /* more are an error before they are looked at; 0: OC_POLICY_RULES_MAX */
} OcPolicyOptions;

/* One rule file that is not on disk (lint over the API, rule requests). */
typedef struct
{
  const char *name;
  const char *text;
  gsize len;
} OcPolicySource;

/* All `*.yaml` and `*.yml` in @dir, in byte order of their names. A missing or
 * empty directory is an empty policy with a warning.
 * @options: (nullable): everything can be enforced
 * @diagnostics: (element-type OcDiagnostic): findings are appended, warnings too
 * Returns: (transfer full) (nullable): NULL with @error set when any finding is
 * an error; @error then holds the first one and how many there were. */
OcPolicy *oc_policy_load_dir (const char *dir, const OcPolicyOptions *options,
                              GPtrArray *diagnostics, GError **error);
/* The same as if @extra were one more file there: what a change would lead to. */
OcPolicy *oc_policy_load_dir_with (const char *dir, const OcPolicySource *extra,
                                   const OcPolicyOptions *options, GPtrArray *diagnostics,
                                   GError **error);
OcPolicy *oc_policy_load_files (const char *const *paths, gsize n_paths,
                                const OcPolicyOptions *options, GPtrArray *diagnostics,
                                GError **error);
OcPolicy *oc_policy_load_sources (const OcPolicySource *sources, gsize n_sources,
                                  const OcPolicyOptions *options, GPtrArray *diagnostics,
                                  GError **error);
OcPolicy *oc_policy_new_empty (void);
/* Not what a rule file may call a rule. */
#define OC_POLICY_LEARNED_ID "(learned)"
/* Thread: any */
OcPolicy *oc_policy_ref (OcPolicy *policy);
void oc_policy_unref (OcPolicy *policy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OcPolicy, oc_policy_unref)

gsize oc_policy_get_n_files (const OcPolicy *policy);
gsize oc_policy_get_n_rules (const OcPolicy *policy);
/* @index: in evaluation order */
const OcRule *oc_policy_get_rule (const OcPolicy *policy, gsize index);
const OcRule *oc_policy_lookup_rule (const OcPolicy *policy, const char *id);
/* What allows where no rule does while a workload is learned about: it is in no list, names
 * every port, and opens no private address. Its counters are for nobody. */
gboolean oc_rule_is_learned (const OcRule *rule);
/* SHA-256 over the loaded sources in hex; changes with every change of content. */
const char *oc_policy_get_digest (const OcPolicy *policy);
/* Whether any rule mentions the namespace "docker", "run", … */
gboolean oc_policy_uses_namespace (const OcPolicy *policy, const char *name);

/* --- Verdicts ------------------------------------------------------------ */

/* @name in lower case. */
typedef OcCelPair OcPair;

typedef struct
{
  const OcStr *items;
  gsize len;
} OcStrList;

/* What is known of one request. Everything is borrowed for the call; what a
 * layer does not fill stays zero. Host names are canonical (oc_host_parse()). */
typedef struct
{
  struct
  {
    OcStr hostname, ip, protocol;
    gint64 port;
  } network;
  struct
  {
    OcStr method, path, host, scheme, body;
    const OcPair *headers;
    gsize n_headers;
    gint64 body_size;
  } http;
  struct
  {
    OcStr query, record_type;
  } dns;
  struct
  {
    OcStr image;
    OcStrList command, volumes, env_keys, capabilities;
  } docker;
  struct
  {
    OcStr tool, cwd;
    OcStrList args, flags;
    const OcPair *context;
    gsize n_context;
  } run;
  struct
  {
    OcStr name, id, image, project;
  } agent;
  gint64 request_time_us; /* since the epoch */
  gboolean learning;      /* what no rule is about is allowed, by the learned rule */
} OcPolicyContext;

typedef struct
{
  gboolean allowed;
  const OcRule *rule; /* (nullable): NULL is the default, which blocks */
} OcPolicyVerdict;

/* The first rule whose condition is true decides; none: blocked. No heap
 * allocation for conditions without macros. Thread: any, no locks. */
void oc_policy_evaluate (const OcPolicy *policy, const OcPolicyContext *context,
                         OcPolicyVerdict *out);

typedef enum
{
  OC_POLICY_UNKNOWN_REQUEST, /* method, path, headers and body: TLS is closed yet */
  OC_POLICY_UNKNOWN_BODY,
  OC_POLICY_UNKNOWN_NOTHING, /* as oc_policy_evaluate(), but nothing is counted */
} OcPolicyUnknown;

/* The same while some of @context is still to come: the first rule that may decide. One that
 * allows counts when it could match, one that blocks only when it does. Not a verdict, so
 * nothing is counted. */
void oc_policy_evaluate_early (const OcPolicy *policy, const OcPolicyContext *context,
                               OcPolicyUnknown unknown, OcPolicyVerdict *out);

/* The same for callers that must not wait: a rule's condition is bounded in steps, many of
 * them together are not. @deadline_us: monotonic
 * Returns: FALSE, with a verdict that blocks, when it passed before there was a verdict. */
gboolean oc_policy_evaluate_until (const OcPolicy *policy, const OcPolicyContext *context,
                                   gint64 deadline_us,
                                   OcPolicyVerdict *out) G_GNUC_WARN_UNUSED_RESULT;

/* The DNS filter's question: may this workload look the name up at all? The
 * caller fills network.hostname, dns.*, agent.* and request_time_us. What a
 * later connection would bring (network.port, .ip, http.method, .path, .scheme,
 * .headers, .body…) is unknown here, and http.host is the name; a condition
 * that depends on an unknown counts as true for an allow rule and as false for
 * a block rule. So a name can be looked up exactly when some connection to it
 * could be allowed, or a rule allows the look-up itself. */
void oc_policy_evaluate_name (const OcPolicy *policy, const OcPolicyContext *context,
                              OcPolicyVerdict *out);

/* The same answer by looking at every rule in order, for tests of the index. */
void oc_policy_evaluate_linear (const OcPolicy *policy, const OcPolicyContext *context,
                                OcPolicyVerdict *out);
void oc_policy_evaluate_name_linear (const OcPolicy *policy, const OcPolicyContext *context,
                                     OcPolicyVerdict *out);

/* Whether @rule's condition names @port as one it is about (compares
 * network.port with it); tunnels to ports other than 443 need that. */
gboolean oc_rule_names_port (const OcPolicy *policy, const OcRule *rule, guint16 port);

typedef enum
{
  OC_REACH_HOSTS,  /* "a.b", or "*.a.b" for all names below */
  OC_REACH_AGENTS,
} OcReach;

/* What @rule's condition is bound to: it can only be true for one of these.
 * Returns: (transfer full) (nullable): NULL when it may be true for any. Main thread:
 * the condition is compiled again. */
char **oc_rule_dup_reach (const OcRule *rule, OcReach reach);

/* Matches and condition errors of the rule at @index since it was loaded. */
void oc_policy_get_rule_counters (const OcPolicy *policy, gsize index, guint64 *out_hits,
                                  guint64 *out_errors);

/* What happened at the proxy under a rule since it was loaded. */
typedef struct
{
  guint64 connections; /* to servers */
  guint64 refused;     /* by the rule, or for another reason although it matched */
  guint64 bytes_up, bytes_down;
} OcRuleTraffic;

/* @rule: one of @policy's. Thread: any, no locks. */
void oc_policy_count_connection (const OcPolicy *policy, const OcRule *rule);
void oc_policy_count_refusal (const OcPolicy *policy, const OcRule *rule);
void oc_policy_count_bytes (const OcPolicy *policy, const OcRule *rule, guint64 up, guint64 down);
void oc_policy_get_rule_traffic (const OcPolicy *policy, gsize index, OcRuleTraffic *out);

/* One rule that was looked at on the way to a verdict. */
typedef struct
{
  const OcRule *rule;
  gboolean matched;
  char *why; /* (nullable): the sub-expression that was false or erred, with its values */
} OcTraceStep;

/* A policy with more rules is explained by its candidates only. */
#define OC_POLICY_EXPLAIN_ALL_MAX 1000

/* As oc_policy_evaluate() (or _name()), with every rule up to the deciding one. Counts nothing.
 * @out_steps: (out) (transfer full) (element-type OcTraceStep) */
void oc_policy_explain (const OcPolicy *policy, const OcPolicyContext *context, gboolean name_only,
                        OcPolicyVerdict *out, GPtrArray **out_steps);

/* --- `tests:` blocks ----------------------------------------------------- */

typedef struct
{
  char *file;
  guint line;
  char *name;
  gboolean passed;
  char *message; /* (nullable): expected and found, when it failed */
  const OcRule *rule; /* (nullable): the one that decided, owned by the policy */
} OcPolicyTestResult;

void oc_policy_test_result_free (OcPolicyTestResult *result);
gsize oc_policy_get_n_tests (const OcPolicy *policy);
/* Runs every `tests:` entry of the loaded files. One that gives dns.query and nothing of a
 * connection asks as the DNS filter does. Counts nothing. (transfer full) (element-type OcPolicyTestResult) */
GPtrArray *oc_policy_run_tests (const OcPolicy *policy);
/* The rules that decided none of @results, in evaluation order.
 * @results: of oc_policy_run_tests() on @policy
 * Returns: (transfer container) (element-type OcRule) */
GPtrArray *oc_policy_list_untested (const OcPolicy *policy, const GPtrArray *results);
