/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

/* Other tools that change nftables: noticed, told, put right; and left alone where it is not
 * ours. */

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "common/oc-fd.h"
#include "network/testbed.h"
#include "testlib/oc-testns.h"

static char *
list_ruleset (void)
{
  char *text = NULL;

  g_assert_cmpint (oc_test_try (&text, "nft -s list ruleset"), ==, 0);
  return text;
}

static void
watch (Testbed *tb)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (oc_firewall_watch (tb->firewall, &error));
  g_assert_no_error (error);
}

typedef struct
{
  OcFirewall *firewall;
  guint64 before;
} Wait;

static gboolean
is_restored (gpointer data)
{
  Wait *wait = data;

  return oc_firewall_get_n_restored (wait->firewall, NULL) > wait->before;
}

/* --- Ours ------------------------------------------------------------------- */

static const struct
{
  const char *command;
  const char *told; /* in the warning */
} changes[] = {
  { "nft flush chain inet outcall forward", "a chain or a rule" },
  { "nft flush chain bridge outcall from_port", "a chain or a rule" },
  { "nft flush table inet outcall", "a chain or a rule" },
  { "nft delete table inet outcall", "No such file" },
  { "nft delete table bridge outcall", "No such file" },
  { "nft flush ruleset", "No such file" },
  { "nft insert rule inet outcall input accept", "a chain or a rule" },
  { "nft add rule inet outcall refuse accept", "a chain or a rule" },
  { "nft 'chain inet outcall forward { policy accept; }'", "a chain or a rule" },
  { "nft flush set inet outcall bridges", "set bridges of table inet" },
  { "nft flush set bridge outcall bridge_macs", "set bridge_macs of table bridge" },
  { "nft 'add element inet outcall bridges { \"up0\" }'", "set bridges of table inet" },
  { "nft 'add element bridge outcall leases "
    "{ \"ocw1\" . 0e:c5:0a:c8:00:03 . 10.200.0.3 }'",
    "set leases of table bridge" },
  { "nft 'delete element inet outcall ports { \"ocw1\" }'", "set ports of table inet" },
  /* One rule in place of its twin: only its handle tells. */
  { "h=$(nft -a list chain inet outcall output | sed -n 's/.*not to a workload.*handle //p'); "
    "nft replace rule inet outcall output handle $h accept",
    "a chain or a rule" },
};

static void
test_restored (Testbed *tb, gconstpointer data)
{
  oc_autofd int dns = tb_server (tb->host, SOCK_DGRAM, "0.0.0.0", 53);
  g_autofree char *wanted = list_ruleset ();
  gint64 worst_us = 0;

  (void) data;
  watch (tb);
  for (guint i = 0; i < G_N_ELEMENTS (changes); i++)
    {
      Wait wait = { tb->firewall, oc_firewall_get_n_restored (tb->firewall, NULL) };
      g_autofree char *pattern
          = g_strdup_printf ("*somebody else*%s*restored*", changes[i].told);
      g_autofree char *is = NULL;
      gint64 start_us;

      g_test_message ("%s", changes[i].command);
      g_test_expect_message (NULL, G_LOG_LEVEL_WARNING, pattern);
      oc_test_run ("%s", changes[i].command);
      start_us = g_get_monotonic_time ();
      g_assert_true (oc_test_wait (is_restored, &wait));
      worst_us = MAX (worst_us, g_get_monotonic_time () - start_us);
      g_test_assert_expected_messages ();
      is = list_ruleset ();
      g_assert_cmpstr (is, ==, wanted);
      g_assert_cmpint (tb_connect (tb->w1, TB_AWAY, 9000, TB_AT_ONCE_MS, NULL), ==, ECONNREFUSED);
      g_assert_cmpint (tb_send_udp (tb->w1, TB_GATEWAY, 53, dns, 1000), ==, 0);
    }
  g_test_message ("restored in at most %.1f ms", (double) worst_us / 1000);
}

