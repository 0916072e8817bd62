/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "proxy/test-support.h"

#include "common/oc-fd.h"
#include "testlib/oc-testns.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static GPid dnsmasq;

const char px_rules[]
    = "version: \"1\"\n"
      "rules:\n"
      "  - id: up\n"
      "    hosts: [\"up.test\", \"many.test\", \"down.test\", \"dead.test\", \"nowhere.test\"]\n"
      "    action: allow\n"
      "  - id: literal\n"
      "    hosts: [\"" SERVER "\"]\n"
      "    action: allow\n"
      "  - id: ports\n"
      "    hosts: [\"" SERVER "\", \"up.test\"]\n"
      "    ports: [2222, 8443]\n"
      "    action: allow\n"
      "    priority: 50\n"
      "  - id: fronted\n"
      "    hosts: [\"front.test\"]\n"
      "    action: allow\n"
      "  - id: ech\n"
      "    hosts: [\"ech.test\"]\n"
      "    action: allow\n"
      "    egress: { ech: allow }\n"
      "  - id: read-only\n"
      "    hosts: [\"api.test\"]\n"
      "    methods: [GET, HEAD]\n"
      "    paths: [\"/open/*\"]\n"
      "    action: allow\n"
      "  - id: keyed\n"
      "    condition: 'network.hostname == \"keyed.test\" && \"x-key\" in http.headers"
      " && http.headers[\"x-key\"] == \"good\"'\n"
      "    action: allow\n"
      "  - id: no-socket\n"
      "    condition: 'network.hostname == \"keyed.test\" && \"upgrade\" in http.headers'\n"
      "    action: block\n"
      "    priority: 10\n"
      "  - id: inside\n"
      "    hosts: [\"inside.test\"]\n"
      "    action: allow\n"
      "    egress: { allow_private_ips: true }\n"
      "  - id: rebind\n"
      "    hosts: [\"rebind.test\", \"mixed.test\", \"own.test\", \"flip.test\"]\n"
      "    action: allow\n"
      "  - id: small\n"
      "    hosts: [\"small.test\"]\n"
      "    action: allow\n"
      "    egress: { max_bytes: 1000 }\n"
      "  - id: no-evil\n"
      "    hosts: [\"evil.test\"]\n"
      "    action: block\n"
      "    reason: \"evil is not for you\"\n";

/* --- The world ------------------------------------------------------------------ */

typedef struct
{
  const char *address;
  guint16 port;
} Place;

static gboolean
is_listening (gpointer user_data)
{
  const Place *place = user_data;
  int fd = px_connect (GATEWAY, place->address, place->port);
  gboolean ok = fd >= 0;

  oc_fd_clear (&fd);
  return ok;
}

static void
die_with_test (gpointer user_data)
{
  (void) prctl (PR_SET_PDEATHSIG, SIGKILL);
}

static void
start_dnsmasq (void)
{
  const char *argv[] = { "dnsmasq",
                         "--no-daemon",
                         "--no-resolv",
                         "--no-hosts",
                         "--conf-file=/dev/null",
                         "--user=root",
                         "--pid-file=",
                         "--bind-interfaces",
                         "--listen-address=" NAME_SERVER,
                         "--host-record=up.test," SERVER,
                         "--host-record=front.test," SERVER,
                         "--host-record=ech.test," SERVER,
                         "--host-record=api.test," SERVER,
                         "--host-record=keyed.test," SERVER,
                         "--host-record=small.test," SERVER,
                         "--host-record=evil.test," SERVER,
                         "--host-record=down.test," SERVER2,
                         "--host-record=many.test,2606:4700::1," SERVER,
                         "--host-record=inside.test," PRIVATE,
                         "--host-record=rebind.test," PRIVATE,
                         "--host-record=own.test,5.5.5.9",
                         "--address=/mixed.test/" PRIVATE,
                         "--address=/mixed.test/" SERVER,
                         "--address=/nowhere.test/",
                         "--server=/flip.test/5.5.5.54",
                         "--address=/dead.test/5.5.9.9",
                         NULL };
  g_autoptr (GError) error = NULL;

  if (!g_spawn_async (NULL, (char **) argv, NULL,
                      G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL
                          | G_SPAWN_STDERR_TO_DEV_NULL,
                      die_with_test, NULL, &dnsmasq, &error))
    g_error ("dnsmasq: %s", error->message);
}

