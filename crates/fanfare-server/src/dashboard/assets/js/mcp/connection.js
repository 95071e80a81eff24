// The connection: events come in on `GET /mcp/sse`, messages go out with `POST /mcp/sse/message`.
import { batch, computed, signal } from "../../vendor/preact.js";
import { at } from "../base.js";
import { forgetOpen, noted, received, sent } from "./log.js";

const PROTOCOL_VERSION = "2025-11-25";

// "disconnected", "connecting", "connected" or "reconnecting".
export const state = signal("disconnected");
export const connectionId = signal(null);
export const lastBeat = signal(null);
// The server's description of itself, and its tools; null until they are known.
export const server = signal(null);
export const tools = signal(null);
export const isConnected = computed(() => state.value === "connected");

let source = null;
let lastId = 0;
// Callbacks for the responses to our own requests.
const waiting = new Map();

export function connect() {
  disconnect();
  state.value = "connecting";
  const stream = new EventSource(at("/mcp/sse"));
  source = stream;
  stream.addEventListener("connected", ({ data }) => begin(JSON.parse(data)));
  stream.addEventListener("heartbeat", ({ data }) => {
    lastBeat.value = Date.now();
    received("heartbeat", JSON.parse(data));
  });
  stream.addEventListener("mcp_response", ({ data }) => take(JSON.parse(data)));
  stream.addEventListener("error", (event) => {
    // The gateway's `error` event has data; the browser's has none.
    if (event.data !== undefined) received("error", JSON.parse(event.data));
    else if (source === stream) lost(stream.readyState === EventSource.CLOSED);
  });
}

export function disconnect() {
  if (!source) return;
  source.close();
  if (state.value === "connected") noted("disconnected");
  end("disconnected");
  source = null;
}

function lost(forGood) {
  if (state.value === "connected" || forGood) noted(forGood ? "the gateway refused the connection" : "connection lost, reconnecting", true);
  end(forGood ? "disconnected" : "reconnecting");
  if (forGood) source = null;
}

function end(next) {
  batch(() => {
    state.value = next;
    connectionId.value = null;
    lastBeat.value = null;
    server.value = null;
  });
  waiting.clear();
  forgetOpen();
}

// Performs the handshake and lists the tools for the form.
async function begin({ connection_id: id }) {
  batch(() => {
    connectionId.value = id;
    state.value = "connected";
  });
  received("connected", { connection_id: id });
  const clientInfo = { name: "fanfare-dashboard", version: "1" };
  const hello = { protocolVersion: PROTOCOL_VERSION, capabilities: {}, clientInfo };
  await request("initialize", hello, async ({ result }) => {
    if (!result) return;
    server.value = result;
    await post({ method: "notifications/initialized" });
    await request("tools/list", {}, ({ result: list }) => {
      if (list) tools.value = list.tools;
    });
  });
}

function take(body) {
  received("mcp_response", body);
  const then = body.method === undefined && waiting.get(body.id);
  waiting.delete(body.id);
  if (then) then(body);
}

export function request(method, params, then) {
  lastId += 1;
  if (then) waiting.set(lastId, then);
  return post({ method, params, id: lastId });
}

async function post(message) {
  const body = { jsonrpc: "2.0", ...message, connection_id: connectionId.value };
  sent(body);
  try {
    const response = await fetch(at("/mcp/sse/message"), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    // The stream reports 400 as well, so don't report it twice.
    if (!response.ok && response.status !== 400) noted(`${response.status}: ${answer.error?.message ?? "refused"}`, true);
  } catch {
    noted("the gateway is not responding", true);
  }
}
