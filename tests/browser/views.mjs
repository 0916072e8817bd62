// SPDX-License-Identifier: GPL-3.0-or-later
// Each view with what is really there, in both themes, at both widths, by keyboard, and
// in every language.

import { readFileSync } from "node:fs";

import { address, audit, browse, hostApi, openPage, shoot, show } from "./bed.mjs";
import { is, like, ok, step } from "./tap.mjs";

export const VIEWS = ["overview", "decisions", "requests", "rules", "workloads", "networks", "grants", "dns"];

const text = (page) => page.locator("main").innerText();

async function first(page) {
  is(page.url(), `${new URL(address).origin}/`, "the token leaves the address bar");
  await page.waitForSelector('#connection[data-state="live"]');
  ok(true, "the connection is live");
  is(await page.title(), "Overview · Outcall", "the title names the view");
  await page.waitForFunction(() => !/Loading/.test(document.querySelector(".figures").innerText));
  const figures = await page.locator(".figure").allInnerTexts();
  like(figures[0], /Confined now\s+3[\s\S]*claude/, "what is confined is seen first");
  like(figures[1], /Refused in the last hour\s+\d+[\s\S]*blocked\.example\.com/, "then what was refused");
  like(figures[2], /Waiting for you\s+0/, "then what waits");
  like(await text(page), /Outcall is in force/, "and whether it all works");
  ok(await page.locator(".hour.blocked rect.blocked").count() > 0, "refusals are in the chart");
  ok(await page.locator(".hour.allowed rect.allowed").count() > 0, "so is what was allowed");
}

const CONTENTS = {
  decisions: /blocked\.example\.com:443[\s\S]*block-blocked/,
  requests: /Nothing waits for you/,
  rules: /block-blocked[\s\S]*allow-api[\s\S]*10-base\.yaml:5/,
  workloads: /claude[\s\S]*10\.200\.0\.\d+[\s\S]*outcall-default/,
  networks: /outcall-default[\s\S]*outcall0[\s\S]*10\.200\.0\.0\/24[\s\S]*claude/,
  grants: /claude[\s\S]*151\.101\.64\.9[\s\S]*direct\.example\.com[\s\S]*tcp 443[\s\S]*allow-direct/,
  dns: /Questions[\s\S]*direct\.example\.com\s+A\s+NOERROR/,
};

async function contents(page) {
  for (const [view, pattern] of Object.entries(CONTENTS)) {
    await show(page, view);
    like(await text(page), pattern, `${view}: what is there is shown`);
    is(await page.locator(`nav a[aria-current="page"]`).getAttribute("href"), `#/${view}`, `${view}: the navigation says so`);
  }
}

async function looks(browser) {
  for (const [width, height] of [[360, 740], [1920, 1080]]) {
    for (const colorScheme of ["light", "dark"]) {
      const page = await openPage(browser, { viewport: { width, height }, colorScheme, reducedMotion: "reduce" });
      const found = [];
      for (const view of VIEWS) {
        await show(page, view);
        await shoot(page, `${view}-${width}-${colorScheme}`);
        const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (over > 0)
          found.push(`${view} is ${over} pixels too wide`);
        const findings = await audit(page);
        if (findings)
          found.push(`${view}: ${findings}`);
      }
      is(found.join("\n"), "", `${width} px, ${colorScheme}: nothing sticks out, axe-core finds nothing`);
      is(page.seen.join("\n"), "", `${width} px, ${colorScheme}: the console is clean, nobody else is asked`);
      await page.context().close();
    }
  }
}

// A row by arrow keys, its explanation by Enter, back by Escape.
async function keyboard(page) {
  await page.goto(`${new URL(address).origin}/#/overview`);
  await page.reload(); // the focus is at the start of a fresh page
  await page.waitForSelector("#view-overview");
  await page.keyboard.press("Tab");
  is(await page.evaluate(() => document.activeElement.id), "skip", "Tab first reaches the way past the navigation");
  await page.keyboard.press("Enter");
  is(await page.evaluate(() => document.activeElement.tagName), "H1", "which leads to the content");
  await show(page, "decisions");
  await page.locator(".list").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  const active = await page.locator(".list").getAttribute("aria-activedescendant");
  is(await page.locator(`[id="${active}"]`).getAttribute("aria-rowindex"), "3", "arrow keys move in the list");
  await page.keyboard.press("Enter");
  await page.waitForSelector("dialog[open] .steps");
  ok(await page.evaluate(() => document.querySelector("dialog").contains(document.activeElement)),
    "Enter explains, and the focus is in the panel");
  await page.keyboard.press("Escape");
  await page.waitForSelector("dialog:not([open])", { state: "attached" });
  ok(await page.evaluate(() => document.activeElement.classList.contains("list")), "Escape goes back to the list");
}

async function explanation(page) {
  await show(page, "decisions?verdict=blocked&host=blocked.example.com");
  await page.locator(".list .rows .row").first().click();
  await page.waitForSelector("dialog .steps");
  const shown = await page.locator("dialog").innerText();
  like(shown, /blocked\.example\.com:443/, "the explanation names the destination");
  like(shown, /The rule block-blocked refuses this/, "and the rule");
  like(shown, /blocked\.example\.com is closed for agents/, "and the reason that it gives");
  like(shown, /block-blocked\s+refuse\s*matches/, "and which rules were looked at");
  is(await audit(page), "", "axe-core finds nothing in it");
  await shoot(page, "explanation");
  await page.keyboard.press("Escape");
}

