// SPDX-License-Identifier: GPL-3.0-or-later
// Why a decision is as it is: what was logged, and what the rules say about it now.

import { post } from "./api.js";
import { openAllow } from "./allow.js";
import { openDrawer } from "./drawer.js";
import { button, code, el, facts, icon, pill, replace } from "./dom.js";
import { _, C_, bytes, fill, milliseconds, moment, ngettext } from "./text.js";
import { actionPill, destination, layerWord, requestLine, verdictPill } from "./words.js";

const TRACE_MAX = 100; // rules that are shown

function why({ verdict, rule }) {
  if (!rule)
    return verdict === "blocked" ? _("No rule allows this, and what no rule allows is refused.")
      : _("This was allowed without a rule.");
  return verdict === "blocked" ? fill(_("The rule {rule} refuses this."), { rule })
    : fill(_("The rule {rule} allows this."), { rule });
}

const sizes = ({ bytes_up: up, bytes_down: down }) =>
  (up || down ? fill(_("{up} sent, {down} received"), { up: bytes(up ?? 0), down: bytes(down ?? 0) }) : null);

const loggedFacts = (decision) => facts([
  [_("Time"), moment(new Date(decision.time))],
  [_("Workload"), decision.workload],
  [_("Destination"), destination(decision)],
  [_("Address"), decision.host ? decision.address : null],
  [_("Decided by"), layerWord(decision.layer)],
  [_("Request"), requestLine(decision) ? code(requestLine(decision)) : null],
  [_("Rule"), decision.rule ? code(decision.rule) : null],
  [_("Reason given"), decision.reason],
  [_("Data"), sizes(decision)],
  [_("Took"), decision.duration_us ? milliseconds(decision.duration_us) : null],
  [_("Tool call"), decision.tool_use_id ? code(decision.tool_use_id) : null],
  [_("Session"), decision.session_id ? code(decision.session_id) : null],
  [_("Rule request"), decision.request
    ? el("a", { href: `#/requests?id=${encodeURIComponent(decision.request)}` }, decision.request) : null],
]);

// --- What the rules say now -----------------------------------------------------------

// The question that the decision answered, as far as the log knows it.
function question(decision) {
  const { layer, host = "", port = 0, method = "", path = "", agent } = decision;
  const context = { agent: { name: agent }, network: { hostname: host } };
  if (layer === "dns")
    return { context: { ...context, dns: { query: host, record_type: method } }, trace: true, name_only: true };
  const tunnel = layer !== "http";
  context.network = { hostname: host, port, protocol: "tcp" };
  context.http = { host, method: tunnel ? "CONNECT" : method, path: tunnel ? "/" : path,
    scheme: tunnel || port === 443 ? "https" : "http" };
  return { context, trace: true };
}

const step = ({ rule, file, line, action, matched, why: reason }) =>
  el("li", { class: matched ? "step matched" : "step" }, icon(matched ? "check" : "close"),
    el("div", null,
      el("p", null, code(rule), " ", actionPill(action), matched && pill(C_("of a rule", "matches"), "accent")),
      reason && el("p", { class: "soft" }, reason),
      el("p", { class: "soft small" }, `${file}:${line}`)));

function showAnswer(body, decision, { verdict, trace = [] }) {
  const allowed = verdict.allowed ? "allowed" : "blocked";
  const changed = allowed !== decision.verdict;
  const now = verdict.allowed ? _("With the rules as they are now, this is allowed.")
    : _("With the rules as they are now, this is refused.");
  const steps = trace.slice(0, TRACE_MAX);
  const more = trace.length - steps.length;
  replace(body, el("p", { class: changed ? "notice" : "" }, now),
    steps.length > 0 ? el("ol", { class: "steps" }, steps.map(step))
      : el("p", { class: "soft" }, _("No rule is about such a destination.")),
    more > 0 && el("p", { class: "soft" }, ngettext("{n} more rule was looked at.", "{n} more rules were looked at.", more)));
}

async function askNow(body, decision) {
  try {
    showAnswer(body, decision, await post("/rule/evaluate", question(decision)));
  } catch (error) {
    replace(body, el("p", { class: "problem" }, error.message));
  }
}

const ASKABLE = ["dns", "connect", "tls", "http"];

export function openExplanation(decision) {
  const now = el("div", { "aria-live": "polite" }, el("p", { class: "soft" }, _("Loading…")));
  const askable = ASKABLE.includes(decision.layer);
  const allowable = decision.verdict === "blocked" && decision.host && decision.layer !== "container";
  openDrawer(destination(decision) || layerWord(decision.layer), [
    el("p", { class: "lead" }, verdictPill(decision.verdict), " ", why(decision)),
    allowable && el("p", null, button(_("Allow this host…"), () => openAllow(decision), { class: "primary" })),
    el("h3", null, _("What happened")), loggedFacts(decision),
    askable && [el("h3", null, _("Rules looked at")), now],
  ]);
  if (askable)
    askNow(now, decision);
}
