/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-host-api-private.h"

#include "common/oc-source.h"

/* GET /events: decisions as they are made, and changes: of workloads, rules, grants,
 * requests. A client that was cut off sends the id of the last event that it has
 * seen, as Last-Event-ID, and goes on where it was.
 *
 * An id is a position in both series, "RUN-DECISION-CHANGE": the daemon's run (a
 * random number), the number of the last decision in the log, and that of the last
 * change. What lies behind a position is sent again from the log and from the
 * changes that are kept here. When it is not there any more, or the position is of
 * another run, "reset" comes first: what the client knows of the state may be old.
 */

#define KEEP_ALIVE_S 15
#define ID_MAX 64

typedef struct
{
  guint64 decision, change;
} Position;

typedef struct
{
  guint64 number;
  gint64 time_us;
  const char *event;
  char *workload, *agent; /* (nullable) */
  char *text;             /* JSON */
} Change;

/* One client. */
typedef struct
{
  OcHostEvents *owner;
  OcApiRequest *request;
  char *agent, *host, *rule;
  int allowed;
  guint sent; /* decisions in this second */
  guint64 left_out;
} Stream;

struct OcHostEvents
{
  OcHostApi *api;
  guint32 run;
  Position now;
  GQueue changes;      /* of Change, the oldest first */
  GHashTable *streams; /* set of Stream, owned */
  guint subscription;  /* 0: none; only while there are streams */
  GSource *timer;      /* the same */
  guint seconds;       /* of the timer */
  gint64 rules_loaded_us; /* as last told */
  guint64 last_grant;     /* the newest that was there at the last look */
};

static void
change_free (gpointer data)
{
  Change *change = data;

  g_free (change->workload);
  g_free (change->agent);
  g_free (change->text);
  g_free (change);
}

static void
send_event (Stream *stream, const Position *position, const char *event, const char *text)
{
  char id[ID_MAX];

  g_snprintf (id, sizeof id, "%08x-%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT, stream->owner->run,
              position->decision, position->change);
  oc_api_request_send_event (stream->request, id, event, text);
}

/* --- Changes --------------------------------------------------------------------- */

static gboolean
wants_change (const Stream *stream, const Change *change)
{
  return stream->agent == NULL || change->workload == NULL
         || g_str_equal (stream->agent, change->workload)
         || g_strcmp0 (stream->agent, change->agent) == 0;
}

static void
send_change (OcHostEvents *events, const Change *change)
{
  GHashTableIter iter;
  Stream *stream;

  g_hash_table_iter_init (&iter, events->streams);
  while (g_hash_table_iter_next (&iter, (gpointer *) &stream, NULL))
    if (wants_change (stream, change))
      send_event (stream, &events->now, change->event, change->text);
}

void
oc_host_events_tell (OcHostEvents *events, const char *event, const char *workload,
                     const char *agent, JsonNode *data)
{
  Change *change = g_new0 (Change, 1);

  *change = (Change) { .number = ++events->now.change, .time_us = g_get_real_time (),
                       .event = event, .workload = g_strdup (workload),
                       .agent = g_strdup (agent), .text = outcall_json_print (data) };
  json_node_unref (data);
  g_queue_push_tail (&events->changes, change);
  if (events->changes.length > OC_HOST_API_CHANGES_MAX)
    change_free (g_queue_pop_head (&events->changes));
  send_change (events, change);
}

static void
look_at_rules (OcHostEvents *events)
{
  OcRules *rules = events->api->s.rules;
  gint64 loaded_us = oc_rules_get_loaded_us (rules);

  if (loaded_us == events->rules_loaded_us)
    return;
  events->rules_loaded_us = loaded_us;
  oc_host_events_tell (events, "reload", NULL, NULL,
                       oc_host_api_make_reload_result (oc_rules_get_policy (rules), NULL));
}

