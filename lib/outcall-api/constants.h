/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The Outcall authors
 */
#ifndef OUTCALL_API_CONSTANTS_H
#define OUTCALL_API_CONSTANTS_H

/* Values that every part of Outcall agrees on. Plain C, no other header. */

/* Exit code of the shim when the daemon cannot be reached. */
#define OUTCALL_UNREACHABLE_EXIT_CODE 5

#define OUTCALL_DEFAULT_HOST_SOCKET "/run/outcall/host.sock"
#define OUTCALL_DEFAULT_AGENT_SOCKET "/run/outcall/agent.sock"
#define OUTCALL_DEFAULT_STATE_DIR "/var/lib/outcall"
#define OUTCALL_DEFAULT_RULES_DIR "/etc/outcall/rules.d"

#define OUTCALL_DEFAULT_BRIDGE_NAME "outcall0"
#define OUTCALL_NETWORK_PREFIX "outcall-"
#define OUTCALL_DEFAULT_NETWORK_NAME "outcall-default"
#define OUTCALL_SUBNET_BLOCK "10.200.0.0/16"
#define OUTCALL_DEFAULT_SUBNET "10.200.0.0/24"
#define OUTCALL_DEFAULT_GATEWAY "10.200.0.1"
#define OUTCALL_DNS_PORT 53
#define OUTCALL_PROXY_PORT 8080

/* Where the shim is found inside a workload. */
#define OUTCALL_SHIM_PATH "/usr/local/bin/outcall-agent"

#define OUTCALL_DEFAULT_REQUEST_TIMEOUT_SECS 30
#define OUTCALL_DEFAULT_HEARTBEAT_INTERVAL_SECS 10
#define OUTCALL_DEFAULT_STOP_TIMEOUT_SECS 10
#define OUTCALL_DEFAULT_MEMORY_LIMIT (512LL * 1024 * 1024) /* bytes */
#define OUTCALL_DEFAULT_CPU_SHARES 1024
#define OUTCALL_DEFAULT_PID_LIMIT 256

/* The longest life of a grant: a week. */
#define OUTCALL_GRANT_LIFETIME_MAX_SECS 604800

/* Bounds on JSON documents. The transports enforce the sizes, in bytes; the
 * readers of this library enforce the depth. */
#define OUTCALL_AGENT_BODY_MAX (64 * 1024)
#define OUTCALL_HOST_BODY_MAX (1024 * 1024)
#define OUTCALL_JSON_DEPTH_MAX 32

#endif
