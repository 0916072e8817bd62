/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-cli.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* --- Colour -------------------------------------------------------------------- */

static gboolean
wants_color (OcCli *cli)
{
  const char *no_color = g_getenv ("NO_COLOR");
  const char *term = g_getenv ("TERM");

  return !cli->no_color && (no_color == NULL || *no_color == '\0')
         && (term == NULL || !g_str_equal (term, "dumb")) && isatty (STDOUT_FILENO);
}

const char *
oc_cli_style (OcCli *cli, OcStyle style)
{
  static const char *const codes[] = {
    [OC_STYLE_PLAIN] = "",         [OC_STYLE_BOLD] = "\x1b[1m",  [OC_STYLE_DIM] = "\x1b[2m",
    [OC_STYLE_GOOD] = "\x1b[32m", [OC_STYLE_BAD] = "\x1b[31m", [OC_STYLE_WARN] = "\x1b[33m",
  };

  return wants_color (cli) ? codes[style] : "";
}

const char *
oc_cli_style_end (OcCli *cli)
{
  return wants_color (cli) ? "\x1b[0m" : "";
}

char *
oc_cli_clean (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text != NULL ? text : "", -1);
  GString *clean = g_string_sized_new (strlen (valid));

  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      switch (g_unichar_type (c))
        {
        case G_UNICODE_CONTROL:
        case G_UNICODE_FORMAT:
        case G_UNICODE_LINE_SEPARATOR:
        case G_UNICODE_PARAGRAPH_SEPARATOR:
          g_string_append_c (clean, c == '\t' || c == '\n' ? ' ' : '?');
          break;
        default:
          g_string_append_unichar (clean, c);
        }
    }
  return g_string_free (clean, FALSE);
}

gsize
oc_cli_text_width (const char *text)
{
  gsize width = 0;

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (!g_unichar_iszerowidth (c))
        width += g_unichar_iswide (c) ? 2 : 1;
    }
  return width;
}

/* --- Tables --------------------------------------------------------------------- */

typedef struct
{
  char *text;
  gsize width;
  OcStyle style;
} Cell;

typedef struct
{
  char *heading;
  gboolean right;
  gsize width;
} Column;

struct OcTable
{
  OcCli *cli;
  GArray *columns;
  GPtrArray *rows; /* of GArray of Cell */
  gsize max_width; /* 0: any */
};

static void
clear_cell (gpointer data)
{
  g_free (((Cell *) data)->text);
}

static void
clear_column (gpointer data)
{
  g_free (((Column *) data)->heading);
}

OcTable *
oc_table_new (OcCli *cli, const char *const *headings)
{
  OcTable *table = g_new0 (OcTable, 1);

  table->cli = cli;
  table->columns = g_array_new (FALSE, TRUE, sizeof (Column));
  g_array_set_clear_func (table->columns, clear_column);
  table->rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);
  for (; *headings != NULL; headings++)
    {
      gboolean right = **headings == '>';
      const char *heading = *headings + right;
      Column column = { g_strdup (heading), right, oc_cli_text_width (heading) };

      g_array_append_val (table->columns, column);
    }
  return table;
}

OcTable *
oc_table_new_pairs (OcCli *cli)
{
  static const char *const none[] = { "", "", NULL };

  return oc_table_new (cli, none);
}

void
oc_table_add_pair (OcTable *table, const char *label, const char *text)
{
  oc_table_add_row (table);
  oc_table_add_cell (table, OC_STYLE_PLAIN, label);
  oc_table_add_cell (table, OC_STYLE_PLAIN, text);
}

void
oc_table_add_count (OcTable *table, const char *label, guint64 count)
{
  g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT, count);

  oc_table_add_pair (table, label, text);
}

void
oc_table_free (OcTable *table)
{
  if (table == NULL)
    return;
  g_ptr_array_unref (table->rows);
  g_array_unref (table->columns);
  g_free (table);
}

void
oc_table_add_row (OcTable *table)
{
  GArray *row = g_array_new (FALSE, TRUE, sizeof (Cell));

  g_array_set_clear_func (row, clear_cell);
  g_ptr_array_add (table->rows, row);
}

void
oc_table_add_cell (OcTable *table, OcStyle style, const char *text)
{
  GArray *row = g_ptr_array_index (table->rows, table->rows->len - 1);
  Column *column = &g_array_index (table->columns, Column, row->len);
  Cell cell = { .text = oc_cli_clean (text), .style = style };

  g_assert (row->len < table->columns->len);
  cell.width = oc_cli_text_width (cell.text);
  column->width = MAX (column->width, cell.width);
  g_array_append_val (row, cell);
}

void
oc_table_add_cell_printf (OcTable *table, OcStyle style, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  oc_table_add_cell (table, style, text);
}

/* --- Fitting the terminal --------------------------------------------------------- */

#define GAP 2
#define COLUMN_MIN 6 /* what is left of a column that is cut */
#define ELLIPSIS "\xe2\x80\xa6"

void
oc_table_set_width (OcTable *table, gsize width)
{
  table->max_width = width;
}

