/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "snapshot/oc-snapshot.h"

/* "ci-3" runs as agent "ci": a trailing -N only tells parallel runs apart. */
static char *
make_agent_name (const char *name)
{
  gsize end = strlen (name);

  while (end > 0 && g_ascii_isdigit (name[end - 1]))
    end--;
  if (end < 2 || name[end] == '\0' || name[end - 1] != '-')
    return g_strdup (name);
  return g_strndup (name, end - 1);
}

OcIdentity *
oc_identity_new (const char *name, const char *id, const char *image, const char *project,
                 const OcAddress *address, const OcAddress *gateway, guint32 slot)
{
  OcIdentity *identity = g_new0 (OcIdentity, 1);

  g_atomic_ref_count_init (&identity->ref_count);
  identity->name = g_strdup (name);
  identity->agent_name = make_agent_name (name);
  identity->id = g_strdup (id);
  identity->image = g_strdup (image != NULL ? image : "");
  identity->project = g_strdup (project != NULL ? project : "");
  identity->address = *address;
  identity->gateway = *gateway;
  identity->slot = slot;
  return identity;
}

OcIdentity *
oc_identity_ref (OcIdentity *identity)
{
  g_atomic_ref_count_inc (&identity->ref_count);
  return identity;
}

void
oc_identity_unref (OcIdentity *identity)
{
  if (identity == NULL || !g_atomic_ref_count_dec (&identity->ref_count))
    return;
  g_free (identity->name);
  g_free (identity->agent_name);
  g_free (identity->id);
  g_free (identity->image);
  g_free (identity->project);
  g_free (identity);
}

void
oc_identity_fill_context (const OcIdentity *identity, OcPolicyContext *context)
{
  context->agent.name = oc_str_from (identity->agent_name);
  context->agent.id = oc_str_from (identity->id);
  context->agent.image = oc_str_from (identity->image);
  context->agent.project = oc_str_from (identity->project);
  context->learning = identity->learning;
}
