/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "firewall/oc-firewall-rules.h"

#include <net/if_arp.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter_bridge.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>

/* The whole ruleset. What it must hold, whatever the daemon does:
 *
 *  - A packet of a workload is known by three facts that must agree: the bridge
 *    port it came through, its MAC and its IPv4 address. The bridge table checks
 *    port, MAC and address of each frame; the inet table checks bridge, MAC and
 *    address again.
 *  - Each lease is named by each of its facts in some set of its own, so a packet
 *    that has one of them in the wrong place is dropped: a port that left its
 *    bridge, a bridge that was renamed, somebody else's port with a lease's MAC.
 *  - Other bridges and interfaces of the host are not touched. A frame is ours
 *    when its port is in `ports` or one of its MACs is a lease's or one of our
 *    bridges' (bridges have fixed MACs; `meta ibrname` is not in every kernel).
 *
 * Port `accept` ends only the chain's own table; other firewalls have their say.
 */

/* clang-format off */
#define IN(set, ...)      { OC_STEP_IN, (set), 0, { __VA_ARGS__ } }
#define NOT_IN(set, ...)  { OC_STEP_NOT_IN, (set), 0, { __VA_ARGS__ } }
#define IS(field, number) { OC_STEP_IS, NULL, (number), { (field) } }
#define NOT(field, number) { OC_STEP_IS_NOT, NULL, (number), { (field) } }
#define PORT(field, option) { OC_STEP_IS_PORT, NULL, (option), { (field) } }
#define CT_STATE(bits)    { OC_STEP_CT_STATE, NULL, (bits), { 0 } }
#define CT_STATUS(bits)   { OC_STEP_CT_STATUS, NULL, (bits), { 0 } }
#define COUNT(counter)    { OC_STEP_COUNT, (counter), 0, { 0 } }
#define GOTO(chain)       { OC_STEP_GOTO, (chain), 0, { 0 } }
#define REDIRECT(option)  { OC_STEP_REDIRECT, NULL, (option), { 0 } }
#define DO(kind)          { OC_STEP_##kind, NULL, 0, { 0 } }
#define F(name)           OC_FIELD_##name
/* clang-format on */

/* nf_conntrack's state bits as nftables sees them. */
#define STATE_INVALID (1u << 0)
#define STATE_ESTABLISHED (1u << 1)
#define STATE_RELATED (1u << 2)

/* --- table inet ---------------------------------------------------------- */

static const OcSet inet_sets[] = {
  { .name = "bridges", .key = { OC_KEY_IFNAME } },
  { .name = "ports", .key = { OC_KEY_IFNAME } },
  { .name = "gateways", .key = { OC_KEY_IFNAME, OC_KEY_IPV4 } },
  { .name = "gateway_addresses", .key = { OC_KEY_IPV4 } },
  { .name = "leases", .key = { OC_KEY_IFNAME, OC_KEY_IPV4, OC_KEY_ETHER } },
  { .name = "lease_addresses", .key = { OC_KEY_IPV4 } },
  { .name = OC_SET_GRANTS,
    .key = { OC_KEY_IPV4, OC_KEY_IPV4, OC_KEY_PROTOCOL, OC_KEY_SERVICE },
    .size = OC_GRANTS_MAX,
    .timeouts = TRUE,
    .counters = TRUE },
  { .name = OC_SET_GRANTS_ANY_PORT,
    .key = { OC_KEY_IPV4, OC_KEY_IPV4, OC_KEY_PROTOCOL },
    .size = OC_GRANTS_MAX,
    .timeouts = TRUE,
    .counters = TRUE },
  { .name = OC_SET_GRANTS_RANGES,
    .key = { OC_KEY_IPV4, OC_KEY_IPV4, OC_KEY_PROTOCOL, OC_KEY_SERVICE },
    .size = OC_GRANT_RANGES_MAX,
    .timeouts = TRUE,
    .intervals = TRUE,
    .counters = TRUE },
  { .name = OC_SET_LIMITS,
    .key = { OC_KEY_IPV4, OC_KEY_IPV4, OC_KEY_PROTOCOL, OC_KEY_SERVICE },
    .size = OC_GRANTS_MAX },
  { .name = OC_SET_REVOKED_SOURCES, .key = { OC_KEY_IPV4 }, .timeouts = TRUE },
  { .name = OC_SET_REVOKED,
    .key = { OC_KEY_IPV4, OC_KEY_IPV4, OC_KEY_PROTOCOL, OC_KEY_SERVICE },
    .timeouts = TRUE },
  { .name = OC_SET_SWITCHED_ON, .key = { OC_KEY_IFNAME } },
  { 0 },
};

