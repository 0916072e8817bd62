// SPDX-License-Identifier: GPL-3.0-or-later
// Ten thousand decisions, and a daemon that goes away and comes back.

import { browse, daemon, inside, openPage, shoot, show, until } from "./bed.mjs";
import { is, like, note, ok, step } from "./tap.mjs";

const MANY = 10000;

// So many requests on one connection to the proxy, all refused.
const FLOOD = `
import socket, sys
n = int(sys.argv[1])
s = socket.create_connection(("10.200.0.1", 8080))
answers = s.makefile("rb")
for i in range(n):
    s.sendall(b"GET http://plain.example.com/flood/%d/%s HTTP/1.1\\r\\nHost: plain.example.com\\r\\n\\r\\n" % (i, b"x" * 490))
    status, length, closes = answers.readline(), 0, False
    while True:
        line = answers.readline().strip().lower()
        if not line:
            break
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
        closes = closes or line == b"connection: close"
    answers.read(length)
    if closes or not status:
        s = socket.create_connection(("10.200.0.1", 8080))
        answers = s.makefile("rb")
`;

// How late a timer of 20 ms came, at worst: how long the page would not have answered.
const watch = (page) => page.evaluate(() => {
  window.worst = 0;
  let last = performance.now();
  setInterval(() => {
    const now = performance.now();
    window.worst = Math.max(window.worst, now - last - 20);
    last = now;
  }, 20);
});
const worst = (page) => page.evaluate(() => {
  const value = Math.round(window.worst);
  window.worst = 0;
  return value;
});

// An answer that does not come must not read as "nothing was refused".
async function lostLogStep(page) {
  const pattern = "**/api/v1/log?*";
  await page.route(pattern, (route) => route.fulfill({ json: { success: false, error: "the log is away" } }));
  await page.reload();
  await show(page, "overview");
  await page.getByText("the log is away").first().waitFor();
  const shown = await page.locator("main").innerText();
  ok(!/Nothing was refused/.test(shown), "a page that could not read the log does not say that nothing was refused");
  is(await page.locator(".figure .value").nth(1).innerText(), "–", "nor how much was");
  await show(page, "decisions");
  like(await page.locator("main").innerText(), /the log is away/, "nor that nothing was decided");
  await page.unroute(pattern);
  await show(page, "overview");
  await page.getByRole("button", { name: "Try again" }).first().click();
  await until(async () => /\d/.test(await page.locator(".figure .value").nth(1).innerText()), "the number is there");
  ok(true, "Try again reads it");
}

async function floodStep(page) {
  await show(page, "decisions");
  await watch(page);
  const begun = Date.now();
  await inside("codex", "python3", "-c", FLOOD, String(MANY));
  note(`${MANY} requests took ${Date.now() - begun} ms`);
  const all = () => page.locator(".count").innerText().then((t) => Number(/[\d,]+/.exec(t)[0].replaceAll(",", "")));
  const skipped = () => page.locator(".notice").first().innerText().then((t) => Number(/[\d,]+/.exec(t)?.[0].replaceAll(",", "") ?? 0));
  await until(async () => await all() + await skipped() >= MANY, "all of them are there");
  const while_ = await worst(page);
  ok(true, `all ${MANY} are counted, those that came too fast as a number`);
  ok(await page.locator(".list .row").count() < 150, "only rows in sight exist");
  await page.reload();
  await page.waitForFunction((n) => Number(document.querySelector(".count")?.textContent.replace(/\D/g, "")) >= n, MANY);
  ok(true, "a fresh page has all of them from the log, however long they are");
  await lostLogStep(page);
  await show(page, "overview");
  like(await page.locator("main .notice").innerText(), /counted from \d/,
    "and says that its hour is not whole: the log has more than a page reads");
  await show(page, "decisions");
  await watch(page);
  const scrolled = Date.now();
  for (let i = 0; i < 20; i++) {
    await page.evaluate((share) => {
      const list = document.querySelector(".list");
      list.scrollTop = share * list.scrollHeight;
    }, i / 20);
    await page.evaluate(() => new Promise((resolve) => { requestAnimationFrame(() => requestAnimationFrame(resolve)); }));
  }
  const took = Math.round((Date.now() - scrolled) / 20);
  await page.getByLabel("Host contains").fill("plain");
  await page.waitForFunction(() => document.querySelector(".list .rows .row .destination")?.textContent.includes("plain"));
  const after = await worst(page);
  ok(while_ < 1000 && after < 1000 && took < 500,
    `without lag: the page was never away for longer than ${while_} ms as they came, ${after} ms at filtering, ${took} ms for a jump`);
  await page.getByLabel("Host contains").fill("");
  const first = await page.locator(".list .rows .row").evaluateAll((rows) => rows.filter((r) => r.getBoundingClientRect().height > 0).length);
  ok(first > 0, "rows are there");
  await page.locator(".list").focus();
  await page.keyboard.press("End");
  await page.waitForFunction(() => document.querySelector(".list .active")?.getAttribute("aria-rowindex")
    === document.querySelector(".list").getAttribute("aria-rowcount"));
  ok(true, "End goes to the oldest");
}

export async function flood(browser) {
  const page = await openPage(browser);
  await step("flood", () => floodStep(page));
  is(page.seen.join("\n"), "", "the console is clean after the flood");
  await page.context().close();
}

// --- Without a daemon ------------------------------------------------------------------------

async function reconnectStep(page) {
  await show(page, "overview");
  await page.waitForSelector('#connection[data-state="live"]');
  page.excuse = /502|ERR_INCOMPLETE_CHUNKED_ENCODING/;
  await daemon("stop");
  await page.waitForSelector("#lost:not([hidden])");
  like(await page.locator("#lost").innerText(), /Not connected since[\s\S]*cannot connect to outcalld|Not connected since/,
    "a lost connection is shown, and since when");
  like(await page.locator(".figure").first().innerText(), /Confined now\s+3/, "what was known stays");
  await shoot(page, "lost");
  await show(page, "rules");
  await shoot(page, "lost-rules");
  await daemon("start");
  await page.waitForSelector('#connection[data-state="live"]');
  ok(await page.locator("#lost").isHidden(), "it is re-established by itself");
  page.excuse = null;
  await show(page, "decisions");
  await browse("claude", "https://after.example.com/");
  await page.waitForSelector(".list >> text=after.example.com");
  ok(!/live-0/.test(await page.locator(".list").innerText()), "what the new daemon decides is shown, and what the old one did is gone");
}

export async function reconnect(browser) {
  const page = await openPage(browser);
  await step("reconnect", () => reconnectStep(page));
  is(page.seen.join("\n"), "", "the console is clean but for what was to come");
  await page.context().close();
}
