/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "policy/oc-policy-slots.h"

#include <string.h>

static const struct
{
  const char *name;
  const char *type;
} variables[OC_N_SLOTS] = {
  [OC_SLOT_NETWORK_HOSTNAME] = { "network.hostname", "string" },
  [OC_SLOT_NETWORK_IP] = { "network.ip", "string" },
  [OC_SLOT_NETWORK_PORT] = { "network.port", "int" },
  [OC_SLOT_NETWORK_PROTOCOL] = { "network.protocol", "string" },
  [OC_SLOT_HTTP_METHOD] = { "http.method", "string" },
  [OC_SLOT_HTTP_PATH] = { "http.path", "string" },
  [OC_SLOT_HTTP_HOST] = { "http.host", "string" },
  [OC_SLOT_HTTP_SCHEME] = { "http.scheme", "string" },
  [OC_SLOT_HTTP_HEADERS] = { "http.headers", "map(string, string)" },
  [OC_SLOT_HTTP_BODY_SIZE] = { "http.body_size", "int" },
  [OC_SLOT_HTTP_BODY] = { "http.body", "string" },
  [OC_SLOT_DNS_QUERY] = { "dns.query", "string" },
  [OC_SLOT_DNS_RECORD_TYPE] = { "dns.record_type", "string" },
  [OC_SLOT_DOCKER_IMAGE] = { "docker.image", "string" },
  [OC_SLOT_DOCKER_COMMAND] = { "docker.command", "list(string)" },
  [OC_SLOT_DOCKER_VOLUMES] = { "docker.volumes", "list(string)" },
  [OC_SLOT_DOCKER_ENV_KEYS] = { "docker.env_keys", "list(string)" },
  [OC_SLOT_DOCKER_CAPABILITIES] = { "docker.capabilities", "list(string)" },
  [OC_SLOT_RUN_TOOL] = { "run.tool", "string" },
  [OC_SLOT_RUN_ARGS] = { "run.args", "list(string)" },
  [OC_SLOT_RUN_FLAGS] = { "run.flags", "list(string)" },
  [OC_SLOT_RUN_CWD] = { "run.cwd", "string" },
  [OC_SLOT_RUN_CONTEXT] = { "run.context", "map(string, string)" },
  [OC_SLOT_AGENT_NAME] = { "agent.name", "string" },
  [OC_SLOT_AGENT_ID] = { "agent.id", "string" },
  [OC_SLOT_AGENT_IMAGE] = { "agent.image", "string" },
  [OC_SLOT_AGENT_PROJECT] = { "agent.project", "string" },
  [OC_SLOT_REQUEST_TIME] = { "request.time", "timestamp" },
};

static const char *const namespaces[] = { "network", "http", "dns", "docker",
                                          "run",     "agent", "request" };

static OcCelEnv *
build_env (void)
{
  OcCelEnv *env = oc_cel_env_new ();

  for (guint i = 0; i < OC_N_SLOTS; i++)
    {
      int slot = oc_cel_env_add_variable (env, variables[i].name, variables[i].type);

      g_assert (slot == (int) i);
    }
  return env;
}

const OcCelEnv *
oc_slots_get_env (void)
{
  static gsize once;

  if (g_once_init_enter (&once))
    g_once_init_leave (&once, (gsize) build_env ());
  return (const OcCelEnv *) once;
}

static OcCelValue
list_value (OcCelList *list, const OcStrList *strings)
{
  *list = (OcCelList) { .len = (guint32) strings->len, .strings = strings->items };
  return oc_cel_list (list);
}

static OcCelValue
map_value (OcCelMap *map, const OcPair *pairs, gsize n)
{
  *map = (OcCelMap) { .len = (guint32) n, .pairs = pairs };
  return oc_cel_map (map);
}

static OcCelValue
time_value (gint64 us)
{
  gint64 seconds = us / G_USEC_PER_SEC;
  gint64 rest = us % G_USEC_PER_SEC;

  if (rest < 0)
    {
      rest += G_USEC_PER_SEC;
      seconds--;
    }
  return oc_cel_timestamp (seconds, (guint32) rest * 1000);
}

static void
fill_http (OcSlotValues *slots, const OcPolicyContext *context)
{
  OcCelValue *v = slots->values;

  v[OC_SLOT_HTTP_METHOD] = oc_cel_string (context->http.method);
  v[OC_SLOT_HTTP_PATH] = oc_cel_string (context->http.path);
  v[OC_SLOT_HTTP_HOST] = oc_cel_string (context->http.host);
  v[OC_SLOT_HTTP_SCHEME] = oc_cel_string (context->http.scheme);
  v[OC_SLOT_HTTP_HEADERS]
      = map_value (&slots->maps[0], context->http.headers, context->http.n_headers);
  v[OC_SLOT_HTTP_BODY_SIZE] = oc_cel_int (context->http.body_size);
  v[OC_SLOT_HTTP_BODY] = oc_cel_string (context->http.body);
}

