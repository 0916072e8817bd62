/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * From one query to its answer: who asks, how often, what, may they, is it
 * known. Nothing here allocates but the waiter of a question that is not.
 */
#include "config.h"

#include "dns/oc-dns-reply.h"
#include "dns/oc-dns-worker.h"

/* By one snapshot. */
typedef struct
{
  const OcSnapshot *snapshot;
  OcIdentity *identity; /* (nullable): nobody; then there is no verdict */
  OcDnsVerdict verdict;
} Judgement;

/* serve_answer() has been overtaken by a newer snapshot. */
#define OUTDATED G_MAXSIZE

static void
judge (OcDnsWorker *worker, const OcAddress *source, const OcDnsQuery *query, Judgement *out)
{
  out->snapshot = oc_snapshot_reader_get (worker->reader);
  out->identity = oc_snapshot_lookup (out->snapshot, source);
  if (out->identity != NULL)
    oc_dns_judge (out->snapshot, out->identity, query, worker->real_now_us, &out->verdict);
}

static void
push_decision (OcDnsWorker *worker, const Judgement *judgement, const OcDnsQuery *query,
               gboolean allowed, OcStr reason, gboolean cached, gint64 duration_us)
{
  char type[16];
  OcDecision decision = { .time_us = worker->real_now_us,
                          .layer = OC_LAYER_DNS,
                          .allowed = allowed,
                          .workload = oc_str_from (judgement->identity->name),
                          .agent = oc_str_from (judgement->identity->agent_name),
                          .host = oc_dns_query_text (query),
                          .method = oc_dns_type_name (query->key.type, type),
                          .reason = reason,
                          .cached = cached,
                          .duration_us = duration_us };

  if (judgement->verdict.rule != NULL)
    decision.rule = oc_str_from (judgement->verdict.rule->id);
  oc_log_push (worker->producer, &decision);
}

static gsize
serve_blocked (OcDnsWorker *worker, const Judgement *judgement, const OcDnsQuery *query,
               guint8 *out)
{
  const OcRule *rule = judgement->verdict.rule;

  OC_DNS_COUNT (worker, blocked, 1);
  push_decision (worker, judgement, query, FALSE, judgement->verdict.reason, FALSE, 0);
  return oc_dns_reply_blocked (query, rule != NULL ? oc_str_from (rule->id) : OC_STR ("default"),
                               out);
}

/* A reload publishes first and takes grants back then. One that was made after that,
 * by the policy before, would stay: it is taken back here. */
static gboolean
is_overtaken (OcDnsWorker *worker, const OcDnsFilter *filter, const OcDnsServed *served,
              const OcDnsFiltered *filtered)
{
  if (filtered->n_tried == 0 || !oc_snapshot_reader_is_behind (worker->reader))
    return FALSE;
  oc_dns_filter_revoke (filter, served->answer);
  return TRUE;
}

/* The address policy, the grants, the log; then the octets.
 * @duration_us: until an upstream had answered; 0: it is from the cache */
static gsize
serve_answer (OcDnsWorker *worker, const Judgement *judgement, const OcDnsQuery *query,
              OcDnsServed *served, gsize limit, gint64 duration_us, guint8 *out)
{
  OcDnsFilter filter = { .snapshot = judgement->snapshot,
                         .rule = judgement->verdict.rule,
                         .firewall = worker->shared->firewall,
                         .source_be = oc_address_get_v4 (&judgement->identity->address),
                         .name = oc_dns_query_text (query) };
  OcDnsFiltered filtered = { 0 };

  if (served->answer->filterable)
    {
      oc_dns_filter_run (&filter, served->answer, served->age_s, served->ttl_cap_s, worker->fates,
                         &filtered);
      if (is_overtaken (worker, &filter, served, &filtered))
        return OUTDATED;
      if (filtered.n_removed > 0)
        OC_DNS_COUNT (worker, addresses_removed, filtered.n_removed);
    }
  if (filtered.nothing_left)
    {
      push_decision (
          worker, judgement, query, FALSE,
          filtered.ungranted
              ? OC_STR ("the kernel took no grant for any address of the answer")
              : OC_STR ("every address of the answer is refused by the address policy"),
          duration_us == 0, duration_us);
      return oc_dns_reply_error (query, OC_DNS_SERVFAIL, OC_DNS_EDE_FILTERED,
                                 OC_STR ("address policy"), out);
    }
  served->filter = &filter;
  served->fates = filtered.changed ? worker->fates : NULL;
  push_decision (worker, judgement, query, TRUE, OC_STR_EMPTY, duration_us == 0, duration_us);
  return oc_dns_reply_answer (query, served, limit, out);
}

