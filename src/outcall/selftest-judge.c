/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * What becomes of a way, by the lines of those who tried it and those who watched.
 */
#include "config.h"

#include "selftest.h"

#include "common/oc-error.h"

void
oc_selftest_set_stage (OcSelftest *test, const char *stage, OcWayReason reason,
                       const char *evidence)
{
  for (guint i = 0; i < test->ways->len; i++)
    {
      OcWay *way = test->ways->pdata[i];

      if (g_str_equal (way->stage, stage))
        oc_way_set (way, OC_WAY_NOT_APPLICABLE, reason, evidence);
    }
}

/* Nothing came back: whether it arrived is the witness's to say, if there is one. */
static void
take_silence (const OcSelftest *test, OcWay *way)
{
  if (g_str_equal (way->witness, "wire") && !test->watches_wire)
    oc_way_set (way, OC_WAY_NOT_APPLICABLE, OC_WAY_UNWATCHED, NULL);
  else if (g_str_equal (way->witness, "neighbour") && test->neighbour == NULL)
    oc_way_set (way, OC_WAY_NOT_APPLICABLE, OC_WAY_UNFIT, "no other workload");
  else
    oc_way_set (way, OC_WAY_HELD, OC_WAY_SILENT, NULL);
}

/* @fields: id, outcome, detail */
static void
take_result (OcSelftest *test, char **fields)
{
  OcWay *way = g_strv_length (fields) == 3 ? oc_selftest_find_way (test, fields[0]) : NULL;

  if (way == NULL || way->state == OC_WAY_ESCAPED)
    return;
  if (g_str_equal (fields[1], "refused"))
    oc_way_set (way, OC_WAY_HELD, OC_WAY_REFUSED, fields[2]);
  else if (g_str_equal (fields[1], "impossible"))
    oc_way_set (way, OC_WAY_HELD, OC_WAY_IMPOSSIBLE, fields[2]);
  else if (g_str_equal (fields[1], "answered"))
    oc_way_set (way, OC_WAY_ESCAPED, OC_WAY_ANSWERED, fields[2]);
  else if (g_str_equal (fields[1], "unfit"))
    oc_way_set (way, OC_WAY_NOT_APPLICABLE, OC_WAY_UNFIT, fields[2]);
  else if (g_str_equal (fields[1], "silent"))
    take_silence (test, way);
}

/* All of one stage. Returns: FALSE with @error when it had no network. */
gboolean
oc_selftest_take_results (OcSelftest *test, OcSelftestRole *role, const char *stage,
                          GError **error)
{
  gboolean is_told = FALSE;
  char **fields;

  while ((fields = oc_selftest_role_read (role)) != NULL)
    {
      if (g_strv_length (fields) == 1 && g_str_equal (fields[0], "network"))
        is_told = TRUE;
      else if (g_strv_length (fields) == 2 && g_str_equal (fields[0], "unfit"))
        {
          oc_selftest_set_stage (test, stage, OC_WAY_UNFIT, fields[1]);
          is_told = TRUE;
        }
      else
        take_result (test, fields);
      g_strfreev (fields);
    }
  return is_told || oc_throw (error, _("the sandbox has no network: nothing can be told"));
}

/* What a witness has seen. Returns: FALSE when it has missed something. */
gboolean
oc_selftest_take_sightings (OcSelftest *test, OcSelftestRole *role, OcWayReason reason)
{
  gboolean whole = TRUE;
  char **fields;

  if (role == NULL)
    return TRUE;
  oc_selftest_role_end (role);
  while ((fields = oc_selftest_role_read (role)) != NULL)
    {
      guint64 number;
      OcWay *way = NULL;

      if (g_strv_length (fields) == 3 && g_str_equal (fields[0], "seen")
          && g_ascii_string_to_unsigned (fields[1], 10, 1, G_MAXUINT16, &number, NULL))
        way = oc_selftest_get_way (test, number);
      if (way != NULL)
        oc_way_set (way, OC_WAY_ESCAPED, reason, fields[2]);
      if (g_str_equal (fields[0] != NULL ? fields[0] : "", "lost"))
        whole = FALSE;
      g_strfreev (fields);
    }
  return whole;
}

/* A wire whose witness was too slow: silence there means nothing. */
void
oc_selftest_doubt_wire (OcSelftest *test)
{
  for (guint i = 0; i < test->ways->len; i++)
    {
      OcWay *way = test->ways->pdata[i];

      if (way->state == OC_WAY_HELD && way->reason == OC_WAY_SILENT
          && g_str_equal (way->witness, "wire"))
        oc_way_set (way, OC_WAY_NOT_APPLICABLE, OC_WAY_UNWATCHED, NULL);
    }
}

/* Raw packets need more than a rule. */
static gboolean
is_judged_by_rules (const OcWay *way)
{
  return g_str_equal (way->witness, "wire")
         && (g_str_equal (way->class, "dns") || g_str_equal (way->class, "tls")
             || g_str_equal (way->class, "http"));
}

/* What only this host lacks, and what its rules allow. */
void
oc_selftest_excuse (OcSelftest *test)
{
  for (guint i = 0; i < test->ways->len; i++)
    {
      OcWay *way = test->ways->pdata[i];

      if (!way->here && way->state != OC_WAY_ESCAPED)
        oc_way_set (way, OC_WAY_NOT_APPLICABLE, OC_WAY_ABSENT, NULL);
      if (way->state == OC_WAY_ESCAPED && test->allowed_by != NULL
          && is_judged_by_rules (way))
        oc_way_set (way, OC_WAY_NOT_APPLICABLE, OC_WAY_ALLOWED, test->allowed_by);
    }
}
