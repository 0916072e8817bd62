// SPDX-License-Identifier: GPL-3.0-or-later
// The test bed as the browser tests need it: programs in workloads, the daemon, and a
// browser that is watched. test-dashboard.sh sets the variables of the environment.

import { spawn } from "node:child_process";
import { appendFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";

const { OC_TB: folder, OC_MODULES: modules, OC_CHROMIUM: chromium, OC_CONTROL: control, OC_SHOTS: shots } = process.env;
const require = createRequire(`${modules}/`);
const playwright = require("playwright-core");
const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export const address = process.env.OC_ADDRESS;
export const origin = new URL(address).origin;
export const token = new URL(address).hash.slice(1);
export const rulesDir = `${folder}/rules.d`;
export const WAIT_MS = 20000;

// --- Programs -------------------------------------------------------------------------

export function run(command, args, input = "") {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
    let out = "";
    child.stdout.on("data", (data) => { out += data; });
    child.stderr.on("data", (data) => { out += data; });
    child.on("close", (code) => resolve({ code, out }));
    child.stdin.on("error", () => {}); // it may end without having read
    child.stdin.end(input);
  });
}

// In the network of the workload called so.
export const inside = (name, command, ...args) =>
  run("nsenter", ["--target", process.env[`OC_PID_${name}`], "--user", "--net", "--preserve-credentials", "--",
    command, ...args]);

// What an agent's program does: a request through the proxy.
export const browse = (name, url, ...args) =>
  inside(name, "curl", "-s", "-m", "5", "--cacert", `${folder}/ca.pem`, "-x", "http://10.200.0.1:8080",
    "-w", "%{http_code}", "-o", "/dev/null", ...args, url);

export async function agentApi(name, method, path, body, token_) {
  const { out } = await inside(name, "curl", "-s", "-m", "10", "-X", method, "--unix-socket", "/run/outcall/agent.sock",
    "-H", "Content-Type: application/json", ...(token_ ? ["-H", `Authorization: Bearer ${token_}`] : []),
    ...(body ? ["-d", JSON.stringify(body)] : []), `http://x/v1${path}`);
  return JSON.parse(out);
}

export async function hostApi(method, path, body) {
  const { out } = await run("curl", ["-s", "-X", method, "--unix-socket", "/run/outcall/host.sock",
    "-H", "Content-Type: application/json", ...(body ? ["-d", JSON.stringify(body)] : []), `http://x/api/v1${path}`]);
  return JSON.parse(out);
}

// "stop" or "start", done when it returns.
export async function daemon(word) {
  appendFileSync(control, `${word}\n`);
  await until(() => existsSync(`${folder}/did-${word}`), `the daemon is told to ${word}`);
  await run("rm", [`${folder}/did-${word}`]);
}

export const ruleFiles = () => readdirSync(rulesDir).sort();
export const ruleText = (name) => readFileSync(`${rulesDir}/${name}`, "utf8");

export async function until(condition, what, ms = WAIT_MS) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await condition();
    if (value)
      return value;
    if (Date.now() > end)
      throw new Error(`not in ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// A web server of somebody else on this machine.
export async function serveForeign(body) {
  const server = http.createServer((request, response) => {
    response.writeHead(200, { "Content-Type": "text/html" });
    response.end(body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}

// --- The browser ----------------------------------------------------------------------------

export const launch = () => playwright.chromium.launch({
  executablePath: chromium,
  args: ["--no-sandbox", "--host-resolver-rules=MAP evil.example 127.0.0.1", "--disable-background-networking"],
});

// A page that is watched. Its `seen` has what went wrong: console errors, uncaught ones,
// dialogs, and requests to elsewhere. `excuse` is a pattern of console texts that are expected.
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-US", ...options });
  const page = await context.newPage();
  page.seen = [];
  page.excuse = null;
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && !page.excuse?.test(message.text()))
      page.seen.push(`console: ${message.text()} ${message.location().url}`);
  });
  page.on("pageerror", (error) => page.seen.push(`error: ${error.stack}`));
  page.on("dialog", (dialog) => {
    page.seen.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(`${origin}/`))
      page.seen.push(`request to elsewhere: ${request.url()}`);
  });
  page.setDefaultTimeout(WAIT_MS);
  await page.goto(options.address ?? address);
  return page;
}

export async function show(page, view) {
  const name = view.replace(/\?.*/, "");
  await page.evaluate((hash) => { location.hash = hash; }, `#/${view}`);
  await page.waitForSelector(`#view-${name}`);
  await page.waitForFunction(() => !document.querySelector("main .loading"));
}

// Returns: what axe-core finds, as lines.
export async function audit(page) {
  // The page's own policy forbids what page.addScriptTag() does.
  await page.evaluate(axeSource);
  // What is only half faded in has no colour of its own yet.
  await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {}))));
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map((n) => `${id}: ${help}: ${n.target.join(" ")}: ${n.any[0]?.message ?? ""}`)).join("\n");
}

export const shoot = (page, name) => page.screenshot({ path: `${shots}/${name}.png` });
