// What the libraries of others sign is believed by `POST /ingest/{kind}`; whatever is refused leaves no trace in the log.

import assert from "node:assert/strict";
import { test } from "node:test";

import { sign as signForHub } from "@octokit/webhooks-methods";
import { Webhook } from "standardwebhooks";
import Stripe from "stripe";

import { Gateway } from "./gateway.mjs";

const limits = { timeout: 60_000 };
const standardSecret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const anotherSecret = "whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
const stripeSecrets = ["whsec_of_the_endpoint", "whsec_that_replaces_it"];
const githubSecrets = ["It's a Secret to Everybody", "ein neues Geheimnis für ☃"];

const start = (t) =>
  Gateway.start(t, {
    FANFARE_INGEST_SECRET_STANDARD_WEBHOOKS: standardSecret,
    FANFARE_INGEST_SECRET_STRIPE: stripeSecrets[0],
    FANFARE_INGEST_SECRET_STRIPE_2: stripeSecrets[1],
    FANFARE_INGEST_SECRET_GITHUB: githubSecrets[0],
    FANFARE_INGEST_SECRET_GITHUB_2: githubSecrets[1],
  });

async function isRefused(gateway, answer) {
  const { code } = await answer.json();
  assert.deepEqual([answer.status, code, await gateway.events()], [401, "invalid_signature", []]);
}

test("standardwebhooks signs, and it is believed", limits, async (t) => {
  const gateway = await start(t);
  const body = JSON.stringify({ type: "invoice.paid", message: "Größe ☃ 😀" });
  const send = (secret, seconds, sent = body) => {
    const moment = new Date(Math.floor(Date.now() / 1000 + seconds) * 1000);
    return gateway.send("/ingest/standard-webhooks", sent, {
      "webhook-id": "msg_1",
      "webhook-timestamp": String(moment.getTime() / 1000),
      "webhook-signature": new Webhook(secret).sign("msg_1", moment, body),
    });
  };
  await isRefused(gateway, await send(anotherSecret, 0));
  await isRefused(gateway, await send(standardSecret, 0, `${body} `));
  await isRefused(gateway, await send(standardSecret, -310));
  await isRefused(gateway, await send(standardSecret, 310));
  assert.equal((await send(standardSecret, 0)).status, 200);
  const [event] = await gateway.events();
  assert.deepEqual([event.message, event.type, event.source.door], ["Größe ☃ 😀", "invoice.paid", "ingest"]);
});

test("stripe signs, and it is believed", limits, async (t) => {
  const gateway = await start(t);
  const body = JSON.stringify({
    id: "evt_1NG8Du2eZvKYlo2CUI79vXWy",
    object: "event",
    api_version: "2026-10-01",
    created: Math.floor(Date.now() / 1000),
    data: { object: { id: "in_1", object: "invoice", number: "A-7", amount_paid: 4200, currency: "eur", customer_name: "Ödön ☃" } },
    livemode: true,
    pending_webhooks: 1,
    request: null,
    type: "invoice.paid",
  });
  const { webhooks } = new Stripe("sk_test_not_used");
  const send = (secret, options = {}, sent = body) =>
    gateway.send("/ingest/stripe", sent, {
      "stripe-signature": webhooks.generateTestHeaderString({ payload: body, secret, ...options }),
    });
  const now = Math.floor(Date.now() / 1000);
  await isRefused(gateway, await send("whsec_somebody_elses"));
  await isRefused(gateway, await send(stripeSecrets[0], {}, body.replace("4200", "4201")));
  await isRefused(gateway, await send(stripeSecrets[0], { timestamp: now - 310 }));
  await isRefused(gateway, await send(stripeSecrets[0], { scheme: "v0" }));
  await isRefused(gateway, await gateway.send("/ingest/stripe", body));

  // Both secrets are given while one is replaced. Stripe sends it again until it is answered; it is one event.
  for (const secret of stripeSecrets) assert.equal((await send(secret)).status, 200);
  const events = await gateway.events();
  assert.equal(events.length, 1);
  const [event] = events;
  assert.deepEqual([event.type, event.channel], ["stripe.invoice.paid", "ingest.stripe"]);
  assert.deepEqual(event.data, JSON.parse(body));
});

test("@octokit/webhooks-methods signs, and it is believed", limits, async (t) => {
  const gateway = await start(t);
  const body = JSON.stringify({
    ref: "refs/heads/main",
    before: "0f3c".repeat(10),
    after: "9d1e".repeat(10),
    forced: false,
    deleted: false,
    compare: "https://git.example/octo/web/compare/0f3c...9d1e",
    commits: [{ id: "9d1e".repeat(10), message: "Größe ☃ stimmt wieder\n\nund mehr", author: { name: "Mona" } }],
    head_commit: { id: "9d1e".repeat(10), message: "Größe ☃ stimmt wieder\n\nund mehr" },
    repository: { full_name: "octo/web" },
    pusher: { name: "mona" },
    sender: { login: "mona" },
  });
  const send = async (secret, delivery, sent = body) =>
    gateway.send("/ingest/github", sent, {
      "x-github-event": "push",
      "x-github-delivery": delivery,
      "x-hub-signature-256": await signForHub(secret, body),
    });
  await isRefused(gateway, await send("another secret", "1"));
  await isRefused(gateway, await send(githubSecrets[0], "1", body.replace("mona", "eve!")));
  await isRefused(gateway, await gateway.send("/ingest/github", body, { "x-github-event": "push" }));

  assert.equal((await send(githubSecrets[0], "1")).status, 200);
  assert.equal((await (await send(githubSecrets[0], "1")).json()).repeated, true);
  assert.equal((await send(githubSecrets[1], "2")).status, 200);
  const events = await gateway.events();
  assert.equal(events.length, 2);
  assert.deepEqual([events[0].type, events[0].channel], ["github.push", "ingest.github"]);
  assert.match(events[0].message, /^octo\/web: mona pushed .*main: Größe ☃ stimmt wieder$/);
  assert.deepEqual(events[0].data, JSON.parse(body));
});
