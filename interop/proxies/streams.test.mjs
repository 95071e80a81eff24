// npm's `eventsource` behind nginx, Caddy and HAProxy, each with the configuration that is shipped in packaging/proxies, over
// HTTP/1.1 and HTTP/2. Each of them also compresses and buffers as far as it can. Events arrive at once, and a restart of the
// gateway loses none and ends no EventSource. A proxy that is not there is skipped.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { pipeline, Readable } from "node:stream";
import { test } from "node:test";
import { constants, createGunzip } from "node:zlib";

import { EventSource } from "eventsource";

import { Gateway } from "../node/gateway.mjs";
import { Inbox } from "../node/inbox.mjs";
import { DEADLINE_MS, PROXIES, start } from "./proxies.mjs";

// What `fetch` does, over HTTP/2 without TLS.
async function fetchHttp2(url, { headers, signal }) {
  const session = connectHttp2(new URL(url).origin);
  session.on("error", () => {});
  const { pathname, search } = new URL(url);
  const request = session.request({ ...Object.fromEntries(new Headers(headers)), "accept-encoding": "gzip", "sec-fetch-mode": "cors", ":path": pathname + search });
  signal?.addEventListener("abort", () => session.destroy());
  request.on("close", () => session.close());
  const [answer] = await Promise.race([
    once(request, "response"),
    once(request, "error").then(([error]) => Promise.reject(new TypeError(error.message))),
  ]);
  // A stream that breaks off breaks what reads it.
  const gunzip = () => pipeline(request, createGunzip({ flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH }), () => {});
  const body = answer["content-encoding"] === "gzip" ? gunzip() : request;
  const plain = Object.entries(answer).filter(([name, value]) => !name.startsWith(":") && typeof value === "string");
  const response = new Response(Readable.toWeb(body), { status: answer[":status"], headers: plain });
  Object.defineProperty(response, "url", { value: url });
  return response;
}

const message = (event) => JSON.parse(event.data).message;

for (const [name, proxy] of Object.entries(PROXIES)) {
  for (const version of ["http1", "http2"]) {
    // nginx cannot wait.
    for (const impatient of name === "nginx" ? [true] : [false, true]) {
      const when = impatient ? "a restart for which the proxy does not wait" : "a restart";
      const skip = proxy.program ? false : "the proxy is not here";
      test(`behind ${name} over ${version}, an EventSource outlives ${when}`, { timeout: 2 * DEADLINE_MS, skip }, async (t) => {
        const gateway = await Gateway.start(t);
        const at = await start(t, proxy, gateway.address, { impatient });
        const asked = new Inbox();
        const fetching = version === "http2" ? fetchHttp2 : fetch;
        const source = new EventSource(`${at[version]}/stream?format=json`, {
          fetch: (url, init) => {
            asked.put(url);
            return fetching(url, init);
          },
        });
        t.after(() => source.close());
        const [inbox, opened] = [new Inbox(), new Inbox()];
        source.onmessage = inbox.put;
        source.onopen = opened.put;
        await asked.next();
        await opened.next();
        // One after the other: each has arrived before the next one could push it out of a buffer.
        for (const text of ["1", "2", "3"]) {
          await gateway.push(text);
          assert.equal(message(await inbox.next()), text);
        }

        await gateway.kill();
        await asked.next();
        if (impatient) await asked.take(2);
        assert.notEqual(source.readyState, EventSource.CLOSED);
        await gateway.start();
        await gateway.pushAll("4 while away", "5 while away");
        assert.deepEqual((await inbox.take(2)).map(message), ["4 while away", "5 while away"]);
        await gateway.push("6 live again");
        assert.equal(message(await inbox.next()), "6 live again");
        assert.deepEqual(inbox.rest, []);
      });
    }
  }

  const skip = proxy.program ? false : "the proxy is not here";
  test(`behind ${name}, a push without a gateway fails`, { timeout: DEADLINE_MS, skip }, async (t) => {
    const gateway = await Gateway.start(t);
    const at = await start(t, proxy, gateway.address, { impatient: true });
    const push = () => fetch(`${at.http1}/api/push/a`, { method: "POST", body: "hello" });
    assert.equal((await push()).status, 200);
    await gateway.kill();
    assert.ok((await push()).status >= 502);
    const wait = await fetch(`${at.http1}/stream`);
    assert.deepEqual([wait.status, wait.headers.get("content-type"), await wait.text()], [200, "text/event-stream", "retry: 1000\n"]);
  });
}