void
px_init (int *argc, char ***argv)
{
  Place name_server = { NAME_SERVER, 53 };

  oc_test_enter_netns ();
  g_test_init (argc, argv, NULL);
  (void) signal (SIGPIPE, SIG_IGN);
  oc_test_run ("for a in " GATEWAY "/24 " AGENT "/24 " OTHER "/24 " STRANGER "/24 " SERVER "/32 " SERVER2
               "/32 " PRIVATE "/32 " NAME_SERVER "/32 5.5.5.9/32 5.5.5.54/32; do ip addr add $a dev lo; done");
  /* Packets to dead.test go nowhere and nobody says so. */
  oc_test_run ("ip link add hole type veth peer name pit && ip link set pit up && ip link set hole up && ip route add 5.5.9.9/32 dev hole"
               " && ip neigh add 5.5.9.9 lladdr 02:00:00:00:00:09 dev hole");
  oc_test_run ("nft -f - <<'END'\n"
               "table ip t {\n"
               "  chain out {\n"
               "    type nat hook output priority -100;\n"
               "    ip saddr 10.77.0.0/24 ip daddr 5.5.5.0/24 tcp dport 80 dnat to " GATEWAY ":8081\n"
               "    ip saddr 10.77.0.0/24 ip daddr 5.5.5.0/24 tcp dport 443 dnat to " GATEWAY ":8443\n"
               "  }\n"
               "}\n"
               "END");
  start_dnsmasq ();
  g_assert_true (oc_test_wait (is_listening, &name_server));
}

void
px_done (void)
{
  (void) kill (dnsmasq, SIGTERM);
  (void) waitpid (dnsmasq, NULL, 0);
}

OcAddress
px_address (const char *text)
{
  OcAddress address;

  g_assert_true (oc_address_parse (oc_str_from (text), &address));
  return address;
}

static void
add_identity (Px *px, const char *name, const char *address, guint32 slot)
{
  OcAddress own = px_address (address);
  OcAddress gateway = px_address (GATEWAY);

  g_ptr_array_add (px->identities, oc_identity_new (name, name, NULL, NULL, &own, &gateway, slot));
}

void
px_set_rules (Px *px, const char *yaml)
{
  OcPolicySource source = { "test.yaml", yaml, strlen (yaml) };
  g_autoptr (GPtrArray) diagnostics
      = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_diagnostic_free);
  g_autoptr (GError) error = NULL;
  g_autoptr (OcPolicy) policy = oc_policy_load_sources (&source, 1, NULL, diagnostics, &error);

  g_assert_no_error (error);
  oc_snapshot_hub_set_policy (px->hub, policy);
}

void
px_remove_other (Px *px)
{
  g_ptr_array_set_size (px->identities, 1);
  oc_snapshot_hub_set_identities (px->hub, px->identities);
}

void
px_add_other (Px *px)
{
  add_identity (px, "other-2", OTHER, 2);
  oc_snapshot_hub_set_identities (px->hub, px->identities);
}

