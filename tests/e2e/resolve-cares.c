/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * c-ares from the command line, for test-dns-clients.sh: many look-ups at once, as the
 * programs that use it do. resolve-cares NAME TYPE… : "TYPE status records", by type.
 */
#include <ares.h>
#include <arpa/nameser.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/select.h>

#define TYPES_MAX 16

typedef struct
{
  int type;
  int status;
  int n_records;
  int timeouts;
} Question;

static void
on_answer (void *arg, int status, int timeouts, unsigned char *answer, int len)
{
  Question *question = arg;

  question->status = status;
  question->timeouts = timeouts;
  if (answer != NULL && len >= 12)
    question->n_records = answer[6] << 8 | answer[7];
}

static void
wait_all (ares_channel channel)
{
  for (;;)
    {
      fd_set readers;
      fd_set writers;
      struct timeval limit;
      int n;

      FD_ZERO (&readers);
      FD_ZERO (&writers);
      n = ares_fds (channel, &readers, &writers);
      if (n == 0)
        return;
      select (n, &readers, &writers, NULL, ares_timeout (channel, NULL, &limit));
      ares_process (channel, &readers, &writers);
    }
}

int
main (int argc, char **argv)
{
  Question questions[TYPES_MAX] = { { 0 } };
  ares_channel channel;

  if (argc < 3 || argc > 2 + TYPES_MAX || ares_library_init (ARES_LIB_INIT_ALL) != 0
      || ares_init (&channel) != ARES_SUCCESS)
    return 2;
  for (int i = 2; i < argc; i++)
    {
      Question *question = &questions[i - 2];

      question->type = atoi (argv[i]);
      ares_query (channel, argv[1], ns_c_in, question->type, on_answer, question);
    }
  wait_all (channel);
  for (int i = 2; i < argc; i++)
    printf ("%d %s %d\n", questions[i - 2].type, ares_strerror (questions[i - 2].status),
            questions[i - 2].n_records);
  ares_destroy (channel);
  ares_library_cleanup ();
  return 0;
}
