// SPDX-License-Identifier: GPL-3.0-or-later
// A long list of which only the rows in sight exist. For assistive technology it is a
// grid with all its rows; the arrow keys move in it and Enter opens a row.

import { el, newId } from "./dom.js";

const SPARE = 6; // rows above and below those in sight

// columns: [{ label, className }]
// rowHeight(): pixels
// fillRow(cells, item): puts texts into a row's cells
// open(item)
export function virtualList({ label, columns, rowHeight, fillRow, open }) {
  const prefix = newId("list");
  const pane = el("div", { class: "rows", role: "rowgroup" });
  const head = el("div", { role: "rowgroup", class: "head" },
    el("div", { role: "row", class: "row", "aria-rowindex": "1" }, columns.map(({ label: text, className }) =>
      el("span", { role: "columnheader", class: className }, text))));
  const element = el("div", { class: "list", role: "grid", tabindex: "0", "aria-label": label,
    keydown: onKey, scroll: () => draw() }, head, pane);
  const rows = []; // row elements in use
  let items = []; // newest first
  let active = null; // key of the row that the keyboard is on
  let keyOf = () => 0;

  function makeRow() {
    const cells = columns.map(({ className }) => el("span", { role: "gridcell", class: className }));
    const row = el("div", { role: "row", class: "row" }, cells);
    row.addEventListener("click", () => {
      select(row.itemIndex);
      open(items[row.itemIndex]);
    });
    row.cells = cells;
    return row;
  }

  function place(row, index) {
    const item = items[index];
    const key = keyOf(item);
    row.itemIndex = index;
    row.style.transform = `translateY(${index * rowHeight()}px)`;
    if (row.itemKey !== key) {
      row.itemKey = key;
      row.id = `${prefix}-${key}`;
      fillRow(row.cells, item);
    }
    row.setAttribute("aria-rowindex", String(index + 2));
    row.classList.toggle("active", key === active);
  }

  // The rows in sight, and the active one wherever it is: it is referred to.
  function wanted() {
    const height = rowHeight();
    const first = Math.max(0, Math.floor(element.scrollTop / height) - SPARE);
    const last = Math.min(items.length, Math.ceil((element.scrollTop + element.clientHeight) / height) + SPARE);
    const indexes = Array.from({ length: Math.max(0, last - first) }, (unused, i) => first + i);
    const at = active === null ? -1 : items.findIndex((item) => keyOf(item) === active);
    if (at >= 0 && (at < first || at >= last))
      indexes.push(at);
    return indexes;
  }

  function draw() {
    const indexes = wanted();
    pane.style.height = `${items.length * rowHeight()}px`;
    element.setAttribute("aria-rowcount", String(items.length + 1));
    while (rows.length > indexes.length)
      rows.pop().remove();
    while (rows.length < indexes.length) {
      rows.push(makeRow());
      pane.append(rows[rows.length - 1]);
    }
    indexes.forEach((index, i) => place(rows[i], index));
    const there = rows.find((row) => row.itemKey === active);
    if (there)
      element.setAttribute("aria-activedescendant", there.id);
    else
      element.removeAttribute("aria-activedescendant");
  }

  function select(index) {
    active = keyOf(items[index]);
    draw();
  }

  function show(index) {
    const top = index * rowHeight();
    const room = element.clientHeight - head.offsetHeight - rowHeight();
    if (top < element.scrollTop)
      element.scrollTop = top;
    else if (top > element.scrollTop + room)
      element.scrollTop = top - room;
  }

  function onKey(event) {
    const page = Math.max(1, Math.floor(element.clientHeight / rowHeight()) - 2);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -items.length, End: items.length };
    const at = active === null ? -1 : items.findIndex((item) => keyOf(item) === active);
    if (items.length === 0)
      return;
    if (Object.hasOwn(steps, event.key)) {
      const next = Math.min(items.length - 1, Math.max(0, at + steps[event.key]));
      show(next);
      select(next);
    } else if ((event.key === "Enter" || event.key === " ") && at >= 0) {
      open(items[at]);
    } else {
      return;
    }
    event.preventDefault();
  }

  // What is in sight stays there when news come in above it.
  function keepPlace(list) {
    if (element.scrollTop < rowHeight() || items.length === 0)
      return;
    const top = items[Math.min(items.length - 1, Math.floor(element.scrollTop / rowHeight()))];
    const added = list.findIndex((item) => keyOf(item) === keyOf(top)) - items.indexOf(top);
    if (added > 0) {
      pane.style.height = `${list.length * rowHeight()}px`;
      element.scrollTop += added * rowHeight();
    }
  }

  function update(list, key) {
    keyOf = key;
    keepPlace(list);
    items = list;
    draw();
  }

  // When rows look different now (width, language).
  function redraw() {
    rows.forEach((row) => { row.itemKey = null; });
    draw();
  }

  return { element, update, redraw };
}
