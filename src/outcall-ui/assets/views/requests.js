// SPDX-License-Identifier: GPL-3.0-or-later
// Rules that agents ask for: what was asked, what it would open, and the decision.

import { get, post } from "../api.js";
import { closeDrawer, openDrawer } from "../drawer.js";
import { announce, button, code, el, facts, icon, newId, pill, replace, when } from "../dom.js";
import { openExplanation } from "../explain.js";
import { decisions } from "../history.js";
import { reviewForm } from "../review.js";
import { nothing, resource } from "../states.js";
import { refresh, refreshSoon, subscribe } from "../store.js";
import { table } from "../table.js";
import { C_, _, fill, moment } from "../text.js";
import { destination } from "../words.js";

const REASON_MAX = 1024; // bytes, as the daemon has it
const DECIDED_SHOWN = 50;

const path = (request, action = "") => `/requests/rules/${encodeURIComponent(request.id)}${action}`;

const asked = (request) => (request.own
  ? fill(_("{destination} for {agent}, allowed by an operator"), { agent: request.agent, destination: destination(request) })
  : request.host
  ? fill(_("{agent} asks for {destination}"), { agent: request.agent, destination: destination(request) })
  : fill(_("{agent} asks for a rule"), { agent: request.agent }));

function finish(text) {
  closeDrawer();
  announce(text);
  refreshSoon(["requests", "rules", "status"]);
}

// --- Reject ---------------------------------------------------------------------------

function openReject(request) {
  const id = newId("reason");
  const reason = el("textarea", { id, rows: "4", maxlength: REASON_MAX, "aria-describedby": `${id}-hint` });
  const problem = el("div");

  async function send(event) {
    event.preventDefault();
    // One line: control characters are refused.
    const text = reason.value.replace(/\s+/g, " ").trim();
    try {
      await post(path(request, "/reject"), text ? { reason: text } : {});
      finish(_("The request is rejected."));
    } catch (error) {
      replace(problem, el("p", { class: "problem", role: "alert" }, error.message));
    }
  }

  openDrawer(asked(request), [
    el("form", { class: "review", submit: send },
      el("label", { for: id }, _("Why not? The agent is told.")), reason,
      el("p", { class: "soft", id: `${id}-hint` }, _("What it may do instead helps it most.")),
      problem, el("p", { class: "buttons" }, el("button", { type: "submit", class: "danger" }, _("Reject")),
        button(_("Cancel"), closeDrawer))),
  ]);
  reason.focus();
}

// --- Approve ---------------------------------------------------------------------------

function openApprove(request) {
  openDrawer(asked(request), [
    request.reason && el("blockquote", null, request.reason),
    reviewForm({
      agent: request.agent,
      label: _("Approve"),
      ask: ({ seconds, anyAgent }) =>
        get(`${path(request)}?any_agent=${anyAgent}${seconds ? `&for_s=${seconds}` : ""}`),
      approve: (review) => post(path(request, "/approve"), {
        digest: review.digest, any_agent: review.any_agent,
        ...(review.expires_at ? { expires_at: review.expires_at } : {}),
      }),
      done: () => finish(_("The request is approved, and the rule is in force.")),
      extra: button(_("Reject…"), () => openReject(request)),
    }),
  ]);
}

// --- The list ---------------------------------------------------------------------------

function blockedBefore(request) {
  const decision = decisions().find((d) => d.sequence === request.decision);
  return decision && button(_("What was refused"), () => openExplanation(decision), { class: "plain link" });
}

const card = (request) =>
  el("article", { class: "card request", "aria-label": asked(request) },
    el("h2", null, asked(request)),
    request.reason && el("blockquote", null, request.reason),
    facts([[_("Workload"), request.workload], [_("Asked"), when(request.asked_at)],
      [_("Tool call"), request.tool_use_id ? code(request.tool_use_id) : null]]),
    request.rule_file && el("details", { open: !request.host }, el("summary", null, _("The rule as it was asked for")),
      el("pre", { tabindex: "0" }, request.rule_file)),
    el("p", { class: "buttons" },
      button(_("Review and approve…"), () => openApprove(request), { class: "primary" }),
      button(_("Reject…"), () => openReject(request)), blockedBefore(request)));

function drawPending(list, body) {
  if (!body.contains(document.activeElement) || body.childElementCount === 0) {
    replace(body, list.map(card));
    return;
  }
  // The focus stays where it is; what is decided elsewhere goes, what is new comes last.
  const focused = document.activeElement;
  replace(body, list.map(card));
  const again = [...body.querySelectorAll("button")].find((b) => b.textContent === focused.textContent);
  again?.focus();
}

const outcome = (request) => {
  if (request.status === "rejected")
    return pill(C_("request", "rejected"), "bad");
  return request.ended ? pill(C_("request", "ended")) : pill(C_("request", "approved"), "good");
};

const decidedTable = () => table({
  caption: _("Decided requests"),
  key: (r) => r.id,
  columns: [
    { label: _("Request"), cell: (r) => asked(r) },
    { label: _("Outcome"), kind: "once", cell: outcome },
    { label: _("Decided"), kind: "once", cell: (r) => when(r.decided_at) },
    { label: _("For whom"), cell: (r) => (r.any_agent ? _("Every agent") : r.agent) },
    { label: _("Until"), kind: "once", cell: (r) => (r.expires_at ? moment(new Date(r.expires_at)) : "") },
    { label: _("Answer or file"), cell: (r) => r.answer ?? (r.file ? code(r.file) : "") },
  ],
});

export const requests = {
  title: () => _("Requests"),
  mount(root, parameters) {
    const pending = resource("requests", {
      draw: drawPending,
      isEmpty: (list) => list.length === 0,
      empty: { image: "requests", title: _("Nothing waits for you."),
        hint: _("When an agent asks for access, it is shown here at once.") },
    });
    const decided = decidedTable();
    const past = el("section", { class: "card", hidden: true }, el("h2", null, _("Decided")), decided.element);
    let wanted = parameters.get("id");

    async function loadDecided() {
      try {
        const list = await get(`/requests/rules?state=decided&limit=${DECIDED_SHOWN}`);
        past.hidden = list.length === 0;
        decided.update([...list].reverse());
      } catch {
        past.hidden = true; // the list above says what is wrong
      }
    }

    // A link may name the one that is to be looked at.
    function openWanted({ data }) {
      const request = data?.find(({ id }) => id === wanted);
      if (!request)
        return;
      wanted = null;
      openApprove(request);
    }

    root.append(el("div", { class: "stack" }, pending.element), past);
    const stop = subscribe("requests", (entry) => {
      loadDecided();
      openWanted(entry);
    });
    return () => {
      stop();
      pending.stop();
    };
  },
};
