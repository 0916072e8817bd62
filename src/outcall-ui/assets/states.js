// SPDX-License-Identifier: GPL-3.0-or-later
// The four states of a part of the page: loading, nothing there, failed, and data.

import { button, code, el, icon, replace } from "./dom.js";
import { read, refresh, subscribe } from "./store.js";
import { _ } from "./text.js";

const loading = () =>
  el("div", { class: "state loading", "aria-busy": "true" },
    el("p", { class: "unseen" }, _("Loading…")),
    el("span", { class: "bar" }), el("span", { class: "bar" }), el("span", { class: "bar" }));

// hint: a sentence; command: what to type.
export const nothing = ({ image, title, hint, command }) =>
  el("div", { class: "state" }, icon(image), el("p", { class: "title" }, title),
    hint && el("p", null, hint), command && el("p", { class: "command" }, code(command)));

function missing(error) {
  if (error.status === 404)
    return _("This outcalld does not have this part. Is it older than this page?");
  if (error.status === 503)
    return _("This part of outcalld is not available.");
  return _("There is no answer.");
}

export const failed = (error, retry) =>
  el("div", { class: "state failed" }, icon("alert"), el("p", { class: "title" }, missing(error)),
    el("p", { class: "detail" }, error.message), button(_("Try again"), retry));

// Keeps an element that shows a topic of the store.
// options.draw(data): fills `element` itself and returns nothing
// options.isEmpty(data), options.empty: for nothing()
// Returns: { element, stop }
export function resource(topic, { draw, isEmpty, empty, clear }) {
  const body = el("div", { class: "resource" });
  let shown = null; // JSON of what is drawn

  function show(entry) {
    if (entry.data === null && entry.error === null) {
      replace(body, loading());
    } else if (entry.data === null) {
      shown = null;
      clear?.();
      replace(body, failed(entry.error, () => refresh(topic)));
    } else {
      const json = JSON.stringify(entry.data);
      if (json === shown)
        return;
      shown = json;
      if (isEmpty?.(entry.data)) {
        clear?.();
        replace(body, nothing(empty));
      } else {
        draw(entry.data, body);
      }
    }
  }

  const stop = subscribe(topic, show);
  show(read(topic));
  refresh(topic);
  return { element: body, stop };
}
