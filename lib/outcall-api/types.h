/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The Outcall authors
 */
#ifndef OUTCALL_API_TYPES_H
#define OUTCALL_API_TYPES_H

/* The records that cross Outcall's sockets. Plain C17 without GLib, so that
 * the static shim can use them too. Memory, copying and JSON: boxed.h, json.h.
 *
 * Reading these structs:
 * - A `char *` is owned by its struct, UTF-8. "(optional)" may be NULL; every
 *   other string is required to write JSON, where NULL counts as "".
 * - A list is a pair `x`, `n_x`: owned array of owned items. After reading and
 *   copying it ends with a NULL that n_x does not count; an empty list may be NULL.
 * - A number marked "(optional)" is absent when it is 0, unless the struct has
 *   a `has_` member for it.
 * - `_us` members that end in `time_us` or `at_us` are microseconds since the epoch
 *   (1 January 1 to 31 December 9999) and in JSON an RFC 3339 string in UTC,
 *   named without the `_us`. Other units are in the name of the member.
 * - 64-bit numbers are between 0 and INT64_MAX unless said otherwise.
 * - In JSON, an absent optional member is null in answers, left out in
 *   requests and in the envelope.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* json-glib's JsonNode, without including its header. */
struct _JsonNode;

/* --- Both APIs -------------------------------------------------------------- */

/* The envelope of every answer. */
typedef struct
{
  bool success;
  struct _JsonNode *data; /* (optional) anything but null; immutable once it is here */
  char *error;            /* (optional) only on failure */
} OutcallApiResponse;

/* JSON: "allow", "block", "enrich" */
typedef enum
{
  OUTCALL_RULE_ACTION_ALLOW,
  OUTCALL_RULE_ACTION_BLOCK,
  OUTCALL_RULE_ACTION_ENRICH,
} OutcallRuleAction;

typedef struct
{
  bool allowed;
  char *matched_rule; /* (optional) NULL: no rule, the default */
  char *reason;       /* (optional) */
} OutcallVerdict;

/* --- Rule requests ---------------------------------------------------------- */

/* What an agent proposes. */
typedef struct
{
  char *description;
  char *condition; /* CEL */
  OutcallRuleAction action;
} OutcallRuleRequest;

/* JSON: "pending", "approved", "rejected" */
typedef enum
{
  OUTCALL_RULE_REQUEST_STATUS_PENDING,
  OUTCALL_RULE_REQUEST_STATUS_APPROVED,
  OUTCALL_RULE_REQUEST_STATUS_REJECTED,
} OutcallRuleRequestStatus;

typedef struct
{
  char *id;
  OutcallRuleRequestStatus status;
  char *reason; /* (optional) */
} OutcallRuleRequestResponse;

/* POST /v1/requests/rules: either a rule file, or a host with what belongs to it. */
typedef struct
{
  char *rule_file; /* (optional) YAML */
  char *host;      /* (optional) a name, "*.name" for all names below it, or an address */
  uint16_t port;   /* (optional) */
  char *reason;    /* (optional) the agent's words to the operator */
} OutcallRuleSubmission;

/* --- Networks and workloads ------------------------------------------------- */

typedef struct
{
  char *name; /* of the link */
  bool up;
  bool has_index;
  uint32_t index; /* (optional) of the link in the kernel */
  bool nftables_active;
} OutcallBridgeStatus;

typedef struct
{
  char *name; /* "outcall-default" */
  char *bridge;
  char *subnet; /* "10.200.0.0/24" */
  char *gateway;
  uint32_t prefix_len; /* 0–32 */
  uint16_t dns_port;
  uint16_t proxy_port; /* (optional) absent: no proxy */
  char **protected_paths; /* (optional) of the daemon's: no workload may be shown them */
  size_t n_protected_paths;
} OutcallNetworkConfig;

/* POST /api/v1/network/create */
typedef struct
{
  char *name;   /* with or without OUTCALL_NETWORK_PREFIX */
  char *subnet; /* (optional) "10.200.7.0/24"; absent: the next free one */
} OutcallNetworkCreateRequest;

