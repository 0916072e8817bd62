/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "watch.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* What every terminal since the VT100 knows; the second screen is xterm's. */
#define ENTER "\033[?1049h\033[?25l"
#define LEAVE "\033[?25h\033[?1049l"
#define HOME "\033[H"
#define CLEAR_LINE "\033[K"
#define CLEAR_REST "\033[J"
#define REVERSE "\033[7m"
#define PLAIN "\033[0m"

static struct termios saved;
static volatile sig_atomic_t active;

gboolean
watch_screen_begin (void)
{
  struct termios raw;

  if (tcgetattr (STDIN_FILENO, &saved) < 0)
    return FALSE;
  raw = saved;
  raw.c_lflag &= ~(tcflag_t) (ICANON | ECHO);
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  if (tcsetattr (STDIN_FILENO, TCSAFLUSH, &raw) < 0)
    return FALSE;
  active = 1;
  (void) !write (STDOUT_FILENO, ENTER, strlen (ENTER));
  return TRUE;
}

void
watch_screen_end (void)
{
  if (!active)
    return;
  active = 0;
  (void) !write (STDOUT_FILENO, LEAVE, strlen (LEAVE));
  (void) tcsetattr (STDIN_FILENO, TCSAFLUSH, &saved);
}

/* --- Lines -------------------------------------------------------------------------- */

typedef struct
{
  GString *text;
  guint rows, columns; /* of the terminal */
  guint used;          /* rows */
} Page;

static void
get_size (Page *page)
{
  struct winsize size;

  page->rows = 24;
  page->columns = 80;
  if (ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0)
    {
      page->rows = size.ws_row;
      page->columns = size.ws_col;
    }
}

/* Cut to the width. */
static void
add_line (Page *page, const char *style, const char *text)
{
  g_autofree char *clean = oc_cli_clean (text);
  g_autofree char *cut = oc_cli_cut (clean, page->columns);

  if (page->used >= page->rows)
    return;
  g_string_append_printf (page->text, "%s%s%s%s%s", page->used > 0 ? "\r\n" : "", style, cut, PLAIN,
                          CLEAR_LINE);
  page->used++;
}

/* --- What stands in them ---------------------------------------------------------------- */

#define NAME_WIDTH 16
#define TARGET_WIDTH 40

/* @text and blanks up to @width columns. (transfer full) */
static char *
pad (const char *text, gsize width)
{
  g_autofree char *clean = oc_cli_clean (text);
  gsize used = oc_cli_text_width (clean);

  return g_strdup_printf ("%s%*s", clean, used < width ? (int) (width - used) : 0, "");
}

static char *
format_request (const OutcallRuleRequestEntry *entry)
{
  g_autofree char *time = oc_cli_time_of_day (entry->asked_at_us);
  g_autofree char *target = oc_cli_request_target (entry);
  g_autofree char *name = pad (entry->workload, NAME_WIDTH);
  g_autofree char *where = pad (target, TARGET_WIDTH);

  return g_strdup_printf ("? %s %s %s %s", time, name, where,
                          entry->reason != NULL ? entry->reason : "");
}

static char *
format_verdict (const WatchRow *row)
{
  const OutcallDecision *d = row->decision;
  g_autofree char *time = oc_cli_time_of_day (d->time_us);
  g_autofree char *target = oc_cli_decision_target (d);
  g_autofree char *times
      = row->count > 1 ? g_strdup_printf (" ×%" G_GUINT64_FORMAT, row->count) : g_strdup ("");
  g_autofree char *name = pad (d->workload, NAME_WIDTH);
  g_autofree char *where = pad (target, TARGET_WIDTH);

  return g_strdup_printf ("%s %s %s %s %s%s", d->verdict == OUTCALL_OUTCOME_ALLOWED ? "+" : "-",
                          time, name, where,
                          d->rule != NULL ? d->rule : d->reason != NULL ? d->reason : "", times);
}

