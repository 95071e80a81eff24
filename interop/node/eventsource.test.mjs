// npm's `eventsource` follows the browser's rules, reconnecting by itself with the id it saw last.

import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { test } from "node:test";

import { EventSource } from "eventsource";

import { Gateway } from "./gateway.mjs";
import { Inbox } from "./inbox.mjs";

const limits = { timeout: 60_000 };

function listen(t, url, ...names) {
  const source = new EventSource(url);
  t.after(() => source.close());
  const inbox = new Inbox();
  const opened = new Inbox();
  source.onopen = opened.put;
  source.onmessage = inbox.put;
  for (const name of names) source.addEventListener(name, inbox.put);
  return { source, inbox, opened };
}

const text = (event) => event.data.replace(/^\[[^\]]*\] /, "");

test("onmessage gets what is pushed, with its time and position", limits, async (t) => {
  const gateway = await Gateway.start(t);
  const { inbox, opened } = listen(t, `${gateway.url}/stream`);
  await opened.next();
  const pushed = await gateway.push("Hello World");
  const event = await inbox.next();
  assert.equal(event.data, `[${pushed.timestamp}] Hello World`);
  assert.equal(event.lastEventId, pushed.id);
  assert.equal(event.type, "message");
});

test("it comes back by itself after a kill, without gap or duplicate", limits, async (t) => {
  const gateway = await Gateway.start(t);
  const { inbox, opened } = listen(t, `${gateway.url}/stream`);
  await opened.next();
  await gateway.pushAll("1", "2", "3");
  assert.deepEqual((await inbox.take(3)).map(text), ["1", "2", "3"]);

  await gateway.kill();
  await gateway.start();
  await gateway.pushAll("4 while away", "5 while away");
  await opened.next();
  await gateway.pushAll("6 live again");

  assert.deepEqual((await inbox.take(3)).map(text), ["4 while away", "5 while away", "6 live again"]);
  assert.deepEqual(inbox.rest.map(text), []);
});

test("three kills in a row lose nothing and repeat nothing", limits, async (t) => {
  const gateway = await Gateway.start(t);
  const { inbox, opened } = listen(t, `${gateway.url}/stream`);
  const expected = [];
  const got = [];
  for (let round = 0; round < 3; round += 1) {
    await opened.next();
    expected.push(`${round} before the kill`);
    await gateway.push(expected.at(-1));
    got.push(text(await inbox.next()));
    await gateway.kill();
    await gateway.start();
    expected.push(`${round} after the kill`);
    await gateway.push(expected.at(-1));
    got.push(text(await inbox.next()));
  }
  assert.deepEqual(got, expected);
  assert.deepEqual(inbox.rest, []);
});

test("named events reach their listeners", limits, async (t) => {
  const gateway = await Gateway.start(t);
  await gateway.push("old");
  const { inbox } = listen(t, `${gateway.url}/stream?format=json&events=named&since=earliest`, "error-report", "info", "caught-up");
  assert.equal(JSON.parse((await inbox.next()).data).message, "old");
  assert.equal((await inbox.next()).type, "caught-up");
  await gateway.push("broken", { type: "error-report", data: { line: 7 } });
  const event = await inbox.next();
  assert.equal(event.type, "error-report");
  assert.deepEqual(JSON.parse(event.data).data, { line: 7 });
});

test("a new log behind the same address is announced with reset, and live events follow", limits, async (t) => {
  const gateway = await Gateway.start(t);
  const { inbox, opened } = listen(t, `${gateway.url}/stream`, "reset");
  await opened.next();
  await gateway.push("of the old log");
  await inbox.next();

  await gateway.kill();
  for (const suffix of ["", "-wal", "-shm"]) await rm(gateway.store + suffix, { force: true });
  await gateway.start();
  const reset = await inbox.next();
  assert.equal(reset.type, "reset");
  assert.equal(JSON.parse(reset.data).reason, "another_epoch");
  await gateway.push("of the new log");
  assert.equal(text(await inbox.next()), "of the new log");
});

test("the examples of the original project work as they are", limits, async (t) => {
  const gateway = await Gateway.start(t);
  const lines = new Inbox();
  const console = { log: (...words) => lines.put(words.join(" ")), error: () => {} };
  const opened = new Inbox();

  const eventSource = new EventSource(`${gateway.url}/stream`);
  eventSource.onmessage = (event) => {
    console.log("Received:", event.data);
  };
  const es = new EventSource(`${gateway.url}/stream`);
  es.onmessage = (e) => console.log("Event:", e.data);
  es.onerror = (e) => console.error("Error:", e);

  t.after(() => [eventSource, es].forEach((source) => source.close()));
  eventSource.onopen = es.onopen = opened.put;
  await opened.take(2);
  const pushed = await gateway.push("Hello");
  assert.equal(pushed.stream_clients, 2);
  const line = `[${pushed.timestamp}] Hello`;
  assert.deepEqual((await lines.take(2)).sort(), [`Event: ${line}`, `Received: ${line}`]);
});