/* One network, as the kernel has it now. */
typedef struct
{
  char *name;
  char *bridge;
  char *subnet;
  char *gateway;
  bool up;
  bool has_index;
  uint32_t index;   /* (optional) of the bridge; absent: the bridge is not there */
  bool has_gateway; /* the bridge has the gateway address */
  bool nftables_active;
  char **workloads; /* names of those attached */
  size_t n_workloads;
} OutcallNetworkStatus;

/* Answer to a create. */
typedef struct
{
  bool created; /* false: it was there already */
  OutcallNetworkStatus network;
} OutcallNetworkCreated;

/* Answer to POST /api/v1/network/destroy. */
typedef struct
{
  char *name;
  bool destroyed; /* false: there was none */
} OutcallNetworkDestroyed;

/* POST /api/v1/sandbox/attach */
typedef struct
{
  int32_t pid;   /* first process of the sandbox, as the caller sees it */
  char *name;    /* (optional) NULL: one is made */
  char *project; /* (optional) */
  char *command; /* (optional) for listings */
  bool learning; /* (optional) let through what no rule is about, but to no private address */
} OutcallSandboxAttachRequest;

typedef struct
{
  char *name;
  char *id;
  char *address;
  uint32_t prefix_len; /* 0–32 */
  char *gateway;
  char *mac; /* "02:4f:…" */
} OutcallSandboxAttachment;

/* JSON: "native", "engine" */
typedef enum
{
  OUTCALL_RUNTIME_NATIVE,
  OUTCALL_RUNTIME_ENGINE,
} OutcallRuntime;

/* One confined program in a listing. */
typedef struct
{
  char *name;
  char *id;
  OutcallRuntime runtime;
  char *network;
  char *address;
  char *mac;
  int32_t pid; /* (optional) first process, as the daemon sees it */
  uint32_t uid;
  char *command; /* (optional) */
  char *project; /* (optional) */
  int64_t started_at_us;
  char *image;   /* (optional) of containers */
  bool learning; /* (optional) what no rule is about is let through */
} OutcallWorkload;

/* POST /api/v1/container/create. Numbers that are 0 stand for the default. */
typedef struct
{
  char *image;
  char *name;     /* (optional) NULL: one is made */
  char **command; /* (optional) none: the image's own */
  size_t n_command;
  char **env; /* (optional) "NAME=VALUE" */
  size_t n_env;
  char **binds; /* (optional) "source:destination[:ro|rw]" */
  size_t n_binds;
  char *network;        /* (optional) */
  char *working_dir;    /* (optional) */
  char *user;           /* (optional) "UID:GID" */
  char *project;        /* (optional) */
  uint64_t memory;      /* (optional) bytes */
  uint64_t cpu_shares;  /* (optional) */
  uint64_t pids;        /* (optional) */
  bool without_agent;   /* (optional) neither agent socket nor shim */
} OutcallContainerRequest;

/* A container with Outcall's label, running or not. */
typedef struct
{
  char *name;
  char *id;
  char *image;
  char *status;   /* the engine's word: "running", "exited", … */
  bool confined;  /* it runs and has a lease; false: it reaches nothing */
  char *command;
  char *network;  /* (optional) */
  char *address;  /* (optional) when it is confined, as are mac and pid */
  char *mac;      /* (optional) */
  int32_t pid;    /* (optional) */
  char *user;     /* (optional) */
  char *project;  /* (optional) */
  char *created;  /* (optional) RFC 3339 */
  int64_t exit_code; /* of one that has ended, else 0 */
  bool oom_killed;
  char **env; /* "NAME=<redacted>" */
  size_t n_env;
} OutcallContainer;

/* Answer to POST /api/v1/container/stop and /workload/stop. */
typedef struct
{
  bool stopped; /* false: it was not running */
} OutcallWorkloadStopped;

/* Answer to POST /api/v1/container/remove. */
typedef struct
{
  bool removed; /* false: there was none */
} OutcallContainerRemoved;

/* One step of a pull, and its end. */
typedef struct
{
  char *status;     /* "Downloading", … */
  char *layer;      /* (optional) */
  uint64_t current; /* bytes */
  uint64_t total;   /* bytes, 0: unknown */
} OutcallPullProgress;

/* --- Grants ----------------------------------------------------------------- */