static Px *
start (const OcProxyTimeouts *timeouts, OcIntercept *intercept, guint per_workload, guint all)
{
  OcProxyOptions options = { .port = 8080,
                             .n_workers = 2,
                             .intercept = intercept,
                             .max_connections = all,
                             .max_connections_per_workload = per_workload };
  OcDnsOptions dns_options = { .port = 53, .n_workers = 1, .upstreams = NAME_SERVER };
  OcAddress gateway = px_address (GATEWAY);
  OcAddress own[] = { gateway, px_address ("5.5.5.9") };
  g_autoptr (GError) error = NULL;
  Px *px = g_new0 (Px, 1);
  Place place = { GATEWAY, options.port };

  px->hub = oc_snapshot_hub_new ();
  px->log = oc_log_new ();
  px->identities = g_ptr_array_new_with_free_func ((GDestroyNotify) oc_identity_unref);
  add_identity (px, "agent", AGENT, 1);
  px_add_other (px);
  oc_snapshot_hub_set_own_addresses (px->hub, own, G_N_ELEMENTS (own));
  px_set_rules (px, px_rules);
  px->dns = oc_dns_new (&dns_options, px->hub, px->log, NULL, &error);
  g_assert_no_error (error);
  px->proxy = oc_proxy_new_full (&options, timeouts ? timeouts : &oc_proxy_default_timeouts, px->hub,
                                 px->log, px->dns, &error);
  g_assert_no_error (error);
  g_assert_true (oc_proxy_add_gateway (px->proxy, &gateway, &error));
  g_assert_no_error (error);
  g_assert_true (oc_test_wait (is_listening, &place));
  return px;
}

Px *
px_start (const OcProxyTimeouts *timeouts, guint per_workload)
{
  return start (timeouts, NULL, per_workload ? per_workload : 512, MAX (4096, 2 * per_workload));
}

Px *
px_start_small (guint per_workload, guint all)
{
  return start (NULL, NULL, per_workload, all);
}

Px *
px_start_intercepting (const OcProxyTimeouts *timeouts, OcIntercept *intercept)
{
  return start (timeouts, intercept, 512, 4096);
}

void
px_stop (Px *px)
{
  oc_proxy_free (px->proxy);
  oc_dns_free (px->dns);
  oc_snapshot_hub_free (px->hub);
  oc_log_free (px->log);
  g_ptr_array_unref (px->identities);
  g_free (px);
}

static void
on_record (const OcLogRecord *record, gpointer user_data)
{
  const OcDecision *d = &record->decision;
  char **out = user_data;

  g_free (*out);
  *out = g_strdup_printf ("%s %s %.*s:%u %.*s %.*s %.*s", d->allowed ? "allow" : "block",
                          oc_layer_name (d->layer), OC_STR_ARGS (d->host), d->port,
                          OC_STR_ARGS (d->method), OC_STR_ARGS (d->path),
                          d->rule.len > 0 ? (int) d->rule.len : 7,
                          d->rule.len > 0 ? d->rule.data : "default");
}

char *
px_last_log (Px *px)
{
  OcLogFilter filter = { .allowed = -1, .limit = 1 };
  char *last = NULL;

  oc_log_drain (px->log);
  oc_log_foreach (px->log, &filter, on_record, &last);
  return last;
}

static void
on_end (const OcLogRecord *record, gpointer user_data)
{
  const OcDecision *d = &record->decision;
  PxEnd *out = user_data;

  *out = (PxEnd) { .ended = d->ended,
                   .bytes_up = d->bytes_up,
                   .bytes_down = d->bytes_down,
                   .duration_us = d->duration_us };
  if (d->address.family != 0)
    oc_address_format (&d->address, out->address, sizeof out->address);
}

PxEnd
px_last_end (Px *px)
{
  OcLogFilter filter = { .allowed = -1, .limit = 1 };
  PxEnd end = { 0 };

  oc_log_foreach (px->log, &filter, on_end, &end);
  return end;
}

static gboolean
has_ended (gpointer user_data)
{
  return px_last_end (user_data).ended;
}

PxEnd
px_wait_end (Px *px)
{
  g_assert_true (oc_test_wait (has_ended, px));
  return px_last_end (px);
}

guint64
px_n_blocked (Px *px)
{
  OcProxyStats stats;

  oc_proxy_get_stats (px->proxy, &stats);
  return stats.blocked;
}

gboolean
px_is_quiet (gpointer user_data)
{
  Px *px = user_data;
  OcProxyStats stats;

  oc_proxy_get_stats (px->proxy, &stats);
  return stats.active == 0;
}

guint
px_count_fds (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}
