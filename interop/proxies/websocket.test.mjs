// WebSockets behind proxies: with the shipped configurations, and with HAProxy's `proto h2`, which opens each of them on a
// stream of an HTTP/2 connection (RFC 8441). A proxy that is not there is skipped.

import assert from "node:assert/strict";
import { test } from "node:test";

import { WebSocket } from "ws";

import { Gateway } from "../node/gateway.mjs";
import { Inbox } from "../node/inbox.mjs";
import { DEADLINE_MS, PROXIES, start } from "./proxies.mjs";

const cases = [...Object.entries(PROXIES).map(([name, proxy]) => [name, proxy, {}]), ["haproxy over HTTP/2", PROXIES.haproxy, { multiplexed: true }]];

for (const [name, proxy, options] of cases) {
  const skip = proxy.program ? false : "the proxy is not here";
  test(`behind ${name}, a WebSocket listens and pushes`, { timeout: DEADLINE_MS, skip }, async (t) => {
    const gateway = await Gateway.start(t);
    const at = await start(t, proxy, gateway.address, options);
    const socket = new WebSocket(`${at.http1.replace("http", "ws")}/ws?keepalive=1s`, "fanfare.v1");
    t.after(() => socket.terminate());
    const [heard, pinged, closed] = [new Inbox(), new Inbox(), new Inbox()];
    socket.on("message", (text) => heard.put(JSON.parse(text)));
    socket.on("ping", pinged.put);
    socket.on("close", closed.put);
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    assert.equal(socket.protocol, "fanfare.v1");
    socket.send(JSON.stringify({ op: "subscribe" }));
    assert.equal((await heard.next()).op, "subscribed");
    const message = "x".repeat(100_000);
    socket.send(JSON.stringify({ op: "publish", event: { message } }));
    const said = await heard.take(2);
    assert.deepEqual(said.map(({ op }) => op).sort(), ["event", "published"]);
    assert.equal(said.find(({ op }) => op === "event").event.message, message);
    await pinged.take(2);
    socket.send(Buffer.from("not text"), { binary: true });
    assert.equal(await closed.next(), 1003);
  });
}