gsize
oc_cli_terminal_width (void)
{
  struct winsize size = { 0 };

  if (!isatty (STDOUT_FILENO) || ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
    return 0;
  return size.ws_col;
}

static gsize
total_width (const OcTable *table)
{
  gsize width = 0;

  for (guint i = 0; i < table->columns->len; i++)
    width += g_array_index (table->columns, Column, i).width + (i > 0 ? GAP : 0);
  return width;
}

/* Takes from the widest column, again and again, until the row fits or nothing is left
 * to take. */
static void
fit (OcTable *table)
{
  for (gsize excess = total_width (table); excess > table->max_width; excess--)
    {
      Column *widest = NULL;

      for (guint i = 0; i < table->columns->len; i++)
        {
          Column *column = &g_array_index (table->columns, Column, i);

          if (column->width > COLUMN_MIN && (widest == NULL || column->width >= widest->width))
            widest = column;
        }
      if (widest == NULL)
        return;
      widest->width--;
    }
}

/* @out_width: of the result, at most @width. (transfer full) */
static char *
cut (const char *text, gsize width, gsize *out_width)
{
  GString *out = g_string_new (NULL);

  *out_width = 0;
  if (width == 0)
    return g_string_free (out, FALSE);
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);
      gsize columns = g_unichar_iszerowidth (c) ? 0 : g_unichar_iswide (c) ? 2 : 1;

      if (*out_width + columns > width - 1)
        break;
      *out_width += columns;
      g_string_append_unichar (out, c);
    }
  g_string_append (out, ELLIPSIS);
  ++*out_width;
  return g_string_free (out, FALSE);
}

char *
oc_cli_cut (const char *text, gsize width)
{
  gsize result;

  return width == 0 || oc_cli_text_width (text) <= width ? g_strdup (text)
                                                          : cut (text, width, &result);
}

/* The last column is not padded, so that lines have no blanks at their end. */
static void
print_cell (OcTable *table, guint i, const char *text, gsize width, OcStyle style)
{
  const Column *column = &g_array_index (table->columns, Column, i);
  gboolean last = i + 1 == table->columns->len;
  g_autofree char *shorter = NULL;
  int pad;

  if (width > column->width)
    text = shorter = cut (text, column->width, &width);
  pad = (int) (column->width - width);

  printf ("%s%*s%s%s%s%*s", i > 0 ? "  " : "", column->right ? pad : 0, "",
          oc_cli_style (table->cli, style), text,
          style != OC_STYLE_PLAIN ? oc_cli_style_end (table->cli) : "",
          column->right || last ? 0 : pad, "");
}

static gboolean
has_headings (const OcTable *table)
{
  for (guint i = 0; i < table->columns->len; i++)
    if (*g_array_index (table->columns, Column, i).heading != '\0')
      return TRUE;
  return FALSE;
}

void
oc_table_print (OcTable *table)
{
  if (table->rows->len == 0)
    return;
  if (table->max_width == 0)
    table->max_width = oc_cli_terminal_width ();
  if (table->max_width != 0)
    fit (table);
  for (guint i = 0; has_headings (table) && i < table->columns->len; i++)
    {
      const Column *column = &g_array_index (table->columns, Column, i);

      print_cell (table, i, column->heading, oc_cli_text_width (column->heading), OC_STYLE_BOLD);
    }
  if (has_headings (table))
    putchar ('\n');
  for (guint r = 0; r < table->rows->len; r++)
    {
      const GArray *row = g_ptr_array_index (table->rows, r);

      for (guint i = 0; i < row->len; i++)
        {
          const Cell *cell = &g_array_index (row, Cell, i);

          print_cell (table, i, cell->text, cell->width, cell->style);
        }
      putchar ('\n');
    }
}

/* --- Words ----------------------------------------------------------------------- */

char *
oc_cli_age (gint64 seconds)
{
  gulong n = (gulong) MAX (seconds, 0);

  if (n < 60)
    return g_strdup_printf (ngettext ("%lu second", "%lu seconds", n), n);
  n /= 60;
  if (n < 60)
    return g_strdup_printf (ngettext ("%lu minute", "%lu minutes", n), n);
  n /= 60;
  if (n < 24)
    return g_strdup_printf (ngettext ("%lu hour", "%lu hours", n), n);
  n /= 24;
  return g_strdup_printf (ngettext ("%lu day", "%lu days", n), n);
}

char *
oc_cli_age_since (gint64 time_us)
{
  return oc_cli_age ((g_get_real_time () - time_us) / G_USEC_PER_SEC);
}

static char *
format_moment (gint64 time_us, const char *format)
{
  g_autoptr (GDateTime) moment = g_date_time_new_from_unix_local (time_us / G_USEC_PER_SEC);

  return moment != NULL ? g_date_time_format (moment, format) : g_strdup ("");
}

char *
oc_cli_moment (gint64 time_us)
{
  /* TRANSLATORS: how a moment is written, see strftime(3); always as wide */
  return format_moment (time_us, C_("strftime", "%Y-%m-%d %H:%M:%S"));
}

char *
oc_cli_time_of_day (gint64 time_us)
{
  /* TRANSLATORS: how a time of day is written, see strftime(3); always as wide */
  return format_moment (time_us, C_("strftime", "%H:%M:%S"));
}

char *
oc_cli_size (guint64 bytes)
{
  return g_format_size_full (bytes, G_FORMAT_SIZE_IEC_UNITS);
}

void
oc_cli_print_text (const char *text)
{
  g_auto (GStrv) lines = NULL;

  if (!isatty (STDOUT_FILENO))
    {
      fputs (text, stdout);
      return;
    }
  lines = g_strsplit (text, "\n", -1);
  for (gsize i = 0; lines[i] != NULL; i++)
    {
      g_autofree char *clean = oc_cli_clean (lines[i]);

      if (lines[i + 1] != NULL || *clean != '\0')
        puts (clean);
    }
}
