// SPDX-License-Identifier: GPL-3.0-or-later
// The dashboard in a real browser, before a real daemon with real traffic.
// Specification: 09, and 03 "Rule requests".

import { actions } from "./actions.mjs";
import { launch } from "./bed.mjs";
import { attacks } from "./attacks.mjs";
import { done } from "./tap.mjs";
import { flood, reconnect } from "./stress.mjs";
import { views } from "./views.mjs";

const browser = await launch();
await views(browser);
await actions(browser);
await attacks(browser);
await flood(browser);
await reconnect(browser);
await browser.close();
process.exit(done());