static const char *const inet_counters[] = {
  "guard_port",      "guard_foreign",   "guard_gateway",  "guard_ipv6",
  "guard_options",   "guard_spoofed",   "routed_refused", "forward_unasked",
  "forward_ipv6",   "forward_invalid", "forward_revoked", "forward_limited", "forward_foreign_error",
  "forward_refused", "forward_granted", "input_redirect", "input_foreign_error",
  "input_refused",   "output_ipv6",     "output_refused",
  NULL,
};

static const OcRule guard_rules[] = {
  { "a workload's port that is on no bridge",
    { IN ("ports", F (IIFNAME)), COUNT ("guard_port"), DO (DROP) } },
  { "a workload's address from anywhere else",
    { NOT_IN ("bridges", F (IIFNAME)), IN ("lease_addresses", F (IP_SADDR)),
      COUNT ("guard_foreign"), DO (DROP) } },
  { "gateways serve their own bridge and this host",
    { NOT_IN ("bridges", F (IIFNAME)), NOT (F (IIFTYPE), ARPHRD_LOOPBACK),
      IN ("gateway_addresses", F (IP_DADDR)), COUNT ("guard_gateway"), DO (DROP) } },
  { "not from a workload", { NOT_IN ("bridges", F (IIFNAME)), DO (ACCEPT) } },
  { "no IPv6", { IS (F (NFPROTO), NFPROTO_IPV6), COUNT ("guard_ipv6"), DO (DROP) } },
  { "no IP options", { NOT (F (IP_HDRLENGTH), 5), COUNT ("guard_options"), DO (DROP) } },
  { "bridge, address and MAC are one lease",
    { NOT_IN ("leases", F (IIFNAME), F (IP_SADDR), F (ETHER_SADDR)), COUNT ("guard_spoofed"),
      DO (DROP) } },
  { 0 },
};

/* What the packet is to the sets of grants. "Not in" does not count it. */
#define TUPLE F (IP_SADDR), F (IP_DADDR), F (L4PROTO), F (TH_DPORT)
#define NOT_GRANTED                                                                                \
  NOT_IN (OC_SET_GRANTS, TUPLE), NOT_IN (OC_SET_GRANTS_ANY_PORT, F (IP_SADDR), F (IP_DADDR),       \
                                         F (L4PROTO)),                                             \
      NOT_IN (OC_SET_GRANTS_RANGES, TUPLE)

static const OcRule to_proxy_rules[] = {
  { "not from a workload", { NOT_IN ("bridges", F (IIFNAME)), DO (ACCEPT) } },
  { "the host itself: input decides", { DO (TO_HOST), DO (ACCEPT) } },
  { "another workload: forward decides",
    { IN ("lease_addresses", F (IP_DADDR)), DO (ACCEPT) } },
  { "HTTP to the transparent proxy, unless granted",
    { IS (F (TCP_DPORT), 80), NOT_GRANTED, REDIRECT (OC_PORT_PROXY_HTTP) } },
  { "TLS to the transparent proxy, unless granted",
    { IS (F (TCP_DPORT), 443), NOT_GRANTED, REDIRECT (OC_PORT_PROXY_TLS) } },
  { 0 },
};

/* The same decision as in `forward`, before routing: while forwarding is off, which it
 * is until the first grant, routing would drop these packets without a word. */
static const OcRule routed_rules[] = {
  { "not from a workload", { NOT_IN ("bridges", F (IIFNAME)), DO (ACCEPT) } },
  { "known flows: input or forward decides",
    { CT_STATE (STATE_ESTABLISHED | STATE_RELATED), DO (ACCEPT) } },
  { "the host itself: input decides", { DO (TO_HOST), DO (ACCEPT) } },
  { "everything but what is granted, where forward decides",
    { NOT_GRANTED, COUNT ("routed_refused"), GOTO (OC_CHAIN_REFUSE) } },
  { 0 },
};

