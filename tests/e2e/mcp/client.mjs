// SPDX-License-Identifier: GPL-3.0-or-later
// Drives `outcall-agent mcp` with an official client and prints TAP lines without numbers:
// "ok NAME" or "not ok NAME".
//
// node client.mjs NODE_MODULES old|new APPROVE SHIM ARGUMENT…
// APPROVE: a command that approves the request whose ID is its argument.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, era, approve, command, ...args] = process.argv.slice(2);
const require = createRequire(modules + "/");
const load = (name) => import(pathToFileURL(require.resolve(name)));
const name = { name: "outcall-test", version: "1" };

async function makeOld() {
  const { Client } = await load("@modelcontextprotocol/sdk/client/index.js");
  const { StdioClientTransport } = await load("@modelcontextprotocol/sdk/client/stdio.js");
  return [new Client(name), new StdioClientTransport({ command, args })];
}

async function makeNew() {
  const { Client } = await load("@modelcontextprotocol/client");
  const { StdioClientTransport } = await load("@modelcontextprotocol/client/stdio");
  const client = new Client(name, { versionNegotiation: { mode: { pin: "2026-07-28" } } });
  return [client, new StdioClientTransport({ command, args })];
}

const tell = (ok, text) => console.log(`${ok ? "ok" : "not ok"} ${era}: ${text}`);
const is = (got, wanted, text) => {
  tell(JSON.stringify(got) === JSON.stringify(wanted), text);
  if (JSON.stringify(got) !== JSON.stringify(wanted))
    console.log(`# got ${JSON.stringify(got)}, wanted ${JSON.stringify(wanted)}`);
};

const [client, transport] = await (era === "new" ? makeNew() : makeOld());
await client.connect(transport);
tell(true, "the client connects");
is(client.getServerVersion()?.name, "outcall", "the server tells its name");

const call = async (tool, argument) =>
  (await client.callTool({ name: tool, arguments: argument }, ...(era === "old" ? [undefined] : []),
    { timeout: 60000 }));
const { tools } = await client.listTools();
is(tools.map((t) => t.name).sort(), ["check_access", "request_access", "request_status", "whoami"],
  "it lists its tools");
is((await call("whoami", {})).structuredContent.name, "alice", "whoami");
is((await call("check_access", { host: "api.example.com", port: 443 })).structuredContent.allowed,
  true, "check_access: allowed");
const denied = await call("check_access", { host: "blocked.example.com" });
is(denied.structuredContent, { allowed: false, matched_rule: "block-blocked",
  reason: "blocked.example.com is closed for agents" }, "check_access: denied, and why");
is((await call("check_access", { host: "a..b" })).structuredContent.allowed, false,
  "check_access: what is no host is not allowed");

const host = `${era}.example.net`;
const asked = (await call("request_access", { host, port: 443, reason: "to test" })).structuredContent;
is(asked.status, "pending", "request_access: pending");
is((await call("request_access", { host: "a..b" })).isError, true, "request_access: a mistake is an error");
is((await call("request_status", { id: asked.id, wait_seconds: 0 })).structuredContent.status,
  "pending", "request_status: pending");
const waiting = call("request_status", { id: asked.id, wait_seconds: 50 });
is((await call("whoami", {})).structuredContent.name, "alice", "other calls go on while one waits");
execFileSync(approve, [asked.id], { stdio: ["ignore", "ignore", "inherit"] });
is((await waiting).structuredContent.status, "approved", "request_status wakes when it is approved");
is((await call("check_access", { host, port: 443 })).structuredContent.allowed, true,
  "and the host is open");
is((await call("request_status", { id: "0123456789abcdef" })).isError, true,
  "request_status: another's is an error");
const unknown = await client.callTool({ name: "rm", arguments: {} }).then((r) => r.isError === true, () => true);
is(unknown, true, "an unknown tool is an error");
await client.close();
tell(true, "it ends");
