/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The context of conditions: which variables there are and how a request fills
 * them. The numbers are the slots of the CEL environment.
 */

#include "cel/oc-cel.h"
#include "policy/oc-policy.h"

typedef enum
{
  OC_SLOT_NETWORK_HOSTNAME,
  OC_SLOT_NETWORK_IP,
  OC_SLOT_NETWORK_PORT,
  OC_SLOT_NETWORK_PROTOCOL,
  OC_SLOT_HTTP_METHOD,
  OC_SLOT_HTTP_PATH,
  OC_SLOT_HTTP_HOST,
  OC_SLOT_HTTP_SCHEME,
  OC_SLOT_HTTP_HEADERS,
  OC_SLOT_HTTP_BODY_SIZE,
  OC_SLOT_HTTP_BODY,
  OC_SLOT_DNS_QUERY,
  OC_SLOT_DNS_RECORD_TYPE,
  OC_SLOT_DOCKER_IMAGE,
  OC_SLOT_DOCKER_COMMAND,
  OC_SLOT_DOCKER_VOLUMES,
  OC_SLOT_DOCKER_ENV_KEYS,
  OC_SLOT_DOCKER_CAPABILITIES,
  OC_SLOT_RUN_TOOL,
  OC_SLOT_RUN_ARGS,
  OC_SLOT_RUN_FLAGS,
  OC_SLOT_RUN_CWD,
  OC_SLOT_RUN_CONTEXT,
  OC_SLOT_AGENT_NAME,
  OC_SLOT_AGENT_ID,
  OC_SLOT_AGENT_IMAGE,
  OC_SLOT_AGENT_PROJECT,
  OC_SLOT_REQUEST_TIME,
  OC_N_SLOTS,
} OcSlot;

/* One context as CEL values. Borrows everything from the context. */
typedef struct
{
  OcCelValue values[OC_N_SLOTS];
  OcCelList lists[6];
  OcCelMap maps[2];
} OcSlotValues;

/* The environment of all conditions; built once, never changed. Thread: any */
const OcCelEnv *oc_slots_get_env (void);
void oc_slots_fill (OcSlotValues *slots, const OcPolicyContext *context);
/* As the DNS filter sees it: what a later connection brings is unknown, and
 * all three names are the one that is looked up. */
void oc_slots_fill_name (OcSlotValues *slots, const OcPolicyContext *context);
/* What is still to come. */
void oc_slots_forget (OcSlotValues *slots, OcPolicyUnknown unknown);
/* "network" of "network.port", as a bit; 0 for a name that is no namespace. */
guint32 oc_slots_namespace_bit (const char *name, gsize len);
guint32 oc_slots_program_namespaces (const OcCelProgram *program);
