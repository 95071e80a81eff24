// Clients that take EventSource's place and cannot set a header: they come back with the position in the URL, each in its own
// spelling.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request } from "node:http";
import { test } from "node:test";

import { EventSource } from "eventsource";
import polyfill from "event-source-polyfill";
import reconnecting from "reconnecting-eventsource";

import { Gateway } from "./gateway.mjs";
import { Inbox } from "./inbox.mjs";

const limits = { timeout: 60_000 };
const ReconnectingEventSource = reconnecting.default ?? reconnecting;

// The clients: how each is opened.
const CLIENTS = {
  "event-source-polyfill": { open: (url) => new polyfill.EventSourcePolyfill(url), absent: (answer) => answer.destroy() },
  // A 502 ends the EventSource that it is made of, and it makes another one.
  "reconnecting-eventsource": {
    open: (url) => new ReconnectingEventSource(url, { eventSourceClass: EventSource, max_retry_time: 1_000 }),
    absent: (answer) => answer.writeHead(502).end(),
  },
};

// A proxy that sees the URLs, and does `absent` while no gateway runs.
async function proxy(t, gateway, absent) {
  const asked = new Inbox();
  const server = createServer((question, answer) => {
    asked.put(question.url);
    const { hostname, port } = new URL(gateway.url);
    const forward = request({ hostname, port, path: question.url, headers: question.headers }, (answered) => {
      answer.writeHead(answered.statusCode, answered.headers);
      answered.pipe(answer);
      answered.on("error", () => answer.destroy());
    });
    forward.on("error", () => (answer.headersSent ? answer.destroy() : absent(answer)));
    answer.on("close", () => forward.destroy());
    forward.end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${server.address().port}`, asked };
}

for (const [name, { open, absent }] of Object.entries(CLIENTS)) {
  test(`${name} comes back with its position in the URL, without gap or duplicate`, limits, async (t) => {
    const gateway = await Gateway.start(t);
    const { url, asked } = await proxy(t, gateway, absent);
    const [inbox, opened, failed] = [new Inbox(), new Inbox(), new Inbox()];
    const source = open(`${url}/stream?format=json`);
    t.after(() => source.close());
    source.addEventListener("message", inbox.put);
    source.onopen = opened.put;
    source.onerror = failed.put;
    await opened.next();
    await gateway.pushAll("1", "2");
    const got = (await inbox.take(2)).map(({ data }) => JSON.parse(data).message);
    await asked.next();

    await gateway.kill();
    await failed.next();
    // An attempt that fails.
    await asked.next();
    await gateway.start();
    await gateway.pushAll("3 while away", "4 while away");
    got.push(...(await inbox.take(2)).map(({ data }) => JSON.parse(data).message));
    await gateway.push("5 live again");
    got.push(JSON.parse((await inbox.next()).data).message);
    assert.deepEqual(got, ["1", "2", "3 while away", "4 while away", "5 live again"]);
    assert.deepEqual(inbox.rest, []);
    assert.ok(asked.rest.some((path) => path.includes("lastEventId=")), "the position was in the URL");
  });

  test(`${name} ignores what is not an event`, limits, async (t) => {
    const gateway = await Gateway.start(t);
    const [inbox, opened] = [new Inbox(), new Inbox()];
    const source = open(`${gateway.url}/stream?_=${Date.now()}`);
    t.after(() => source.close());
    source.addEventListener("message", inbox.put);
    source.onopen = opened.put;
    await opened.next();
    const pushed = await gateway.push("hello");
    assert.equal((await inbox.next()).data, `[${pushed.timestamp}] hello`);
    assert.deepEqual(inbox.rest, []);
  });
}
