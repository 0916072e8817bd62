/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "config.h"

#include "cel/oc-cel-regex.h"

#include <pcre2.h>

/* Steps of the matcher; about a millisecond. */
#define MATCH_LIMIT 100000
/* What one match takes from the budget, so that an evaluation has time for a few hundred. */
#define MATCH_STEPS 200
#define HEAP_LIMIT_KIB 1024

#if defined PCRE2_MATCH_INVALID_UTF
#define SUBJECT_FLAGS PCRE2_MATCH_INVALID_UTF
#else
#define SUBJECT_FLAGS 0
#endif

typedef struct
{
  pcre2_compile_context *compile;
  pcre2_match_context *match;
} Contexts;

/* Made once, then only read. */
static const Contexts *
get_contexts (void)
{
  static gsize once = 0;
  static Contexts contexts;

  if (g_once_init_enter (&once))
    {
      contexts.compile = pcre2_compile_context_create (NULL);
      contexts.match = pcre2_match_context_create (NULL);
      (void) pcre2_set_newline (contexts.compile, PCRE2_NEWLINE_LF);
      (void) pcre2_set_match_limit (contexts.match, MATCH_LIMIT);
      (void) pcre2_set_depth_limit (contexts.match, MATCH_LIMIT);
      (void) pcre2_set_heap_limit (contexts.match, HEAP_LIMIT_KIB);
      g_once_init_leave (&once, 1);
    }
  return &contexts;
}

OcCelRegex *
oc_cel_regex_new (OcStr pattern, const char **why, gsize *position)
{
  g_autoptr (GString) text = g_string_new (NULL);
  OcCelRegex *regex;
  PCRE2_SIZE place = 0;
  int code;

  *position = 0;
  *why = "pattern is too long";
  if (pattern.len > OC_CEL_REGEX_MAX || !oc_cel_regex_translate (pattern, text, why, position))
    return NULL;
  regex = pcre2_compile ((PCRE2_SPTR) text->str, text->len,
                         PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C
                             | PCRE2_NO_AUTO_CAPTURE | SUBJECT_FLAGS,
                         &code, &place, get_contexts ()->compile);
  *why = "bad regular expression";
  *position = MIN (place, pattern.len);
  return regex;
}

void
oc_cel_regex_free (OcCelRegex *regex)
{
  pcre2_code_free (regex);
}

OcCelValue
oc_cel_regex_match (OcCelScratch *e, const OcCelRegex *regex, OcStr s)
{
  int result;

  if (!oc_cel_charge (e, MATCH_STEPS + s.len / 64))
    return oc_cel_stopped (e);
  if (!e->match)
    e->match = pcre2_match_data_create (1, NULL);
  if (!e->match)
    return oc_cel_error (OC_CEL_ERROR_MEMORY, "no memory for matching");
  result = pcre2_match (regex, (PCRE2_SPTR) s.data, s.len, 0, 0, e->match, get_contexts ()->match);
  if (result >= 0)
    return oc_cel_bool (TRUE);
  if (result == PCRE2_ERROR_NOMATCH)
    return oc_cel_bool (FALSE);
  return oc_cel_error (OC_CEL_ERROR_STEPS, "matching the regular expression takes too long");
}

void
oc_cel_regex_clear_scratch (OcCelScratch *e)
{
  g_clear_pointer (&e->match, pcre2_match_data_free);
}
