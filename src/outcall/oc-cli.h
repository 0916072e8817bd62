/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The frame of the command line: a table of commands, global options, calls to
 * the daemon, and what commands print with. A command is one entry in
 * oc-cli-commands.c and one handler in cmd-<name>.c.
 *
 * A handler calls oc_cli_parse_options() first of all (`--help` is answered
 * there, and completions learn the options) and returns an exit code. Results go to stdout, all else to stderr.
 */

#include <gio/gio.h>
#include <glib/gi18n.h>
#include <json-glib/json-glib.h>

#define OC_EXIT_OK 0
#define OC_EXIT_FAILED 1
#define OC_EXIT_USAGE 2

typedef struct OcCli OcCli;

/* @argv: [0] is the last word of the command's name, then its arguments */
typedef int (*OcCliHandler) (OcCli *cli, int argc, char **argv);

typedef struct
{
  const char *name;    /* "status", "bridge up" */
  const char *summary; /* N_("…"): one line without a full stop */
  const char *usage;   /* (nullable): N_("[OPTION…] NAME"): what follows the name */
  const char *details; /* (nullable): N_("…"): paragraphs for the help */
  OcCliHandler handler;
} OcCliCommand;

struct OcCli
{
  const OcCliCommand *commands; /* ends with a NULL name */
  const OcCliCommand *command;  /* that runs */
  /* Options that may stand before the command and after it. */
  char *socket_path;
  gboolean json;
  gboolean no_color;
  guint status; /* HTTP status of the last call */
  guint patience_s; /* what calls may take beyond the ordinary, where an engine works meanwhile */
  /* For completions: when set, oc_cli_parse_options() adds the command's options to it
   * and ends the handler. (element-type GOptionEntry) */
  GArray *options;
  gboolean strict; /* of the command: with OC_CLI_PARSE_STRICT */
};

extern const OcCliCommand oc_cli_commands[];

/* Runs the command that @argv names. Returns: the exit code. */
int oc_cli_main (int argc, char **argv, const OcCliCommand *commands);

/* --- Options ----------------------------------------------------------------- */

typedef enum
{
  OC_CLI_PARSE_PLAIN = 0,
  /* Options end at the first argument that is none (`run`). */
  OC_CLI_PARSE_STRICT = 1 << 0,
} OcCliParseFlags;

/* Takes the options of @entries (nullable) and the global ones out of @argv, and
 * a "--" too. Wrong use and `--help` are answered here.
 * Returns: -1 to go on, else the exit code to return. */
int oc_cli_parse_options (OcCli *cli, const GOptionEntry *entries, OcCliParseFlags flags,
                          int *argc, char ***argv);