/* Conntrack calls an ICMP error related to the flow that it quotes, whoever sent it. From a
 * workload it counts only when that flow is its own: the flow's first sender, this bridge and this
 * MAC are one lease. */
#define FOREIGN_ERROR                                                                              \
  IN ("bridges", F (IIFNAME)), CT_STATE (STATE_RELATED),                                           \
      NOT_IN ("leases", F (IIFNAME), F (CT_SADDR), F (ETHER_SADDR))

static const OcRule forward_rules[] = {
  { "a link that forwards for grants only",
    { IN (OC_SET_SWITCHED_ON, F (IIFNAME)), NOT_IN ("bridges", F (OIFNAME)),
      COUNT ("forward_unasked"), DO (DROP) } },
  { "neither from nor to a workload",
    { NOT_IN ("bridges", F (IIFNAME)), NOT_IN ("bridges", F (OIFNAME)), DO (ACCEPT) } },
  { "no IPv6", { IS (F (NFPROTO), NFPROTO_IPV6), COUNT ("forward_ipv6"), DO (DROP) } },
  { "out of state", { CT_STATE (STATE_INVALID), COUNT ("forward_invalid"), DO (DROP) } },
  { "flows of a grant that was revoked, until conntrack has forgotten them",
    { CT_STATE (STATE_ESTABLISHED),
      IN (OC_SET_REVOKED, F (CT_SADDR), F (CT_DADDR), F (CT_PROTOCOL), F (CT_DPORT)),
      COUNT ("forward_revoked"), GOTO (OC_CHAIN_REFUSE) } },
  { "all flows of a workload, for the same time",
    { CT_STATE (STATE_ESTABLISHED), IN (OC_SET_REVOKED_SOURCES, F (CT_SADDR)),
      COUNT ("forward_revoked"), GOTO (OC_CHAIN_REFUSE) } },
  { "beyond the bytes of a grant",
    { IN ("bridges", F (IIFNAME)), IN (OC_SET_LIMITS, TUPLE), COUNT ("forward_limited"),
      GOTO (OC_CHAIN_REFUSE) } },
  { "granted: an address and a port",
    { IN ("bridges", F (IIFNAME)), NOT_IN ("bridges", F (OIFNAME)), IN (OC_SET_GRANTS, TUPLE),
      COUNT ("forward_granted"), DO (ACCEPT) } },
  { "granted: all ports of an address",
    { IN ("bridges", F (IIFNAME)), NOT_IN ("bridges", F (OIFNAME)),
      IN (OC_SET_GRANTS_ANY_PORT, F (IP_SADDR), F (IP_DADDR), F (L4PROTO)),
      COUNT ("forward_granted"), DO (ACCEPT) } },
  { "granted: ranges",
    { IN ("bridges", F (IIFNAME)), NOT_IN ("bridges", F (OIFNAME)),
      IN (OC_SET_GRANTS_RANGES, TUPLE), COUNT ("forward_granted"), DO (ACCEPT) } },
  { "answers, and flows that outlive their grant",
    { CT_STATE (STATE_ESTABLISHED), DO (ACCEPT) } },
  { "an error about a flow of somebody else",
    { FOREIGN_ERROR, COUNT ("forward_foreign_error"), DO (DROP) } },
  { "errors about such flows",
    { CT_STATE (STATE_RELATED), IS (F (L4PROTO), IPPROTO_ICMP), DO (ACCEPT) } },
  { "everything else", { COUNT ("forward_refused"), GOTO (OC_CHAIN_REFUSE) } },
  { 0 },
};