/* There may be many, and their end comes by itself: they are not kept for those who come back. */
static void
tell_dns_grant (OcHostEvents *events, const OcGrant *grant)
{
  const char *agent;
  g_autoptr (OutcallGrant) entry = oc_host_api_make_grant (events->api, grant, &agent);
  g_autoptr (JsonNode) node = outcall_grant_to_json (entry);
  g_autofree char *text = outcall_json_print (node);
  const Change change = { .event = "grant_added", .workload = entry->workload,
                          .agent = (char *) agent, .text = text };

  send_change (events, &change);
}

/* Those that answers of the DNS filter made since the last look, the oldest first; operators' are
 * told as they are made. @tell: FALSE only looks */
static void
look_at_grants (OcHostEvents *events, gboolean tell)
{
  g_autoptr (GPtrArray) grants = oc_firewall_list_grants (
      events->api->s.firewall, 0, OC_HOST_API_GRANT_EVENTS_PER_S, FALSE, NULL);
  guint64 last = events->last_grant;

  for (guint i = grants->len; i > 0; i--)
    {
      const OcGrant *grant = grants->pdata[i - 1];

      events->last_grant = MAX (events->last_grant, grant->id);
      if (tell && grant->id > last && grant->rule != NULL)
        tell_dns_grant (events, grant);
    }
}

static void
on_workload (OcWorkload *workload, gboolean alive, gpointer user_data)
{
  const OcIdentity *identity = oc_workload_get_identity (workload);

  oc_host_events_tell (user_data, alive ? "workload_started" : "workload_ended", identity->name,
                       identity->agent_name, oc_host_api_workload_to_json (workload));
}

static void
on_request (const OutcallRuleRequestEntry *entry, gpointer user_data)
{
  oc_host_events_tell (user_data, "request", entry->workload, entry->agent,
                       outcall_rule_request_entry_to_json (entry));
}

/* --- Decisions ------------------------------------------------------------------- */

static void
send_left_out (Stream *stream, const Position *position)
{
  g_autofree char *text = NULL;

  if (stream->left_out == 0)
    return;
  text = g_strdup_printf ("{\"left_out\":%" G_GUINT64_FORMAT "}", stream->left_out);
  stream->left_out = 0;
  send_event (stream, position, "left_out", text);
}

static gboolean
wants_decision (const Stream *stream, const OcLogRecord *record)
{
  const OcLogFilter filter = { .agent = stream->agent, .host = stream->host, .rule = stream->rule,
                               .allowed = stream->allowed };

  return oc_log_filter_matches (&filter, record);
}

static void
on_record (const OcLogRecord *record, gpointer user_data)
{
  OcHostEvents *events = user_data;
  gboolean ended = record->decision.ended;
  g_autoptr (GString) text = NULL;
  GHashTableIter iter;
  Stream *stream;

  if (!ended)
    events->now.decision = record->sequence;
  g_hash_table_iter_init (&iter, events->streams);
  while (g_hash_table_iter_next (&iter, (gpointer *) &stream, NULL))
    {
      if (!wants_decision (stream, record))
        continue;
      if (ended && stream->sent >= OC_HOST_API_EVENTS_PER_S)
        continue; /* what it says is in the log too */
      if (!ended && ++stream->sent > OC_HOST_API_EVENTS_PER_S)
        {
          stream->left_out++;
          continue;
        }
      if (text == NULL)
        {
          text = g_string_new (NULL);
          oc_log_record_append_json (record, text);
        }
      send_event (stream, &events->now, ended ? "ended" : "decision", text->str);
    }
}

/* Each second: a new allowance, what was left out, and whether rules were loaded. */
static gboolean
on_second (gpointer user_data)
{
  OcHostEvents *events = user_data;
  GHashTableIter iter;
  Stream *stream;

  look_at_rules (events);
  look_at_grants (events, TRUE);
  events->seconds++;
  g_hash_table_iter_init (&iter, events->streams);
  while (g_hash_table_iter_next (&iter, (gpointer *) &stream, NULL))
    {
      stream->sent = 0;
      send_left_out (stream, &events->now);
      if (events->seconds % KEEP_ALIVE_S == 0)
        oc_api_request_send_keepalive (stream->request);
    }
  return G_SOURCE_CONTINUE;
}

/* --- What was before --------------------------------------------------------------- */

