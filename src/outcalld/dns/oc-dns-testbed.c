/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "dns/oc-dns-testbed.h"

#include "testlib/oc-testns.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static const char zone[] =
    "$ORIGIN lab.example.\n$TTL 300\n"
    "@ SOA ns m 1 3600 600 86400 60\n"
    "@ NS ns\n"
    "ns A 5.5.5.5\n"
    "a A 5.6.7.8\n"
    "aaaa AAAA 2600::8\n"
    "both A 5.6.7.8\n"
    "both AAAA 2600::8\n"
    "w CNAME x.cdn\n"
    "x.cdn CNAME y.cdn\n"
    "y.cdn A 5.6.7.9\n"
    "mx MX 10 mail\n"
    "mail A 5.6.7.10\n"
    "txt TXT \"one\" \"two\"\n"
    "_s._tcp SRV 1 2 443 a\n"
    "caa CAA 0 issue \"ca.example\"\n"
    "https HTTPS 1 . alpn=\"h2\" ipv4hint=5.6.7.8,10.0.0.1 ech=\"AAEC\"\n"
    "ech HTTPS 1 . alpn=\"h2\" ech=\"AAEC\"\n"
    "svcalias HTTPS 0 a\n"
    "private A 10.0.0.5\n"
    "mixed A 5.6.7.8\n"
    "mixed A 192.168.1.1\n"
    "metadata A 169.254.169.254\n"
    "loop A 127.0.0.1\n"
    "mapped AAAA ::ffff:10.0.0.1\n"
    "nat64 AAAA 64:ff9b::a00:1\n"
    "sixtofour AAAA 2002:a00:1::1\n"
    "ula AAAA fd00::1\n"
    "own A " BED_OWN "\n"
    "own AAAA 64:ff9b::509:909\n"
    "toprivate CNAME private\n"
    "okprivate A 10.0.0.5\n"
    "direct A 5.6.7.20\n"
    "direct AAAA 2600::20\n"
    "direct HTTPS 1 . alpn=\"h2\" ipv4hint=5.6.7.20\n"
    "blocked A 5.6.7.66\n"
    "*.wild A 5.6.7.12\n";

const char bed_rules[] =
    "version: \"1\"\n"
    "rules:\n"
    "  - id: no-blocked\n"
    "    condition: 'network.hostname == \"blocked.lab.example\"'\n"
    "    action: block\n"
    "    priority: 1\n"
    "    reason: \"not this one\"\n"
    "  - id: private-too\n"
    "    hosts: [\"okprivate.lab.example\"]\n"
    "    action: allow\n"
    "    egress: { allow_private_ips: true }\n"
    "  - id: with-ech\n"
    "    hosts: [\"ech.lab.example\"]\n"
    "    action: allow\n"
    "    egress: { ech: allow }\n"
    "  - id: direct\n"
    "    hosts: [\"direct.lab.example\"]\n"
    "    action: allow\n"
    "    egress: { mode: direct_ip, ports: [443, 22] }\n"
    "  - id: lab\n"
    "    condition: 'inDomain(network.hostname, \"lab.example\")'\n"
    "    action: allow\n"
    "    priority: 200\n"
    "  - id: reverse\n"
    "    condition: 'inDomain(network.hostname, \"7.6.5.in-addr.arpa\")'\n"
    "    action: allow\n";

void
bed_enter (void)
{
  oc_test_enter_netns ();
  oc_test_run ("for a in %s %s %s %s; do ip addr add $a/32 dev lo; done", BED_GATEWAY, BED_WORKLOAD,
               BED_OTHER, BED_STRANGER);
}

/* --- unbound --------------------------------------------------------------- */

static void
write_file (Bed *bed, const char *name, const char *format, ...) G_GNUC_PRINTF (3, 4);

static void
write_file (Bed *bed, const char *name, const char *format, ...)
{
  g_autofree char *path = g_build_filename (bed->dir, name, NULL);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
}

static void
write_zones (Bed *bed)
{
  g_autoptr (GString) text = g_string_new (zone);

  g_string_append (text, "big TXT");
  for (guint i = 0; i < 20; i++)
    g_string_append_printf (text, " \"%02u%0200d\"", i, 0);
  g_string_append (text, "\n");
  /* More than a datagram of 1,232 octets takes, less than one of 4,096. */
  for (guint i = 0; i < 100; i++)
    g_string_append_printf (text, "crowd A 5.6.8.%u\nn%u A 5.6.9.%u\n", i, i, i);
  /* Last: a TTL holds for the lines after it. */
  g_string_append (text, "fast 1 A 5.6.7.11\n");
  write_file (bed, "lab.zone", "%s", text->str);
  write_file (bed, "reverse.zone",
              "$ORIGIN 7.6.5.in-addr.arpa.\n$TTL 300\n@ SOA ns.lab.example. m.lab.example. 1 2 3 4 "
              "60\n@ NS ns.lab.example.\n8 PTR a.lab.example.\n");
}

static gboolean
unbound_answers (gpointer data)
{
  g_autofree char *output = NULL;

  (void) data;
  (void) oc_test_try (&output, "dig +short +tries=1 +time=1 @%s ns.lab.example A", BED_UPSTREAM);
  return output != NULL && g_str_has_prefix (output, "5.5.5.5");
}

/* A test that is killed takes its server with it. */
static void
die_with_parent (gpointer data)
{
  (void) data;
  (void) prctl (PR_SET_PDEATHSIG, SIGKILL);
}

