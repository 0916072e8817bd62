/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * By what a way is known again.
 */
#include "config.h"

#include "selftest.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

void
make_tag (const Place *place, unsigned n, char tag[TAG_LEN + 1])
{
  (void) snprintf (tag, TAG_LEN + 1, "%.*s%03u", RUN_LEN, place->run, n % 1000);
}

int
get_shm_key (const char *run)
{
  int key = 1;

  for (unsigned i = 0; i < 8; i++)
    key = key * 10 + (run[i] - '0');
  return key;
}

unsigned
find_tag (const char *run, const void *data, size_t len)
{
  const uint8_t *at = data;
  const uint8_t *end = at + len;

  while ((at = memmem (at, (size_t) (end - at), run, RUN_LEN)) != NULL)
    {
      unsigned n = 0;

      at += RUN_LEN;
      for (unsigned i = 0; i < 3; i++)
        {
          if (at + i >= end || at[i] < '0' || at[i] > '9')
            return 0;
          n = n * 10 + (unsigned) (at[i] - '0');
        }
      if (n > 0 && n <= CHECK_NUMBER)
        return n;
    }
  return 0;
}

/* What the word at @at stands for. Returns: the word's length, 0 when there is none. */
static size_t
expand_word (const Place *place, unsigned n, const char *at, size_t left, char *out, size_t size)
{
  char tag[TAG_LEN + 1], gateway[INET_ADDRSTRLEN], host[INET_ADDRSTRLEN],
      neighbour[INET_ADDRSTRLEN], outside[INET_ADDRSTRLEN], port[8], nport[8];
  const struct in_addr far = outside_addr (n);
  const struct
  {
    const char *word, *value;
  } words[] = { { "TAG", tag },       { "GATEWAY", gateway }, { "NEIGHBOUR", neighbour },
                { "NPORT", nport },   { "HOST", host },       { "OUTSIDE", outside },
                { "PORT", port },       { "VIA", place->via != NULL ? place->via : "" } };

  make_tag (place, n, tag);
  (void) inet_ntop (AF_INET, &place->gateway, gateway, sizeof gateway);
  (void) inet_ntop (AF_INET, &place->host, host, sizeof host);
  (void) inet_ntop (AF_INET, &place->neighbour, neighbour, sizeof neighbour);
  (void) inet_ntop (AF_INET, &far, outside, sizeof outside);
  (void) snprintf (port, sizeof port, "%u", (unsigned) place->port);
  (void) snprintf (nport, sizeof nport, "%u", NEIGHBOUR_PORT + n);
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (strlen (words[i].word) <= left && memcmp (at, words[i].word, strlen (words[i].word)) == 0)
      {
        (void) snprintf (out, size, "%s", words[i].value);
        return strlen (words[i].word);
      }
  return 0;
}

size_t
expand (const Place *place, unsigned n, const char *data, size_t len, char *out, size_t size)
{
  size_t used = 0;

  for (size_t i = 0; i < len && used < size;)
    {
      char value[256];
      size_t word = expand_word (place, n, data + i, len - i, value, sizeof value);
      size_t value_len = word > 0 ? strlen (value) : 1;

      if (value_len > size - used)
        break;
      memcpy (out + used, word > 0 ? value : data + i, value_len);
      used += value_len;
      i += word > 0 ? word : 1;
    }
  return used;
}
