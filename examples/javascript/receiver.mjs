// A receiver of webhooks in Express: registers itself, verifies each delivery, and takes each event once.

import express from "express";
import { Webhook } from "standardwebhooks";

const gateway = process.env.FANFARE_URL ?? "http://127.0.0.1:8000";
const IDS_MAX = 10_000;
const ids = new Set();
let verifier;

const app = express();

// The signature is that of the bytes: `express.json()` would have thrown them away.
app.post("/webhook", express.raw({ type: "*/*", limit: "2mb" }), (request, response) => {
  let event;
  try {
    event = verifier.verify(request.body, request.headers);
  } catch {
    return response.sendStatus(401);
  }
  // After a crash on either side, the same event may come again.
  if (!ids.has(event.id)) {
    ids.add(event.id);
    if (ids.size > IDS_MAX) ids.delete(ids.values().next().value);
    console.log(`received [${event.timestamp}] ${event.message}`);
  }
  response.sendStatus(204);
});

const server = app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", async () => {
  const url = `http://127.0.0.1:${server.address().port}/webhook`;
  const { id, secret } = await post("/api/register", { webhook_url: url });
  // A secret is shown once. Who registers again and has not kept it takes a new one.
  verifier = new Webhook(secret ?? (await post(`/api/webhooks/${id}/secret/rotate`, { overlap: "0s" })).secret);
  console.log(`registered ${url}`);
});

async function post(path, body) {
  const headers = { "content-type": "application/json" };
  const response = await fetch(gateway + path, { method: "POST", headers, body: JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${answer.detail}; ${answer.fix ?? ""}`);
  return answer;
}
