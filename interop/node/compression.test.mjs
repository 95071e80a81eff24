// Express's `compression`, which Next.js and NestJS use too, between the gateway and a listener. It holds back what it
// compresses until it has enough, so it must leave an event stream alone.

import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { test } from "node:test";

import compression from "compression";
import { EventSource } from "eventsource";
import express from "express";

import { Gateway } from "./gateway.mjs";
import { Inbox } from "./inbox.mjs";

test("behind compression, an event arrives at once", { timeout: 60_000 }, async (t) => {
  const gateway = await Gateway.start(t);
  const { hostname, port } = new URL(gateway.url);
  const app = express();
  // Every type and every length.
  app.use(compression({ threshold: 0, filter: () => true }));
  app.use((question, answer) => {
    const forward = request({ hostname, port, path: question.originalUrl, headers: question.headers }, (answered) => {
      answer.writeHead(answered.statusCode, answered.headers);
      answered.pipe(answer);
    });
    forward.on("error", () => answer.destroy());
    answer.on("close", () => forward.destroy());
    forward.end();
  });
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${server.address().port}`;
  const [inbox, opened] = [new Inbox(), new Inbox()];
  const source = new EventSource(`${url}/stream?format=json`);
  t.after(() => source.close());
  source.onmessage = inbox.put;
  source.onopen = opened.put;
  await opened.next();
  for (const message of ["1", "2"]) {
    await gateway.push(message);
    assert.equal(JSON.parse((await inbox.next()).data).message, message);
  }
  // `compression` is at work: it compresses other answers.
  const answer = await fetch(`${url}/api/events`);
  assert.equal(answer.headers.get("content-encoding"), "gzip");
});
