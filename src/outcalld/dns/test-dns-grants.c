/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * direct_ip rules on the real kernel: a workload behind a bridge, the filter, and an
 * internet where every address of 5.6.0.0/16 listens. Spec 04, "direct_ip rules".
 */
#include "config.h"

#include "dns/oc-dns-testbed.h"
#include "dns/oc-dns-testserver.h"
#include "testlib/oc-testns.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT 443

typedef struct
{
  OcFirewall *firewall;
  Server server;
  Bed bed;
} World;

/* w -- outcall0 -- [here] 62.0.0.1 -- 62.0.0.2 [net], which is all of 5.6.0.0/16. The
 * bridge's MAC is the one that the ruleset derives from its address. */
static void
make_links (void)
{
  oc_test_run (
      "ip addr del " BED_GATEWAY "/32 dev lo && ip addr del " BED_WORKLOAD "/32 dev lo && "
      "ip link add outcall0 address 0e:c5:0a:c8:00:01 type bridge && "
      "ip addr add " BED_GATEWAY "/24 dev outcall0 && ip link set outcall0 up && "
      "mkdir -p /run/netns && mount -t tmpfs tmpfs /run/netns && ip netns add net && "
      "ip link add out0 type veth peer name out1 netns net && ip addr add 62.0.0.1/24 dev out0 && "
      "ip link set out0 up && ip route add 5.6.0.0/16 via 62.0.0.2 && "
      "ip -n net link set lo up && ip -n net addr add 62.0.0.2/24 dev out1 && "
      "ip -n net link set out1 up && ip -n net route add local 5.6.0.0/16 dev lo && "
      "ip netns add w && ip link add oc1 type veth peer name eth0 netns w address "
      "02:00:00:00:00:02 && ip link set oc1 master outcall0 up && "
      "ip -n w addr add " BED_WORKLOAD "/24 dev eth0 && ip -n w link set eth0 up && "
      "ip -n w route add default via " BED_GATEWAY);
}

/* @behaviour: of the upstream; SERVER_SILENT takes unbound instead */
static void
world_start (World *world, Behaviour behaviour)
{
  static const OcFirewallOptions options = { .dns_port = 53 };
  OcFirewallBridge bridge = { .name = "outcall0" };
  OcLease lease = { .bridge = "outcall0", .port = "oc1", .mac = { 2, 0, 0, 0, 0, 2 } };
  g_autoptr (GError) error = NULL;

  g_assert_true (oc_address_parse (OC_STR (BED_GATEWAY), &bridge.gateway));
  g_assert_true (oc_address_parse (OC_STR (BED_WORKLOAD), &lease.address));
  world->firewall = oc_firewall_new (&options, &error);
  g_assert_no_error (error);
  oc_firewall_replace (world->firewall, &bridge, 1, &lease, 1, &error);
  g_assert_no_error (error);
  server_start (&world->server, behaviour);
  bed_start (&world->bed, behaviour == SERVER_SILENT ? NULL : BED_SECOND, 0, world->firewall);
}

static void
world_stop (World *world)
{
  bed_stop (&world->bed);
  server_stop (&world->server);
  oc_firewall_remove (world->firewall, NULL);
  oc_firewall_free (world->firewall);
}

/* A thread of its own, since the namespace is the thread's. */
static void
enter (const char *name)
{
  g_autofree char *path = g_build_filename ("/run/netns", name, NULL);
  int fd = open (path, O_RDONLY | O_CLOEXEC);

  g_assert_cmpint (setns (fd, CLONE_NEWNET), ==, 0);
  close (fd);
}

/* "ADDRESS . PORT TIMEOUT" of each grant of the workload. (transfer full) */
static char *
list_grants (void)
{
  char *text = NULL;

  (void) oc_test_try (&text, "nft list set inet outcall grants | tr -d '\n\t' | "
                             "sed 's/ counter packets [0-9]* bytes [0-9]*//g' | grep -o '" 
                             BED_WORKLOAD " [^,}]*' || true");
  return text;
}

/* In the kernel before the answer leaves: the answer is here, so they are. */
static void
test_before_the_answer (void)
{
  g_autofree char *output = NULL;
  g_autofree char *grants = NULL;
  World world;

  world_start (&world, SERVER_SILENT);
  g_assert_cmpint (oc_test_try (&output, "ip netns exec w dig @%s +tries=2 +time=4 "
                                         "direct.lab.example A",
                                BED_GATEWAY),
                   ==, 0);
  g_test_message ("%s", output);
  g_assert_nonnull (strstr (output, "5.6.7.20"));
  grants = list_grants ();
  g_test_message ("%s", grants);
  g_assert_nonnull (strstr (grants, "5.6.7.20 . tcp . 443 timeout 5m30s"));
  g_assert_nonnull (strstr (grants, "5.6.7.20 . tcp . 22 timeout 5m30s"));
  world_stop (&world);
}

/* --- A name that is somewhere else each time -------------------------------- */

static gpointer
listen_everywhere (gpointer data)
{
  atomic_bool *stop = data;
  struct sockaddr_in local = { .sin_family = AF_INET, .sin_port = htons (PORT) };
  struct pollfd poll_fd = { .events = POLLIN };

  enter ("net");
  poll_fd.fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  g_assert_cmpint (bind (poll_fd.fd, (struct sockaddr *) &local, sizeof local), ==, 0);
  g_assert_cmpint (listen (poll_fd.fd, 4096), ==, 0);
  while (!atomic_load (stop))
    if (poll (&poll_fd, 1, 50) == 1)
      {
        int fd = accept4 (poll_fd.fd, NULL, NULL, SOCK_CLOEXEC);

        if (fd >= 0)
          close (fd);
      }
  close (poll_fd.fd);
  return NULL;
}

