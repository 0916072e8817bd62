// SPDX-License-Identifier: GPL-3.0-or-later
// The daemon's events, for as long as the page is open. EventSource is no use here: it
// cannot send the token.

import { openEvents } from "./api.js";

const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 10000;

let onEvent = null;
let onState = null;
let lastId = null; // of the last event: where to go on
let retryMs = RETRY_FIRST_MS;
let wake = null; // ends the wait for the next attempt

function readLine(line, block) {
  if (line.startsWith("event: "))
    block.name = line.slice(7);
  else if (line.startsWith("data: "))
    block.data.push(line.slice(6));
  else if (line.startsWith("id: "))
    lastId = line.slice(4);
}

function readBlock(text) {
  const block = { name: "message", data: [] };
  for (const line of text.split("\n"))
    readLine(line, block);
  if (block.data.length > 0)
    onEvent(block.name, JSON.parse(block.data.join("\n")));
}

async function readAll(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done)
      return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    blocks.forEach(readBlock);
  }
}

const pause = (ms) => new Promise((resolve) => {
  const timer = setTimeout(resolve, ms);
  wake = () => {
    clearTimeout(timer);
    resolve();
  };
});

// Tries again now rather than later.
export function retryNow() {
  retryMs = RETRY_FIRST_MS;
  wake?.();
}

// Calls event(name, data) for each event, and state("live", whether it goes on where it
// was) or state("lost", error) when that changes. Never returns.
export async function follow(event, state) {
  onEvent = event;
  onState = state;
  for (;;) {
    let problem = null;
    try {
      const body = await openEvents(lastId);
      retryMs = RETRY_FIRST_MS;
      onState("live", lastId !== null);
      await readAll(body);
    } catch (error) {
      problem = error;
    }
    onState("lost", problem);
    await pause(retryMs);
    retryMs = Math.min(retryMs * 2, RETRY_MAX_MS);
  }
}
