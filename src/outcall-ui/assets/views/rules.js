// SPDX-License-Identifier: GPL-3.0-or-later
// The rules in force, in the order in which they are asked.

import { post } from "../api.js";
import { openDrawer } from "../drawer.js";
import { button, code, el, facts, icon, replace } from "../dom.js";
import { resource } from "../states.js";
import { refreshSoon } from "../store.js";
import { table } from "../table.js";
import { _, fill, ngettext, number } from "../text.js";
import { actionPill, modeWord } from "../words.js";

function openRule(rule) {
  openDrawer(rule.id, [
    el("p", { class: "lead" }, actionPill(rule.action), " ", rule.description),
    facts([
      [_("Source"), code(`${rule.file}:${rule.line}`)],
      [_("Priority"), number(rule.priority)],
      [_("Leaves"), rule.action === "allow" ? modeWord(rule.mode) : null],
      [_("Reason given"), rule.reason],
      [_("Hits"), number(rule.hits)],
      [_("Errors"), number(rule.errors)],
    ]),
    el("h3", null, _("Condition")), el("pre", { tabindex: "0" }, rule.condition),
    rule.errors > 0 && el("p", { class: "notice" },
      _("A condition that fails does not match. outcalld’s journal says how it failed.")),
  ]);
}

const errorsCell = ({ errors }) => (errors > 0 ? el("strong", { class: "bad" }, number(errors)) : number(errors));

const rulesTable = () => table({
  caption: _("Rules in the order of evaluation"),
  key: (r) => r.id,
  columns: [
    { label: _("Rule"), cell: (r) => button(r.id, () => openRule(r), { class: "plain link" }) },
    { label: _("Action"), kind: "once", cell: (r) => actionPill(r.action) },
    { label: _("Condition"), kind: "code", cell: (r) => el("span", { class: "clip" }, r.condition) },
    { label: _("Hits"), kind: "number", cell: (r) => number(r.hits) },
    { label: _("Errors"), kind: "number", cell: errorsCell },
    { label: _("Priority"), kind: "number", cell: (r) => number(r.priority) },
    { label: _("Source"), kind: "once", cell: (r) => code(`${r.file}:${r.line}`) },
  ],
});

const finding = ({ severity, file, line, column, text }) =>
  el("li", { class: severity }, el("span", null, [file, line, column].filter(Boolean).join(":")), " ", text);

// --- Reloading -----------------------------------------------------------------------

const loaded = ({ files_loaded: files, rules_loaded: rules, warnings = [] }) => [
  el("p", { class: warnings.length > 0 ? "notice" : "done" }, icon("check"),
    fill(_("Loaded: {rules}, {files}."), {
      rules: ngettext("{n} rule", "{n} rules", rules), files: ngettext("{n} file", "{n} files", files),
    })),
  warnings.length > 0 && el("ul", { class: "findings" }, warnings.map(finding)),
];

const notLoaded = (error) => el("div", { class: "problem" },
  el("p", null, _("The rules are as they were: the files have errors.")), el("p", null, error.message),
  el("ul", { class: "findings" }, (error.data?.warnings ?? []).map(finding)));

async function reload(event, result) {
  event.target.disabled = true;
  try {
    replace(result, loaded(await post("/rules/reload", {})));
  } catch (error) {
    replace(result, notLoaded(error));
  }
  event.target.disabled = false;
  refreshSoon(["rules", "status"]);
}

export const rules = {
  title: () => _("Rules"),
  mount(root) {
    const shown = rulesTable();
    const result = el("div", { role: "status" });
    const list = resource("rules", {
      draw(data, body) {
        if (shown.element.parentNode !== body)
          replace(body, shown.element);
        shown.update(data);
      },
      isEmpty: (data) => data.length === 0,
      empty: { image: "rules", title: _("There is no rule: everything is refused."),
        hint: _("Allow a first host:"), command: "outcall allow HOST" },
    });
    root.append(el("div", { class: "tools" },
      el("p", { class: "soft" }, _("The first rule that matches decides. None: refused.")),
      button(_("Load the files again"), (event) => reload(event, result))), result,
    el("section", { class: "card flush" }, list.element));
    // Hits go up with every request.
    const timer = setInterval(() => refreshSoon(["rules"]), 3000);
    return () => {
      clearInterval(timer);
      list.stop();
    };
  },
};
