// SPDX-License-Identifier: GPL-3.0-or-later
// TAP for the browser tests, as tests/testlib/tap.sh has it for shell.

let count = Number(process.env.OC_FIRST ?? 0); // the caller has had so many
let failed = 0;

export function ok(good, name, detail) {
  count++;
  if (!good)
    failed++;
  console.log(`${good ? "ok" : "not ok"} ${count} - ${name}`);
  if (!good && detail !== undefined)
    for (const line of String(typeof detail === "string" ? detail : JSON.stringify(detail, null, 1)).split("\n").slice(0, 40))
      console.log(`# ${line}`);
  return good;
}

export const is = (got, wanted, name) =>
  ok(got === wanted, name, `got:    ${JSON.stringify(got)}\nwanted: ${JSON.stringify(wanted)}`);

export const like = (text, pattern, name) => ok(pattern.test(text), name, `got: ${text}\nwanted: ${pattern}`);

export const note = (text) => console.log(`# ${text}`);

// A step whose failure is one "not ok", not the end of the rest.
export async function step(name, run) {
  try {
    await run();
  } catch (error) {
    ok(false, name, error.stack);
  }
}

export function done() {
  console.log(`1..${count}`);
  return failed === 0 ? 0 : 1;
}
