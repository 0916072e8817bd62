// SPDX-License-Identifier: GPL-3.0-or-later
// Small charts as inline SVG: bars for each minute of the last hour, and bars for names.

import { el, svg } from "./dom.js";
import { hourMinute, number } from "./text.js";

const WIDTH = 600; // of the drawing; the style stretches it
const HEIGHT = 120;
const GAP = 2;

// 1, 2, 5, 10, 20, 50, …: the end of the scale.
export function niceMax(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 2, 5, 10].map((step) => step * power).find((top) => top >= value) ?? 1;
}

const bar = (x, y, width, height, className) =>
  svg("rect", { x: x.toFixed(2), y: y.toFixed(2), width: width.toFixed(2), height: height.toFixed(2), class: className });

// What is not zero is seen, however small.
const heightOf = (value, max) => (value === 0 ? 0 : Math.max(value / max * HEIGHT, 2));

function column(cell, i, count, max, series) {
  const step = WIDTH / count;
  let top = HEIGHT;
  const group = svg("g", { class: "column" });
  for (const { field, className } of series) {
    const height = heightOf(cell[field], max);
    top -= height;
    if (height > 0)
      group.append(bar(i * step + GAP / 2, top, step - GAP, height, className));
  }
  // The whole height answers the pointer.
  const lines = series.map(({ field, label }) => `${label}: ${number(cell[field])}`);
  group.append(bar(i * step, 0, step, HEIGHT, "touch"));
  group.lastChild.append(svg("title", null, [hourMinute(new Date(cell.at)), ...lines].join("\n")));
  return group;
}

// series: [{ field, label, className }], the first one at the bottom.
// label: what a screen reader says of the whole.
// Returns: { element, update(cells, label) }
export function minuteChart(series) {
  const image = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" });
  const top = el("span", { class: "scale" });
  const first = el("span");
  const last = el("span");
  const element = el("div", { class: "chart" }, top, image,
    el("div", { class: "axis", "aria-hidden": "true" }, first, last));

  function update(cells, label) {
    const sums = cells.map((cell) => series.reduce((sum, { field }) => sum + cell[field], 0));
    const max = niceMax(Math.max(...sums));
    image.setAttribute("aria-label", label);
    image.replaceChildren(
      svg("line", { x1: 0, x2: WIDTH, y1: HEIGHT / 2, y2: HEIGHT / 2, class: "grid" }),
      svg("line", { x1: 0, x2: WIDTH, y1: 0.5, y2: 0.5, class: "grid" }),
      ...cells.map((cell, i) => column(cell, i, cells.length, max, series)),
      svg("line", { x1: 0, x2: WIDTH, y1: HEIGHT - 0.5, y2: HEIGHT - 0.5, class: "base" }));
    top.textContent = number(max);
    first.textContent = hourMinute(new Date(cells[0].at));
    last.textContent = hourMinute(new Date(cells[cells.length - 1].at));
  }

  return { element, update };
}

// rows: [{ name, value, action? }], largest first; a list whose items are their own bars.
export function barList(rows, className) {
  const max = Math.max(1, ...rows.map(({ value }) => value));
  return el("ol", { class: `bars ${className}` }, rows.map(({ name, detail, value, action }) =>
    el("li", null,
      svg("svg", { class: "share", viewBox: "0 0 100 1", preserveAspectRatio: "none", "aria-hidden": "true", focusable: "false" },
        bar(0, 0, value / max * 100, 1, className)),
      el("span", { class: "name" }, name, detail && el("span", { class: "soft" }, detail)),
      el("span", { class: "value" }, number(value)), action)));
}