static void
fill_docker_and_run (OcSlotValues *slots, const OcPolicyContext *context)
{
  OcCelValue *v = slots->values;

  v[OC_SLOT_DOCKER_IMAGE] = oc_cel_string (context->docker.image);
  v[OC_SLOT_DOCKER_COMMAND] = list_value (&slots->lists[0], &context->docker.command);
  v[OC_SLOT_DOCKER_VOLUMES] = list_value (&slots->lists[1], &context->docker.volumes);
  v[OC_SLOT_DOCKER_ENV_KEYS] = list_value (&slots->lists[2], &context->docker.env_keys);
  v[OC_SLOT_DOCKER_CAPABILITIES] = list_value (&slots->lists[3], &context->docker.capabilities);
  v[OC_SLOT_RUN_TOOL] = oc_cel_string (context->run.tool);
  v[OC_SLOT_RUN_ARGS] = list_value (&slots->lists[4], &context->run.args);
  v[OC_SLOT_RUN_FLAGS] = list_value (&slots->lists[5], &context->run.flags);
  v[OC_SLOT_RUN_CWD] = oc_cel_string (context->run.cwd);
  v[OC_SLOT_RUN_CONTEXT]
      = map_value (&slots->maps[1], context->run.context, context->run.n_context);
}

void
oc_slots_fill (OcSlotValues *slots, const OcPolicyContext *context)
{
  OcCelValue *v = slots->values;

  v[OC_SLOT_NETWORK_HOSTNAME] = oc_cel_string (context->network.hostname);
  v[OC_SLOT_NETWORK_IP] = oc_cel_string (context->network.ip);
  v[OC_SLOT_NETWORK_PORT] = oc_cel_int (context->network.port);
  v[OC_SLOT_NETWORK_PROTOCOL] = oc_cel_string (context->network.protocol);
  v[OC_SLOT_DNS_QUERY] = oc_cel_string (context->dns.query);
  v[OC_SLOT_DNS_RECORD_TYPE] = oc_cel_string (context->dns.record_type);
  v[OC_SLOT_AGENT_NAME] = oc_cel_string (context->agent.name);
  v[OC_SLOT_AGENT_ID] = oc_cel_string (context->agent.id);
  v[OC_SLOT_AGENT_IMAGE] = oc_cel_string (context->agent.image);
  v[OC_SLOT_AGENT_PROJECT] = oc_cel_string (context->agent.project);
  v[OC_SLOT_REQUEST_TIME] = time_value (context->request_time_us);
  fill_http (slots, context);
  fill_docker_and_run (slots, context);
}

void
oc_slots_fill_name (OcSlotValues *slots, const OcPolicyContext *context)
{
  static const OcSlot unknown[]
      = { OC_SLOT_NETWORK_IP,   OC_SLOT_NETWORK_PORT,   OC_SLOT_NETWORK_PROTOCOL,
          OC_SLOT_HTTP_METHOD,  OC_SLOT_HTTP_PATH,      OC_SLOT_HTTP_SCHEME,
          OC_SLOT_HTTP_HEADERS, OC_SLOT_HTTP_BODY_SIZE, OC_SLOT_HTTP_BODY };
  OcCelValue name
      = oc_cel_string (context->dns.query.len > 0 ? context->dns.query : context->network.hostname);

  oc_slots_fill (slots, context);
  slots->values[OC_SLOT_NETWORK_HOSTNAME] = name;
  slots->values[OC_SLOT_HTTP_HOST] = name;
  slots->values[OC_SLOT_DNS_QUERY] = name;
  for (gsize i = 0; i < G_N_ELEMENTS (unknown); i++)
    slots->values[unknown[i]] = oc_cel_unknown ();
}

void
oc_slots_forget (OcSlotValues *slots, OcPolicyUnknown unknown)
{
  static const OcSlot request[] = { OC_SLOT_HTTP_METHOD, OC_SLOT_HTTP_PATH, OC_SLOT_HTTP_HEADERS,
                                    OC_SLOT_HTTP_BODY_SIZE };

  if (unknown != OC_POLICY_UNKNOWN_NOTHING)
    slots->values[OC_SLOT_HTTP_BODY] = oc_cel_unknown ();
  for (gsize i = 0; unknown == OC_POLICY_UNKNOWN_REQUEST && i < G_N_ELEMENTS (request); i++)
    slots->values[request[i]] = oc_cel_unknown ();
}

guint32
oc_slots_namespace_bit (const char *name, gsize len)
{
  for (gsize i = 0; i < G_N_ELEMENTS (namespaces); i++)
    if (strlen (namespaces[i]) == len && memcmp (namespaces[i], name, len) == 0)
      return 1u << i;
  return 0;
}

guint32
oc_slots_program_namespaces (const OcCelProgram *program)
{
  guint32 bits = 0;

  for (guint i = 0; i < OC_N_SLOTS; i++)
    if (oc_cel_program_uses_slot (program, i))
      bits |= oc_slots_namespace_bit (variables[i].name, strcspn (variables[i].name, "."));
  return bits;
}
