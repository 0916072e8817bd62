// SPDX-License-Identifier: GPL-3.0-or-later
// The first view. In five seconds: what is confined, what was refused, what waits.

import { openAllow } from "../allow.js";
import { barList, minuteChart } from "../chart.js";
import { button, code, el, facts, icon, pill, replace, when } from "../dom.js";
import { openExplanation } from "../explain.js";
import { countedFrom, decisions, isLoaded, loadLog, logFailure, onDecisions, perMinute } from "../history.js";
import { failed, nothing, resource } from "../states.js";
import { read, subscribe } from "../store.js";
import { C_, _, duration, fill, hourMinute, ngettext, number } from "../text.js";
import { destination, partWord, stateWord, verdictPill } from "../words.js";

const HOUR_MS = 3600000;
const HOSTS_SHOWN = 6;
const NEWEST_SHOWN = 6;
const NAMES_SHOWN = 4;

// --- The three numbers ---------------------------------------------------------------

// Returns: { element, update(value, detail, kind) }
function figure(label, href) {
  const value = el("span", { class: "value" }, "–");
  const detail = el("span", { class: "detail" });
  const element = el("a", { class: "figure card", href },
    el("span", { class: "label" }, label), value, detail);
  return {
    element,
    update(n, text, kind) {
      value.textContent = n === null ? "–" : number(n);
      replace(detail, text);
      element.dataset.kind = kind ?? "";
    },
  };
}

function updateConfined(shown, { data, error }) {
  if (data === null) {
    shown.update(null, error ? _("There is no answer.") : _("Loading…"));
    return;
  }
  const names = data.slice(0, NAMES_SHOWN).map((w) => w.name);
  const more = data.length - names.length;
  shown.update(data.length, data.length === 0 ? _("Nothing is confined now.")
    : [el("span", { class: "names" }, names.map((name) => el("span", { class: "tag" }, name))),
      more > 0 && ngettext("and {n} more", "and {n} more", more)], data.length > 0 ? "good" : "");
}

function updateWaiting(shown, { data, error }) {
  if (data === null) {
    shown.update(null, error ? _("There is no answer.") : _("Loading…"));
    return;
  }
  const first = data[0];
  shown.update(data.length, first
    ? fill(_("{agent} asked {time}"), { agent: first.agent, time: relativeText(first.asked_at) })
    : _("Nothing waits for you."), first ? "accent" : "");
}

const relativeText = (iso) => when(iso).textContent;

// --- The hour ---------------------------------------------------------------------------

// Without the log, no refusal means nothing.
const isKnown = () => isLoaded() && !logFailure();

const sum = (cells, field) => cells.reduce((total, cell) => total + cell[field], 0);

function hourChart(field, label, title) {
  const total = el("span", { class: "total" });
  const chart = minuteChart([{ field, label, className: field }]);
  return {
    element: el("section", { class: `card hour ${field}` },
      el("h2", null, title, total), chart.element),
    update(cells) {
      const n = sum(cells, field);
      total.textContent = isKnown() ? number(n) : "–";
      chart.update(cells, field === "allowed"
        ? ngettext("{n} allowed in the last hour, by minute", "{n} allowed in the last hour, by minute", n)
        : ngettext("{n} refused in the last hour, by minute", "{n} refused in the last hour, by minute", n));
    },
  };
}

// --- What was refused --------------------------------------------------------------------

function refusedHosts() {
  const since = Date.now() - HOUR_MS;
  const hosts = new Map(); // destination → { name, value, last }
  for (const decision of decisions()) {
    if (decision.verdict !== "blocked" || decision.at < since || decision.layer === "container")
      continue;
    const name = decision.host || decision.address || "";
    const entry = hosts.get(name) ?? { name, value: 0, agents: new Set() };
    entry.value++;
    entry.agents.add(decision.agent);
    // The one that says most: a connection says more than a name.
    entry.decision = decision.port || !entry.decision?.port ? decision : entry.decision;
    hosts.set(name, entry);
  }
  return [...hosts.values()].sort((a, b) => b.value - a.value);
}

function drawHosts(body) {
  const hosts = refusedHosts();
  if (logFailure()) {
    replace(body, failed(logFailure(), loadLog));
    return;
  }
  if (hosts.length === 0 && !isLoaded()) {
    replace(body);
    return;
  }
  if (hosts.length === 0) {
    replace(body, nothing({ image: "shield", title: _("Nothing was refused in the last hour.") }));
    return;
  }
  replace(body, barList(hosts.slice(0, HOSTS_SHOWN).map(({ name, value, agents, decision }) => ({
    name: name || _("(no name)"), value, detail: [...agents].slice(0, NAMES_SHOWN).join(", "),
    action: decision.host ? button(_("Allow…"), () => openAllow(decision),
      { "aria-label": fill(_("Allow {host}…"), { host: name }) }) : null,
  })), "blocked"));
}

const newestItem = (decision) =>
  el("li", null, el("button", { type: "button", class: "line", click: () => openExplanation(decision) },
    verdictPill(decision.verdict), el("span", { class: "name" }, destination(decision)),
    el("span", { class: "soft" }, decision.workload), when(decision.time)));