static gboolean
can_connect (const guint8 address[4], guint16 port)
{
  struct sockaddr_in peer = { .sin_family = AF_INET, .sin_port = htons (port) };
  struct linger linger = { .l_onoff = 1 };
  struct timeval limit = { .tv_sec = 10 };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  gboolean ok;

  memcpy (&peer.sin_addr, address, 4);
  (void) setsockopt (fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  (void) setsockopt (fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  ok = connect (fd, (struct sockaddr *) &peer, sizeof peer) == 0;
  close (fd);
  return ok;
}

typedef struct
{
  guint rounds;
  guint n_failed;
  gboolean stranger_refused;
} Visit;

/* Asks, connects to two of the addresses, and to one of a hundred answers ago,
 * which its lifetime of at least 90 s still covers. */
static gpointer
visit (gpointer data)
{
  Visit *visit = data;
  g_autofree guint8 *first = g_new0 (guint8, 4 * visit->rounds);
  int fd;

  enter ("w");
  fd = client_open (BED_WORKLOAD, SOCK_DGRAM);
  visit->stranger_refused = !can_connect ((const guint8 *) "\5\6\0\7", PORT);
  for (guint i = 0; i < visit->rounds; i++)
    {
      guint8 *address = first + 4 * i;
      guint8 other[4];

      g_assert_cmpint (client_ask (fd, "direct.lab.example", (guint16) i, address), ==, 0);
      g_assert_cmpint (address[0], ==, 5);
      /* The first of the addresses came; the others follow it. */
      memcpy (other, address, 4);
      other[3] = (guint8) (other[3] + g_random_int_range (1, SERVER_ADDRESSES));
      visit->n_failed += !can_connect (address, PORT);
      visit->n_failed += !can_connect (other, PORT);
      if (i >= 100)
        visit->n_failed += !can_connect (first + 4 * (i - 100), PORT);
    }
  close (fd);
  return NULL;
}

static void
test_changing_addresses (void)
{
  Visit task = { .rounds = 1000 };
  atomic_bool stop = false;
  GThread *listener;
  World world;

  world_start (&world, SERVER_CHANGES);
  listener = g_thread_new ("listener", listen_everywhere, &stop);
  g_thread_join (g_thread_new ("workload", visit, &task));
  g_assert_true (task.stranger_refused);
  g_assert_cmpuint (BED_STAT (&world.bed, addresses_removed), ==, 0); /* each had its grant */
  g_assert_cmpint (task.n_failed, ==, 0);
  g_assert_cmpint (BED_STAT (&world.bed, upstream_queries), >=, task.rounds);
  atomic_store (&stop, true);
  g_thread_join (listener);
  world_stop (&world);
}

/* --- Reload ----------------------------------------------------------------- */

typedef struct
{
  atomic_bool stop;
  atomic_uint n_asked;  /* questions that were answered */
  atomic_uint rcode;    /* of the last one */
} Asker;

static gpointer
ask_on (gpointer data)
{
  Asker *asker = data;
  guint8 address[4];
  int fd;

  enter ("w");
  fd = client_open (BED_WORKLOAD, SOCK_DGRAM);
  for (guint16 id = 1; !atomic_load (&asker->stop); id++)
    {
      atomic_store (&asker->rcode, client_ask (fd, "direct.lab.example", id, address));
      atomic_fetch_add (&asker->n_asked, 1);
    }
  close (fd);
  return NULL;
}

static gboolean
is_refused (gpointer data)
{
  return atomic_load (&((Asker *) data)->rcode) == OC_DNS_NXDOMAIN;
}

static gboolean
is_let_through (gpointer data)
{
  return atomic_load (&((Asker *) data)->rcode) == OC_DNS_NOERROR;
}

/* What a worker began under the old policy leaves no grant behind the reload: the new
 * policy is published, grants are flushed, and once the new verdict is out there is none. */
static void
test_overtaken (void)
{
  Asker asker = { .rcode = OC_DNS_SERVFAIL };
  g_autoptr (GError) error = NULL;
  GThread *thread;
  World world;

  world_start (&world, SERVER_CHANGES);
  thread = g_thread_new ("workload", ask_on, &asker);
  for (guint i = 0; i < 15; i++)
    {
      g_autofree char *grants = NULL;

      g_assert_true (oc_test_wait (is_let_through, &asker));
      bed_set_policy (&world.bed, "version: \"1\"\nrules: []\n");
      g_assert_true (oc_firewall_flush_grants (world.firewall, 0, NULL, &error));
      g_assert_true (oc_test_wait (is_refused, &asker));
      grants = list_grants ();
      g_assert_cmpstr (grants, ==, "");
      bed_set_policy (&world.bed, bed_rules);
    }
  atomic_store (&asker.stop, true);
  g_thread_join (thread);
  g_assert_cmpint (atomic_load (&asker.n_asked), >, 30);
  world_stop (&world);
}

int
main (int argc, char **argv)
{
  int status;

  bed_enter ();
  make_links ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dns/grants/before-the-answer", test_before_the_answer);
  g_test_add_func ("/dns/grants/changing-addresses", test_changing_addresses);
  g_test_add_func ("/dns/grants/overtaken", test_overtaken);
  status = g_test_run ();
  oc_test_run ("umount /run/netns/w /run/netns/net /run/netns");
  return status;
}
