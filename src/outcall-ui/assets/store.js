// SPDX-License-Identifier: GPL-3.0-or-later
// What the page knows of the daemon's state: one entry for each thing that can be
// asked for, with the last answer or why there is none.

import { get } from "./api.js";

const PATHS = {
  status: "/status",
  bridge: "/bridge",
  workloads: "/workloads",
  rules: "/rules",
  requests: "/requests/rules",
  networks: "/networks",
  grants: "/rules/active",
  dns: "/dns",
  dnsCache: "/dns/cache?entries=true",
};

// What an event of the daemon makes old.
const EVENTS = {
  workload_started: ["workloads", "networks", "status"],
  workload_ended: ["workloads", "networks", "grants", "status"],
  reload: ["rules", "status", "grants"],
  grant: ["grants"],
  request: ["requests"],
  network: ["networks", "bridge"],
};

const GATHER_MS = 100; // events that come together are asked about once

const entries = new Map(); // topic → { data, error, at }
const listeners = new Map(); // topic → Set
const running = new Map(); // topic → promise
const wanted = new Set(); // topics to ask for soon
let timer = null;

export const read = (topic) => entries.get(topic) ?? { data: null, error: null, at: 0 };

function set(topic, entry) {
  entries.set(topic, entry);
  listeners.get(topic)?.forEach((listener) => listener(entry));
}

async function ask(topic) {
  try {
    const data = await get(PATHS[topic]);
    set(topic, { data, error: null, at: Date.now() });
  } catch (error) {
    // Old data stays, but only for a daemon that cannot be asked, not for one that says no.
    const old = error.status === 0 || error.status === 502 ? read(topic).data : null;
    set(topic, { data: old, error, at: read(topic).at });
  } finally {
    running.delete(topic);
  }
}

// Asks now; a question that is on its way already is followed by another.
export async function refresh(topic) {
  while (running.has(topic))
    await running.get(topic);
  const question = ask(topic);
  running.set(topic, question);
  await question;
  return read(topic);
}

export function refreshSoon(topics) {
  topics.forEach((topic) => wanted.add(topic));
  timer ??= setTimeout(() => {
    timer = null;
    const list = [...wanted];
    wanted.clear();
    list.forEach(refresh);
  }, GATHER_MS);
}

// Topics that somebody shows.
export const shownTopics = () => [...listeners.keys()].filter((t) => listeners.get(t).size > 0);

export function onChange(event) {
  // "grant_added" and the like are about grants.
  const topics = EVENTS[event] ?? EVENTS[event.split("_")[0]] ?? [];
  const shown = shownTopics();
  refreshSoon(topics.filter((topic) => shown.includes(topic)));
}

// Calls listener(entry) for each new answer. Returns: a function that ends it.
export function subscribe(topic, listener) {
  if (!listeners.has(topic))
    listeners.set(topic, new Set());
  listeners.get(topic).add(listener);
  return () => listeners.get(topic).delete(listener);
}