static const OcRule input_rules[] = {
  { "not from a workload", { NOT_IN ("bridges", F (IIFNAME)), DO (ACCEPT) } },
  { "nothing of the host but the network's own gateway",
    { NOT_IN ("gateways", F (IIFNAME), F (IP_DADDR)), COUNT ("input_refused"),
      GOTO (OC_CHAIN_REFUSE) } },
  { "DNS", { PORT (F (UDP_DPORT), OC_PORT_DNS), DO (ACCEPT) } },
  { "DNS", { PORT (F (TCP_DPORT), OC_PORT_DNS), DO (ACCEPT) } },
  { "proxy", { PORT (F (TCP_DPORT), OC_PORT_PROXY), DO (ACCEPT) } },
  { "transparent proxy, by the redirect only",
    { CT_STATUS (IPS_DST_NAT), PORT (F (TCP_DPORT), OC_PORT_PROXY_HTTP),
      COUNT ("input_redirect"), DO (ACCEPT) } },
  { "transparent proxy, by the redirect only",
    { CT_STATUS (IPS_DST_NAT), PORT (F (TCP_DPORT), OC_PORT_PROXY_TLS), COUNT ("input_redirect"),
      DO (ACCEPT) } },
  { "ping", { IS (F (ICMP_TYPE), ICMP_ECHO), DO (ACCEPT) } },
  { "an error about a flow of somebody else",
    { FOREIGN_ERROR, COUNT ("input_foreign_error"), DO (DROP) } },
  { "errors about our answers",
    { CT_STATE (STATE_RELATED), IS (F (L4PROTO), IPPROTO_ICMP), DO (ACCEPT) } },
  { "everything else", { COUNT ("input_refused"), GOTO (OC_CHAIN_REFUSE) } },
  { 0 },
};

static const OcRule output_rules[] = {
  { "not to a workload", { NOT_IN ("bridges", F (OIFNAME)), DO (ACCEPT) } },
  { "no IPv6", { IS (F (NFPROTO), NFPROTO_IPV6), COUNT ("output_ipv6"), DO (DROP) } },
  { "answers and refusals", { CT_STATE (STATE_ESTABLISHED | STATE_RELATED), DO (ACCEPT) } },
  { "the host begins nothing", { COUNT ("output_refused"), GOTO (OC_CHAIN_REFUSE) } },
  { 0 },
};

static const OcRule postrouting_rules[] = {
  { "granted flows leave with the host's address",
    { IN ("bridges", F (IIFNAME)), NOT_IN ("bridges", F (OIFNAME)), DO (MASQUERADE) } },
  { 0 },
};

static const OcRule refuse_rules[] = {
  { "at once",
    { IS (F (L4PROTO), IPPROTO_TCP), DO (RESET) },
    .when = OC_WHEN_REJECT },
  { "at once", { DO (PROHIBIT) }, .when = OC_WHEN_REJECT },
  { "silently", { DO (DROP) }, .when = OC_WHEN_SILENT },
  { 0 },
};

static const OcChain inet_chains[] = {
  { "guard", "filter", NF_INET_PRE_ROUTING, -300, FALSE, guard_rules },
  { "to_proxy", "nat", NF_INET_PRE_ROUTING, -100, FALSE, to_proxy_rules },
  { "routed", "filter", NF_INET_PRE_ROUTING, -90, FALSE, routed_rules },
  { "forward", "filter", NF_INET_FORWARD, 0, TRUE, forward_rules },
  { "input", "filter", NF_INET_LOCAL_IN, 0, FALSE, input_rules },
  { "output", "filter", NF_INET_LOCAL_OUT, 0, FALSE, output_rules },
  { "postrouting", "nat", NF_INET_POST_ROUTING, 100, FALSE, postrouting_rules },
  { OC_CHAIN_REFUSE, NULL, 0, 0, FALSE, refuse_rules },
  { 0 },
};

const OcTable oc_table_inet = {
  NFPROTO_INET, OC_TABLE_NAME, inet_counters, inet_sets, inet_chains,
};

/* --- table bridge -------------------------------------------------------- */

static const OcSet bridge_sets[] = {
  { .name = "ports", .key = { OC_KEY_IFNAME } },
  { .name = "leases", .key = { OC_KEY_IFNAME, OC_KEY_ETHER, OC_KEY_IPV4 } },
  { .name = "lease_macs", .key = { OC_KEY_ETHER } },
  { .name = "bridge_macs", .key = { OC_KEY_ETHER } },
  { .name = "port_gateways", .key = { OC_KEY_IFNAME, OC_KEY_IPV4 } },
  { .name = "port_addresses", .key = { OC_KEY_IFNAME, OC_KEY_IPV4 } },
  { 0 },
};

static const char *const bridge_counters[] = {
  "frame_foreign",    "frame_link_local", "frame_spoofed_ip", "frame_spoofed_arp",
  "frame_other_type", "frame_forwarded",  "frame_output",     NULL,
};

