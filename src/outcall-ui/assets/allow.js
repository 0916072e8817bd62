// SPDX-License-Identifier: GPL-3.0-or-later
// "Allow this host…": a rule file of the operator's own, made from a refusal.

import { post } from "./api.js";
import { closeDrawer, openDrawer } from "./drawer.js";
import { announce, el } from "./dom.js";
import { radios, reviewForm } from "./review.js";
import { refreshSoon } from "./store.js";
import { _, fill } from "./text.js";

// "a.b.example.org" → "*.b.example.org", but nothing as wide as "*.org".
function below(host) {
  const labels = host.split(".");
  return labels.length > 2 && !/^[0-9.]+$/.test(host) ? `*.${labels.slice(1).join(".")}` : null;
}

function hostChoice({ host, port }) {
  const wide = below(host);
  const ports = port || 443;
  return radios(_("What"), [
    { value: JSON.stringify({ host, port: ports }), label: fill(_("{host}, port {port}"), { host, port: ports }), checked: true },
    { value: JSON.stringify({ host }), label: fill(_("{host}, any port"), { host }) },
    ...(wide ? [{ value: JSON.stringify({ host: wide, port: ports }),
      label: fill(_("{pattern}: every name below, port {port}"), { pattern: wide, port: ports }) }] : []),
  ], () => {});
}

export function openAllow(decision) {
  const hosts = hostChoice(decision);
  openDrawer(fill(_("Allow {host}"), { host: decision.host }), [
    el("p", { class: "lead" }, _("Nothing changes before you say so below.")),
    reviewForm({
      agent: decision.agent,
      before: [hosts],
      label: _("Allow"),
      ask: ({ seconds, anyAgent }) => post("/rules/allow/review", {
        agent: decision.agent, ...JSON.parse(hosts.value()), any_agent: anyAgent, ...(seconds ? { for_s: seconds } : {}),
      }),
      approve: ({ request, digest, any_agent: anyAgent, expires_at: expires }) => post("/rules/allow/approve", {
        agent: request.agent, host: request.host, ...(request.port ? { port: request.port } : {}), any_agent: anyAgent,
        id: request.id, digest, ...(expires ? { expires_at: expires } : {}),
      }),
      done: () => {
        closeDrawer();
        refreshSoon(["rules", "status"]);
        announce(fill(_("{host} is allowed now."), { host: decision.host }));
      },
    }),
  ]);
}
