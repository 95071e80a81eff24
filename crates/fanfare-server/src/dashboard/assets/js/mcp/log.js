// The messages of the connection, in both directions. The list is bounded, because a page can stay open for days.
import { signal } from "../../vendor/preact.js";

const ENTRIES_MAX = 500;

// `{ key, at, way: "in" | "out" | "note", event, method, rpcId, body, ms, wrong }`, oldest first.
export const entries = signal([]);

// Counts the responses to requests from the form.
export const answered = signal(0);

let lastKey = 0;
// Requests without a response yet, by id.
const open = new Map();

function append(entry) {
  lastKey += 1;
  entries.value = [...entries.value, { key: lastKey, at: Date.now(), ...entry }].slice(-ENTRIES_MAX);
}

export function sent(body) {
  const { id: rpcId, method } = body;
  if (rpcId !== undefined) open.set(rpcId, { method, at: performance.now() });
  append({ way: "out", event: rpcId === undefined ? "notification" : "request", method, rpcId, body });
}

export function received(event, body) {
  const rpcId = body.method === undefined ? body.id : undefined;
  const request = open.get(rpcId);
  open.delete(rpcId);
  const ms = request && performance.now() - request.at;
  const wrong = event === "error" || body.error !== undefined || body.result?.isError === true;
  append({ way: "in", event, method: request?.method ?? body.method, rpcId, body, ms, wrong });
}

// A note about the connection itself.
export function noted(text, wrong = false) {
  append({ way: "note", event: text, wrong });
}

// Requests on a closed connection get no response.
export function forgetOpen() {
  open.clear();
}

export function clear() {
  entries.value = [];
}
