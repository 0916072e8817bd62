// SPDX-License-Identifier: GPL-3.0-or-later
// Asking the daemon, through outcall-ui.

const TOKEN_KEY = "outcall-token";

let token = null;

// The token comes in the fragment, leaves the address bar at once, and survives a
// reload in this tab only. Returns: whether a new one came.
export function takeToken() {
  const given = location.hash.slice(1);
  const came = /^[A-Za-z0-9_-]{43}$/.test(given);
  if (came) {
    sessionStorage.setItem(TOKEN_KEY, given);
    history.replaceState(null, "", "/");
  }
  token = sessionStorage.getItem(TOKEN_KEY);
  return came;
}

export class ApiError extends Error {
  constructor(message, status, data) {
    super(message);
    this.status = status; // 0: no answer at all
    this.data = data; // some failures have details
  }
}

async function ask(path, options) {
  try {
    return await fetch(`/api/v1${path}`, {
      cache: "no-store", ...options, headers: { "X-Outcall-Token": token ?? "", ...options.headers },
    });
  } catch (error) {
    throw new ApiError(error.message, 0);
  }
}

async function read(response) {
  let envelope = null;
  try {
    envelope = await response.json();
  } catch (error) {
    throw new ApiError(error.message, response.status);
  }
  if (!envelope.success)
    throw new ApiError(envelope.error ?? String(response.status), response.status, envelope.data);
  return envelope.data;
}

export const get = async (path, signal) => read(await ask(path, { signal }));

export const post = async (path, body) => read(await ask(path, {
  method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
}));

export async function openEvents(lastId, signal) {
  const headers = lastId ? { "Last-Event-ID": lastId } : {};
  const response = await ask("/events", { headers, signal });
  if (!response.ok)
    await read(response);
  return response.body;
}
