// SPDX-License-Identifier: GPL-3.0-or-later
// The API's words in people's words.

import { pill } from "./dom.js";
import { C_, N_, _ } from "./text.js";

const LAYERS = {
  dns: N_("DNS name"),
  connect: N_("HTTPS tunnel"),
  tls: N_("TLS name"),
  http: N_("HTTP request"),
  agent: N_("agent’s question"),
  container: N_("new container"),
};

const PARTS = {
  bridge: N_("Bridge"),
  firewall: N_("Kernel firewall"),
  policy: N_("Rules"),
  dns: N_("DNS filter"),
  proxy: N_("Proxy"),
  log: N_("Decision log"),
  engine: N_("Container engine"),
  agent_api: N_("Agent API"),
  requests: N_("Rule requests"),
};

const STATES = {
  starting: N_("starting"),
  running: N_("running"),
  degraded: N_("degraded"),
  unavailable: N_("unavailable"),
  disabled: N_("switched off"),
};

const MODES = {
  proxy: N_("through the proxy"),
  direct_ip: N_("directly"),
  intercept: N_("opened by the proxy"),
};

const known = (words, word) => (Object.hasOwn(words, word) ? _(words[word]) : word);

export const layerWord = (layer) => known(LAYERS, layer);
export const partWord = (part) => known(PARTS, part);
export const stateWord = (state) => known(STATES, state);
export const modeWord = (mode) => known(MODES, mode);

export const verdictPill = (verdict) =>
  (verdict === "allowed" ? pill(C_("verdict", "allowed"), "good") : pill(C_("verdict", "refused"), "bad"));

export const actionPill = (action) => {
  if (action === "allow")
    return pill(C_("action of a rule", "allow"), "good");
  return action === "block" ? pill(C_("action of a rule", "refuse"), "bad") : pill(action);
};

// Where a decision's request wanted to go: "example.org:443".
export function destination({ host, address, port }) {
  const name = host || address || "";
  return port ? `${name.includes(":") ? `[${name}]` : name}:${port}` : name;
}

// A tunnel has no path of its own.
export const requestLine = ({ method, path }) =>
  [method, method === "CONNECT" ? null : path].filter(Boolean).join(" ");
