// SPDX-License-Identifier: GPL-3.0-or-later
// The panel at the side that explains one thing. A modal <dialog>: the browser keeps
// the focus in it and closes it with Escape.

import { el, icon, replace } from "./dom.js";
import { _ } from "./text.js";

const drawer = () => document.getElementById("drawer");

export function closeDrawer() {
  drawer().close();
}

// children: nodes below the title. What it showed before gives way.
export function openDrawer(title, children) {
  const dialog = drawer();
  replace(dialog,
    el("header", null, el("h2", { id: "drawer-title" }, title),
      el("button", { type: "button", class: "plain", "aria-label": _("Close"), click: closeDrawer }, icon("close"))),
    el("div", { class: "content", tabindex: "0", role: "region", "aria-labelledby": "drawer-title" }, children));
  if (!dialog.open)
    dialog.showModal();
  dialog.querySelector(".content").focus();
}

// A click beside the panel closes it.
export function setUpDrawer() {
  // The event comes later; it may be open again by then.
  drawer().addEventListener("close", () => {
    if (!drawer().open)
      drawer().replaceChildren();
  });
  drawer().addEventListener("click", (event) => {
    if (event.target === drawer())
      closeDrawer();
  });
}