/* JSON: "tcp", "udp" */
typedef enum
{
  OUTCALL_PROTOCOL_TCP,
  OUTCALL_PROTOCOL_UDP,
} OutcallProtocol;

/* POST /api/v1/rule/allow: lets one workload connect to an address or range,
 * past the proxy. */
typedef struct
{
  char *workload;
  char *destination; /* "192.0.2.7" or "192.0.2.0/24" */
  OutcallProtocol protocol;
  uint16_t port;       /* (optional) absent: every port */
  uint16_t last_port;  /* (optional) of a range that begins with port */
  uint64_t lifetime_s; /* 1 to OUTCALL_GRANT_LIFETIME_MAX_SECS */
  uint64_t max_bytes;  /* (optional) that the workload may send under it; for one address and port */
} OutcallGrantRequest;

/* A grant that is in the kernel. */
typedef struct
{
  char *id;
  char *workload;
  char *destination; /* as in the request */
  char *name;        /* (optional) host name that it was looked up for */
  OutcallProtocol protocol;
  uint16_t port;      /* (optional) absent: every port */
  uint16_t last_port; /* (optional) */
  char *rule;         /* (optional) id of the rule; absent: an operator made it */
  int64_t inserted_at_us;
  int64_t expires_at_us;
  uint64_t packets; /* that the workload sent under it */
  uint64_t bytes;
  uint64_t max_bytes; /* (optional) */
} OutcallGrant;

/* GET /api/v1/rules/active */
typedef struct
{
  OutcallGrant **grants; /* newest first, as many as were asked for */
  size_t n_grants;
  uint64_t total;
} OutcallActiveGrants;

/* Answer to POST /api/v1/rule/revoke and /api/v1/rules/flush. */
typedef struct
{
  uint64_t removed;
} OutcallGrantsRemoved;

/* --- Decisions -------------------------------------------------------------- */

/* Who decided. JSON: "dns", "connect", "tls", "http", "agent", "container" */
typedef enum
{
  OUTCALL_LAYER_DNS,
  OUTCALL_LAYER_CONNECT, /* authority of an explicit tunnel */
  OUTCALL_LAYER_TLS,     /* SNI */
  OUTCALL_LAYER_HTTP,
  OUTCALL_LAYER_AGENT, /* permission check on the agent socket */
  OUTCALL_LAYER_CONTAINER,
} OutcallLayer;

/* JSON: "allowed", "blocked" */
typedef enum
{
  OUTCALL_OUTCOME_ALLOWED,
  OUTCALL_OUTCOME_BLOCKED,
} OutcallOutcome;

/* A line of the decision log. */
typedef struct
{
  uint64_t sequence; /* from 1 */
  int64_t time_us;
  OutcallLayer layer;
  OutcallOutcome verdict;
  char *workload;
  char *agent;   /* the workload's name without a trailing -N */
  char *host;    /* (optional) */
  char *address; /* (optional) destination */
  uint16_t port; /* (optional) */
  char *method;  /* (optional) HTTP method or DNS record type */
  char *path;    /* (optional) never with its query */
  char *rule;    /* (optional) */
  char *reason;  /* (optional) */
  uint64_t bytes_up;
  uint64_t bytes_down;
  int64_t duration_us; /* 0 or more */
  char *session_id;    /* (optional) of the agent, as it says */
  char *tool_use_id;   /* (optional) of the tool call, or of the last one before a connection */
  char *request;       /* (optional) id of the rule request that asks for it */
  bool cached;         /* DNS: answered from the cache */
  bool ended;          /* what was allowed is over: bytes and duration are final */
} OutcallDecision;

/* --- Rules ------------------------------------------------------------------ */

/* How allowed traffic leaves. JSON: "proxy", "direct_ip", "intercept" */
typedef enum
{
  OUTCALL_EGRESS_MODE_PROXY,
  OUTCALL_EGRESS_MODE_DIRECT_IP,
  OUTCALL_EGRESS_MODE_INTERCEPT,
} OutcallEgressMode;

