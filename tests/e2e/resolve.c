/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * A C library's resolver from the command line, for test-dns-clients.sh, which builds it
 * with glibc and, static, with musl:
 *   resolve addresses NAME   getaddrinfo(), one address a line, or the error
 *   resolve name ADDRESS     getnameinfo()
 *   resolve records NAME N   res_query() for type number N: rcode, records, first rdata in hex
 */
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static int
print_addresses (const char *host)
{
  struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
  struct addrinfo *list = NULL;
  int error = getaddrinfo (host, NULL, &hints, &list);

  if (error != 0)
    {
      printf ("error: %s\n", error == EAI_NONAME ? "no name" : gai_strerror (error));
      return 1;
    }
  for (const struct addrinfo *at = list; at != NULL; at = at->ai_next)
    {
      char text[NI_MAXHOST];

      if (getnameinfo (at->ai_addr, at->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) == 0)
        puts (text);
    }
  freeaddrinfo (list);
  return 0;
}

static int
print_name (const char *address)
{
  struct sockaddr_in peer = { .sin_family = AF_INET };
  char name[NI_MAXHOST];

  if (inet_pton (AF_INET, address, &peer.sin_addr) != 1
      || getnameinfo ((struct sockaddr *) &peer, sizeof peer, name, sizeof name, NULL, 0,
                      NI_NAMEREQD)
             != 0)
    {
      puts ("error: no name");
      return 1;
    }
  puts (name);
  return 0;
}

static int
print_records (const char *name, int type)
{
  static unsigned char answer[65535];
  int len = res_query (name, ns_c_in, type, answer, sizeof answer);
  ns_msg message;
  ns_rr record;

  if (len < 0 || len > (int) sizeof answer || ns_initparse (answer, len, &message) != 0)
    {
      printf ("error: %s\n", h_errno == HOST_NOT_FOUND ? "no name" : "no answer");
      return 1;
    }
  printf ("rcode %d records %d", ns_msg_getflag (message, ns_f_rcode),
          ns_msg_count (message, ns_s_an));
  if (ns_msg_count (message, ns_s_an) > 0 && ns_parserr (&message, ns_s_an, 0, &record) == 0)
    {
      printf (" type %d rdata ", ns_rr_type (record));
      for (int i = 0; i < ns_rr_rdlen (record) && i < 64; i++)
        printf ("%02x", ns_rr_rdata (record)[i]);
    }
  puts ("");
  return 0;
}

int
main (int argc, char **argv)
{
  if (argc == 3 && strcmp (argv[1], "addresses") == 0)
    return print_addresses (argv[2]);
  if (argc == 3 && strcmp (argv[1], "name") == 0)
    return print_name (argv[2]);
  if (argc == 4 && strcmp (argv[1], "records") == 0)
    return print_records (argv[2], atoi (argv[3]));
  fputs ("usage: resolve addresses NAME | name ADDRESS | records NAME TYPE\n", stderr);
  return 2;
}
