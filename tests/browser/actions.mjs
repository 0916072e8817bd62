// SPDX-License-Identifier: GPL-3.0-or-later
// What the page changes, from the click to the file on disk and the next request.

import { writeFileSync } from "node:fs";

import { agentApi, audit, browse, hostApi, openPage, ruleFiles, rulesDir, ruleText, shoot, show, until } from "./bed.mjs";
import { is, like, ok, step } from "./tap.mjs";

// --- Allow this host ----------------------------------------------------------------------

async function allowHost(page) {
  is((await browse("claude", "https://cdn.example.com/hello")).out, "000", "a host is refused");
  await show(page, "decisions?host=cdn.example.com");
  await page.locator(".list .rows .row").first().click();
  const before = ruleFiles();
  await page.getByRole("button", { name: "Allow this host…" }).click();
  await page.waitForSelector("dialog pre");
  like(await page.locator("dialog pre").innerText(), /hosts: \['cdn\.example\.com'\][\s\S]*ports: \[443\][\s\S]*agents: \['claude'\]/,
    "the rule is shown before anything is done");
  like(await page.locator("dialog").innerText(), /Only for:\s*claude[\s\S]*Until [\s\S]*1 refusal would be allowed/,
    "with whom it is for, how long, and what it would have turned");
  is(await audit(page), "", "axe-core finds nothing in the form");
  await shoot(page, "allow");
  is(ruleFiles().join(), before.join(), "looking at it wrote nothing");
  await page.getByLabel("Every agent").check();
  await page.waitForSelector("dialog >> text=For every agent");
  await page.getByLabel("Only claude").check();
  await page.getByLabel("8 hours").check();
  await page.waitForFunction(() => !document.querySelector("dialog .primary").disabled);
  const shown = await page.locator("dialog pre").innerText();
  await page.getByRole("button", { name: "Allow", exact: true }).click();
  await page.waitForSelector("dialog:not([open])", { state: "attached" });
  const fresh = ruleFiles().filter((name) => !before.includes(name));
  is(fresh.length, 1, "one rule file is new");
  is(ruleText(fresh[0]).trim(), shown.trim(), "it is what was shown");
  is((await browse("claude", "https://cdn.example.com/hello")).out, "200", "and the next request goes through");
  is((await browse("codex", "https://cdn.example.com/hello")).out, "000", "but not another agent's");
}

// What was shown is what is done: a change in between is noticed.
async function allowChanged(page) {
  await browse("claude", "https://front.example.com/hello");
  await show(page, "decisions?host=front.example.com");
  await page.locator(".list .rows .row").first().click();
  await page.getByRole("button", { name: "Allow this host…" }).click();
  await page.waitForFunction(() => document.querySelector("dialog .primary")?.disabled === false);
  writeFileSync(`${rulesDir}/50-meanwhile.yaml`,
    'version: "1"\nrules:\n  - id: meanwhile\n    hosts: ["meanwhile.example.com"]\n    action: allow\n', { mode: 0o644 });
  await hostApi("POST", "/rules/reload", {});
  const before = ruleFiles();
  page.excuse = /409/;
  await page.getByRole("button", { name: "Allow", exact: true }).click();
  await page.waitForSelector("dialog .problem");
  page.excuse = null;
  is(ruleFiles().join(), before.join(), "rules that changed since are not approved on an old look");
  await page.keyboard.press("Escape");
}

// --- Requests ---------------------------------------------------------------------------------

async function ask(name, body) {
  const { data } = await agentApi(name, "POST", "/checkin");
  const answer = await agentApi(name, "POST", "/requests/rules", body, data.session_token);
  return { id: answer.data.id, token: data.session_token };
}

async function approve(page) {
  await show(page, "requests");
  const { id, token } = await ask("codex", { host: "git.example.org", port: 443, reason: "to clone the project" });
  const asked = Date.now();
  await page.waitForSelector("article.request");
  ok(true, `a request is shown as it comes (${Date.now() - asked} ms after the agent had its answer)`);
  await until(async () => (await page.title()).startsWith("(1)"), "the title counts it");
  is(await page.locator("#waiting").innerText(), "1\n1 waits", "so does the navigation");
  like(await page.locator("article.request").innerText(), /codex asks for git\.example\.org:443\s+to clone the project/,
    "with who asks, for what, and why");
  await shoot(page, "request");
  await page.getByRole("button", { name: "Review and approve…" }).click();
  await page.waitForSelector("dialog pre");
  await page.getByLabel("Once: 5 minutes").check();
  await page.waitForFunction(() => !document.querySelector("dialog .primary").disabled);
  const shown = await page.locator("dialog pre").innerText();
  like(shown, /git\.example\.org/, "the rule is shown as it will be written");
  is(await audit(page), "", "axe-core finds nothing in the review");
  await shoot(page, "approve");
  await page.getByRole("button", { name: "Approve", exact: true }).click();
  await page.waitForSelector("dialog:not([open])", { state: "attached" });
  const file = `agent-${id}.yaml`;
  ok(ruleFiles().includes(file), "the approval is a file on disk");
  is(ruleText(file).trim(), shown.trim(), "which is what was shown");
  is((await agentApi("codex", "GET", `/requests/rules/${id}`, null, token)).data.status, "approved", "the agent is told");
  is((await browse("codex", "https://git.example.org/hello")).out, "200", "and gets through");
  await page.waitForSelector("text=Nothing waits for you.");
  like(await page.locator("main").innerText(), /codex asks for git\.example\.org:443\s+approved/, "it is among those decided");
}