static gsize
refuse (OcDnsWorker *worker, const OcDnsQuery *query, OcStr why, guint8 *out)
{
  OC_DNS_COUNT (worker, refused, 1);
  return oc_dns_reply_error (query, OC_DNS_REFUSED, OC_DNS_EDE_PROHIBITED, why, out);
}

/* @judgement lets @query through, and what it asks for is known. */
static gsize
serve_known (OcDnsWorker *worker, const OcAddress *source, Judgement *judgement,
             const OcDnsQuery *query, OcDnsServed *served, gsize limit, gint64 duration_us,
             guint8 *out)
{
  gsize len;

  while ((len = serve_answer (worker, judgement, query, served, limit, duration_us, out))
         == OUTDATED)
    {
      judge (worker, source, query, judgement);
      if (judgement->identity == NULL)
        return refuse (worker, query, OC_STR ("no lease"), out);
      if (!judgement->verdict.allowed)
        return serve_blocked (worker, judgement, query, out);
    }
  return len;
}

/* --- New queries ----------------------------------------------------------- */

/* What needs no verdict. FALSE: @query is a question to judge. */
static gboolean
answer_unsound (OcDnsWorker *worker, OcDnsParse parse, gboolean tcp, const OcDnsQuery *query,
                guint8 *out, gsize *out_len)
{
  guint rcode;

  *out_len = 0;
  switch (parse)
    {
    case OC_DNS_PARSE_OK:
      return FALSE;
    case OC_DNS_PARSE_DROP:
      OC_DNS_COUNT (worker, malformed, 1);
      return TRUE;
    case OC_DNS_PARSE_MALFORMED:
      OC_DNS_COUNT (worker, malformed, 1);
      if (tcp)
        return TRUE;
      rcode = OC_DNS_FORMERR;
      break;
    case OC_DNS_PARSE_LONG_NAME:
      OC_DNS_COUNT (worker, malformed, 1);
      rcode = OC_DNS_FORMERR;
      break;
    case OC_DNS_PARSE_NOTIMP:
      OC_DNS_COUNT (worker, refused, 1);
      rcode = OC_DNS_NOTIMP;
      break;
    case OC_DNS_PARSE_BADVERS:
      rcode = OC_DNS_BADVERS;
      break;
    case OC_DNS_PARSE_REFUSED:
    default:
      OC_DNS_COUNT (worker, refused, 1);
      rcode = OC_DNS_REFUSED;
      break;
    }
  *out_len = oc_dns_reply_error (query, rcode, OC_DNS_EDE_NONE, OC_STR_EMPTY, out);
  return TRUE;
}

/* What the cache has: fresh, or out of date while no upstream answers anyway.
 * @answer: (transfer full), which @served borrows */
static gboolean
find_answer (OcDnsWorker *worker, const OcDnsKey *key, guint64 hash, OcDnsAnswer **answer,
             OcDnsServed *served)
{
  OcDnsCacheState state = oc_dns_cache_lookup (worker->shared->cache, key, hash, worker->now_us,
                                               answer, &served->age_s);

  if (state == OC_DNS_CACHE_MISS
      || (state == OC_DNS_CACHE_STALE && !oc_dns_fetch_is_hopeless (worker)))
    return FALSE;
  served->answer = *answer;
  if (state == OC_DNS_CACHE_STALE)
    served->ttl_cap_s = OC_DNS_STALE_TTL_S;
  return TRUE;
}

void
oc_dns_serve_read (OcDnsWorker *worker, OcDnsAsk *ask, const guint8 *packet, gsize len,
                   OcDnsQuery *query)
{
  OcDnsCache *cache = worker->shared->cache;

  ask->parse = oc_dns_query_parse (packet, len, query);
  if (ask->parse != OC_DNS_PARSE_OK)
    return;
  ask->hash = oc_dns_key_hash (&query->key, oc_dns_cache_get_seed (cache));
  oc_dns_cache_prefetch_bucket (cache, ask->hash);
}

