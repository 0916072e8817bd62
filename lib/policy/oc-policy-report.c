/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "policy/oc-policy-report.h"

#include <string.h>

/* A line that is longer is not kept with its diagnostic. */
#define SOURCE_LINE_MAX 4096
#define WORD_MAX 64

/* The length of the line break at @p in YAML 1.1's sense, 0 for none: CR LF,
 * CR, LF, NEL, LS, PS. libyaml counts lines like this. */
static gsize
line_break_len (const char *p, gsize left)
{
  if (left >= 2 && p[0] == '\r' && p[1] == '\n')
    return 2;
  if (p[0] == '\r' || p[0] == '\n')
    return 1;
  if (left >= 2 && memcmp (p, "\xc2\x85", 2) == 0)
    return 2;
  if (left >= 3 && (memcmp (p, "\xe2\x80\xa8", 3) == 0 || memcmp (p, "\xe2\x80\xa9", 3) == 0))
    return 3;
  return 0;
}

static GArray *
find_lines (const char *text, gsize len)
{
  GArray *starts = g_array_new (FALSE, FALSE, sizeof (guint32));
  guint32 at = 0;

  g_array_append_val (starts, at);
  while (at < len)
    {
      gsize n = line_break_len (text + at, len - at);

      at += n > 0 ? n : 1;
      if (n > 0)
        g_array_append_val (starts, at);
    }
  return starts;
}

OcRuleFile *
oc_rule_file_new (const char *path, char *text, gsize len)
{
  OcRuleFile *file = g_new0 (OcRuleFile, 1);
  gsize bom = len >= 3 && memcmp (text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

  file->path = g_strdup (path);
  file->name = g_path_get_basename (path);
  file->buffer = text;
  file->text = text + bom;
  file->len = len - bom;
  file->line_starts = find_lines (file->text, file->len);
  return file;
}

void
oc_rule_file_free (OcRuleFile *file)
{
  if (file == NULL)
    return;
  g_free (file->path);
  g_free (file->name);
  g_free (file->buffer);
  g_array_unref (file->line_starts);
  g_free (file);
}

/* The index in line_starts of the line that holds @offset. */
static guint
line_index (const OcRuleFile *file, gsize offset)
{
  guint low = 0;
  guint high = file->line_starts->len;

  while (high - low > 1)
    {
      guint mid = low + (high - low) / 2;

      if (g_array_index (file->line_starts, guint32, mid) <= offset)
        low = mid;
      else
        high = mid;
    }
  return low;
}

/* Characters in @len bytes; a byte that is no UTF-8 counts as one. */
static guint
count_chars (const char *text, gsize len)
{
  guint n = 0;

  for (gsize i = 0; i < len; i++)
    n += ((guint8) text[i] & 0xc0) != 0x80;
  return n;
}

void
oc_rule_file_locate (const OcRuleFile *file, gsize offset, guint *out_line, guint *out_column)
{
  guint line = line_index (file, MIN (offset, file->len));
  gsize start = g_array_index (file->line_starts, guint32, line);

  *out_line = line + 1;
  *out_column = count_chars (file->text + start, MIN (offset, file->len) - start) + 1;
}

/* The text of line @line (from 0) without its break. */
static OcStr
line_text (const OcRuleFile *file, guint line)
{
  gsize start = g_array_index (file->line_starts, guint32, line);
  gsize end = start;

  while (end < file->len && line_break_len (file->text + end, file->len - end) == 0)
    end++;
  return oc_str (file->text + start, end - start);
}

void
oc_diagnostic_free (OcDiagnostic *diagnostic)
{
  if (diagnostic == NULL)
    return;
  g_free (diagnostic->file);
  g_free (diagnostic->text);
  g_free (diagnostic->source);
  g_free (diagnostic->rule);
  g_free (diagnostic);
}

void
oc_report_clear (OcReport *report)
{
  g_clear_pointer (&report->first_error, g_free);
}

gboolean
oc_report_is_full (const OcReport *report)
{
  return report->n_errors >= OC_POLICY_ERRORS_MAX;
}

static char *
position_text (const OcDiagnostic *diagnostic)
{
  if (diagnostic->line == 0)
    return g_strdup (diagnostic->file);
  if (diagnostic->column == 0)
    return g_strdup_printf ("%s:%u", diagnostic->file, diagnostic->line);
  return g_strdup_printf ("%s:%u:%u", diagnostic->file, diagnostic->line, diagnostic->column);
}

/* @diagnostic: (transfer full) */
static void
add (OcReport *report, OcDiagnostic *diagnostic)
{
  gboolean is_error = diagnostic->severity == OC_DIAGNOSTIC_ERROR;
  guint n = is_error ? ++report->n_errors : ++report->n_warnings;

  if (is_error && report->first_error == NULL)
    {
      g_autofree char *position = position_text (diagnostic);

      report->first_error = g_strdup_printf ("%s: %s", position, diagnostic->text);
    }
  if (n > (is_error ? OC_POLICY_ERRORS_MAX : OC_POLICY_WARNINGS_MAX))
    oc_diagnostic_free (diagnostic);
  else
    g_ptr_array_add (report->diagnostics, diagnostic);
}

/* The part of [start, end) that lies on the first line, in characters. */
static guint
underline_length (const OcRuleFile *file, const OcReportAt *at, OcStr line)
{
  gsize line_end = (gsize) (line.data - file->text) + line.len;
  gsize end = MIN (at->end, line_end);

  return end > at->start ? MAX (count_chars (file->text + at->start, end - at->start), 1) : 1;
}

static void G_GNUC_PRINTF (4, 0)
report_at (OcReport *report, OcSeverity severity, const OcReportAt *at, const char *format,
           va_list args)
{
  OcDiagnostic *diagnostic = g_new0 (OcDiagnostic, 1);
  OcStr line;

  diagnostic->severity = severity;
  diagnostic->file = g_strdup (at->file->path);
  diagnostic->text = g_strdup_vprintf (format, args);
  diagnostic->rule = g_strdup (at->rule);
  oc_rule_file_locate (at->file, at->start, &diagnostic->line, &diagnostic->column);
  line = line_text (at->file, diagnostic->line - 1);
  diagnostic->length = underline_length (at->file, at, line);
  if (line.len <= SOURCE_LINE_MAX)
    diagnostic->source = g_utf8_make_valid (line.data, (gssize) line.len);
  add (report, diagnostic);
}

void
oc_report_error (OcReport *report, const OcReportAt *at, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  report_at (report, OC_DIAGNOSTIC_ERROR, at, format, args);
  va_end (args);
}

void
oc_report_warning (OcReport *report, const OcReportAt *at, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  report_at (report, OC_DIAGNOSTIC_WARNING, at, format, args);
  va_end (args);
}

void
oc_report_path (OcReport *report, OcSeverity severity, const char *path, const char *format, ...)
{
  OcDiagnostic *diagnostic = g_new0 (OcDiagnostic, 1);
  va_list args;

  diagnostic->severity = severity;
  diagnostic->file = g_strdup (path);
  diagnostic->length = 1;
  va_start (args, format);
  diagnostic->text = g_strdup_vprintf (format, args);
  va_end (args);
  add (report, diagnostic);
}

/* Columns that a terminal uses for @c. */
static guint
char_width (gunichar c)
{
  if (g_unichar_iszerowidth (c))
    return 0;
  return g_unichar_iswide (c) ? 2 : 1;
}

/* @text holds bytes of a rule file: what would move the cursor is replaced. */
static void
append_clean (GString *out, const char *text)
{
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (c == '\t' || g_unichar_isprint (c))
        g_string_append_unichar (out, c);
      else
        g_string_append_unichar (out, 0xfffd);
    }
}