/* A rule in a listing, which is in evaluation order. */
typedef struct
{
  char *id;
  char *description; /* (optional) */
  char *file;        /* base name */
  uint32_t line;     /* from 1 */
  int64_t priority;  /* lower first; any 64-bit number */
  OutcallRuleAction action;
  char *condition; /* complete CEL text */
  char *reason;    /* (optional) what a blocked agent is told */
  uint64_t hits;
  uint64_t errors; /* of the condition at run time */
  OutcallEgressMode mode;
} OutcallRuleSummary;

/* JSON: "error", "warning" */
typedef enum
{
  OUTCALL_SEVERITY_ERROR,
  OUTCALL_SEVERITY_WARNING,
} OutcallSeverity;

/* A finding in a rule file. */
typedef struct
{
  OutcallSeverity severity;
  char *file;      /* (optional) */
  uint32_t line;   /* (optional) from 1 */
  uint32_t column; /* (optional) from 1 */
  uint32_t length; /* (optional) columns to underline */
  char *text;
  char *source; /* (optional) the line itself */
  char *rule;   /* (optional) */
} OutcallDiagnostic;

/* One entry of a `tests:` block of a rule file, run. */
typedef struct
{
  char *file;
  uint32_t line;
  char *name;
  bool passed;
  char *message; /* (optional) what was expected and what came, when it failed */
  char *rule;    /* (optional) id of the rule that decided */
} OutcallRuleTest;

typedef struct
{
  char *id;
  char *file;
  uint32_t line;
} OutcallUntestedRule;

/* Answer to POST /api/v1/rule/test. */
typedef struct
{
  uint64_t passed;
  uint64_t failed;
  uint64_t rules; /* in force */
  OutcallRuleTest **tests;
  size_t n_tests;
  OutcallUntestedRule **untested; /* rules that no test was decided by */
  size_t n_untested;
} OutcallRuleTests;

/* Answer to a reload; also the data of a refused one, with the errors in it. */
typedef struct
{
  uint64_t files_loaded;
  uint64_t rules_loaded;
  OutcallDiagnostic **warnings;
  size_t n_warnings;
} OutcallReloadResult;

/* Answer to POST /api/v1/rules/allow: the rule files that were written. */
typedef struct
{
  char **files; /* base names */
  size_t n_files;
} OutcallAllowResult;

/* --- Asking the policy ------------------------------------------------------ */

/* A member of a JSON object whose values are all strings. */
typedef struct
{
  char *name; /* unique in its object */
  char *value;
} OutcallPair;

typedef struct
{
  char *hostname;
  char *ip;
  uint16_t port;
  char *protocol;
} OutcallNetworkContext;

typedef struct
{
  char *method;
  char *path;
  char *host;
  char *scheme;
  OutcallPair **headers; /* names in lower case */
  size_t n_headers;
  int64_t body_size; /* bytes */
  char *body;
} OutcallHttpContext;

typedef struct
{
  char *query;
  char *record_type;
} OutcallDnsContext;

typedef struct
{
  char *image;
  char **command;
  size_t n_command;
  char **volumes;
  size_t n_volumes;
  char **env_keys;
  size_t n_env_keys;
  char **capabilities;
  size_t n_capabilities;
} OutcallDockerContext;

typedef struct
{
  char *tool;
  char **args;
  size_t n_args;
  char **flags;
  size_t n_flags;
  char *cwd;
  OutcallPair **context;
  size_t n_context;
} OutcallRunContext;

typedef struct
{
  char *name;
  char *id;
  char *image;
  char *project;
} OutcallAgentContext;

typedef struct
{
  int64_t time_us; /* (optional) 0: the moment of evaluation */
} OutcallRequestContext;

/* What is known of one request. All of it is optional: what is absent has the
 * zero value (NULL strings stand for ""). */
typedef struct
{
  OutcallNetworkContext network;
  OutcallHttpContext http;
  OutcallDnsContext dns;
  OutcallDockerContext docker;
  OutcallRunContext run;
  OutcallAgentContext agent;
  OutcallRequestContext request;
} OutcallContext;

/* POST /api/v1/rule/evaluate */
typedef struct
{
  OutcallContext context;
  bool trace;     /* (optional) with the rules looked at */
  bool name_only; /* (optional) the DNS filter's question: may the name be looked up? */
} OutcallEvaluateRequest;