void
bed_start_unbound (Bed *bed)
{
  g_autofree char *config = g_build_filename (bed->dir, "unbound.conf", NULL);
  const char *argv[] = { "unbound", "-d", "-c", config, NULL };
  g_autoptr (GError) error = NULL;

  g_spawn_async (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD,
                 die_with_parent, NULL, &bed->unbound, &error);
  g_assert_no_error (error);
  g_assert_true (oc_test_wait (unbound_answers, NULL));
}

void
bed_kill_unbound (Bed *bed)
{
  if (bed->unbound == 0)
    return;
  kill (bed->unbound, SIGKILL);
  waitpid (bed->unbound, NULL, 0);
  bed->unbound = 0;
}

static void
write_unbound_conf (Bed *bed)
{
  write_file (bed, "unbound.conf",
              "server:\n interface: %s\n do-ip6: no\n chroot: \"\"\n username: \"\"\n"
              " directory: \"%s\"\n pidfile: \"\"\n use-syslog: no\n logfile: \"unbound.log\"\n"
              " log-queries: yes\n do-daemonize: no\n module-config: \"iterator\"\n"
              " access-control: 0.0.0.0/0 allow\n minimal-responses: no\n"
              "remote-control:\n control-enable: no\n"
              "auth-zone:\n name: \"lab.example\"\n zonefile: \"lab.zone\"\n for-downstream: yes\n"
              "auth-zone:\n name: \"7.6.5.in-addr.arpa\"\n zonefile: \"reverse.zone\"\n"
              " for-downstream: yes\n",
              BED_UPSTREAM, bed->dir);
}

guint
bed_count_asked (Bed *bed, const char *text)
{
  g_autofree char *path = g_build_filename (bed->dir, "unbound.log", NULL);
  g_autofree char *contents = NULL;
  g_autofree char *lower = NULL;
  guint n = 0;

  g_assert_true (g_file_get_contents (path, &contents, NULL, NULL));
  lower = g_ascii_strdown (contents, -1);
  for (const char *at = lower; (at = strstr (at, text)) != NULL; at++)
    n++;
  return n;
}

/* --- The filter ------------------------------------------------------------ */

static OcAddress
address_of (const char *text)
{
  OcAddress address;

  g_assert_true (oc_address_parse (oc_str_from (text), &address));
  return address;
}

void
bed_set_policy (Bed *bed, const char *yaml)
{
  OcPolicySource source = { "rules.yaml", yaml, strlen (yaml) };
  g_autoptr (GPtrArray) diagnostics
      = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_diagnostic_free);
  g_autoptr (GError) error = NULL;
  g_autoptr (OcPolicy) policy
      = oc_policy_load_sources (&source, 1, NULL, diagnostics, &error);

  g_assert_no_error (error);
  oc_snapshot_hub_set_policy (bed->hub, policy);
}

static void
add_identity (GPtrArray *identities, const char *name, const char *address)
{
  OcAddress own = address_of (address);
  OcAddress gateway = address_of (BED_GATEWAY);

  g_ptr_array_add (identities, oc_identity_new (name, name, "", "", &own, &gateway,
                                                identities->len));
}

void
bed_start (Bed *bed, const char *upstreams, guint32 rate, OcFirewall *firewall)
{
  OcDnsOptions options = { .port = 53,
                           .n_workers = 2,
                           .rate_per_s = rate,
                           .upstreams = upstreams };
  g_autoptr (GPtrArray) identities
      = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_identity_unref);
  g_autoptr (GError) error = NULL;
  OcAddress own = address_of (BED_OWN);
  OcAddress gateway = address_of (BED_GATEWAY);

  if (upstreams == NULL)
    options.upstreams = BED_UPSTREAM;
  else if (*upstreams == '\0')
    options.upstreams = NULL;
  *bed = (Bed) { 0 };
  bed->dir = g_dir_make_tmp ("outcall-dns-XXXXXX", &error);
  g_assert_no_error (error);
  write_zones (bed);
  write_unbound_conf (bed);
  bed_start_unbound (bed);
  bed->hub = oc_snapshot_hub_new ();
  bed->log = oc_log_new ();
  bed_set_policy (bed, bed_rules);
  add_identity (identities, "ci-1", BED_WORKLOAD);
  add_identity (identities, "other", BED_OTHER);
  /* A resolver library on this host asks the gateway from the gateway's address. */
  add_identity (identities, "local", BED_GATEWAY);
  oc_snapshot_hub_set_identities (bed->hub, identities);
  oc_snapshot_hub_set_own_addresses (bed->hub, &own, 1);
  bed->dns = oc_dns_new (&options, bed->hub, bed->log, firewall, &error);
  g_assert_no_error (error);
  g_assert_true (oc_dns_add_gateway (bed->dns, &gateway, &error));
  g_assert_no_error (error);
}

void
bed_stop (Bed *bed)
{
  oc_dns_free (bed->dns);
  oc_log_free (bed->log);
  oc_snapshot_hub_free (bed->hub);
  bed_kill_unbound (bed);
  oc_test_run ("rm -rf %s", bed->dir);
  g_free (bed->dir);
}

/* One space for each run of blanks. */
static void
squeeze (char *text)
{
  char *to = text;

  for (const char *from = text; *from != '\0'; from++)
    {
      char c = *from == '\t' ? ' ' : *from;

      if (c != ' ' || to == text || to[-1] != ' ')
        *to++ = c;
    }
  *to = '\0';
}

char *
bed_dig (const char *source, const char *args)
{
  char *output = NULL;

  (void) oc_test_try (&output, "dig -b %s @%s +tries=1 +time=9 %s", source, BED_GATEWAY, args);
  squeeze (output);
  return output;
}

guint64
bed_stat (Bed *bed, gsize offset)
{
  OcDnsStats stats;

  oc_dns_get_stats (bed->dns, &stats);
  return G_STRUCT_MEMBER (guint64, &stats, offset);
}