OcDnsOutcome
oc_dns_serve_query (OcDnsWorker *worker, OcDnsAsk *ask, const OcDnsQuery *query, guint8 *out,
                    gsize *out_len)
{
  Judgement judgement = { .snapshot = oc_snapshot_reader_get (worker->reader) };
  g_autoptr (OcDnsAnswer) answer = NULL;
  OcDnsServed served = { .ttl_cap_s = G_MAXUINT32 };

  OC_DNS_COUNT (worker, queries, 1);
  judgement.identity = oc_snapshot_lookup (judgement.snapshot, &ask->source);
  ask->use_slot = judgement.identity != NULL ? judgement.identity->slot : OC_DNS_NOBODY;
  if (answer_unsound (worker, ask->parse, ask->tcp, query, out, out_len))
    return *out_len > 0 ? OC_DNS_SERVED : OC_DNS_SILENCE;
  if (judgement.identity == NULL)
    {
      *out_len = refuse (worker, query, OC_STR ("no lease"), out);
      return OC_DNS_SERVED;
    }
  if (!oc_dns_limits_take (worker->shared->limits, ask->use_slot, worker->now_us))
    {
      OC_DNS_COUNT (worker, rate_limited, 1);
      *out_len = refuse (worker, query, OC_STR ("too many queries"), out);
      return OC_DNS_SERVED;
    }
  oc_dns_judge (judgement.snapshot, judgement.identity, query, worker->real_now_us,
                &judgement.verdict);
  if (!judgement.verdict.allowed)
    {
      *out_len = serve_blocked (worker, &judgement, query, out);
      return OC_DNS_SERVED;
    }
  OC_DNS_COUNT (worker, allowed, 1);
  if (!find_answer (worker, &query->key, ask->hash, &answer, &served))
    {
      OC_DNS_COUNT (worker, cache_misses, 1);
      return OC_DNS_FETCH;
    }
  OC_DNS_COUNT (worker, cache_hits, 1);
  *out_len = serve_known (worker, &ask->source, &judgement, query, &served,
                          oc_dns_reply_limit (query, ask->tcp), 0, out);
  return OC_DNS_SERVED;
}

/* --- After the upstreams --------------------------------------------------- */

gsize
oc_dns_serve_failure (const OcDnsQuery *query, guint8 *out)
{
  return oc_dns_reply_error (query, OC_DNS_SERVFAIL, OC_DNS_EDE_NETWORK,
                             OC_STR ("no upstream answered"), out);
}

gsize
oc_dns_serve_waiter (OcDnsWorker *worker, OcDnsWaiter *waiter, guint8 *out)
{
  Judgement judgement;
  gboolean tcp = waiter->asker == OC_DNS_ASKER_TCP;
  OcDnsServed served = { .answer = waiter->answer,
                         .age_s = waiter->age_s,
                         .ttl_cap_s = waiter->stale ? OC_DNS_STALE_TTL_S : G_MAXUINT32 };

  /* The lease and the policy may have changed since the question came. */
  judge (worker, &waiter->source, &waiter->query, &judgement);
  if (judgement.identity == NULL)
    return refuse (worker, &waiter->query, OC_STR ("no lease"), out);
  if (!judgement.verdict.allowed)
    return serve_blocked (worker, &judgement, &waiter->query, out);
  if (waiter->answer == NULL)
    {
      push_decision (worker, &judgement, &waiter->query, TRUE, OC_STR ("no upstream answered"),
                     FALSE, worker->now_us - waiter->started_us);
      return oc_dns_serve_failure (&waiter->query, out);
    }
  return serve_known (worker, &waiter->source, &judgement, &waiter->query, &served,
                      oc_dns_reply_limit (&waiter->query, tcp),
                      MAX (worker->now_us - waiter->started_us, 1), out);
}

OcDnsWaiter *
oc_dns_serve_make_waiter (OcDnsWorker *worker, const OcDnsAsk *ask, const OcDnsQuery *query)
{
  OcDnsUse *use = oc_dns_limits_get (worker->shared->limits, ask->use_slot);
  OcDnsWaiter *waiter;

  if (worker->n_waiters >= OC_DNS_WAITERS_MAX
      || !oc_dns_limits_enter (&use->n_waiting, OC_DNS_WAITING_PER_WORKLOAD_MAX))
    return NULL;
  waiter = g_new0 (OcDnsWaiter, 1);
  waiter->home = worker;
  waiter->asker = ask->tcp ? OC_DNS_ASKER_TCP : OC_DNS_ASKER_UDP;
  waiter->use_slot = ask->use_slot;
  waiter->started_us = worker->now_us;
  waiter->hash = ask->hash;
  waiter->source = ask->source;
  waiter->query = *query;
  worker->n_waiters++;
  return waiter;
}
