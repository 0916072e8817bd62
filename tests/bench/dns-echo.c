/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * The floor for a DNS server on this kernel: takes datagrams in batches, sets
 * the answer bit, sends them back. dns-echo ADDRESS
 */
#include "config.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 64
#define SIZE 1232

static struct mmsghdr messages[BATCH];
static struct iovec iovs[BATCH];
static struct sockaddr_in peers[BATCH];
static unsigned char data[BATCH][SIZE];

static void
prepare (void)
{
  for (int i = 0; i < BATCH; i++)
    {
      iovs[i] = (struct iovec) { data[i], SIZE };
      messages[i].msg_hdr = (struct msghdr) { .msg_name = &peers[i],
                                              .msg_namelen = sizeof peers[i],
                                              .msg_iov = &iovs[i],
                                              .msg_iovlen = 1 };
    }
}

static void
echo_batch (int fd)
{
  int n = recvmmsg (fd, messages, BATCH, MSG_WAITFORONE, NULL);

  for (int i = 0; i < n; i++)
    {
      data[i][2] |= 0x80;
      iovs[i].iov_len = messages[i].msg_len;
    }
  for (int done = 0; done < n;)
    {
      int sent = sendmmsg (fd, messages + done, (unsigned) (n - done), 0);

      done += sent > 0 ? sent : 1;
    }
  for (int i = 0; i < n; i++)
    iovs[i].iov_len = SIZE;
}

int
main (int argc, char **argv)
{
  struct sockaddr_in local = { .sin_family = AF_INET, .sin_port = htons (53) };
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const int size = 1024 * 1024;

  if (argc != 2 || inet_pton (AF_INET, argv[1], &local.sin_addr) != 1)
    {
      fputs ("usage: dns-echo ADDRESS\n", stderr);
      return 2;
    }
  (void) setsockopt (fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
  if (bind (fd, (struct sockaddr *) &local, sizeof local) < 0)
    {
      perror (argv[1]);
      return 1;
    }
  prepare ();
  for (;;)
    echo_batch (fd);
}
