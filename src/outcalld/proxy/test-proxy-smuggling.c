/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * The corpus in tests/http-smuggling, against the real proxy: requests and
 * answers that two readers could take differently. Each is played whole and byte
 * by byte; what is refused leaves no trace at the server.
 */
#include "config.h"

#include "proxy/test-support.h"

#include "common/oc-fd.h"
#include "testlib/oc-testns.h"

#include <sys/socket.h>

#define CASES_MIN 550 /* so that a file that is not read is noticed */
#define LATER_PORT 81 /* the server that answers from the corpus */

typedef struct
{
  char *name;
  GString *send, *answer;
  char *expect;
  GPtrArray *seen, *unseen;
} Case;

static Px *px;
static PxServer *web, *later;
static GPtrArray *cases;
static const Case *answering; /* atomic, as the next; set while no request is under way */
static gint answer_step;      /* bytes at a time */

/* --- The files ------------------------------------------------------------------ */

static Case *
case_new (const char *name)
{
  Case *c = g_new0 (Case, 1);

  c->name = g_strdup (name);
  c->send = g_string_new (NULL);
  c->answer = g_string_new (NULL);
  c->seen = g_ptr_array_new_with_free_func (g_free);
  c->unseen = g_ptr_array_new_with_free_func (g_free);
  return c;
}

static void
case_free (gpointer data)
{
  Case *c = data;

  g_string_free (c->send, TRUE);
  g_string_free (c->answer, TRUE);
  g_ptr_array_unref (c->seen);
  g_ptr_array_unref (c->unseen);
  g_free (c->expect);
  g_free (c->name);
  g_free (c);
}

static char
read_escape (const char **at)
{
  char c = *(*at)++;

  switch (c)
    {
    case 'r':
      return '\r';
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case '\\':
      return '\\';
    default:
      g_assert_cmpint (c, ==, 'x');
      g_assert_true (g_ascii_isxdigit ((*at)[0]) && g_ascii_isxdigit ((*at)[1]));
      *at += 2;
      return (char) (g_ascii_xdigit_value ((*at)[-2]) * 16 + g_ascii_xdigit_value ((*at)[-1]));
    }
}

static void
append_unescaped (GString *out, const char *text)
{
  while (*text != '\0')
    {
      char c = *text++;

      g_string_append_c (out, c == '\\' ? read_escape (&text) : c);
    }
}

static void
append_repeated (GString *out, const char *text)
{
  char *rest;
  guint64 n = g_ascii_strtoull (text, &rest, 10);
  g_autoptr (GString) one = g_string_new (NULL);

  append_unescaped (one, rest + 1);
  for (guint64 i = 0; i < n; i++)
    g_string_append_len (out, one->str, (gssize) one->len);
}

static void
add_text (GPtrArray *list, const char *text)
{
  GString *out = g_string_new (NULL);

  append_unescaped (out, text);
  g_ptr_array_add (list, g_string_free (out, FALSE));
}

static void
read_line (const char *word, const char *rest)
{
  Case *c = cases->len > 0 ? g_ptr_array_index (cases, cases->len - 1) : NULL;

  if (g_str_equal (word, "case"))
    g_ptr_array_add (cases, case_new (rest));
  else if (g_str_equal (word, "send"))
    append_unescaped (c->send, rest);
  else if (g_str_equal (word, "send-repeat"))
    append_repeated (c->send, rest);
  else if (g_str_equal (word, "answer"))
    append_unescaped (c->answer, rest);
  else if (g_str_equal (word, "answer-repeat"))
    append_repeated (c->answer, rest);
  else if (g_str_equal (word, "expect"))
    c->expect = g_strdup (rest);
  else if (g_str_equal (word, "seen"))
    add_text (c->seen, rest);
  else if (g_str_equal (word, "unseen"))
    add_text (c->unseen, rest);
  else
    g_error ("what is '%s %s'?", word, rest);
}

static void
read_file (const char *path)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      char *blank = strchr (lines[i], ' ');

      if (lines[i][0] == '#' || blank == NULL)
        continue;
      *blank = '\0';
      read_line (lines[i], blank + 1);
    }
}