/* One rule that was looked at. */
typedef struct
{
  char *rule; /* id */
  char *file;
  uint32_t line;
  OutcallRuleAction action;
  bool matched;
  char *why; /* (optional) the sub-expression that was false or failed */
} OutcallTraceStep;

typedef struct
{
  OutcallVerdict verdict;
  char *file;    /* (optional) of the rule that decided */
  uint32_t line; /* (optional) */
  OutcallTraceStep **trace;
  size_t n_trace;
} OutcallEvaluateResult;

/* --- Deciding on rule requests ----------------------------------------------- */

/* A rule request as the operator sees it. */
typedef struct
{
  char *id;
  OutcallRuleRequestStatus status;
  char *workload;    /* that asked */
  char *workload_id;
  char *agent;       /* its name without a trailing -N */
  int64_t asked_at_us;
  char *host;        /* (optional) of the short form */
  uint16_t port;     /* (optional) */
  char *reason;      /* (optional) the agent's words */
  char *rule_file;   /* (optional) what was asked for, written out in full */
  uint64_t decision; /* (optional) in the decision log: the block that led to it */
  char *tool_use_id; /* (optional) the agent's tool call before that block */
  int64_t decided_at_us; /* (optional) this and what follows: once it is decided */
  bool has_decided_by;
  uint32_t decided_by; /* (optional) user id */
  char *answer;        /* (optional) why it was rejected */
  char *file;          /* (optional) name of the rule file that the approval wrote */
  int64_t expires_at_us; /* (optional) */
  bool any_agent;        /* approved for every agent */
  bool ended;            /* approved, but its time is over */
  bool own;              /* (optional) nobody asked: an operator allowed a host */
} OutcallRuleRequestEntry;

/* What an approval would do. */
typedef struct
{
  OutcallRuleRequestEntry request;
  char *file;   /* name of the rule file */
  char *text;   /* of the rule file */
  char *digest; /* of all rules with this file: the approval names it */
  int64_t expires_at_us; /* (optional) */
  bool any_agent;
  OutcallDiagnostic **warnings;
  size_t n_warnings;
  char **hosts; /* that it opens: "a.b", "*.a.b"; one "*": no host is named */
  size_t n_hosts;
  char **agents; /* that it opens them for; one "*": every agent */
  size_t n_agents;
  char **other_agents; /* that run now and are not the one that asked */
  size_t n_other_agents;
  uint64_t decisions; /* of the last day in the log, that were looked at */
  uint64_t allowed;   /* of them, that were blocked and would be allowed */
  uint64_t blocked;   /* of them, that were allowed and would be blocked */
  uint64_t elsewhere; /* of @allowed and @blocked, those of other agents */
  char **allowed_hosts; /* of @allowed, each once, the first few */
  size_t n_allowed_hosts;
  char **overrides; /* rules that blocked what would be allowed */
  size_t n_overrides;
} OutcallRuleRequestReview;

/* POST /api/v1/requests/rules/{id}/approve: what the review showed. */
typedef struct
{
  char *digest;
  int64_t expires_at_us; /* (optional) */
  bool any_agent;        /* (optional) */
} OutcallRuleRequestApproval;

/* POST /api/v1/rules/allow/review, and what it showed to /rules/allow/approve. */
typedef struct
{
  char *agent;    /* that it is about */
  char *host;     /* a name, "*.name" for all names below it, or an address */
  uint16_t port;  /* (optional) */
  bool any_agent; /* (optional) */
  uint64_t for_s; /* (optional) to review: how long; absent: for good */
  char *id;       /* (optional) to approve: of the review */
  char *digest;   /* (optional) the same */
  int64_t expires_at_us; /* (optional) the same */
} OutcallAllowRequest;

/* --- Bodies of requests that name one thing ----------------------------------- */

/* POST /api/v1/network/destroy and /container/remove: which one. */
typedef struct
{
  char *name;
} OutcallNameRequest;

/* POST /api/v1/workload/stop, and the same of a sandbox or a container. */
typedef struct
{
  char *name;
  bool has_timeout_s;
  uint64_t timeout_s; /* (optional) until it is killed; absent: OUTCALL_DEFAULT_STOP_TIMEOUT_SECS */
} OutcallStopRequest;

/* POST /api/v1/container/pull. */
typedef struct
{
  char *image;
} OutcallPullRequest;

