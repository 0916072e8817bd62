// SPDX-License-Identifier: GPL-3.0-or-later
// Decisions as they are made: filter, pause, look into one.

import { button, el, icon, replace } from "../dom.js";
import { openExplanation } from "../explain.js";
import { decisions, decisionsLeftOut, isLoaded, KEEP, loadLog, logFailure, onDecisions } from "../history.js";
import { virtualList } from "../list.js";
import { failed, nothing } from "../states.js";
import { C_, _, clock, fill, ngettext, number } from "../text.js";
import { destination, layerWord, requestLine, verdictPill } from "../words.js";

// As the style has it: one line, or two where it is narrow.
const narrow = matchMedia("(max-width: 52rem)");
const rowHeight = () => (narrow.matches ? 64 : 38);

const columns = () => [
  { label: _("Time"), className: "time" },
  { label: _("Verdict"), className: "verdict" },
  { label: _("Workload"), className: "workload" },
  { label: _("Destination"), className: "destination" },
  { label: _("Decided by"), className: "layer" },
  { label: _("Request"), className: "request" },
  { label: _("Rule"), className: "rule" },
];

function fillRow(cells, decision) {
  const [time, verdict, workload, where, layer, request, rule] = cells;
  time.textContent = clock(new Date(decision.at));
  verdict.replaceChildren(verdictPill(decision.verdict));
  workload.textContent = decision.workload;
  where.textContent = destination(decision);
  layer.textContent = layerWord(decision.layer);
  request.textContent = requestLine(decision);
  rule.textContent = decision.rule ?? _("no rule");
}

// --- The filter -------------------------------------------------------------------------

function makeFilter(parameters, changed) {
  const agent = el("input", { type: "search", list: "agents", value: parameters.get("agent") ?? "", input: changed,
    autocomplete: "off", spellcheck: "false" });
  const agents = el("datalist", { id: "agents" });
  const host = el("input", { type: "search", value: parameters.get("host") ?? "", input: changed, autocomplete: "off",
    spellcheck: "false" });
  const verdict = el("select", { change: changed }, [["", C_("verdict", "all")],
    ["allowed", C_("verdict", "allowed")], ["blocked", C_("verdict", "refused")]].map(([value, label]) =>
    el("option", { value, selected: value === (parameters.get("verdict") ?? "") }, label)));
  const element = el("form", { class: "filter", role: "search", submit: (event) => event.preventDefault() },
    el("label", null, _("Workload or agent"), agent), agents,
    el("label", null, _("Verdict"), verdict),
    el("label", null, _("Host contains"), host));
  return {
    element,
    agents(names) {
      if (names.join("\n") !== [...agents.children].map((o) => o.value).join("\n"))
        replace(agents, names.map((name) => el("option", { value: name })));
    },
    active: () => agent.value !== "" || host.value !== "" || verdict.value !== "",
    matches(decision) {
      return (verdict.value === "" || decision.verdict === verdict.value)
        && (agent.value === "" || decision.workload.includes(agent.value) || decision.agent.includes(agent.value))
        && (host.value === "" || destination(decision).includes(host.value.toLowerCase()));
    },
    parameters() {
      const list = [["agent", agent.value], ["verdict", verdict.value], ["host", host.value]];
      return new URLSearchParams(list.filter(([, value]) => value !== ""));
    },
  };
}

// --- The view ---------------------------------------------------------------------------

export const decisionsView = {
  title: () => _("Decisions"),
  full: true,
  mount(root, parameters) {
    let frozen = null; // what was there when it was paused
    const filter = makeFilter(parameters, changed);
    const state = el("p", { class: "soft count", role: "status" });
    const pauseButton = el("button", { type: "button", "aria-pressed": "false", click: toggle });
    const list = virtualList({ label: _("Decisions, newest first"), columns: columns(), rowHeight, fillRow,
      open: openExplanation });
    const empty = el("div", { class: "card", hidden: true });
    const skipped = el("p", { class: "notice", hidden: true });
    root.append(el("div", { class: "tools" }, filter.element, pauseButton), state, skipped, list.element, empty);

    function changed() {
      const query = filter.parameters().toString();
      history.replaceState(null, "", `#/decisions${query ? `?${query}` : ""}`);
      list.element.scrollTop = 0;
      draw();
    }

    function toggle() {
      frozen = frozen ? null : decisions().slice();
      pauseButton.setAttribute("aria-pressed", String(frozen !== null));
      draw();
    }

    function drawPause(all) {
      const last = frozen?.length ? frozen[frozen.length - 1].sequence : 0;
      const since = frozen ? all.filter((d) => d.sequence > last).length : 0;
      const label = frozen ? ngettext("Go on ({n} new)", "Go on ({n} new)", since) : _("Pause");
      if (pauseButton.textContent !== label || !pauseButton.firstElementChild)
        replace(pauseButton, icon(frozen ? "play" : "pause"), label);
    }

    function drawEmpty(none) {
      list.element.hidden = none;
      empty.hidden = !none;
      if (none && logFailure())
        replace(empty, failed(logFailure(), loadLog));
      else if (none && !isLoaded())
        replace(empty);
      else if (none)
        replace(empty, filter.active()
          ? [nothing({ image: "decisions", title: _("No decision is like that.") })]
          : nothing({ image: "decisions", title: _("Nothing was decided yet."), hint: _("Start a confined program:"),
            command: "outcall run -- COMMAND" }));
    }

    function draw() {
      const all = decisions();
      const source = frozen ?? all;
      const rows = (filter.active() ? source.filter(filter.matches) : source.slice()).reverse();
      drawPause(all);
      drawEmpty(rows.length === 0);
      list.update(rows, (d) => d.sequence);
      filter.agents([...new Set(all.map((d) => d.agent))].sort().slice(0, 200));
      state.textContent = filter.active()
        ? fill(_("{shown} of {all}"), { shown: number(rows.length), all: number(source.length) })
        : ngettext("{n} decision", "{n} decisions", rows.length);
      if (source.length >= KEEP)
        state.textContent += ` · ${_("older ones: outcall log")}`;
      skipped.hidden = decisionsLeftOut() === 0;
      skipped.textContent = ngettext("{n} decision came too fast to be shown; outcall log has it.",
        "{n} decisions came too fast to be shown; outcall log has them.", decisionsLeftOut());
    }

    const redraw = () => list.redraw();
    const stop = onDecisions(draw);
    narrow.addEventListener("change", redraw);
    window.addEventListener("resize", redraw);
    draw();
    return () => {
      stop();
      narrow.removeEventListener("change", redraw);
      window.removeEventListener("resize", redraw);
    };
  },
};