/* Grants do not survive it, and neither do their flows. */
static void
test_grants_end (Testbed *tb, gconstpointer data)
{
  oc_autofd int server = tb_server (tb->away, SOCK_STREAM, "0.0.0.0", 9000);
  OcGrantRequest request = { .key = { .protocol = IPPROTO_TCP, .port = 9000 }, .lifetime_s = 60 };
  Wait wait = { tb->firewall, 0 };
  g_autofree char *last = NULL;
  g_autoptr (GError) error = NULL;
  oc_autofd int client = -1;
  oc_autofd int accepted = -1;

  (void) data;
  watch (tb);
  inet_pton (AF_INET, TB_W1, &request.key.source_be);
  inet_pton (AF_INET, TB_AWAY, &request.key.destination_be);
  g_assert_true (oc_firewall_add_grants (tb->firewall, &request, 1, NULL, &error));
  g_assert_cmpint (tb_connect (tb->w1, TB_AWAY, 9000, 1000, &client), ==, 0);
  accepted = accept (server, NULL, NULL);
  g_test_expect_message (NULL, G_LOG_LEVEL_WARNING, "*restored, 1 grants have ended*");
  oc_test_run ("nft flush chain inet outcall forward");
  g_assert_true (oc_test_wait (is_restored, &wait));
  g_test_assert_expected_messages ();
  g_assert_cmpuint (oc_firewall_count_grants (tb->firewall), ==, 0);
  g_assert_cmpint (tb_connect (tb->w1, TB_AWAY, 9000, TB_AT_ONCE_MS, NULL), ==, ECONNREFUSED);
  (void) send (client, "x", 1, MSG_NOSIGNAL);
  g_assert_false (tb_is_readable (accepted, TB_NOTHING_MS));
  g_assert_cmpuint (oc_firewall_get_n_restored (tb->firewall, &last), ==, 1);
  g_assert_cmpstr (last, ==, "a chain or a rule");
}

/* --- Not ours ----------------------------------------------------------------- */

static gboolean
has_looked (gpointer data)
{
  return oc_firewall_get_n_looks (data) != 0;
}

/* Tables of others may change as they like, and what we change ourselves is no news. */
static void
test_left_alone (Testbed *tb, gconstpointer data)
{
  OcGrantRequest request = { .key = { .protocol = IPPROTO_TCP, .port = 9000 }, .lifetime_s = 60 };
  g_autoptr (GError) error = NULL;

  (void) data;
  watch (tb);
  inet_pton (AF_INET, TB_W1, &request.key.source_be);
  inet_pton (AF_INET, TB_AWAY, &request.key.destination_be);
  for (request.key.port = 1; request.key.port < 100; request.key.port++)
    g_assert_true (oc_firewall_add_grants (tb->firewall, &request, 1, NULL, &error));
  g_assert_true (oc_firewall_remove_lease (tb->firewall, &tb->lease2, &error));
  g_assert_true (oc_firewall_add_lease (tb->firewall, &tb->lease2, &error));
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (oc_firewall_get_n_looks (tb->firewall), ==, 0);
  oc_test_run ("nft add table inet other && nft add chain inet other c && "
               "nft add rule inet other c accept && nft add table ip outcall");
  g_assert_true (oc_test_wait (has_looked, tb->firewall));
  oc_test_run ("nft delete table inet other; nft delete table ip outcall");
  g_assert_cmpuint (oc_firewall_get_n_restored (tb->firewall, NULL), ==, 0);
  g_assert_cmpuint (oc_firewall_count_grants (tb->firewall), ==, 99);
}

/* After `bridge down` there is nothing to put right. */
static void
test_after_removal (Testbed *tb, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *is = NULL;

  (void) data;
  watch (tb);
  g_assert_true (oc_firewall_remove (tb->firewall, &error));
  oc_test_run ("nft add table inet other");
  g_assert_true (oc_test_wait (has_looked, tb->firewall));
  oc_test_run ("nft delete table inet other");
  is = list_ruleset ();
  g_assert_cmpstr (is, ==, "");
}

int
main (int argc, char **argv)
{
  tb_enter ();
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add ("/foreign/" path, Testbed, NULL, tb_set_up, func, tb_tear_down)
  ADD ("restored", test_restored);
  ADD ("grants-end", test_grants_end);
  ADD ("left-alone", test_left_alone);
  ADD ("after-removal", test_after_removal);
  return g_test_run ();
}