/* One decision to be sent again. */
typedef struct
{
  guint64 sequence;
  gint64 time_us;
  GString *text;
} Past;

typedef struct
{
  Stream *stream;
  const OcLogFilter *filter;
  Position at;    /* begins with what the client has */
  GQueue queue;   /* of Past */
  gsize bytes;
} Replay;

static void
past_free (gpointer data)
{
  g_string_free (((Past *) data)->text, TRUE);
  g_free (data);
}

/* Keeps the newest that fit and counts the others. */
static void
collect_record (const OcLogRecord *record, gpointer user_data)
{
  Replay *replay = user_data;
  Past *past;

  if (record->sequence <= replay->at.decision)
    return;
  past = g_new0 (Past, 1);
  *past = (Past) { record->sequence, record->decision.time_us, g_string_new (NULL) };
  oc_log_record_append_json (record, past->text);
  g_queue_push_tail (&replay->queue, past);
  replay->bytes += past->text->len;
  while (replay->bytes > OC_HOST_API_REPLAY_BYTES || replay->queue.length > replay->filter->limit)
    {
      past = g_queue_pop_head (&replay->queue);
      replay->bytes -= past->text->len;
      replay->stream->left_out++;
      past_free (past);
    }
}

/* Returns: the first that is later. */
static GList *
send_changes_until (Replay *replay, GList *l, gint64 time_us)
{
  for (; l != NULL; l = l->next)
    {
      const Change *change = l->data;

      if (change->time_us > time_us)
        return l;
      if (change->number <= replay->at.change || change->time_us < replay->filter->since_us
          || !wants_change (replay->stream, change))
        continue;
      replay->at.change = change->number;
      send_event (replay->stream, &replay->at, change->event, change->text);
    }
  return NULL;
}

static void
note_sequence (const OcLogRecord *record, gpointer user_data)
{
  if (*(guint64 *) user_data == 0)
    *(guint64 *) user_data = record->sequence;
}

/* The number of the oldest or the newest decision that is kept, 0: none. */
static guint64
find_decision (OcHostEvents *events, gboolean newest)
{
  const OcLogFilter filter = { .allowed = -1, .limit = newest ? 1 : 0 };
  guint64 sequence = 0;

  oc_log_foreach (events->api->s.log, &filter, note_sequence, &sequence);
  return sequence;
}

/* Whether all that came after @after is still there. */
static gboolean
has_all_since (OcHostEvents *events, const Position *after)
{
  const Change *oldest = g_queue_peek_head (&events->changes);

  return find_decision (events, FALSE) <= after->decision + 1
         && (oldest == NULL || oldest->number <= after->change + 1);
}

/* @filter: what the client asked for */
static void
replay (Stream *stream, const OcLogFilter *filter, const Position *after)
{
  OcHostEvents *events = stream->owner;
  GList *changes = events->changes.head;
  Replay past = { stream, filter, *after, G_QUEUE_INIT, 0 };
  OcLogFilter all = *filter;

  all.limit = 0;
  oc_log_foreach (events->api->s.log, &all, collect_record, &past);
  send_left_out (stream, after);
  for (GList *l = past.queue.head; l != NULL; l = l->next)
    {
      const Past *decision = l->data;

      changes = send_changes_until (&past, changes, decision->time_us);
      past.at.decision = decision->sequence;
      send_event (stream, &past.at, "decision", decision->text->str);
    }
  (void) send_changes_until (&past, changes, G_MAXINT64);
  g_queue_clear_full (&past.queue, past_free);
}

/* Returns: whether @id is of this run. */
static gboolean
parse_id (OcHostEvents *events, const char *id, Position *out)
{
  g_auto (GStrv) parts = g_strsplit (id, "-", 4);
  guint64 run;

  *out = (Position) { 0, 0 };
  return g_strv_length (parts) == 3
         && g_ascii_string_to_unsigned (parts[0], 16, 0, G_MAXUINT32, &run, NULL)
         && run == events->run
         && g_ascii_string_to_unsigned (parts[1], 10, 0, events->now.decision, &out->decision,
                                        NULL)
         && g_ascii_string_to_unsigned (parts[2], 10, 0, events->now.change, &out->change, NULL);
}

