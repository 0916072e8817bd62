/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-ast.h"

#define NAME_MAX_BYTES 64

/* Levenshtein's distance; names longer than NAME_MAX_BYTES are never close. */
static guint
distance (OcStr a, OcStr b)
{
  guint row[NAME_MAX_BYTES + 1];

  if (a.len > NAME_MAX_BYTES || b.len > NAME_MAX_BYTES)
    return G_MAXUINT;
  for (guint j = 0; j <= b.len; j++)
    row[j] = j;
  for (guint i = 1; i <= a.len; i++)
    {
      guint diagonal = row[0];

      row[0] = i;
      for (guint j = 1; j <= b.len; j++)
        {
          guint above = row[j];
          guint change = diagonal + (a.data[i - 1] != b.data[j - 1]);

          row[j] = MIN (change, MIN (above, row[j - 1]) + 1);
          diagonal = above;
        }
    }
  return row[b.len];
}

void
oc_cel_guess_init (OcCelGuess *guess, OcStr wanted)
{
  *guess = (OcCelGuess) { .wanted = wanted, .distance = (guint) MIN (wanted.len / 3, 3) + 1 };
}

void
oc_cel_guess_offer (OcCelGuess *guess, OcStr candidate)
{
  gsize gap = candidate.len > guess->wanted.len ? candidate.len - guess->wanted.len
                                                 : guess->wanted.len - candidate.len;
  guint d;

  if (gap >= guess->distance)
    return;
  d = distance (guess->wanted, candidate);
  if (d >= guess->distance)
    return;
  guess->distance = d;
  guess->best = candidate;
}

char *
oc_cel_guess_dup_text (const OcCelGuess *guess)
{
  if (guess->best.len == 0)
    return g_strdup ("");
  return g_strdup_printf ("; did you mean '%.*s'?", OC_STR_ARGS (guess->best));
}
