/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "selftest.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Nothing here takes longer, so nobody is left behind. */
#define LIFE_MAX_S 120

typedef struct
{
  const char *run, *gateway, *proxy_port, *host, *host6, *port, *neighbour, *neighbour_mac,
      *outside, *stage, *only, *bridge, *via;
} Options;

static uint16_t
parse_port (const char *text)
{
  unsigned port = 0;

  for (; *text >= '0' && *text <= '9' && port <= UINT16_MAX; text++)
    port = port * 10 + (unsigned) (*text - '0');
  return port <= UINT16_MAX && *text == '\0' ? (uint16_t) port : 0;
}

static void
parse_mac (const char *text, uint8_t *mac)
{
  unsigned bytes[ETH_ALEN] = { 0 };

  if (sscanf (text, "%2x:%2x:%2x:%2x:%2x:%2x", &bytes[0], &bytes[1], &bytes[2], &bytes[3],
              &bytes[4], &bytes[5])
      == ETH_ALEN)
    for (unsigned i = 0; i < ETH_ALEN; i++)
      mac[i] = (uint8_t) bytes[i];
}

/* @argument: "name=value". Returns: false for a name that is none. */
static bool
parse_option (Options *options, const char *argument)
{
  const struct
  {
    const char *name;
    const char **value;
  } names[] = { { "run=", &options->run },
                { "gateway=", &options->gateway },
                { "proxy-port=", &options->proxy_port },
                { "host=", &options->host },
                { "host6=", &options->host6 },
                { "port=", &options->port },
                { "neighbour=", &options->neighbour },
                { "neighbour-mac=", &options->neighbour_mac },
                { "outside=", &options->outside },
                { "stage=", &options->stage },
                { "only=", &options->only },
                { "bridge=", &options->bridge },
                { "via=", &options->via } };

  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strncmp (argument, names[i].name, strlen (names[i].name)) == 0)
      {
        *names[i].value = argument + strlen (names[i].name);
        return true;
      }
  return false;
}

static Place
make_place (const Options *options)
{
  Place place = { .proxy_port = parse_port (options->proxy_port),
                  .port = parse_port (options->port),
                  .outside = options->outside,
                  .via = options->via };

  (void) snprintf (place.run, sizeof place.run, "%.*s", RUN_LEN, options->run);
  (void) inet_pton (AF_INET, options->gateway, &place.gateway);
  (void) inet_pton (AF_INET, options->host, &place.host);
  (void) inet_pton (AF_INET6, options->host6, &place.host6);
  (void) inet_pton (AF_INET, options->neighbour, &place.neighbour);
  parse_mac (options->neighbour_mac, place.neighbour_mac);
  return place;
}

static int
run_bare (Place *place, const Options *options)
{
  bool waits = strcmp (options->stage, "killed") == 0;

  if (!enter_bare () || !look_around (place))
    return 0;
  if (waits)
    {
      puts ("ready");
      wait_for_go ();
    }
  return run_stage (place, waits ? STAGE_KILLED : STAGE_BARE, options->only);
}

static int
run_role (const char *role, const Options *options)
{
  Place place = make_place (options);

  if (strcmp (role, "list") == 0)
    {
      print_table ();
      return 0;
    }
  if (strlen (place.run) != RUN_LEN)
    return 2;
  if (strcmp (role, "listen") == 0)
    return watch_host (place.run);
  if (strcmp (role, "wire") == 0)
    return watch_wire (place.run, options->bridge);
  if (strcmp (role, "neighbour") == 0)
    return watch_neighbour (&place);
  if (strcmp (role, "probe") != 0)
    return 2;
  return strcmp (options->stage, "sandbox") == 0 ? run_stage (&place, STAGE_SANDBOX, options->only)
                                                 : run_bare (&place, options);
}

int
main (int argc, char **argv)
{
  Options options = { "", "", "", "", "", "", "", "", "", "", "", "", "" };

  if (argc < 2)
    return 2;
  for (int i = 2; i < argc; i++)
    if (!parse_option (&options, argv[i]))
      return 2;
  /* The listener tidies up when its standard input ends, as it does with our parent too. */
  if (strcmp (argv[1], "listen") == 0)
    (void) signal (SIGINT, SIG_IGN);
  else
    (void) prctl (PR_SET_PDEATHSIG, SIGKILL);
  (void) signal (SIGPIPE, SIG_IGN);
  (void) setvbuf (stdout, NULL, _IOLBF, 0);
  (void) alarm (LIFE_MAX_S);
  return run_role (argv[1], &options);
}
