// SPDX-License-Identifier: GPL-3.0-or-later
// Language: the catalogues of po/, and numbers, sizes and times as people write them.
// The catalogues are made at build time from po/*.po; English is in the sources.

const PLURALS = { "0": () => 0, "n!=1": (n) => Number(n !== 1), "n>1": (n) => Number(n > 1) };

let messages = {};
let pluralIndex = PLURALS["n!=1"];
let language = "en";

// Marks a text that is translated where it is shown.
export const N_ = (id) => id;

export function _(id) {
  const found = Object.hasOwn(messages, id) ? messages[id] : id;
  return Array.isArray(found) ? found[0] : found;
}

export const C_ = (context, id) => {
  const key = `${context}\u0004${id}`;
  return Object.hasOwn(messages, key) ? messages[key] : id;
};

export function ngettext(one, many, n) {
  const forms = Object.hasOwn(messages, one) ? messages[one] : [one, many];
  return fill(forms[Math.min(pluralIndex(n), forms.length - 1)], { n: number(n) });
}

// Puts values into the places of a text: "{host}".
export function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
}

// "zh_CN" of a catalogue is "zh-CN" of a browser; "zh" alone is good for it too.
function choose(catalogues) {
  const names = Object.keys(catalogues);
  for (const wanted of navigator.languages) {
    if (wanted.split("-")[0] === "en")
      return null;
    const exact = names.find((name) => name.replace("_", "-") === wanted);
    const near = names.find((name) => name.split("_")[0] === wanted.split("-")[0]);
    if (exact ?? near)
      return exact ?? near;
  }
  return null;
}

export async function loadLanguage() {
  const catalogues = await (await fetch("/strings.json")).json();
  const name = choose(catalogues);
  if (name) {
    ({ messages } = catalogues[name]);
    pluralIndex = PLURALS[catalogues[name].plural] ?? pluralIndex;
    language = name.replace("_", "-");
  }
  document.documentElement.lang = language;
}

// --- Numbers --------------------------------------------------------------------

export const number = (value) => new Intl.NumberFormat(language).format(value);

export function bytes(value) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  const power = Math.min(Math.floor(Math.log10(Math.max(value, 1)) / 3), units.length - 1);
  return new Intl.NumberFormat(language, {
    style: "unit", unit: units[power], unitDisplay: "short", maximumSignificantDigits: 3,
  }).format(value / 1000 ** power);
}

// --- Times -----------------------------------------------------------------------

const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

const oneUnit = (value, unit) =>
  new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short" }).format(value);

// The two largest units: "2 hr 5 min".
export function duration(seconds) {
  const at = UNITS.findIndex(([, size]) => seconds >= size);
  const first = at < 0 ? UNITS.length - 1 : at;
  const parts = [oneUnit(Math.floor(seconds / UNITS[first][1]), UNITS[first][0])];
  const next = UNITS[first + 1];
  const rest = next ? Math.floor((seconds % UNITS[first][1]) / next[1]) : 0;
  if (rest > 0)
    parts.push(oneUnit(rest, next[0]));
  return parts.join(" ");
}

export const milliseconds = (us) =>
  new Intl.NumberFormat(language, {
    style: "unit", unit: "millisecond", unitDisplay: "short", maximumSignificantDigits: 3,
  }).format(us / 1000);

export const clock = (date) =>
  new Intl.DateTimeFormat(language, { timeStyle: "medium" }).format(date);

export const hourMinute = (date) =>
  new Intl.DateTimeFormat(language, { timeStyle: "short" }).format(date);

export const moment = (date) =>
  new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" }).format(date);

// "3 minutes ago", "in 2 hours".
export function relative(date) {
  const seconds = (date - Date.now()) / 1000;
  const [unit, size] = UNITS.find(([, s]) => Math.abs(seconds) >= s) ?? ["second", 1];
  return new Intl.RelativeTimeFormat(language, { numeric: "auto" })
    .format(Math.trunc(seconds / size), unit);
}
