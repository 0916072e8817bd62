/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * An agent asks about each tool call before it makes it. What its workload
 * connects to after that is put down to the last call: a guess, but the one that
 * a person would make.
 */
#include "config.h"

#include "oc-log-private.h"

/* Workloads of the last minutes; far more means that they come and go. */
#define CALLS_MAX 8192

typedef struct
{
  gint64 time_us;
  char *session;
  char *tool_use;
} Call;

struct OcLogCalls
{
  GHashTable *by_workload; /* name → Call */
};

static void
call_free (gpointer data)
{
  Call *call = data;

  g_free (call->session);
  g_free (call->tool_use);
  g_free (call);
}

OcLogCalls *
oc_log_calls_new (void)
{
  OcLogCalls *calls = g_new0 (OcLogCalls, 1);

  calls->by_workload = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, call_free);
  return calls;
}

void
oc_log_calls_free (OcLogCalls *calls)
{
  g_hash_table_unref (calls->by_workload);
  g_free (calls);
}

static char *
clean_copy (OcStr text)
{
  char *copy = g_strndup (text.len > 0 ? text.data : "", text.len);

  oc_log_clean_text (copy, strlen (copy));
  return copy;
}

static void
remember (OcLogCalls *calls, const OcDecision *decision)
{
  Call *call = g_new0 (Call, 1);

  if (g_hash_table_size (calls->by_workload) >= CALLS_MAX)
    g_hash_table_remove_all (calls->by_workload);
  call->time_us = decision->time_us;
  call->session = clean_copy (decision->session);
  call->tool_use = clean_copy (decision->tool_use);
  g_hash_table_replace (calls->by_workload, clean_copy (decision->workload), call);
}

static void
put_in (OcLogCalls *calls, OcDecision *decision)
{
  char name[OC_LOG_NAME_TEXT_MAX + 1];
  const Call *call;

  memcpy (name, decision->workload.data, decision->workload.len);
  name[decision->workload.len] = '\0';
  call = g_hash_table_lookup (calls->by_workload, name);
  if (call == NULL || decision->time_us < call->time_us
      || decision->time_us - call->time_us > OC_LOG_TOOL_USE_MAX_AGE_US)
    return;
  decision->session = oc_str_from (call->session);
  decision->tool_use = oc_str_from (call->tool_use);
}

OcLogPacked *
oc_log_calls_copy (OcLogCalls *calls, const OcLogPacked *packed)
{
  OcLogRecord record;
  OcLogPacked *copy;
  gsize size;

  /* No agent of this host tells its tool calls: most records are as they are to stay. */
  if (packed->layer != OC_LAYER_AGENT && g_hash_table_size (calls->by_workload) == 0)
    return g_memdup2 (packed, packed->size);
  oc_log_unpack (packed, &record);
  if (record.decision.layer == OC_LAYER_AGENT && record.decision.tool_use.len > 0)
    remember (calls, &record.decision);
  else if (record.decision.layer != OC_LAYER_AGENT)
    put_in (calls, &record.decision);
  size = oc_log_packed_size (&record.decision);
  copy = g_malloc (size);
  oc_log_pack (copy, size, &record.decision);
  return copy;
}
