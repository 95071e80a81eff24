// Deliveries of the real binary, verified as receivers in Node do it: `standardwebhooks`, `@octokit/webhooks-methods`
// for `X-Hub-Signature-256`, and Node's own crypto for ed25519. Each check is also made with something changed.

import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey, sign as signWith, verify as verifyWith } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { sign as signForHub, verify as verifyForHub, verifyWithFallback } from "@octokit/webhooks-methods";
import { Webhook, WebhookVerificationError } from "standardwebhooks";

import { Gateway } from "./gateway.mjs";
import { Receiver } from "./receiver.mjs";

const limits = { timeout: 60_000 };
const vectors = JSON.parse(readFileSync(new URL("../webhook_vectors.json", import.meta.url), "utf8"));
const anotherSecret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const message = 'grün ☃ 😀 "quoted"\n\u2028 – and a line';

// What comes before the 32 bytes of a key, in the formats that Node reads (RFC 8410).
const publicKeyHead = Buffer.from("302a300506032b6570032100", "hex");
const privateKeyHead = Buffer.from("302e020100300506032b657004220420", "hex");

function accepts(secret, { headers, body }) {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch (problem) {
    if (problem instanceof WebhookVerificationError) return false;
    throw problem;
  }
}

// `v1a`, which no library of Standard Webhooks has: ed25519 of id, timestamp and body.
function acceptsV1a(publicKey, { headers, body }) {
  const raw = Buffer.from(publicKey.slice("whpk_".length), "base64");
  const key = createPublicKey({ key: Buffer.concat([publicKeyHead, raw]), format: "der", type: "spki" });
  const signed = Buffer.concat([Buffer.from(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.`), body]);
  return headers["webhook-signature"]
    .split(" ")
    .filter((signature) => signature.startsWith("v1a,"))
    .some((signature) => verifyWith(null, signed, key, Buffer.from(signature.slice("v1a,".length), "base64")));
}

const acceptsHub = (secret, { headers, body }) => verifyForHub(secret, body.toString(), headers["x-hub-signature-256"]);

const withHeaders = ({ headers, body }, changes) => ({ headers: { ...headers, ...changes }, body });

function withAnotherByte({ headers, body }) {
  const other = Buffer.from(body);
  other[other.length - 1] ^= 1;
  return { headers, body: other };
}

for (const payload of ["seed", "event", "cloudevents"]) {
  test(`a delivery as ${payload} is believed by all three, and not when a byte was changed`, limits, async (t) => {
    const gateway = await Gateway.start(t);
    const receiver = await Receiver.start(t);
    const { id, secret } = await gateway.register(receiver, { payload, signatures: ["v1a", "hub"] });
    const { public_key } = await gateway.get(`/api/webhooks/${id}`);
    const pushed = await gateway.push(message, { channel: "builds.web", type: "error", data: { größe: 1 } });
    const request = await receiver.next();

    assert.equal(request.headers["webhook-id"], pushed.id);
    assert.equal(accepts(secret, request), true);
    assert.equal(acceptsV1a(public_key, request), true);
    assert.equal(await acceptsHub(secret, request), true);

    const other = withAnotherByte(request);
    assert.equal(accepts(secret, other), false);
    assert.equal(acceptsV1a(public_key, other), false);
    assert.equal(await acceptsHub(secret, other), false);
    assert.equal(accepts(anotherSecret, request), false);
    assert.equal(await acceptsHub(anotherSecret, request), false);
    const later = String(Number(request.headers["webhook-timestamp"]) + 1);
    assert.equal(accepts(secret, withHeaders(request, { "webhook-timestamp": later })), false);
    assert.equal(acceptsV1a(public_key, withHeaders(request, { "webhook-timestamp": later })), false);
    assert.equal(accepts(secret, withHeaders(request, { "webhook-id": "another" })), false);

    const body = JSON.parse(request.body);
    assert.equal(payload === "cloudevents" ? body.data.message : body.message, message);
  });
}

test("a retry has the same id and body, and a signature of its own time", limits, async (t) => {
  const gateway = await Gateway.start(t);
  const receiver = await Receiver.start(t, 500);
  const { secret } = await gateway.register(receiver, { retry: ["2s"], signatures: ["hub"] });
  await gateway.push(message);
  const [first, second] = await receiver.take(2);
  assert.equal(first.headers["webhook-id"], second.headers["webhook-id"]);
  assert.deepEqual(first.body, second.body);
  assert.ok(Number(first.headers["webhook-timestamp"]) < Number(second.headers["webhook-timestamp"]));
  assert.notEqual(first.headers["webhook-signature"], second.headers["webhook-signature"]);
  for (const request of [first, second]) {
    assert.equal(accepts(secret, request), true);
    assert.equal(await acceptsHub(secret, request), true);
  }
  const mixed = withHeaders(second, { "webhook-signature": first.headers["webhook-signature"] });
  assert.equal(accepts(secret, mixed), false);
});

test("while a secret is replaced both fit, and then only the new one", limits, async (t) => {
  const gateway = await Gateway.start(t);
  const receiver = await Receiver.start(t);
  const { id, secret: old } = await gateway.register(receiver, { signatures: ["hub"] });
  const { secret: current } = await gateway.post(`/api/webhooks/${id}/secret/rotate`, { overlap: "1h" });
  await gateway.push("during");
  let request = await receiver.next();
  assert.deepEqual([accepts(old, request), accepts(current, request)], [true, true]);
  assert.equal(accepts(anotherSecret, request), false);

  // There is room for one signature in GitHub's header, so that its receivers have to know both secrets.
  const signature = request.headers["x-hub-signature-256"];
  assert.deepEqual([await acceptsHub(old, request), await acceptsHub(current, request)], [false, true]);
  assert.equal(await verifyWithFallback(old, request.body.toString(), signature, [current]), true);
  assert.equal(await verifyWithFallback(anotherSecret, request.body.toString(), signature, [anotherSecret]), false);

  const { secret: newest } = await gateway.post(`/api/webhooks/${id}/secret/rotate`, { overlap: "0s" });
  await gateway.push("after one has leaked");
  request = await receiver.next();
  assert.deepEqual([old, current, newest].map((secret) => accepts(secret, request)), [false, false, true]);
  assert.deepEqual(await Promise.all([old, current, newest].map((secret) => acceptsHub(secret, request))), [false, false, true]);
});

test("while the ed25519 pair is replaced both public keys fit, and then only the new one", limits, async (t) => {
  const gateway = await Gateway.start(t);
  const receiver = await Receiver.start(t);
  const { id } = await gateway.register(receiver, { signatures: ["v1a"] });
  const { public_key: old } = await gateway.get(`/api/webhooks/${id}`);
  const rotate = (overlap) => gateway.post(`/api/webhooks/${id}/secret/rotate`, { kind: "ed25519", overlap });
  const { public_key: current } = await rotate("1h");
  await gateway.push("during");
  const during = await receiver.next();
  assert.deepEqual([acceptsV1a(old, during), acceptsV1a(current, during)], [true, true]);
  const { public_key: newest } = await rotate("0s");
  await gateway.push("after");
  const after = await receiver.next();
  assert.deepEqual([old, current, newest].map((key) => acceptsV1a(key, after)), [false, false, true]);
});

for (const { of, secrets, id, timestamp, body, signature } of vectors.symmetric) {
  test(`standardwebhooks makes of this vector what stands there: ${of}`, () => {
    const made = secrets.map((secret) => new Webhook(secret).sign(id, new Date(timestamp * 1000), body));
    assert.equal(made.join(" "), signature);
  });
}

for (const { of, signing_key, public_key, id, timestamp, body, signature } of vectors.ed25519) {
  test(`Node makes of this vector what stands there: ${of}`, () => {
    const headers = { "webhook-id": id, "webhook-timestamp": String(timestamp), "webhook-signature": signature };
    assert.equal(acceptsV1a(public_key, { headers, body: Buffer.from(body) }), true);
    const seed = Buffer.from(signing_key.slice("whsk_".length), "base64").subarray(0, 32);
    const der = Buffer.concat([privateKeyHead, seed]);
    const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
    assert.equal(`v1a,${signWith(null, Buffer.from(`${id}.${timestamp}.${body}`), key).toString("base64")}`, signature);
  });
}

for (const { of, secret, body, signature } of vectors.hub) {
  test(`@octokit/webhooks-methods makes of this vector what stands there: ${of}`, async () => {
    assert.equal(await signForHub(secret, body), signature);
    assert.equal(await verifyForHub(secret, body, signature), true);
    assert.equal(await verifyForHub(secret, `${body} `, signature), false);
  });
}
