/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Findings about rule files, and the files as they were read, so that each
 * finding can show its line. Thread: any, one load at a time.
 */

#include "policy/oc-policy.h"

/* After so many errors a load gives up; further warnings are counted only. */
#define OC_POLICY_ERRORS_MAX 100
#define OC_POLICY_WARNINGS_MAX 1000

/* One rule file in memory. */
typedef struct
{
  char *path; /* as given, for diagnostics */
  char *name; /* base name: order, OcRule.file */
  char *buffer;
  const char *text; /* in buffer, after a byte order mark */
  gsize len;
  GArray *line_starts; /* (element-type guint32): byte offsets; breaks are YAML's */
} OcRuleFile;

/* @text: (transfer full) */
OcRuleFile *oc_rule_file_new (const char *path, char *text, gsize len);
void oc_rule_file_free (OcRuleFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OcRuleFile, oc_rule_file_free)
/* Line and column of the byte at @offset, both from 1, columns in characters. */
void oc_rule_file_locate (const OcRuleFile *file, gsize offset, guint *out_line,
                          guint *out_column);

/* The findings of one load. */
typedef struct
{
  GPtrArray *diagnostics; /* (element-type OcDiagnostic), borrowed */
  guint n_errors;
  guint n_warnings;
  char *first_error; /* "file:line:col: text" */
} OcReport;

void oc_report_clear (OcReport *report);
/* Whether the load has seen enough. */
gboolean oc_report_is_full (const OcReport *report);

/* @file: (nullable): then @path of the message is @fallback and it has no position
 * @start, @end: bytes in @file to underline; @end <= @start underlines one column
 * @rule: (nullable) */
typedef struct
{
  const OcRuleFile *file;
  gsize start;
  gsize end;
  const char *rule;
} OcReportAt;

void oc_report_error (OcReport *report, const OcReportAt *at, const char *format, ...)
    G_GNUC_PRINTF (3, 4);
void oc_report_warning (OcReport *report, const OcReportAt *at, const char *format, ...)
    G_GNUC_PRINTF (3, 4);
/* About a whole file or directory that could not be read. */
void oc_report_path (OcReport *report, OcSeverity severity, const char *path, const char *format,
                     ...) G_GNUC_PRINTF (4, 5);

/* The entry of @candidates that @word was probably meant to be, or NULL.
 * @candidates: NULL-terminated */
const char *oc_report_closest (const char *word, const char *const *candidates);
