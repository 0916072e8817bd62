// SPDX-License-Identifier: GPL-3.0-or-later
// Starts the page: language, token, navigation, and the connection to the daemon.

import { takeToken } from "./api.js";
import { closeDrawer, setUpDrawer } from "./drawer.js";
import { announce, button, el, icon, replace, tick } from "./dom.js";
import { addDecision, addLeftOut, endDecision, loadLog } from "./history.js";
import { follow, retryNow } from "./live.js";
import { onChange, read, refresh, refreshSoon, shownTopics, subscribe } from "./store.js";
import { _, clock, fill, loadLanguage, ngettext, number } from "./text.js";
import { decisionsView } from "./views/decisions.js";
import { dns, grants, networks, workloads } from "./views/lists.js";
import { overview } from "./views/overview.js";
import { requests } from "./views/requests.js";
import { rules } from "./views/rules.js";

const POLL_MS = 5000; // for what has no events: counters, parts

const VIEWS = { overview, decisions: decisionsView, requests, rules, workloads, networks, grants, dns };

const byId = (id) => document.getElementById(id);
const links = new Map(); // view → its link
let unmount = null;
let current = null;
let live = false;
let lostAt = null; // when the connection broke

// --- Navigation ------------------------------------------------------------------------

function readLocation() {
  const [, name, query] = /^#\/([a-z]+)(?:\?(.*))?$/.exec(location.hash) ?? [];
  return { name: Object.hasOwn(VIEWS, name ?? "") ? name : "overview", parameters: new URLSearchParams(query) };
}

function drawTitle() {
  const waiting = read("requests").data?.length ?? 0;
  const title = `${VIEWS[current].title()} · Outcall`;
  document.title = waiting > 0 ? `(${waiting}) ${title}` : title;
}

function show({ name, parameters }, byUser) {
  const view = VIEWS[name];
  const main = byId("main");
  const heading = el("h1", { tabindex: "-1" }, view.title());
  const body = el("div", { class: "view", id: `view-${name}` });
  closeDrawer();
  unmount?.();
  current = name;
  main.classList.toggle("full", view.full === true);
  replace(main, heading, body);
  unmount = view.mount(body, parameters);
  for (const [other, link] of links)
    if (other === name)
      link.setAttribute("aria-current", "page");
    else
      link.removeAttribute("aria-current");
  drawTitle();
  if (byUser) {
    window.scrollTo(0, 0);
    heading.focus();
  }
}

function makeNavigation() {
  const list = el("ul", null, Object.entries(VIEWS).map(([name, view]) => {
    const link = el("a", { href: `#/${name}` }, icon(name), el("span", null, view.title()),
      name === "requests" && el("span", { class: "badge", id: "waiting", hidden: true }));
    links.set(name, link);
    return el("li", null, link);
  }));
  byId("navigation").setAttribute("aria-label", _("Views"));
  byId("navigation").append(list);
  window.addEventListener("hashchange", () => {
    if (takeToken())
      retryNow();
    show(readLocation(), true);
  });
}

let waitingBefore = 0;

function drawWaiting({ data }) {
  const n = data?.length ?? 0;
  const badge = byId("waiting");
  badge.hidden = n === 0;
  replace(badge, el("span", { "aria-hidden": "true" }, number(n)),
    el("span", { class: "unseen" }, ngettext("{n} waits", "{n} wait", n)));
  if (n > waitingBefore)
    announce(ngettext("{n} request waits for you.", "{n} requests wait for you.", n));
  waitingBefore = n;
  drawTitle();
}

// --- The connection ----------------------------------------------------------------------

function problemText(error) {
  if (error?.status === 401)
    return _("This address has no valid token. Open the one that outcall-ui printed.");
  if (error?.status === 0)
    return _("outcall-ui has ended. Start it again and open the address that it prints.");
  return error?.message ?? _("outcalld has ended.");
}

function drawConnection(error) {
  const state = byId("connection");
  const banner = byId("lost");
  state.dataset.state = live ? "live" : "lost";
  byId("connection-text").textContent = live ? _("Live") : _("Not connected");
  document.body.classList.toggle("old", !live);
  banner.hidden = live;
  if (!live)
    replace(banner, icon("alert"), el("div", null,
      el("p", { class: "title" }, lostAt ? fill(_("Not connected since {time}. What you see may be old."), { time: clock(lostAt) })
        : _("Not connected.")),
      el("p", null, problemText(error))), button(_("Try now"), retryNow));
}

function loadAll() {
  loadLog();
  shownTopics().forEach(refresh);
}

function onState(state, detail) {
  const now = state === "live";
  if (now) {
    lostAt = null;
    // Events since the break come again, but counters and parts have none.
    if (detail)
      refreshSoon(shownTopics());
    else
      loadAll();
  } else if (live) {
    lostAt = new Date();
  }
  live = now;
  drawConnection(now ? null : detail);
}

function onEvent(name, data) {
  if (name === "decision")
    addDecision(data);
  else if (name === "ended")
    endDecision(data);
  else if (name === "left_out")
    addLeftOut(data.left_out);
  else if (name === "reset")
    loadAll();
  else
    onChange(name);
}

// --- The start -------------------------------------------------------------------------

function setTexts() {
  const skip = byId("skip");
  skip.textContent = _("Skip to the content");
  // The fragment is the view's name, so it must stay.
  skip.addEventListener("click", (event) => {
    event.preventDefault();
    document.querySelector("#main h1").focus();
  });
  byId("connection-text").textContent = _("Connecting…");
}

async function start() {
  takeToken();
  await loadLanguage();
  setTexts();
  makeNavigation();
  setUpDrawer();
  subscribe("requests", drawWaiting);
  show(readLocation(), false);
  ["status", "workloads", "requests"].forEach(refresh);
  setInterval(tick, 1000);
  setInterval(() => live && refreshSoon(["status"]), POLL_MS);
  follow(onEvent, onState);
}

start();