static const OcRule frames_rules[] = {
  { "a workload's port", { IN ("ports", F (IIFNAME)), GOTO ("from_port") } },
  { "a workload's MAC on another port",
    { IN ("lease_macs", F (ETHER_SADDR)), COUNT ("frame_foreign"), DO (DROP) } },
  { "our bridge's MAC on a port",
    { IN ("bridge_macs", F (ETHER_SADDR)), COUNT ("frame_foreign"), DO (DROP) } },
  { "a port without a lease talks to our bridge",
    { IN ("bridge_macs", F (ETHER_DADDR)), COUNT ("frame_foreign"), DO (DROP) } },
  { 0 },
};

#define ARP_OF_LEASE                                                                               \
  IN ("leases", F (IIFNAME), F (ETHER_SADDR), F (ARP_SADDR_IP)),                                   \
      IN ("leases", F (IIFNAME), F (ARP_SADDR_ETHER), F (ARP_SADDR_IP)),                           \
      IN ("port_gateways", F (IIFNAME), F (ARP_DADDR_IP)), IS (F (ARP_HTYPE), ARPHRD_ETHER),       \
      IS (F (ARP_PTYPE), ETH_P_IP), IS (F (ARP_HLEN), 6), IS (F (ARP_PLEN), 4)

static const OcRule from_port_rules[] = {
  { "port, MAC and address are one lease, to our bridge",
    { IN ("leases", F (IIFNAME), F (ETHER_SADDR), F (IP_SADDR)),
      IN ("bridge_macs", F (ETHER_DADDR)), DO (ACCEPT) } },
  { "a lease asks for its gateway", { ARP_OF_LEASE, DO (BROADCAST), DO (ACCEPT) } },
  { "a lease answers its gateway",
    { ARP_OF_LEASE, IN ("bridge_macs", F (ETHER_DADDR)), DO (ACCEPT) } },
  { "another address or MAC, or not to our bridge",
    { IS (F (ETHER_TYPE), ETH_P_IP), COUNT ("frame_spoofed_ip"), DO (DROP) } },
  { "ARP for or about somebody else",
    { IS (F (ETHER_TYPE), ETH_P_ARP), COUNT ("frame_spoofed_arp"), DO (DROP) } },
  { "IPv6, VLAN, anything else", { COUNT ("frame_other_type"), DO (DROP) } },
  { 0 },
};

/* Frames to 01:80:c2:00:00:0x come here without passing prerouting, and would go
 * up as if the port were no bridge port. */
static const OcRule frames_in_rules[] = {
  { "past the bridge",
    { IN ("ports", F (IIFNAME)), DO (LINK_LOCAL), COUNT ("frame_link_local"), DO (DROP) } },
  { 0 },
};

static const OcRule frames_across_rules[] = {
  { "from a workload to another port",
    { IN ("ports", F (IIFNAME)), COUNT ("frame_forwarded"), DO (DROP) } },
  { "from another port to a workload",
    { IN ("ports", F (OIFNAME)), COUNT ("frame_forwarded"), DO (DROP) } },
  { 0 },
};

static const OcRule frames_out_rules[] = {
  { "a workload's port", { IN ("ports", F (OIFNAME)), GOTO ("to_port") } },
  { "our bridge to a port without a lease",
    { IN ("bridge_macs", F (ETHER_SADDR)), COUNT ("frame_foreign"), DO (DROP) } },
  { 0 },
};

static const OcRule to_port_rules[] = {
  { "to the lease of this port",
    { IN ("leases", F (OIFNAME), F (ETHER_DADDR), F (IP_DADDR)), DO (ACCEPT) } },
  { "ARP about the lease of this port",
    { IN ("port_addresses", F (OIFNAME), F (ARP_DADDR_IP)), DO (ACCEPT) } },
  { "anything else", { COUNT ("frame_output"), DO (DROP) } },
  { 0 },
};

