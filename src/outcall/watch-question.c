/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * What a key in `outcall watch` would open, in words. Nothing of it is cut: what agents wrote
 * could push the rest of it off the screen.
 */
#include "config.h"

#include "watch.h"

static void
add_wrapped (GPtrArray *lines, const char *text, gsize width)
{
  g_autofree char *clean = oc_cli_clean (text);
  const char *start = clean;
  gsize used = 0;

  for (const char *p = clean; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);
      gsize columns = g_unichar_iszerowidth (c) ? 0 : g_unichar_iswide (c) ? 2 : 1;

      if (used + columns > width && p > start)
        {
          g_ptr_array_add (lines, g_strndup (start, (gsize) (p - start)));
          start = p;
          used = 0;
        }
      used += columns;
    }
  g_ptr_array_add (lines, g_strdup (start));
}

static void
add_names (GPtrArray *lines, const char *label, char *const *names, gsize n, gsize width)
{
  g_autoptr (GString) text = g_string_new (label);

  for (gsize i = 0; i < n; i++)
    g_string_append_printf (text, "%s %s", i > 0 ? "," : "",
                            g_str_equal (names[i], "*") ? _("any") : names[i]);
  if (n > 0)
    add_wrapped (lines, text->str, width);
}

static void
add_review (GPtrArray *lines, const OutcallRuleRequestReview *review, gsize width)
{
  g_auto (GStrv) text = g_strsplit (review->text, "\n", -1);
  g_autofree char *turned = g_strdup_printf (
      _("Would be allowed of the last day's verdicts: %lu, of other agents: %lu"),
      (gulong) review->allowed, (gulong) review->elsewhere);

  add_names (lines, _("Opens:"), review->hosts, review->n_hosts, width);
  add_names (lines, _("For:"), review->agents, review->n_agents, width);
  add_names (lines, _("Overrides rules:"), review->overrides, review->n_overrides, width);
  add_wrapped (lines, turned, width);
  add_wrapped (lines, "", width);
  for (gsize i = 0; text[i] != NULL && (*text[i] != '\0' || text[i + 1] != NULL); i++)
    add_wrapped (lines, text[i], width);
}

static void
add_allowance (GPtrArray *lines, const OutcallDecision *decision, gsize width)
{
  g_autofree char *target = oc_cli_decision_target (decision);
  char *why = decision->rule != NULL ? decision->rule : decision->reason;

  add_names (lines, _("Opens:"), &target, 1, width);
  add_names (lines, _("For:"), &decision->agent, 1, width);
  add_names (lines, _("Refused until now by:"), &why, why != NULL ? 1 : 0, width);
  add_wrapped (lines, "", width);
  add_wrapped (lines, _("A rule file for this is written; it holds until somebody removes it."), width);
}

GPtrArray *
watch_list_question (const Watch *watch, gsize width)
{
  GPtrArray *lines = g_ptr_array_new_with_free_func (g_free);

  if (watch->review != NULL)
    add_review (lines, watch->review, width);
  else
    add_allowance (lines, watch->asked, width);
  return lines;
}
