// SPDX-License-Identifier: GPL-3.0-or-later
// Elements. Texts from the API are hostile: they become text nodes and attributes of
// no power, nothing else; the Content-Security-Policy (trusted types) enforces it too.

import { relative, moment } from "./text.js";

const SVG = "http://www.w3.org/2000/svg";

function fillElement(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false)
      continue;
    if (typeof value === "function")
      element.addEventListener(name, value);
    else
      element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return element;
}

// el("p", { class: "note", click: onClick }, "text", other, …)
export const el = (tag, attributes, ...children) =>
  fillElement(document.createElement(tag), attributes, children);

export const svg = (tag, attributes, ...children) =>
  fillElement(document.createElementNS(SVG, tag), attributes, children);

// --- Icons: outlines on a grid of 24 ----------------------------------------------

const PATHS = {
  overview: "M4 13h7V4H4zM13 20h7v-9h-7zM4 20h7v-4H4zM13 8h7V4h-7z",
  decisions: "M4 6h16M4 12h16M4 18h10",
  requests: "M5 4h14v12H9l-4 4zM9 8.5h6M9 12h4",
  rules: "M6 3h9l4 4v14H6zM9.5 12.5l2 2 3.5-4",
  workloads: "M12 3l8 4.5v9L12 21l-8-4.5v-9zM4 7.5l8 4.5 8-4.5M12 12v9",
  networks: "M9 3h6v5H9zM3 16h6v5H3zM15 16h6v5h-6zM12 8v4M6 16v-4h12v4",
  grants: "M14.5 3a6.5 6.5 0 1 1-4.6 11.1L8 16H6v2H4v2H3v-3.5l6-6A6.5 6.5 0 0 1 14.5 3zM16 8h.01",
  dns: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM3 12h18M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18",
  close: "M6 6l12 12M18 6L6 18",
  pause: "M9 5v14M15 5v14",
  play: "M8 5l11 7-11 7z",
  check: "M5 12.5l4.5 4.5L19 7.5",
  alert: "M12 4l9 16H3zM12 10v4.5M12 17.2h.01",
  shield: "M12 3l8 3v6c0 4.6-3.3 7.9-8 9-4.7-1.1-8-4.4-8-9V6z",
};

export const icon = (name) =>
  svg("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" },
    svg("path", { d: PATHS[name] }));

// --- Small parts --------------------------------------------------------------------

export const button = (label, onClick, attributes) =>
  el("button", { type: "button", click: onClick, ...attributes }, label);

export const pill = (label, kind) => el("span", { class: `pill ${kind ?? ""}` }, label);

export const code = (value) => el("code", null, value ?? "");

// A time that says how long ago it is, or how far ahead; kept true by tick().
export const when = (iso) =>
  iso ? el("time", { datetime: iso, title: moment(new Date(iso)), "data-relative": true },
    relative(new Date(iso))) : "";

export function tick() {
  for (const element of document.querySelectorAll("time[data-relative]")) {
    const text = relative(new Date(element.dateTime));
    if (element.textContent !== text)
      element.textContent = text;
  }
}

// A list of [name, value]; pairs without a value are left out.
export const facts = (pairs) =>
  el("dl", { class: "facts" }, pairs.filter(([, value]) => value !== undefined && value !== null && value !== "")
    .map(([name, value]) => el("div", null, el("dt", null, name), el("dd", null, value))));

export function replace(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
}

let lastId = 0;
export const newId = (prefix) => `${prefix}-${++lastId}`;

// Tells screen readers something that happened elsewhere on the page.
export function announce(text) {
  document.getElementById("announcements").textContent = text;
}