// For a time, for good, for the one that asked or for every agent: as it was chosen.
async function approveFor(page, { host, duration, scope, seconds, other }) {
  const { id } = await ask("codex", { host, port: 443, reason: "for a test" });
  await page.waitForSelector(`article.request >> text=${host}`);
  await page.getByRole("button", { name: "Review and approve…" }).click();
  await page.waitForSelector("dialog pre");
  await page.getByLabel(duration, { exact: true }).check();
  await page.getByLabel(scope, { exact: true }).check();
  await page.waitForFunction(() => !document.querySelector("dialog .primary").disabled);
  const shown = await page.locator("dialog pre").innerText();
  const begun = Date.now();
  await page.getByRole("button", { name: "Approve", exact: true }).click();
  await page.waitForSelector("dialog:not([open])", { state: "attached" });
  const { data } = await hostApi("GET", `/requests/rules/${id}`);
  const left = data.expires_at ? Math.round((Date.parse(data.expires_at) - begun) / 1000) : null;
  ok(seconds === null ? left === null : Math.abs(left - seconds) < 60, `${duration}: it ends as chosen (${left} s)`);
  is(ruleText(`agent-${id}.yaml`).trim(), shown.trim(), `${duration}: the file is what was shown`);
  await page.waitForSelector("text=Nothing waits for you.");
  is((await browse("claude", `https://${host}/hello`)).out, other, `${scope}: others ${other === "200" ? "too" : "not"}`);
}

async function reject(page) {
  const { id, token } = await ask("codex", { host: "elsewhere.example.net", reason: "just so" });
  await page.waitForSelector("article.request");
  await page.getByRole("button", { name: "Reject…" }).click();
  await page.getByLabel("Why not?").fill("use the mirror\nat api.example.com");
  await page.getByRole("button", { name: "Reject", exact: true }).click();
  await page.waitForSelector("dialog:not([open])", { state: "attached" });
  const { data } = await agentApi("codex", "GET", `/requests/rules/${id}`, null, token);
  is(`${data.status}: ${data.reason}`, "rejected: use the mirror at api.example.com", "a rejection reaches the agent, with the reason");
}

// --- The rest ------------------------------------------------------------------------------------

async function reload(page) {
  await show(page, "rules");
  await page.getByRole("button", { name: "Load the files again" }).click();
  await page.waitForSelector("text=/Loaded: \\d+ rules/");
  ok(true, "rules are loaded again from the page");
  await show(page, "dns");
  await page.getByRole("button", { name: "Empty the cache" }).click();
  await page.waitForFunction(() => /The cache is empty/.test(document.querySelector("main").innerText)
    || !/direct\.example\.com/.test(document.querySelector("main").innerText));
  ok(true, "the DNS cache is emptied");
  await show(page, "grants");
  await page.getByRole("button", { name: /^Revoke/ }).first().click();
  await page.waitForSelector("text=The kernel lets nothing past the proxy.");
  ok(true, "a grant is revoked");
}

export async function actions(browser) {
  const page = await openPage(browser);
  await step("allow a host", () => allowHost(page));
  await step("allow after a change", () => allowChanged(page));
  await step("approve", () => approve(page));
  await step("approve for a time", () => approveFor(page,
    { host: "front.example.com", duration: "8 hours", scope: "Only codex", seconds: 8 * 3600, other: "000" }));
  await step("approve for good", () => approveFor(page,
    { host: "front.example.com", duration: "For good", scope: "Every agent", seconds: null, other: "200" }));
  await step("reject", () => reject(page));
  await step("reload and revoke", () => reload(page));
  is(page.seen.join("\n"), "", "the console is clean after all that");
  await page.context().close();
}