/* POST /api/v1/rules/lint. */
typedef struct
{
  char *name; /* of the file, for the diagnostics */
  char *text; /* may be empty */
} OutcallLintRequest;

/* POST /api/v1/rules/allow: a rule file for each. */
typedef struct
{
  char **hosts; /* a name, "*.name" for all names below it, or an address; each may end in ":port" */
  size_t n_hosts;
  char *agent;    /* (optional) only for this one */
  uint64_t for_s; /* (optional) how long; absent: for good */
} OutcallAllowHosts;

/* POST /api/v1/rules/flush. */
typedef struct
{
  char *workload; /* (optional) only its grants */
} OutcallFlushRequest;

/* POST /api/v1/rule/revoke. */
typedef struct
{
  char *id; /* of the grant */
} OutcallRevokeRequest;

/* POST /api/v1/requests/rules/{id}/reject. */
typedef struct
{
  char *reason; /* (optional) which the agent is told */
} OutcallRejection;

/* POST /api/v1/dns/test. */
typedef struct
{
  char *name;
  char *agent;       /* (optional) who would ask */
  char *record_type; /* (optional) absent: "A" */
} OutcallDnsTestRequest;

/* --- State of the daemon ---------------------------------------------------- */

/* JSON: "starting", "running", "degraded", "unavailable", "disabled" */
typedef enum
{
  OUTCALL_STATE_STARTING,
  OUTCALL_STATE_RUNNING,
  OUTCALL_STATE_DEGRADED,
  OUTCALL_STATE_UNAVAILABLE,
  OUTCALL_STATE_DISABLED,
} OutcallState;

typedef struct
{
  char *name; /* "bridge", "policy", "dns", … */
  OutcallState state;
  char *reason; /* (optional) */
} OutcallSubsystem;

/* A member of a JSON object whose values are all counts. */
typedef struct
{
  char *name; /* unique in its object */
  uint64_t value;
} OutcallCounter;

typedef struct
{
  char *version;
  uint64_t uptime_s;
  OutcallSubsystem **subsystems;
  size_t n_subsystems;
  OutcallCounter **counters;
  size_t n_counters;
} OutcallStatus;

/* A name server that questions are forwarded to. */
typedef struct
{
  char *address;
  uint16_t port;
  bool up; /* has not failed within the last 30 s */
  uint64_t asked;
  uint64_t failed;
  uint64_t latency_us; /* of the answers of late; 0: none yet */
} OutcallDnsUpstream;

typedef struct
{
  uint16_t port;
  char *upstreams; /* (optional) as configured; NULL: the host's resolv.conf */
  uint64_t queries;
  uint64_t allowed;
  uint64_t blocked;
  uint64_t refused;
  uint64_t malformed;
  uint64_t rate_limited;
  uint64_t cache_hits;
  uint64_t cache_misses;
  uint64_t cache_entries;
  uint64_t upstream_queries;
  uint64_t upstream_failures;
  uint64_t addresses_removed;
  uint64_t spoofed; /* datagrams that answered no question of ours */
  OutcallDnsUpstream **servers; /* in the order in which they are asked */
  size_t n_servers;
} OutcallDnsStats;

/* What one workload did at the proxy. */
typedef struct
{
  char *workload;
  uint64_t connections;
  uint64_t requests;
  uint64_t blocked;
  uint64_t bytes_up; /* sent by the workload */
  uint64_t bytes_down;
} OutcallProxyWorkload;

/* What happened at the proxy under one rule since it was loaded. */
typedef struct
{
  char *rule;
  uint64_t hits;        /* verdicts by it, of every layer */
  uint64_t connections; /* to servers */
  uint64_t blocked;     /* by it, or for another reason although it matched */
  uint64_t bytes_up;
  uint64_t bytes_down;
} OutcallProxyRule;

/* An answer in the DNS cache. */
typedef struct
{
  char *name;
  char *type;
  uint64_t rcode;
  uint64_t records; /* in the answer section */
  int64_t ttl_s;    /* left; negative: so long out of date, kept for when upstreams fail */
  bool dnssec_ok;
  bool checking_disabled;
} OutcallDnsCacheEntry;