function drawNewest(body) {
  const newest = decisions().slice(-NEWEST_SHOWN).reverse();
  if (newest.length === 0 && !isKnown())
    replace(body);
  else if (newest.length === 0)
    replace(body, nothing({ image: "decisions", title: _("Nothing was decided yet."),
      hint: _("Start a confined program:"), command: "outcall run -- COMMAND" }));
  else
    replace(body, el("ul", { class: "newest" }, newest.map(newestItem)));
}

// Draws when somebody does not hold the focus in it.
function calmly(body, draw) {
  if (!body.contains(document.activeElement))
    draw(body);
}

// --- The parts -----------------------------------------------------------------------------

const STATE_KINDS = { running: "good", degraded: "warn", unavailable: "bad" };

// A host without a container engine lacks nothing: sandboxes need none.
const isTrouble = ({ name, state }) =>
  state === "degraded" || (state === "unavailable" && name !== "engine");

const partItem = (part) =>
  el("li", null, el("span", null, partWord(part.name)),
    pill(stateWord(part.state), part.state === "running" || isTrouble(part) ? STATE_KINDS[part.state] : ""),
    part.reason && el("span", { class: "soft" }, part.reason));

function drawParts(status, body) {
  const { counters } = status;
  replace(body,
    el("ul", { class: "parts" }, status.subsystems.map(partItem)),
    facts([[_("Rules in force"), number(counters.rules ?? 0)], [_("Rule files"), number(counters.rule_files ?? 0)],
      [_("Running for"), duration(status.uptime_s)], [_("Version"), code(status.version)]]));
}

function drawBridge(bridge, body) {
  replace(body, facts([
    [_("Bridge"), [code(bridge.name), " ", bridge.up ? pill(C_("bridge", "up"), "good") : pill(C_("bridge", "down"), "bad")]],
    [_("Kernel rules"), bridge.nftables_active ? pill(_("in place"), "good") : pill(_("missing"), "bad")],
  ]));
}

// One sentence about the whole.
function drawHealth(banner, { data, error }) {
  if (data === null) {
    banner.dataset.kind = error ? "bad" : "";
    replace(banner, icon(error ? "alert" : "shield"), el("p", null, error ? error.message : _("Loading…")));
    return;
  }
  const bad = data.subsystems.filter(isTrouble);
  banner.dataset.kind = bad.length > 0 ? "bad" : "good";
  replace(banner, icon(bad.length > 0 ? "alert" : "shield"),
    bad.length === 0 ? el("p", null, _("Outcall is in force: what no rule allows is refused."))
      : el("ul", null, bad.map(({ name, reason }) =>
        el("li", null, reason ? fill(_("{part}: {reason}"), { part: partWord(name), reason }) : partWord(name)))));
}

export const overview = {
  title: () => _("Overview"),
  mount(root) {
    const health = el("div", { class: "health" });
    const confined = figure(_("Confined now"), "#/workloads");
    const refused = figure(_("Refused in the last hour"), "#/decisions?verdict=blocked");
    const waiting = figure(_("Waiting for you"), "#/requests");
    const allowedHour = hourChart("allowed", _("allowed"), _("Allowed per minute"));
    const blockedHour = hourChart("blocked", _("refused"), _("Refused per minute"));
    const partial = el("p", { class: "notice", hidden: true });
    const hosts = el("div");
    const newest = el("div");
    const parts = resource("status", { draw: drawParts });
    const bridge = resource("bridge", { draw: drawBridge });

    root.append(health,
      el("div", { class: "figures" }, confined.element, refused.element, waiting.element),
      partial, el("div", { class: "pair" }, allowedHour.element, blockedHour.element),
      el("div", { class: "pair" },
        el("section", { class: "card" }, el("h2", null, _("Refused most in the last hour")), hosts),
        el("section", { class: "card" }, el("h2", null, _("Newest decisions")), newest)),
      el("section", { class: "card wide" }, el("h2", null, _("Parts")), bridge.element, parts.element));

    function drawHistory() {
      const cells = perMinute();
      const n = sum(cells, "blocked");
      const [most] = n > 0 ? refusedHosts() : [];
      if (logFailure())
        refused.update(null, _("There is no answer."));
      else if (!isLoaded())
        refused.update(null, _("Loading…"));
      else
        refused.update(n, most ? fill(_("most often {host}"), { host: most.name || _("(no name)") })
          : _("What no rule allows is refused."), n > 0 ? "bad" : "");
      const from = countedFrom();
      partial.hidden = from === 0;
      partial.textContent = fill(_("This page does not know all decisions of the last hour: they are counted from {time} on."),
        { time: hourMinute(new Date(from)) });
      allowedHour.update(cells);
      blockedHour.update(cells);
      calmly(hosts, drawHosts);
      calmly(newest, drawNewest);
    }

    const stops = [parts.stop, bridge.stop, onDecisions(drawHistory),
      subscribe("workloads", (entry) => updateConfined(confined, entry)),
      subscribe("requests", (entry) => updateWaiting(waiting, entry)),
      subscribe("status", (entry) => drawHealth(health, entry))];
    updateConfined(confined, read("workloads"));
    updateWaiting(waiting, read("requests"));
    drawHealth(health, read("status"));
    drawHistory();
    const timer = setInterval(drawHistory, 15000); // minutes pass
    return () => {
      clearInterval(timer);
      stops.forEach((stop) => stop());
    };
  },
};