static const char *
row_style (Watch *watch, const WatchRow *row)
{
  if (row == watch_get_selected (watch))
    return REVERSE;
  if (row->request != NULL)
    return oc_cli_style (watch->cli, OC_STYLE_WARN);
  return oc_cli_style (watch->cli, row->decision->verdict == OUTCALL_OUTCOME_ALLOWED
                                       ? OC_STYLE_GOOD
                                       : OC_STYLE_BAD);
}

static void
add_rows (Watch *watch, Page *page, GPtrArray *rows, guint from, guint room)
{
  for (guint i = from; i < rows->len && i - from < room; i++)
    {
      const WatchRow *row = rows->pdata[i];
      g_autofree char *text = row->request != NULL ? format_request (row->request)
                                                   : format_verdict (row);

      add_line (page, row_style (watch, row), text);
    }
}

/* The selected row is always among those that are shown. */
static void
add_table (Watch *watch, Page *page)
{
  guint room = page->rows > 4 ? page->rows - 4 : 1;
  guint n_requests = MIN (watch->requests->len, MAX (room / 2, 1));
  guint first_request = 0;
  guint first_verdict = 0;
  gboolean in_requests = watch->selected < watch->requests->len;
  guint left = room - n_requests;

  if (in_requests && watch->selected >= n_requests)
    first_request = watch->selected - n_requests + 1;
  if (!in_requests && watch->selected - watch->requests->len >= left && left > 0)
    first_verdict = watch->selected - watch->requests->len - left + 1;
  add_rows (watch, page, watch->requests, first_request, n_requests);
  add_rows (watch, page, watch->verdicts, first_verdict, left);
}

/* As much as there is room for, from where it was scrolled to. */
static void
add_question (Watch *watch, Page *page)
{
  g_autoptr (GPtrArray) lines = watch_list_question (watch, page->columns);
  guint room = page->rows > 4 ? page->rows - 4 : 1;
  guint last = lines->len > room ? lines->len - room : 0;
  gboolean at_end;

  watch->scroll = MIN (watch->scroll, last);
  at_end = watch->scroll == last;
  watch->read = watch->read || at_end;
  for (guint i = 0; i < room && watch->scroll + i < lines->len; i++)
    add_line (page, "", lines->pdata[watch->scroll + i]);
}

static const char *
get_title (const Watch *watch)
{
  if (!watch_is_asking (watch))
    return _("outcall watch   ↑↓ choose  a approve or allow  d reject or hide  q quit");
  if (!watch->read)
    return _("There is more:  ↓ read on  any other key no");
  return watch->review != NULL ? _("Approve this?  y yes  any other key no")
                               : _("Allow this?  y yes  any other key no");
}

/* The title comes last: what there is to say about a question depends on what was shown of it. */
static void
add_body (Watch *watch, Page *page)
{
  page->used = 2;
  if (watch_is_asking (watch))
    add_question (watch, page);
  else
    add_table (watch, page);
  if (watch->message != NULL)
    {
      add_line (page, "", "");
      add_line (page, oc_cli_style (watch->cli, OC_STYLE_BOLD), watch->message);
    }
}

void
watch_screen_drop_input (void)
{
  (void) tcflush (STDIN_FILENO, TCIFLUSH);
}

void
watch_screen_draw (Watch *watch)
{
  Page body = { .text = g_string_new (NULL) };
  Page page = { .text = g_string_new (HOME) };

  get_size (&body);
  get_size (&page);
  add_body (watch, &body);
  add_line (&page, oc_cli_style (watch->cli, OC_STYLE_BOLD), get_title (watch));
  add_line (&page, "", "");
  g_string_append_printf (page.text, "%s%s", body.text->str, CLEAR_REST);
  (void) fwrite (page.text->str, 1, page.text->len, stdout);
  (void) fflush (stdout);
  g_string_free (page.text, TRUE);
  g_string_free (body.text, TRUE);
}