typedef struct
{
  uint64_t answers;
  uint64_t answers_max;
  uint64_t bytes;
  uint64_t bytes_max;
  OutcallDnsCacheEntry **entries; /* only when they were asked for */
  size_t n_entries;
} OutcallDnsCache;

/* What came of a look-up. JSON: "ok", "no_name", "failed", "not_asked" */
typedef enum
{
  OUTCALL_LOOKUP_OK,
  OUTCALL_LOOKUP_NO_NAME,
  OUTCALL_LOOKUP_FAILED,
  OUTCALL_LOOKUP_NOT_ASKED, /* the policy refused the name */
} OutcallLookup;

typedef struct
{
  char *address;
  char *address_class; /* JSON: "class"; "public", "private", "loopback", … */
} OutcallDnsAddress;

/* Answer to POST /api/v1/dns/test. */
typedef struct
{
  char *name;
  bool allowed;
  char *matched_rule; /* (optional) */
  char *reason;       /* (optional) */
  OutcallLookup status;
  OutcallDnsAddress **addresses;
  size_t n_addresses;
} OutcallDnsTestResult;

typedef struct
{
  uint16_t port;
  char *upstream_proxy; /* (optional) as configured; NULL: none */
  uint64_t connections;
  uint64_t active;
  uint64_t requests;
  uint64_t tunnels;
  uint64_t blocked; /* by verdicts */
  uint64_t refused; /* for form and limits */
  uint64_t upstream_errors;
  uint64_t bytes_up;
  uint64_t bytes_down;
  OutcallCounter **reasons; /* what `blocked` and `refused` consist of */
  size_t n_reasons;
  OutcallProxyWorkload **workloads; /* the living */
  size_t n_workloads;
  OutcallProxyRule **rules; /* that were used */
  size_t n_rules;
} OutcallProxyStats;

/* GET /api/v1/ca: what connections are opened with. */
typedef struct
{
  bool loaded;
  char *subject;         /* (optional) and so on: of the CA, when there is one */
  char *algorithm;       /* (optional) "ECDSA", "RSA", … */
  char *fingerprint;     /* (optional) SHA-256, in hex */
  int64_t not_before_us; /* (optional) */
  int64_t not_after_us;  /* (optional) */
} OutcallCa;

/* GET /api/v1/ca/bundle */
typedef struct
{
  char *pem; /* the CA's certificate */
} OutcallCaBundle;

/* GET /api/v1/proxy/intercept */
typedef struct
{
  bool enabled;
  uint64_t leaf_ttl_s; /* how long a certificate for a host is good */
  uint64_t body_cap;   /* of a request, that a rule may see; bytes */
  uint64_t certificates;
  uint64_t certificates_max;
  uint64_t hits;
  uint64_t misses;
  uint64_t failures; /* certificates that could not be made */
} OutcallIntercept;

/* Answer to POST /api/v1/proxy/intercept/cache/flush. */
typedef struct
{
  uint64_t flushed;
} OutcallCacheFlushed;

/* GET /api/v1/secrets: what rules may put into requests. Values are never told. */
typedef struct
{
  char **names;
  size_t n_names;
} OutcallSecrets;

/* --- Agent API -------------------------------------------------------------- */

typedef struct
{
  char *container_id;
  char *session_token; /* secret: wiped when freed */
  char **context_keys;
  size_t n_context_keys;
} OutcallAgentCheckin;

/* JSON: "tool_exec", "network_call", "file_access", "shell_exec" */
typedef enum
{
  OUTCALL_ACTION_TYPE_TOOL_EXEC,
  OUTCALL_ACTION_TYPE_NETWORK_CALL,
  OUTCALL_ACTION_TYPE_FILE_ACCESS,
  OUTCALL_ACTION_TYPE_SHELL_EXEC,
} OutcallActionType;

typedef struct
{
  OutcallActionType action_type;
  char *target;
  struct _JsonNode *metadata; /* (optional) an object; immutable once it is here */
} OutcallPermissionCheck;

/* What the daemon takes the caller for. */
typedef struct
{
  char *name;
  char *id;
  char *agent;
  bool has_session_age_s;
  uint64_t session_age_s; /* (optional) absent before the check-in */
} OutcallWhoami;

#endif