static void
send_past (Stream *stream, const OcLogFilter *filter, const char *last_id)
{
  OcHostEvents *events = stream->owner;
  Position after = { 0, 0 };

  if (last_id != NULL && *last_id != '\0')
    {
      if (!parse_id (events, last_id, &after) || !has_all_since (events, &after))
        send_event (stream, &after, "reset", "{}");
      replay (stream, filter, &after);
    }
  else if (filter->since_us != 0)
    replay (stream, filter, &after);
}

/* --- Streams ----------------------------------------------------------------------- */

static void
begin_watching (OcHostEvents *events)
{
  events->subscription = oc_log_subscribe (events->api->s.log, on_record, events);
  events->now.decision = find_decision (events, TRUE);
  look_at_grants (events, FALSE);
  events->timer = g_timeout_source_new_seconds (1);
  g_source_set_static_name (events->timer, "API events");
  g_source_set_callback (events->timer, on_second, events, NULL);
  g_source_attach (events->timer, g_main_context_get_thread_default ());
}

static void
end_watching (OcHostEvents *events)
{
  if (events->timer == NULL)
    return;
  oc_log_unsubscribe (events->api->s.log, events->subscription);
  oc_source_clear (&events->timer);
}

static void
on_stream_closed (gpointer user_data)
{
  Stream *stream = user_data;
  OcHostEvents *events = stream->owner;

  g_hash_table_remove (events->streams, stream);
  if (g_hash_table_size (events->streams) == 0)
    end_watching (events);
}

static void
stream_free (gpointer data)
{
  Stream *stream = data;

  g_free (stream->agent);
  g_free (stream->host);
  g_free (stream->rule);
  g_free (stream);
}

void
oc_host_api_get_events (OcApiRequest *request, gpointer user_data)
{
  OcHostEvents *events = ((OcHostApi *) user_data)->events;
  const char *last_id = oc_api_request_get_header (request, "last-event-id");
  OcLogFilter filter;
  Stream *stream;

  if (!oc_host_api_read_log_filter (request, &filter))
    return;
  if (oc_api_request_is_head (request))
    {
      oc_api_request_reply_text (request, 200, "text/event-stream", "");
      return;
    }
  filter.limit = MIN (filter.limit, OC_HOST_API_REPLAY_MAX);
  stream = g_new0 (Stream, 1);
  *stream = (Stream) { .owner = events, .request = request, .agent = g_strdup (filter.agent),
                       .host = g_strdup (filter.host), .rule = g_strdup (filter.rule),
                       .allowed = filter.allowed };
  /* Before it is in the set: what is in the log now comes once. */
  oc_log_drain (events->api->s.log);
  look_at_rules (events);
  if (g_hash_table_size (events->streams) == 0)
    begin_watching (events);
  g_hash_table_add (events->streams, stream);
  oc_api_request_start_stream (request, on_stream_closed, stream);
  send_past (stream, &filter, last_id);
}

guint
oc_host_events_count_streams (OcHostEvents *events)
{
  return g_hash_table_size (events->streams);
}

OcHostEvents *
oc_host_events_new (OcHostApi *api)
{
  OcHostEvents *events = g_new0 (OcHostEvents, 1);

  events->api = api;
  events->run = g_random_int ();
  events->rules_loaded_us = oc_rules_get_loaded_us (api->s.rules);
  events->streams = g_hash_table_new_full (NULL, NULL, stream_free, NULL);
  oc_workloads_add_listener (api->s.workloads, on_workload, events);
  oc_requests_add_listener (api->s.requests, on_request, events);
  return events;
}

void
oc_host_events_free (OcHostEvents *events)
{
  if (events == NULL)
    return;
  oc_workloads_remove_listener (events->api->s.workloads, events);
  oc_requests_remove_listener (events->api->s.requests, events);
  end_watching (events);
  g_hash_table_unref (events->streams);
  g_queue_clear_full (&events->changes, change_free);
  g_free (events);
}