static const OcChain bridge_chains[] = {
  { "frames", "filter", NF_BR_PRE_ROUTING, -300, FALSE, frames_rules },
  { "frames_in", "filter", NF_BR_LOCAL_IN, -200, FALSE, frames_in_rules },
  { "frames_across", "filter", NF_BR_FORWARD, -200, FALSE, frames_across_rules },
  { "frames_out", "filter", NF_BR_LOCAL_OUT, 100, FALSE, frames_out_rules },
  { "from_port", NULL, 0, 0, FALSE, from_port_rules },
  { "to_port", NULL, 0, 0, FALSE, to_port_rules },
  { 0 },
};

const OcTable oc_table_bridge = {
  NFPROTO_BRIDGE, OC_TABLE_NAME, bridge_counters, bridge_sets, bridge_chains,
};

/* --- What the kernel must have ------------------------------------------- */

#define PROBE "outcall-probe"

static const char *const no_counters[] = { NULL };
static const OcSet no_sets[] = { { 0 } };

static const char *const probe_counters[] = { "probe", NULL };
static const OcSet probe_sets[] = {
  { .name = "probe", .key = { OC_KEY_IPV4, OC_KEY_IPV4 }, .size = 16, .timeouts = TRUE },
  { 0 },
};
static const OcRule probe_set_rules[] = {
  { "probe", { IN ("probe", F (IP_SADDR), F (IP_DADDR)), COUNT ("probe"), DO (ACCEPT) } },
  { 0 },
};
static const OcRule probe_ct_rules[] = {
  { "probe", { CT_STATE (STATE_ESTABLISHED), DO (ACCEPT) } },
  { 0 },
};
static const OcRule probe_fib_rules[] = {
  { "probe", { DO (TO_HOST), DO (ACCEPT) } },
  { 0 },
};
static const OcRule probe_reject_rules[] = {
  { "probe", { IS (F (L4PROTO), IPPROTO_TCP), DO (RESET) } },
  { "probe", { DO (PROHIBIT) } },
  { 0 },
};
static const OcRule probe_redirect_rules[] = {
  { "probe", { IS (F (TCP_DPORT), 80), REDIRECT (OC_PORT_DNS) } },
  { 0 },
};

static const OcChain probe_set_chains[] = {
  { "probe", "filter", NF_INET_PRE_ROUTING, -300, FALSE, probe_set_rules },
  { 0 },
};
static const OcChain probe_ct_chains[] = {
  { "probe", "filter", NF_INET_FORWARD, 0, FALSE, probe_ct_rules },
  { 0 },
};
static const OcChain probe_fib_chains[] = {
  { "probe", "filter", NF_INET_PRE_ROUTING, 0, FALSE, probe_fib_rules },
  { 0 },
};
static const OcChain probe_reject_chains[] = {
  { "probe", "filter", NF_INET_PRE_ROUTING, 0, FALSE, probe_reject_rules },
  { 0 },
};
static const OcChain probe_nat_chains[] = {
  { "redirect", "nat", NF_INET_PRE_ROUTING, -100, FALSE, probe_redirect_rules },
  { "masquerade", "nat", NF_INET_POST_ROUTING, 100, FALSE,
    (const OcRule[]) { { "probe", { DO (MASQUERADE) } }, { 0 } } },
  { 0 },
};

const OcFeature oc_firewall_features[] = {
  { "nf_tables with the inet family and concatenated sets",
    { NFPROTO_INET, PROBE, probe_counters, probe_sets, probe_set_chains } },
  { "nf_tables' bridge family (NF_TABLES_BRIDGE)",
    { NFPROTO_BRIDGE, PROBE, probe_counters, probe_sets, probe_set_chains } },
  { "connection tracking in nf_tables (NFT_CT)",
    { NFPROTO_INET, PROBE, no_counters, no_sets, probe_ct_chains } },
  { "routing lookups in nf_tables (NFT_FIB_INET)",
    { NFPROTO_INET, PROBE, no_counters, no_sets, probe_fib_chains } },
  { "refusals in nf_tables before routing (NFT_REJECT_INET, Linux 5.9)",
    { NFPROTO_INET, PROBE, no_counters, no_sets, probe_reject_chains } },
  { "redirection and masquerading in nf_tables (NFT_REDIR, NFT_MASQ)",
    { NFPROTO_INET, PROBE, no_counters, no_sets, probe_nat_chains } },
};
const gsize oc_firewall_n_features = G_N_ELEMENTS (oc_firewall_features);
