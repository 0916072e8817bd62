// SPDX-License-Identifier: GPL-3.0-or-later
// A decision about a new rule: for how long and for whom, what the rule will be, and
// what it opens. What is sent back is the digest of what was shown; the daemon refuses
// it when anything changed since.

import { button, code, el, newId, replace } from "./dom.js";
import { _, fill, moment, ngettext } from "./text.js";

const DURATIONS = [
  { value: 300, label: () => _("Once: 5 minutes, enough for one more try") },
  { value: 3600, label: () => _("1 hour") },
  { value: 8 * 3600, label: () => _("8 hours") },
  { value: 0, label: () => _("For good") },
];

// choices: [{ value, label, checked }]. Returns: { element, value() }
export function radios(legend, choices, onChange) {
  const name = newId("choice");
  const element = el("fieldset", { change: onChange }, el("legend", null, legend),
    choices.map(({ value, label, checked }) =>
      el("label", null, el("input", { type: "radio", name, value, checked }), el("span", null, label))));
  return { element, value: () => element.querySelector("input:checked").value };
}

// --- The blast radius --------------------------------------------------------------------

const names = (list) => el("ul", { class: "names" }, list.map((name) => el("li", null, code(name))));

function hostsPart(hosts) {
  if (hosts.includes("*"))
    return el("p", { class: "notice" }, _("Opens any host: the rule names none."));
  return [el("p", null, _("Opens:")), names(hosts)];
}

function agentsPart(agents, others) {
  if (agents.includes("*"))
    return [el("p", { class: others.length > 0 ? "notice" : "" }, _("For every agent, also those that come later.")),
      others.length > 0 && [el("p", null, _("Others that run now:")), names(others)]];
  return [el("p", null, _("Only for:")), names(agents)];
}

function logPart({ decisions, allowed, blocked, elsewhere, allowed_hosts: hosts }) {
  return [
    el("p", null, ngettext("{n} decision of the last day was looked at again.",
      "{n} decisions of the last day were looked at again.", decisions)),
    decisions > 0 && el("ul", null,
      el("li", null, ngettext("{n} refusal would be allowed.", "{n} refusals would be allowed.", allowed),
        hosts.length > 0 && names(hosts)),
      blocked > 0 && el("li", null,
        ngettext("{n} that was allowed would be refused.", "{n} that were allowed would be refused.", blocked)),
      elsewhere > 0 && el("li", { class: "notice" },
        ngettext("{n} of these is another agent’s.", "{n} of these are other agents’.", elsewhere))),
  ];
}

const warningsPart = (warnings) => warnings.map(({ line, text }) =>
  el("p", { class: "notice" }, line ? fill(_("Line {line}: {text}"), { line, text }) : text));

function preview(review) {
  const { file, text, expires_at: expires, hosts, agents, other_agents: others = [], overrides = [], warnings = [] } = review;
  return [
    el("h3", null, _("The rule as it will be written")),
    el("p", { class: "soft" }, code(file)),
    el("pre", { tabindex: "0" }, text),
    warningsPart(warnings),
    el("h3", null, _("What it opens")),
    hostsPart(hosts), agentsPart(agents, others),
    el("p", null, expires ? fill(_("Until {time}."), { time: moment(new Date(expires)) }) : _("For good.")),
    overrides.length > 0 && [el("p", { class: "notice" }, _("It goes before rules that refuse this now:")), names(overrides)],
    logPart({ allowed_hosts: [], ...review }),
  ];
}

// --- The form ------------------------------------------------------------------------------

const refusal = (error) => el("div", { class: "problem", role: "alert" }, el("p", null, error.message),
  (error.data?.warnings ?? []).map(({ file, line, column, text }) =>
    el("p", { class: "small" }, [file, line, column].filter(Boolean).join(":"), " ", text)));

// agent: the one that it is about
// before: parts with { element } that come first, whose change asks anew
// ask({ seconds, anyAgent }): promise of the review
// approve(review): promise; done(): after it
// extra: buttons after the one that approves
export function reviewForm({ agent, before = [], ask, approve, done, extra, label }) {
  const shown = el("div", { class: "preview", "aria-live": "polite" });
  const problem = el("div");
  const go = button(label, send, { class: "primary", disabled: true });
  let review = null;
  let latest = 0;

  const duration = radios(_("For how long"), DURATIONS.map(({ value, label: text }) =>
    ({ value, label: text(), checked: value === 3600 })), load);
  const scope = radios(_("For whom"), [
    { value: "one", label: fill(_("Only {agent}"), { agent }), checked: true },
    { value: "any", label: _("Every agent") }], load);

  async function load() {
    const turn = ++latest;
    review = null;
    go.disabled = true;
    replace(problem);
    try {
      const answer = await ask({ seconds: Number(duration.value()), anyAgent: scope.value() === "any" });
      if (turn !== latest)
        return;
      review = answer;
      replace(shown, preview(answer));
      go.disabled = false;
    } catch (error) {
      if (turn === latest)
        replace(shown, refusal(error));
    }
  }

  async function send() {
    const what = review;
    go.disabled = true;
    try {
      await approve(what);
      done();
    } catch (error) {
      // Anything may have changed: what is shown next is what is true now.
      await load();
      replace(problem, refusal(error));
    }
  }

  before.forEach(({ element }) => element.addEventListener("change", load));
  load();
  return el("div", { class: "review" }, before.map(({ element }) => element), duration.element, scope.element,
    shown, problem, el("p", { class: "buttons" }, go, extra));
}