static void
read_corpus (void)
{
  const char *srcdir = g_getenv ("OUTCALL_SRCDIR");
  g_autofree char *path = g_build_filename (srcdir != NULL ? srcdir : ".", "tests", "http-smuggling", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = g_dir_open (path, 0, &error);
  const char *name;

  g_assert_no_error (error);
  cases = g_ptr_array_new_with_free_func (case_free);
  while ((name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_suffix (name, ".txt"))
      {
        g_autofree char *file = g_build_filename (path, name, NULL);

        read_file (file);
      }
  g_assert_cmpuint (cases->len, >=, CASES_MIN);
}

/* --- Playing ------------------------------------------------------------------------ */

static gboolean
is_answer (const Case *c)
{
  return c->answer->len > 0;
}

static gboolean
is_success (const Case *c)
{
  return c->expect[0] == '2';
}

/* Malformed only behind the head: the head may be out before that is known. */
static gboolean
is_body (const Case *c)
{
  return g_str_has_prefix (c->name, "9112-7.1");
}

static gboolean
is_expected (const Case *c, const char *reply)
{
  g_auto (GStrv) wanted = g_strsplit (c->expect, "|", -1);

  for (guint i = 0; wanted[i] != NULL; i++)
    {
      g_autofree char *begins = g_strdup_printf ("HTTP/1.1 %s ", wanted[i]);

      if (g_str_has_prefix (reply, begins))
        return TRUE;
    }
  return FALSE;
}

static void
check_texts (const Case *c, const char *where, const char *got, gsize len)
{
  for (guint i = 0; i < c->seen->len; i++)
    if (memmem (got, len, c->seen->pdata[i], strlen (c->seen->pdata[i])) == NULL)
      g_error ("%s: no '%s' %s: %s", c->name, (char *) c->seen->pdata[i], where, got);
  for (guint i = 0; i < c->unseen->len; i++)
    if (memmem (got, len, c->unseen->pdata[i], strlen (c->unseen->pdata[i])) != NULL)
      g_error ("%s: '%s' %s: %s", c->name, (char *) c->unseen->pdata[i], where, got);
}

static gboolean
is_settled (gpointer live_before)
{
  return px_server_get_live (web) <= *(const guint *) live_before;
}

/* What was on its way to the server when the answer came arrives: connections are taken
 * in order, and one of our own comes after it. Otherwise the next case would be blamed. */
static void
settle (guint live_before)
{
  oc_autofd int fd = px_connect (SERVER, SERVER, 80);

  px_send_text (fd, "GET /settled HTTP/1.1\r\nHost: up.test\r\nConnection: close\r\n\r\n");
  (void) shutdown (fd, SHUT_WR);
  g_free (px_read_all (fd, NULL));
  g_assert_true (oc_test_wait (is_settled, &live_before));
}

/* @step: bytes at a time */
static void
play_request (const Case *c, gsize step)
{
  oc_autofd int fd = px_connect (AGENT, GATEWAY, 8080);
  g_autofree char *reply = NULL;
  g_autofree char *seen = NULL;
  gboolean may_begin = is_body (c) && step < c->send->len; /* the head may be out */
  guint live = px_server_get_live (web);

  px_server_forget (web);
  for (gsize i = 0; i < c->send->len; i += step)
    px_send (fd, c->send->str + i, MIN (step, c->send->len - i));
  (void) shutdown (fd, SHUT_WR);
  reply = px_read_all (fd, NULL);
  if (may_begin)
    settle (live);
  seen = px_server_get_received (web);
  if (!is_expected (c, reply))
    g_error ("%s: wanted %s, got: %s", c->name, c->expect, reply);
  if (is_success (c))
    {
      check_texts (c, "at the server", seen, strlen (seen));
      return;
    }
  g_assert_nonnull (strstr (reply, "\r\nConnection: close\r\n"));
  if (may_begin)
    {
      /* An unfinished request, and nothing behind it. */
      g_assert_null (strstr (seen, "evil"));
      g_assert_null (strstr (seen, "0\r\n\r\n"));
    }
  else if (seen[0] != '\0')
    g_error ("%s: forwarded: %s", c->name, seen);
}

static void
serve_answer (PxServer *server, int fd)
{
  char buf[65536];
  const GString *answer = ((const Case *) g_atomic_pointer_get (&answering))->answer;
  gsize step = (gsize) g_atomic_int_get (&answer_step);

  /* Heads of the test itself come whole. */
  if (recv (fd, buf, sizeof buf, 0) <= 0)
    return;
  for (gsize i = 0; i < answer->len;)
    {
      gsize len = MIN (step, answer->len - i);
      ssize_t n = send (fd, answer->str + i, len, MSG_NOSIGNAL);

      if (n <= 0)
        return;
      i += (gsize) n;
    }
}

static gboolean
is_silent (gpointer server)
{
  return px_server_get_live (server) == 0;
}

/* Until the server has said all: what it says behind its answer must meet a connection
 * that rests, not the next case's request. */
static void
play_answer (const Case *c, gsize step)
{
  gsize len;
  oc_autofd int fd = px_connect (AGENT, GATEWAY, 8080);
  g_autofree char *reply = NULL;

  g_atomic_pointer_set (&answering, c);
  g_atomic_int_set (&answer_step, (gint) step);
  px_send_text (fd, "GET http://up.test:81/ HTTP/1.1\r\nHost: up.test:81\r\nConnection: close\r\n\r\n");
  reply = px_read_all (fd, &len);
  if (!is_expected (c, reply))
    g_error ("%s: wanted %s, got: %s", c->name, c->expect, reply);
  check_texts (c, "at the client", reply, len);
  g_assert_true (oc_test_wait (is_silent, later));
}

static void
test_whole (void)
{
  guint n = 0;

  for (guint i = 0; i < cases->len; i++)
    {
      const Case *c = g_ptr_array_index (cases, i);

      if (is_answer (c))
        continue;
      play_request (c, c->send->len);
      n++;
    }
  g_test_message ("%u requests, 0 forwarded", n);
}

/* Bytes that come late may make a client's next request of what was smuggled:
 * those cases are only about what comes at once. */
static void
test_cut (void)
{
  for (guint i = 0; i < cases->len; i++)
    {
      const Case *c = g_ptr_array_index (cases, i);

      if (!is_answer (c) && !is_success (c))
        play_request (c, c->send->len > 4000 ? 97 : 1);
    }
}

static void
test_answers (void)
{
  for (guint i = 0; i < cases->len; i++)
    {
      const Case *c = g_ptr_array_index (cases, i);

      if (!is_answer (c))
        continue;
      play_answer (c, c->answer->len);
      play_answer (c, c->answer->len > 4000 ? 97 : 1);
    }
}

static void
test_limits (void)
{
  static const struct
  {
    const char *name;
    gsize line, header;
    guint n_headers;
    const char *begins;
  } sizes[] = {
    { "line at limit", 8192, 0, 0, "HTTP/1.1 404 " },
    { "line over limit", 8193, 0, 0, "HTTP/1.1 431 " },
    { "100 headers", 100, 0, 98, "HTTP/1.1 404 " },
    { "101 headers", 100, 0, 99, "HTTP/1.1 431 " },
    { "head over limit", 100, 16384, 0, "HTTP/1.1 431 " },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (GString) text = g_string_new ("GET http://up.test/");
      g_autofree char *reply = NULL;

      while (text->len + strlen (" HTTP/1.1") < sizes[i].line)
        g_string_append_c (text, 'a');
      g_string_append (text, " HTTP/1.1\r\n" "Host: up.test\r\nConnection: close\r\n");
      for (guint k = 0; k < sizes[i].n_headers; k++)
        g_string_append_printf (text, "X-%u: y\r\n", k);
      if (sizes[i].header > 0)
        {
          g_autofree char *fill = g_strnfill (sizes[i].header, 'x');

          g_string_append_printf (text, "X: %s\r\n", fill);
        }
      g_string_append (text, "\r\n");
      reply = px_ask (AGENT, text->str);
      g_test_message ("%s: %.20s", sizes[i].name, reply);
      g_assert_true (g_str_has_prefix (reply, sizes[i].begins));
    }
}

int
main (int argc, char **argv)
{
  int result;

  px_init (&argc, &argv);
  read_corpus ();
  px = px_start (NULL, 0);
  web = px_serve (SERVER, 80, px_serve_http);
  later = px_serve (SERVER, LATER_PORT, serve_answer);
  g_test_add_func ("/proxy/smuggling/whole", test_whole);
  g_test_add_func ("/proxy/smuggling/cut", test_cut);
  g_test_add_func ("/proxy/smuggling/answers", test_answers);
  g_test_add_func ("/proxy/smuggling/limits", test_limits);
  result = g_test_run ();
  px_stop (px);
  px_server_stop (web);
  px_server_stop (later);
  px_done ();
  g_ptr_array_unref (cases);
  return result;
}
