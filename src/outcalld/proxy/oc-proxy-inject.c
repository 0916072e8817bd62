/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Headers that a rule sets, from secrets that the workload never has. It has
 * placeholders, which are worth nothing: one that is on its way to a host whose
 * rule does not put the secret in is a mistake or an attempt, and is blocked.
 */
#include "config.h"

#include "proxy/oc-proxy-conn.h"

/* --- Placeholders --------------------------------------------------------------- */

static bool
injects (const OcRule *rule, OcStr secret)
{
  const OcEgress *egress = &rule->egress;

  for (gsize i = 0; i < egress->n_inject; i++)
    for (gsize p = 0; p < egress->inject[i].n_parts; p++)
      if (egress->inject[i].parts[p].is_secret
          && oc_str_equal (egress->inject[i].parts[p].text, secret))
        return true;
  return false;
}

/* @rule: (nullable): nothing is put in */
static bool
carries_strange (const OcRule *rule, OcStr text, OcStr *out_secret)
{
  for (*out_secret = oc_secrets_find_placeholder (text); out_secret->len > 0;
       *out_secret = oc_secrets_find_placeholder (text))
    {
      const char *behind = out_secret->data + out_secret->len;

      if (rule == NULL || !injects (rule, *out_secret))
        return true;
      text = oc_str (behind, text.len - (gsize) (behind - text.data));
    }
  return false;
}

static bool
finds_strange (const OcHttpHead *head, const OcRule *rule, OcStr *out_secret)
{
  if (carries_strange (rule, head->target, out_secret))
    return true;
  for (gsize i = 0; i < head->n_headers; i++)
    if (carries_strange (rule, head->headers[i].value, out_secret))
      return true;
  return false;
}

/* --- What is put in --------------------------------------------------------------- */

/* Returns: octets of all headers that @rule sets; 0 with *@out_missing when a secret is gone. */
static gsize
measure (const OcSecrets *secrets, const OcRule *rule, OcStr *out_missing)
{
  gsize len = 0;

  *out_missing = OC_STR_EMPTY;
  for (gsize i = 0; i < rule->egress.n_inject; i++)
    {
      const OcInjectHeader *header = &rule->egress.inject[i];

      len += header->name.len + 4;
      for (gsize p = 0; p < header->n_parts; p++)
        {
          const OcInjectPart *part = &header->parts[p];
          OcStr value = part->text;

          if (part->is_secret && !oc_secrets_lookup (secrets, part->text, &value))
            {
              *out_missing = part->text;
              return 0;
            }
          len += value.len;
        }
    }
  return len;
}

const char *
oc_inject_check (OcConn *conn, const OcRule *rule)
{
  OcWorker *worker = conn->worker;
  const OcSecrets *secrets = oc_snapshot_get_secrets (worker->snapshot);
  OcStr secret;
  gsize len;

  /* In the clear, nothing is put in. */
  if (oc_secrets_get_n (secrets) > 0
      && finds_strange (&worker->head, conn->inside ? rule : NULL, &secret))
    {
      g_snprintf (worker->reason, sizeof worker->reason,
                  "the request carries the placeholder of the secret %.*s, which rule %s does not "
                  "put in%s",
                  OC_STR_ARGS (secret), rule->id, conn->inside ? "" : " where nothing is encrypted");
      return worker->reason;
    }
  if (rule->egress.n_inject == 0 || !conn->inside)
    return NULL;
  len = measure (secrets, rule, &secret);
  if (secret.len > 0)
    {
      g_snprintf (worker->reason, sizeof worker->reason,
                  "the secret %.*s of rule %s is not there", OC_STR_ARGS (secret), rule->id);
      return worker->reason;
    }
  /* The rewritten head has half of the buffer. */
  return len <= worker->shared->buffer_size / 4 ? NULL
                                                : "the headers that the rule sets are too long";
}

bool
oc_inject_replaces (const OcConn *conn, OcStr name)
{
  const OcEgress *egress = &conn->rule->egress;

  for (gsize i = 0; conn->inside && i < egress->n_inject; i++)
    if (oc_str_equal_nocase (egress->inject[i].name, name))
      return true;
  return false;
}

void
oc_inject_add (OcConn *conn, OcBuffer *out)
{
  OcSecrets *secrets = oc_snapshot_get_secrets (conn->worker->snapshot);
  const OcEgress *egress = &conn->rule->egress;

  if (!conn->inside || egress->n_inject == 0)
    return;
  /* The answer may come after a reload has replaced a value. */
  if (conn->told != secrets)
    {
      oc_secrets_unref (conn->told);
      conn->told = secrets != NULL ? oc_secrets_ref (secrets) : NULL;
    }
  out->is_secret = true;
  for (gsize i = 0; i < egress->n_inject; i++)
    {
      const OcInjectHeader *header = &egress->inject[i];

      oc_buffer_append (out, header->name.data, header->name.len);
      oc_buffer_append (out, ": ", 2);
      for (gsize p = 0; p < header->n_parts; p++)
        {
          OcStr value = header->parts[p].text;

          if (header->parts[p].is_secret)
            (void) oc_secrets_lookup (secrets, header->parts[p].text, &value);
          oc_buffer_append (out, value.data, value.len);
        }
      oc_buffer_append (out, "\r\n", 2);
    }
}

void
oc_inject_redact (const OcConn *conn, char *text, gsize len)
{
  (void) oc_secrets_redact (conn->told, text, len);
}
