// SPDX-License-Identifier: GPL-3.0-or-later
// The views that are one table each: workloads, networks, grants, DNS cache.

import { post } from "../api.js";
import { button, code, el, facts, pill, replace, when } from "../dom.js";
import { resource } from "../states.js";
import { refreshSoon } from "../store.js";
import { table } from "../table.js";
import { C_, _, bytes, duration, fill, number } from "../text.js";

// Shows a topic in a table. rows(data): the list in it.
function tableOf(topic, { make, rows = (data) => data, empty, above }) {
  const shown = make();
  const top = el("div");
  return resource(topic, {
    draw(data, body) {
      if (shown.element.parentNode !== body)
        replace(body, top, shown.element);
      if (above)
        replace(top, above(data));
      shown.update(rows(data));
    },
    isEmpty: (data) => rows(data).length === 0,
    empty,
  });
}

function view(title, parts) {
  return {
    title,
    mount(root) {
      const { lists, elements, poll } = parts(root);
      root.append(...elements);
      const timer = poll ? setInterval(() => refreshSoon(poll), 3000) : null;
      return () => {
        clearInterval(timer);
        lists.forEach((list) => list.stop());
      };
    },
  };
}

// A button that asks the daemon for something, and says when that failed.
function action(label, attributes, run) {
  const problem = el("span", { class: "problem small", role: "alert", hidden: true });
  const go = button(label, async () => {
    go.disabled = true;
    problem.hidden = true;
    try {
      await run();
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
    }
    go.disabled = false;
  }, attributes);
  return [go, problem];
}

// --- Workloads -------------------------------------------------------------------------

const workloadsTable = () => table({
  caption: _("Confined programs"),
  key: (w) => w.id,
  columns: [
    { label: _("Name"), kind: "once", cell: (w) => el("a", { href: `#/decisions?agent=${encodeURIComponent(w.name)}` }, w.name) },
    { label: _("Kind"), kind: "once", cell: (w) => (w.runtime === "native" ? C_("runtime", "sandbox") : C_("runtime", "container")) },
    { label: _("Command"), kind: "code", cell: (w) => w.command },
    { label: _("Project"), kind: "code", cell: (w) => w.project },
    { label: _("Address"), kind: "once", cell: (w) => code(w.address) },
    { label: _("Network"), kind: "once", cell: (w) => w.network },
    { label: _("Started"), kind: "once", cell: (w) => when(w.started_at) },
  ],
});

export const workloads = view(() => _("Workloads"), () => {
  const list = tableOf("workloads", {
    make: workloadsTable,
    empty: { image: "workloads", title: _("Nothing is confined now."), hint: _("Start a confined program:"),
      command: "outcall run -- COMMAND" },
  });
  return { lists: [list], elements: [el("section", { class: "card flush" }, list.element)] };
});

// --- Networks ------------------------------------------------------------------------------

const networksTable = () => table({
  caption: _("Networks"),
  key: (n) => n.name,
  columns: [
    { label: _("Name"), kind: "once", cell: (n) => n.name },
    { label: _("Bridge"), kind: "once", cell: (n) => code(n.bridge) },
    { label: _("Subnet"), kind: "once", cell: (n) => code(n.subnet) },
    { label: _("Gateway"), kind: "once", cell: (n) => code(n.gateway) },
    { label: _("State"), kind: "once", cell: (n) => (n.up ? pill(C_("bridge", "up"), "good") : pill(C_("bridge", "down"), "bad")) },
    { label: _("Kernel rules"), kind: "once", cell: (n) => (n.nftables_active ? pill(_("in place"), "good") : pill(_("missing"), "bad")) },
    { label: _("Workloads"), cell: (n) => (n.workloads ?? []).join(", ") },
  ],
});

function drawCounters({ counters }, body) {
  const packets = Object.entries(counters).filter(([name]) => name.startsWith("packets_"));
  replace(body, facts(packets.map(([name, value]) => [name.slice("packets_".length).replaceAll("_", " "), number(value)])));
}

export const networks = view(() => _("Networks"), () => {
  const list = tableOf("networks", { make: networksTable,
    empty: { image: "networks", title: _("There is no network."), hint: _("Make one:"), command: "outcall bridge up" } });
  const counters = resource("status", { draw: drawCounters });
  return { lists: [list, counters], elements: [
    el("section", { class: "card flush" }, list.element),
    el("section", { class: "card" }, el("h2", null, _("Packets that the kernel counted")), counters.element)] };
});

