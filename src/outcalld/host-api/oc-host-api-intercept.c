/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * What connections are opened with: the CA, the certificates made with it, and
 * the names of the secrets that rules may put in.
 */
#include "config.h"

#include "oc-host-api-private.h"

#include "secrets/oc-secrets.h"

#define NO_CA "the daemon runs without a CA (--ca-cert)"

void
oc_host_api_get_ca (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  OutcallCa out = { .loaded = api->s.intercept != NULL };

  if (out.loaded)
    {
      const OcCaInfo *info = oc_intercept_get_ca_info (api->s.intercept);

      out.subject = info->subject;
      out.algorithm = (char *) info->algorithm;
      out.fingerprint = info->fingerprint;
      out.not_before_us = info->not_before_us;
      out.not_after_us = info->not_after_us;
    }
  oc_api_request_reply (request, 200, outcall_ca_to_json (&out));
}

void
oc_host_api_get_ca_bundle (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  OutcallCaBundle out = { 0 };

  if (api->s.intercept == NULL)
    {
      oc_api_request_fail (request, 404, NULL, NO_CA);
      return;
    }
  out.pem = (char *) oc_intercept_get_ca_pem (api->s.intercept);
  oc_api_request_reply (request, 200, outcall_ca_bundle_to_json (&out));
}

void
oc_host_api_get_intercept (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  OutcallIntercept out = { .enabled = api->s.intercept != NULL };
  OcInterceptStats stats;

  if (out.enabled)
    {
      oc_intercept_get_stats (api->s.intercept, &stats);
      out.leaf_ttl_s = oc_intercept_get_leaf_ttl_s (api->s.intercept);
      out.body_cap = oc_intercept_get_body_cap (api->s.intercept);
      out.certificates = stats.n_entries;
      out.certificates_max = stats.max_entries;
      out.hits = stats.hits;
      out.misses = stats.misses;
      out.failures = stats.failures;
    }
  oc_api_request_reply (request, 200, outcall_intercept_to_json (&out));
}

void
oc_host_api_post_intercept_flush (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  OutcallCacheFlushed out = { 0 };

  if (api->s.intercept == NULL)
    {
      oc_api_request_fail (request, 404, NULL, NO_CA);
      return;
    }
  out.flushed = oc_intercept_flush (api->s.intercept);
  if (oc_host_api_note (api, request, "intercept.flush", NULL, NULL))
    oc_api_request_reply (request, 200, outcall_cache_flushed_to_json (&out));
}

void
oc_host_api_get_secrets (OcApiRequest *request, gpointer user_data)
{
  OcHostApi *api = user_data;
  const OcSecrets *secrets = oc_rules_get_secrets (api->s.rules);
  OutcallSecrets out = { .names = (char **) oc_secrets_get_names (secrets),
                         .n_names = oc_secrets_get_n (secrets) };

  oc_api_request_reply (request, 200, outcall_secrets_to_json (&out));
}