/* "outcall: text" and a hint at the command's help on stderr. Returns: OC_EXIT_USAGE */
int oc_cli_usage_error (OcCli *cli, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* For commands that take no arguments. Returns: -1 or OC_EXIT_USAGE */
int oc_cli_refuse_arguments (OcCli *cli, int argc, char **argv);
/* "outcall: text" on stderr. Returns: OC_EXIT_FAILED */
int oc_cli_error (const char *format, ...) G_GNUC_PRINTF (1, 2);
/* The nearest of @words to @word, NULL when none is near. (transfer none) */
const char *oc_cli_did_you_mean (const char *word, const char *const *words);
/* "90", "90s", "30m", "8h", "2d" in seconds. */
gboolean oc_cli_parse_duration (const char *text, gint64 *out_s);
/* "65536", "64K", "512m", "2g" in bytes, not 0; units of 1024. */
gboolean oc_cli_parse_size (const char *text, guint64 *out_bytes);

/* --- Calls to the daemon -------------------------------------------------------- */

/* One call over the host socket, which may take OUTCALL_DEFAULT_REQUEST_TIMEOUT_SECS and
 * @cli's patience.
 * @body: (transfer full) (nullable)
 * @out_data: (out) (transfer full) (nullable): the answer's data; also set when the
 *   daemon refused and said more in data
 * Returns: OC_EXIT_OK, or OC_EXIT_FAILED after the reason has been printed. */
int oc_cli_call (OcCli *cli, const char *method, const char *target, JsonNode *body,
                 JsonNode **out_data);
/* The same without printing; @out_error: (out) (transfer full): one line for people. */
gboolean oc_cli_try_call (OcCli *cli, const char *method, const char *target, JsonNode *body,
                          JsonNode **out_data, char **out_error);
/* "cannot connect to outcalld at PATH …" for errno in @err. (transfer full) */
char *oc_cli_connect_error (OcCli *cli, int err);
/* @path?a=b&…, percent-encoded; pairs of (const char *) up to a NULL name, those
 * with a NULL value left out. (transfer full) */
char *oc_cli_make_target (const char *path, ...) G_GNUC_NULL_TERMINATED;
/* For `--json`: indented on a terminal, else one line. @node: (nullable): prints null */
void oc_cli_print_json (JsonNode *node);
/* The usual shape of a command that shows data: calls, prints the data with
 * `--json`, else leaves it in @out_data.
 * Returns: -1 to go on, else the exit code. */
int oc_cli_fetch (OcCli *cli, const char *method, const char *target, JsonNode *body,
                  JsonNode **out_data);
/* The same without a body, for a command that takes neither options of its own nor arguments. */
int oc_cli_fetch_plain (OcCli *cli, int argc, char **argv, const char *method, const char *target,
                        JsonNode **out_data);
/* The data could not be read: the daemon is of another version. Returns: OC_EXIT_FAILED */
int oc_cli_bad_answer (OcCli *cli, const GError *error);

/* --- Events ------------------------------------------------------------------------ */

/* One event of a stream. Returns: FALSE to end. */
typedef gboolean (*OcCliEventFunc) (const char *event, const char *data, gsize len,
                                    gpointer user_data);
/* Calls @func for each event that GET @target brings, until it or the daemon ends.
 * Returns: (transfer full): why it ended, for people. Thread: any, @cli unchanged meanwhile. */
char *oc_cli_follow (OcCli *cli, const char *target, OcCliEventFunc func, gpointer user_data);
/* The same for what is asked with another method. @body: (transfer full) (nullable) */
char *oc_cli_follow_call (OcCli *cli, const char *method, const char *target, JsonNode *body,
                          OcCliEventFunc func, gpointer user_data);

/* --- Printing --------------------------------------------------------------------- */

typedef enum
{
  OC_STYLE_PLAIN,
  OC_STYLE_BOLD,
  OC_STYLE_DIM,
  OC_STYLE_GOOD,
  OC_STYLE_BAD,
  OC_STYLE_WARN,
} OcStyle;

/* Start and end of a style on stdout: "" unless it is a terminal that wants colour. */
const char *oc_cli_style (OcCli *cli, OcStyle style);
const char *oc_cli_style_end (OcCli *cli);

/* @text without what a terminal would act on: everything that comes from a
 * workload is printed through this. NULL is "". (transfer full) */
char *oc_cli_clean (const char *text);

/* @text on stdout, cleaned line by line when a terminal reads it, as it is otherwise. */
void oc_cli_print_text (const char *text);

/* Columns padded to their widest cell, by the width on the terminal. */
typedef struct OcTable OcTable;

/* @headings: translated, NULL-terminated, copied; one that begins with ">" is
 * aligned to the right. */
OcTable *oc_table_new (OcCli *cli, const char *const *headings);
/* Two columns without headings, for facts about one thing. */
OcTable *oc_table_new_pairs (OcCli *cli);
/* @label: translated */
void oc_table_add_pair (OcTable *table, const char *label, const char *text);
void oc_table_add_count (OcTable *table, const char *label, guint64 count);
void oc_table_free (OcTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OcTable, oc_table_free)
/* Begins a row; cells follow in order. Texts are copied and cleaned. */
void oc_table_add_row (OcTable *table);
void oc_table_add_cell (OcTable *table, OcStyle style, const char *text);
void oc_table_add_cell_printf (OcTable *table, OcStyle style, const char *format,
                               ...) G_GNUC_PRINTF (3, 4);
/* To stdout; headings only when there are rows and one is not "". On a terminal the widest
 * columns are cut, with an ellipsis, so that a row is one line. */
void oc_table_print (OcTable *table);
/* Columns that the table may take; 0: any. Set by oc_table_print() for a terminal. */
void oc_table_set_width (OcTable *table, gsize width);
/* Columns that @text takes on a terminal. */
gsize oc_cli_text_width (const char *text);
/* @text (UTF-8) in at most @width columns, with an ellipsis when something is cut; 0: any width.
 * (transfer full) */
char *oc_cli_cut (const char *text, gsize width);
/* Columns of the terminal that stdout is; 0 when it is none or does not tell. */
gsize oc_cli_terminal_width (void);

/* "5 seconds", "3 hours", "2 days". (transfer full) */
char *oc_cli_age (gint64 seconds);
/* As oc_cli_age() of the time since @time_us (since the epoch). (transfer full) */
char *oc_cli_age_since (gint64 time_us);
/* The moment @time_us (since the epoch) as it is written here, and its time of day alone; "" when
 * it cannot be. Always as wide in one language. (transfer full) */
char *oc_cli_moment (gint64 time_us);
char *oc_cli_time_of_day (gint64 time_us);
/* "512 MiB", "1.5 GiB" of bytes. (transfer full) */
char *oc_cli_size (guint64 bytes);