// --- Grants ---------------------------------------------------------------------------------

const ports = ({ port, last_port: last }) => {
  if (!port)
    return _("every port");
  return last ? `${port}–${last}` : String(port);
};

const revoke = (grant) => action(_("Revoke"), { "aria-label": fill(_("Revoke {destination} of {workload}"), grant) },
  async () => {
    await post("/rule/revoke", { id: grant.id });
    refreshSoon(["grants"]);
  });

const grantsTable = () => table({
  caption: _("Grants in the kernel"),
  key: (g) => g.id,
  columns: [
    { label: _("Workload"), kind: "once", cell: (g) => g.workload },
    { label: _("Destination"), cell: (g) => [code(g.destination), g.name && [" ", el("span", { class: "soft" }, g.name)]] },
    { label: _("Port"), kind: "once", cell: (g) => `${g.protocol} ${ports(g)}` },
    { label: _("Rule"), cell: (g) => (g.rule ? code(g.rule) : _("an operator")) },
    { label: _("Ends"), kind: "once", cell: (g) => when(g.expires_at) },
    { label: _("Packets"), kind: "number", cell: (g) => number(g.packets) },
    { label: _("Sent"), kind: "number", cell: (g) => bytes(g.bytes) },
    { label: _("Actions"), kind: "actions", cell: revoke },
  ],
});

const grantsAbove = ({ total, grants: list }) =>
  (total > list.length ? el("p", { class: "notice" }, fill(_("{shown} of {all}"),
    { shown: number(list.length), all: number(total) })) : null);

export const grants = view(() => _("Grants"), () => {
  const list = tableOf("grants", { make: grantsTable, rows: (data) => data.grants, above: grantsAbove,
    empty: { image: "grants", title: _("The kernel lets nothing past the proxy."),
      hint: _("Rules with direct_ip make grants when a name is looked up.") } });
  return { lists: [list], elements: [el("section", { class: "card flush" }, list.element)], poll: ["grants"] };
});

// --- DNS cache ----------------------------------------------------------------------------------

const RCODES = { 0: "NOERROR", 2: "SERVFAIL", 3: "NXDOMAIN" };

// Out of date ones are kept for when no name server answers.
const goodFor = ({ ttl_s: ttl }) => (ttl < 0 ? pill(_("out of date"), "warn") : duration(ttl));

const cacheTable = () => table({
  caption: _("Answers in the cache"),
  key: (e) => `${e.name} ${e.type} ${e.dnssec_ok} ${e.checking_disabled}`,
  columns: [
    { label: _("Name"), cell: (e) => e.name },
    { label: C_("DNS", "Type"), kind: "once", cell: (e) => code(e.type) },
    { label: _("Answer"), kind: "once", cell: (e) => code(RCODES[e.rcode] ?? String(e.rcode)) },
    { label: _("Records"), kind: "number", cell: (e) => number(e.records) },
    { label: _("Good for"), kind: "number", cell: goodFor },
  ],
});

function drawDns(dns, body) {
  const asked = dns.cache_hits + dns.cache_misses;
  replace(body, facts([
    [_("Questions"), number(dns.queries)],
    [_("Allowed"), number(dns.allowed)],
    [_("Refused"), number(dns.blocked)],
    [_("Answered from the cache"), asked > 0 ? new Intl.NumberFormat(document.documentElement.lang, { style: "percent" })
      .format(dns.cache_hits / asked) : null],
    [_("In the cache"), number(dns.cache_entries)],
    [_("Upstream failures"), number(dns.upstream_failures)],
    [_("Addresses removed"), number(dns.addresses_removed)],
    [_("Upstreams"), dns.upstreams ? code(dns.upstreams) : _("as the host has them")],
  ]));
}

export const dns = view(() => _("DNS cache"), () => {
  const stats = resource("dns", { draw: drawDns });
  const list = tableOf("dnsCache", { make: cacheTable, rows: (data) => data.entries,
    empty: { image: "dns", title: _("The cache is empty.") } });
  const flush = action(_("Empty the cache"), {}, async () => {
    await post("/dns/cache/flush", {});
    refreshSoon(["dns", "dnsCache"]);
  });
  return { lists: [stats, list], poll: ["dns", "dnsCache"], elements: [
    el("section", { class: "card" }, el("h2", null, _("DNS filter")), stats.element),
    el("div", { class: "tools" }, el("p", { class: "soft" }, _("What is in the cache is judged by the rules each time.")), flush),
    el("section", { class: "card flush" }, list.element)] };
});
