// A webhook receiver in Express: registers itself, verifies each request, and handles each delivery once.

import express from "express";
import { Webhook } from "standardwebhooks";

const gateway = process.env.FANFARE_URL ?? "http://127.0.0.1:8000";
const IDS_MAX = 10_000;
const ids = new Set();
let verifier;

const app = express();

// The signature covers the raw bytes, which `express.json()` would discard.
app.post("/webhook", express.raw({ type: "*/*", limit: "2mb" }), (request, response) => {
  let event;
  try {
    event = verifier.verify(request.body, request.headers);
  } catch {
    return response.sendStatus(401);
  }
  // After a crash on either side, the same delivery can arrive again.
  const id = request.headers["webhook-id"];
  if (!ids.has(id)) {
    ids.add(id);
    if (ids.size > IDS_MAX) ids.delete(ids.values().next().value);
    console.log(`received [${event.timestamp}] ${event.message}`);
  }
  response.sendStatus(204);
});

const server = app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", async () => {
  const url = `http://127.0.0.1:${server.address().port}/webhook`;
  const { id, secret } = await post("/api/register", { webhook_url: url });
  // A secret is shown once. If it was not kept, rotate it.
  verifier = new Webhook(secret ?? (await post(`/api/webhooks/${id}/secret/rotate`, { overlap: "0s" })).secret);
  console.log(`registered ${url}`);
});

async function post(path, body) {
  const headers = { "content-type": "application/json" };
  const response = await fetch(gateway + path, { method: "POST", headers, body: JSON.stringify(body) });
  const result = await response.json();
  if (!response.ok) throw new Error(`${result.detail}; ${result.fix ?? ""}`);
  return result;
}
