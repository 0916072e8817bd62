// SPDX-License-Identifier: GPL-3.0-or-later
// What agents and other web pages try: script in every text that an agent controls,
// requests across origins, and a name that points here.

import { agentApi, browse, hostApi, inside, openPage, origin, serveForeign, show, token } from "./bed.mjs";
import { is, like, ok, step } from "./tap.mjs";
import { VIEWS } from "./views.mjs";

const EVIL = '<img src=x onerror="window.owned=1"><script>window.owned=1</script>\'"`{host}${1}&lt;';
const EVIL_PATH = "/%3Cimg%20src=x%20onerror=window.owned=1%3E";

// Texts of an agent's requests; the command and the project of workload `evil` and the
// rules of 20-evil.yaml are there from the start.
async function plant() {
  await browse("evil", `http://plain.example.com${EVIL_PATH}?secret=1`, "-H", `X-Evil: ${EVIL}`, "--path-as-is");
  await inside("evil", "dig", "+time=1", "+tries=1", "@10.200.0.1", "\\<img\\ src=x\\ onerror=alert\\(1\\)\\>.example.com");
  const { data } = await agentApi("evil", "POST", "/checkin");
  for (const action of ["tool_exec", "file_access", "shell_exec", "network_call"])
    await agentApi("evil", "POST", "/permissions/check",
      { action_type: action, target: EVIL, metadata: { session_id: EVIL, tool_use_id: EVIL, args: [EVIL] } }, data.session_token);
  const asked = await agentApi("evil", "POST", "/requests/rules",
    { host: "api.example.com", port: 443, reason: EVIL.slice(0, 200) }, data.session_token);
  ok(asked.success, "an agent can ask with any words", asked);
  await agentApi("evil", "POST", "/requests/rules", {
    rule_file: `version: "1"\nrules:\n  - id: evil-asked\n    description: '${EVIL.replaceAll("'", "''")}'\n`
      + `    hosts: ["evil-asked.example.com"]\n    action: allow\n`,
  }, data.session_token);
}

async function checkTexts(page) {
  const found = [];
  for (const view of VIEWS) {
    await show(page, view);
    const state = await page.evaluate(() => ({
      owned: window.owned, images: document.querySelectorAll("main img, main script, dialog img, dialog script").length,
      text: document.querySelector("main").innerText,
    }));
    if (state.owned || state.images > 0)
      found.push(`${view}: owned ${state.owned}, ${state.images} elements`);
    if (["workloads", "rules", "requests", "decisions"].includes(view) && !state.text.includes("<img src=x"))
      found.push(`${view}: the text is not shown as it is`);
  }
  is(found.join("\n"), "", "script in any text stays text, in every view");
}

async function checkPanels(page) {
  await show(page, "rules");
  await page.getByRole("button", { name: "evil-rule" }).click();
  like(await page.locator("dialog").innerText(), /<img src=x/, "in the panel of a rule");
  await page.keyboard.press("Escape");
  await show(page, "requests");
  for (const button of ["Review and approve…", "Reject…"]) {
    await page.getByRole("button", { name: button }).first().click();
    await page.waitForSelector("dialog[open]");
    await page.keyboard.press("Escape");
  }
  await show(page, "decisions?agent=evil");
  const rows = await page.locator(".list .rows .row").count();
  for (let i = 0; i < Math.min(rows, 8); i++) {
    await page.locator(".list").focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForSelector("dialog[open]");
    await page.keyboard.press("Escape");
  }
  is(await page.evaluate(() => `${window.owned} ${document.title.includes("owned")}`), "undefined false", "and in every panel");
}

// --- Other origins -----------------------------------------------------------------------------

async function crossOrigin(browser) {
  const before = (await hostApi("GET", "/status")).data.counters;
  const foreign = await serveForeign(`<!doctype html><title>foreign</title>
    <form id="form" method="post" enctype="text/plain" action="${origin}/api/v1/dns/cache/flush"><input name='{"a":"' value='"}'></form>
    <iframe src="${origin}/" id="frame"></iframe>`);
  const context = await browser.newContext();
  const page = await context.newPage();
  const refused = []; // statuses of answers from the dashboard
  page.on("response", (response) => response.url().startsWith(origin) && refused.push(response.status()));
  await page.goto(foreign.url);
  const results = await page.evaluate(async ({ target, secret }) => {
    const attempt = async (path, options) => {
      try {
        return `read ${(await fetch(target + path, options)).type}`;
      } catch {
        return "refused";
      }
    };
    const json = { "Content-Type": "application/json", "X-Outcall-Token": secret };
    return [
      await attempt("/api/v1/status", {}),
      await attempt("/api/v1/status", { headers: { "X-Outcall-Token": secret } }),
      await attempt("/api/v1/dns/cache/flush", { method: "POST", headers: json, body: "{}" }),
      await attempt("/api/v1/dns/cache/flush", { method: "POST", mode: "no-cors", body: "{}" }),
      await attempt("/app.js", {}),
    ].join(", ");
  }, { target: origin, secret: token });
  is(results, "refused, refused, refused, refused, refused", "a page from elsewhere reads nothing, even with the token");
  await Promise.all([page.waitForNavigation(), page.evaluate(() => document.getElementById("form").submit())]);
  ok(refused.length > 0 && refused.every((status) => status >= 400 || status === 200), "its form is refused", refused);
  like(await page.evaluate(() => document.body.innerText), /Origin is not this server/, "for its origin");
  const after = (await hostApi("GET", "/status")).data.counters;
  is(after.rules, before.rules, "nothing has changed");
  await page.goto(foreign.url);
  const frame = page.frames().find((f) => f !== page.mainFrame());
  ok(!/Overview/.test(await frame.content().catch(() => "")), "the dashboard cannot be framed");
  foreign.close();
  await context.close();
}

async function rebinding(browser) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const { port } = new URL(origin);
  const answer = await page.goto(`http://evil.example:${port}/#${token}`);
  is(answer.status(), 403, "a name that points here gets nothing (DNS rebinding)");
  const status = await page.evaluate(async (secret) =>
    (await fetch("/api/v1/status", { headers: { "X-Outcall-Token": secret } })).status, token);
  is(status, 403, "not even with the token");
  await context.close();
}

async function noToken(browser) {
  const page = await openPage(browser, { address: `${origin}/#${"A".repeat(43)}` });
  page.excuse = /401/;
  await page.waitForSelector("text=This address has no valid token.");
  ok(!/block-blocked|claude/.test(await page.locator("body").innerText()), "a wrong token shows no data, and says why");
  await page.context().close();
}

export async function attacks(browser) {
  const page = await openPage(browser);
  await step("plant", plant);
  await step("texts", () => checkTexts(page));
  await step("panels", () => checkPanels(page));
  is(page.seen.join("\n"), "", "nothing ran and nobody else was asked");
  await page.context().close();
  await step("other origins", () => crossOrigin(browser));
  await step("rebinding", () => rebinding(browser));
  await step("no token", () => noToken(browser));
}
