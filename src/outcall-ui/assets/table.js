// SPDX-License-Identifier: GPL-3.0-or-later
// Tables whose rows stay the same elements as long as they say the same, so that
// selection, focus and scroll position survive news.

import { el, newId } from "./dom.js";

// A column: { label, cell(row) → text or node, kind: "number" | "code" | "once" | "actions" }
function makeRow(columns, row) {
  return el("tr", null, columns.map(({ cell, kind, label }, i) => {
    const content = cell(row);
    return i === 0 ? el("th", { scope: "row", class: kind }, content)
      : el("td", { class: kind, "data-label": label }, content);
  }));
}

// key(row): what tells one row from another. Returns: { element, update(rows) }
export function table({ caption, columns, key }) {
  const id = newId("table");
  const body = el("tbody");
  const known = new Map(); // key → { json, element }
  const element = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-labelledby": id },
    el("table", null, el("caption", { id, class: "unseen" }, caption),
      el("thead", null, el("tr", null, columns.map(({ label, kind }) =>
        el("th", { scope: "col", class: kind }, kind === "actions" ? el("span", { class: "unseen" }, label) : label)))),
      body));

  function rowFor(row) {
    const json = JSON.stringify(row);
    const old = known.get(key(row));
    if (old?.json === json)
      return old.element;
    const fresh = makeRow(columns, row);
    known.set(key(row), { json, element: fresh });
    return fresh;
  }

  function update(rows) {
    const focused = body.contains(document.activeElement) ? document.activeElement : null;
    const next = rows.map(rowFor);
    const keys = new Set(rows.map(key));
    for (const name of known.keys())
      if (!keys.has(name))
        known.delete(name);
    if (next.length !== body.children.length || next.some((e, i) => e !== body.children[i]))
      body.replaceChildren(...next);
    if (focused?.isConnected)
      focused.focus();
  }

  return { element, update };
}