async function filters(page) {
  await show(page, "decisions");
  await page.getByLabel("Verdict").selectOption("allowed");
  await page.waitForFunction(() => ![...document.querySelectorAll(".list .rows .pill")].some((p) => p.textContent === "refused"));
  ok(await page.locator(".list .rows .row").count() > 0, "the verdict filters");
  await page.getByLabel("Host contains").fill("no-such-host");
  await page.waitForSelector("text=No decision is like that.");
  ok(true, "a filter that leaves nothing says so");
  await page.getByLabel("Host contains").fill("");
  await page.getByLabel("Verdict").selectOption("");
  await page.getByLabel("Workload or agent").fill("codex");
  await page.waitForFunction(() => [...document.querySelectorAll(".list .rows .workload")].every((w) => w.textContent === "codex"));
  ok(await page.locator(".list .rows .row").count() > 0, "the workload filters");
  await page.getByLabel("Workload or agent").fill("");
  await page.getByRole("button", { name: "Pause" }).click();
  await browse("claude", "https://paused.example.com/");
  await page.waitForSelector("text=Go on (1 new)");
  ok(!/paused\.example\.com/.test(await page.locator(".list").innerText()), "a pause keeps news out");
  await page.getByRole("button", { name: /Go on/ }).click();
  await page.waitForSelector(".list >> text=paused.example.com");
  ok(true, "and lets them in when it ends");
}

// From the daemon's clock to what is seen; both are this machine's.
async function live(page) {
  await show(page, "decisions");
  const times = [];
  for (let i = 0; i < 5; i++) {
    const host = `live-${i}.example.com`;
    const seen = page.evaluate((name) => new Promise((resolve) => {
      const look = () => ([...document.querySelectorAll(".list .rows .destination")].some((d) => d.textContent.includes(name))
        ? resolve(Date.now()) : requestAnimationFrame(look));
      look();
    }), host);
    await browse("claude", `https://${host}/`);
    const at = await seen;
    const { data } = await hostApi("GET", `/log?host=${host}&limit=1`);
    times.push(at - Date.parse(data[0].time));
  }
  times.sort((a, b) => a - b);
  ok(times[2] <= 500, `a decision is seen within 500 ms (${times.join(", ")} ms)`);
}

// Texts of more than a word that the page shows although it has others for them.
const leftInEnglish = (messages, text) => Object.entries(messages)
  .filter(([id, other]) => typeof other === "string" && other !== id && id.length > 9
    && id.includes(" ") && !/[{\u0004\n]/.test(id) && text.includes(id))
  .map(([id]) => id);

async function languages(browser) {
  const page = await openPage(browser);
  const catalogues = await page.evaluate(async () => (await fetch("/strings.json")).json());
  const wanted = readFileSync(`${process.env.OUTCALL_SRCDIR}/po/LINGUAS`, "utf8").trim().split(/\s+/);
  is(Object.keys(catalogues).sort().join(" "), wanted.sort().join(" "), "the page has every language of po/");
  const sizes = Object.values(catalogues).map(({ messages }) => Object.keys(messages).length);
  ok(sizes[0] > 100 && new Set(sizes).size === 1, `and each has all ${sizes[0]} texts`);
  await page.context().close();
  for (const name of Object.keys(catalogues)) {
    const locale = name.replace("_", "-");
    const other = await openPage(browser, { locale });
    await other.waitForSelector("main h1");
    is(await other.evaluate(() => document.documentElement.lang), locale, `${name}: the page says its language`);
    is(await other.locator("main h1").innerText(), catalogues[name].messages.Overview, `${name}: and speaks it`);
    const left = [];
    for (const view of VIEWS) {
      await show(other, view);
      await other.waitForSelector("main h1");
      left.push(...leftInEnglish(catalogues[name].messages, await other.locator("body").innerText()));
      await shoot(other, `${view}-${name}`);
    }
    is(left.join("\n"), "", `${name}: in every view, no text is left in English`);
    is(other.seen.join("\n"), "", `${name}: without an error`);
    await other.context().close();
  }
}

async function motion(browser) {
  const page = await openPage(browser, { reducedMotion: "reduce" });
  await show(page, "decisions");
  await page.locator(".list .rows .row").first().click();
  await page.waitForSelector("dialog[open]");
  is(await page.evaluate(() => document.getAnimations().length), 0, "who wants little motion sees none");
  await page.context().close();
}

export async function views(browser) {
  const page = await openPage(browser);
  await step("the first look", () => first(page));
  await step("contents", () => contents(page));
  await step("explanation", () => explanation(page));
  await step("filters", () => filters(page));
  await step("live", () => live(page));
  await step("keyboard", () => keyboard(page));
  is(page.seen.join("\n"), "", "the console is clean, nobody else is asked");
  await page.context().close();
  await step("looks", () => looks(browser));
  await step("motion", () => motion(browser));
  await step("languages", () => languages(browser));
}