static void
append_caret_line (GString *out, const OcDiagnostic *diagnostic)
{
  const char *p = diagnostic->source;
  guint width = 0;

  for (guint i = 1; i < diagnostic->column && *p != '\0'; i++, p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      for (guint k = 0; k < (c == '\t' ? 1 : char_width (c)); k++)
        g_string_append_c (out, c == '\t' ? '\t' : ' ');
    }
  for (guint i = 0; i < diagnostic->length && *p != '\0'; i++, p = g_utf8_next_char (p))
    width += char_width (g_utf8_get_char (p));
  g_string_append_c (out, '^');
  for (guint i = 1; i < width; i++)
    g_string_append_c (out, '~');
}

char *
oc_diagnostic_format (const OcDiagnostic *diagnostic)
{
  g_autofree char *position = position_text (diagnostic);
  GString *out = g_string_new (NULL);

  append_clean (out, position);
  g_string_append (out, diagnostic->severity == OC_DIAGNOSTIC_ERROR ? ": error: " : ": warning: ");
  append_clean (out, diagnostic->text);
  if (diagnostic->source != NULL && diagnostic->column > 0)
    {
      g_string_append (out, "\n  ");
      append_clean (out, diagnostic->source);
      g_string_append (out, "\n  ");
      append_caret_line (out, diagnostic);
    }
  return g_string_free (out, FALSE);
}

/* Insertions, deletions, changes and swaps of neighbours that turn @a into @b;
 * both at most WORD_MAX long. */
static guint
edit_distance (const char *a, gsize a_len, const char *b, gsize b_len)
{
  guint rows[3][WORD_MAX + 1] = { 0 }; /* before last, last, this */

  for (gsize j = 0; j <= b_len; j++)
    rows[2][j] = (guint) j;
  for (gsize i = 1; i <= a_len; i++)
    {
      memmove (rows[0], rows[1], 2 * sizeof rows[0]);
      rows[2][0] = (guint) i;
      for (gsize j = 1; j <= b_len; j++)
        {
          guint best = MIN (rows[1][j], rows[2][j - 1]) + 1;

          best = MIN (best, rows[1][j - 1] + (a[i - 1] != b[j - 1]));
          if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
            best = MIN (best, rows[0][j - 2] + 1);
          rows[2][j] = best;
        }
    }
  return rows[2][b_len];
}

const char *
oc_report_closest (const char *word, const char *const *candidates)
{
  gsize len = strlen (word);
  guint best_distance = (guint) (len / 3 + 1); /* a word of two letters is like no other */
  const char *best = NULL;

  if (len > WORD_MAX)
    return NULL;
  for (gsize i = 0; candidates[i] != NULL; i++)
    {
      gsize candidate_len = strlen (candidates[i]);
      guint distance;

      if (candidate_len > WORD_MAX)
        continue;
      distance = edit_distance (word, len, candidates[i], candidate_len);
      if (distance < best_distance)
        {
          best_distance = distance;
          best = candidates[i];
        }
    }
  return best;
}
