// SPDX-License-Identifier: GPL-3.0-or-later
// The decisions that the page knows: the newest so many, and how many there were in
// each minute of the last hour.

import { get } from "./api.js";

export const KEEP = 20000;
export const MINUTES = 60;
const DRAW_MS = 100; // what comes together is drawn together
// Agents choose the length of what is logged: this many rows are less than an answer may have.
const LOG_PAGE = 1000;
const LOG_LIMIT = 10000;

let records = []; // oldest first
let minutes = new Map(); // minute since the epoch → { allowed, blocked }
let leftOut = 0; // that the daemon did not send, being too many
let timer = null;
let last = 0; // sequence of the newest
let loaded = false;
let failure = null; // why the log could not be read
let countsFrom = 0; // older minutes are not known whole; 0: all are
let arrived = null; // while the whole log is asked for: what came since
const listeners = new Set();

const minuteOf = (time) => Math.floor(time / 60000);

function count(record) {
  const minute = minuteOf(record.at);
  let cell = minutes.get(minute);
  if (!cell)
    minutes.set(minute, cell = { allowed: 0, blocked: 0 });
  cell[record.verdict]++;
}

function prepare(record) {
  record.at = Date.parse(record.time);
  return record;
}

function drawSoon() {
  if (timer !== null)
    return;
  timer = setTimeout(() => {
    timer = null;
    listeners.forEach((listener) => listener());
  }, DRAW_MS);
}

function trim() {
  // In steps, as each one copies.
  if (records.length > KEEP + 1000)
    records = records.slice(-KEEP);
  const oldest = minuteOf(Date.now()) - MINUTES;
  for (const minute of minutes.keys())
    if (minute < oldest)
      minutes.delete(minute);
}

function keep(record) {
  if (record.sequence <= last)
    return;
  last = record.sequence;
  records.push(prepare(record));
  count(record);
}

export function addDecision(record) {
  if (arrived) {
    arrived.push(record);
    return;
  }
  keep(record);
  trim();
  drawSoon();
}

// What was allowed is over: how much went each way, and how long it took.
export function endDecision(record) {
  const list = arrived ?? records;
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle].sequence < record.sequence)
      low = middle + 1;
    else
      high = middle;
  }
  if (list[low]?.sequence !== record.sequence)
    return;
  Object.assign(list[low], record);
  drawSoon();
}

export function addLeftOut(n) {
  leftOut += n;
  drawSoon();
}

// list: oldest first; null: there was no answer, all stays. whole: the log has no older ones.
function endReload(list, whole) {
  const waiting = arrived ?? [];
  arrived = null;
  loaded ||= list !== null;
  if (list) {
    records = [];
    minutes = new Map();
    last = 0;
    list.forEach(keep);
    countsFrom = whole ? 0 : records[0].at;
  }
  waiting.forEach(keep);
  trim();
  drawSoon();
}

// Returns: oldest first, and whether the log has no older ones.
async function readLog() {
  let list = [];
  let before = "";
  while (list.length < LOG_LIMIT) {
    const page = await get(`/log?limit=${LOG_PAGE}${before}`);
    list = page.concat(list);
    if (page.length < LOG_PAGE)
      return { list, whole: true };
    before = `&before=${page[0].sequence}`;
  }
  return { list, whole: false };
}

// Reads it anew; what comes meanwhile waits.
export async function loadLog() {
  arrived ??= [];
  let log = null;
  try {
    log = await readLog();
    failure = null;
  } catch (error) {
    failure = error;
  }
  endReload(log?.list ?? null, log?.whole);
}

// Why what is known is not what was decided; null: it is.
export const logFailure = () => failure;
export const decisions = () => records;
// Whether the log has been read: before, no refusal here means nothing.
export const isLoaded = () => loaded;
export const decisionsLeftOut = () => leftOut;

// The last hour, oldest minute first; the last one is not over yet.
export function perMinute() {
  const now = minuteOf(Date.now());
  return Array.from({ length: MINUTES }, (unused, i) => {
    const minute = now - MINUTES + 1 + i;
    return { at: minute * 60000, allowed: 0, blocked: 0, ...minutes.get(minute) };
  });
}

// When the last hour is not known whole: from when on it is; else 0.
export const countedFrom = () =>
  (minuteOf(countsFrom) > minuteOf(Date.now()) - MINUTES ? countsFrom : 0);

// Returns: a function that ends it.
export function onDecisions(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
