import assert from "node:assert/strict";
import { createServer } from "node:http";
import { stories } from "./support/story.js";

const story = stories();

// What Chromium itself writes into the console when a server goes away.
const lost = [/net::ERR_/];
const numbered = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => `event ${from + i}`);

async function pushAll(gateway, messages) {
  for (const message of messages) await gateway.push(message);
}

const tall = { height: 3000, expected: lost };

story("after a kill and a restart the feed goes on without gap or duplicate", { store: "file", tab: tall }, async ({ gateway, open }) => {
  await pushAll(gateway, numbered(1, 10));
  const tab = await open();
  await tab.live();
  await pushAll(gateway, numbered(11, 20));
  await tab.shows(numbered(1, 20));

  for (let round = 1; round <= 3; round += 1) {
    await gateway.kill();
    await tab.one("connection", { status: "reconnecting" }).waitFor();
    await gateway.restart();
    // Some of these are in the log before the page is back, some come after.
    await pushAll(gateway, numbered(round * 10 + 11, round * 10 + 20));
    await tab.live();
    await tab.shows(numbered(1, round * 10 + 20));
  }
  assert.equal(await tab.one("notice", { kind: "lost" }).count(), 3);
  assert.equal(await tab.one("notice", { kind: "gap" }).count(), 0);
  assert.equal(await tab.one("notice", { kind: "reset" }).count(), 0);
});

story("events that come while the page is paused and the server restarts are not lost", { store: "file", tab: tall }, async ({ gateway, open }) => {
  const tab = await open();
  await tab.live();
  await pushAll(gateway, numbered(1, 5));
  await tab.shows(numbered(1, 5));
  await tab.one("pause").click();
  await gateway.kill();
  await tab.one("connection", { status: "reconnecting" }).waitFor();
  await gateway.restart();
  await pushAll(gateway, numbered(6, 10));
  await tab.says("connection", "paused · 5 new");
  await tab.shows(numbered(1, 5));
  await tab.one("pause").click();
  await tab.shows(numbered(1, 10));
});

story("a server that says goodbye is quoted, and the page comes back", { store: "file", tab: tall }, async ({ gateway, open }) => {
  await gateway.push("before");
  const tab = await open();
  await tab.live();
  await tab.shows(["before"]);
  await gateway.stop();
  await tab.one("notice", { kind: "closing" }).waitFor();
  await tab.one("connection", { status: "reconnecting" }).waitFor();
  await gateway.restart();
  await gateway.push("after");
  await tab.shows(["before", "after"]);
});

story("a page that lacks more than it can hold goes on from the newest and says so", { store: "file", tab: { ...tall, height: 900 } }, async ({ gateway, open }) => {
  await gateway.push("before");
  const tab = await open();
  await tab.shows(["before"]);
  await gateway.kill();
  await tab.one("connection", { status: "reconnecting" }).waitFor();
  const away = (route) => route.abort();
  await tab.page.route("**/api/status", away);
  await gateway.restart();
  for (let batch = 0; batch < 6; batch += 1) await gateway.push(numbered(batch * 1000 + 1, batch * 1000 + 1000).map((message) => ({ message })));
  await tab.page.unroute("**/api/status", away);
  await tab.live();
  await tab.page.locator(".row-message", { hasText: /^event 6000$/ }).waitFor();
  // Rows about the stream pass every filter.
  await tab.one("filter-text").fill("event 5501");
  await tab.shows(["event 5501"]);
  await tab.one("notice", { kind: "skipped" }).filter({ hasText: "5,500 events" }).waitFor();
  await tab.one("filter-text").fill("event 5500");
  await tab.shows([]);
});

story("a gateway with another log is said to be one", { tab: tall }, async ({ gateway, open }) => {
  await gateway.push("in the first log");
  const tab = await open();
  await tab.live();
  await tab.shows(["in the first log"]);
  await gateway.kill();
  await tab.one("connection", { status: "reconnecting" }).waitFor();
  await gateway.restart();
  await tab.one("notice", { kind: "reset" }).waitFor();
  await gateway.push("in the second log");
  await tab.shows(["in the first log", "in the second log"]);
});

// A page that is not ours, with an EventSource of Chromium's own that keeps the messages it gets.
async function elsewhere(open, url, play) {
  const server = createServer((_, answer) => answer.setHeader("content-type", "text/html").end("<!doctype html><title>blank</title>"));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const tab = await open(`http://127.0.0.1:${server.address().port}/`, { expected: [...lost, /favicon/] });
    await tab.page.evaluate((url) => {
      window.messages = [];
      window.source = new EventSource(url);
      window.source.onmessage = ({ data }) => window.messages.push(JSON.parse(data).message);
    }, url);
    await tab.page.waitForFunction(() => window.source.readyState === EventSource.OPEN);
    const has = (count) => tab.page.waitForFunction((wanted) => window.messages.length >= wanted, count);
    await play(tab.page, has);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

story("Chromium's own EventSource resumes on a page that is not ours", { store: "file" }, async ({ gateway, open }) => {
  await elsewhere(open, `${gateway.url}/stream?format=json`, async (page, has) => {
    await pushAll(gateway, numbered(1, 10));
    await has(10);
    for (let round = 1; round <= 2; round += 1) {
      await gateway.kill();
      await gateway.restart();
      await pushAll(gateway, numbered(round * 10 + 1, round * 10 + 10));
      await has(round * 10 + 10);
    }
    assert.deepEqual(await page.evaluate(() => window.messages), numbered(1, 30));
  });
});

story("Chromium's own EventSource resumes even if it is cut off before its first event", { store: "file" }, async ({ gateway, open }) => {
  await gateway.push("before");
  await elsewhere(open, `${gateway.url}/stream?format=json`, async (page, has) => {
    const away = (route) => route.abort();
    await page.route("**/stream?*", away);
    await gateway.kill();
    await page.waitForFunction(() => window.source.readyState === EventSource.CONNECTING);
    await gateway.restart();
    await pushAll(gateway, numbered(1, 3));
    await page.unroute("**/stream?*", away);
    await has(3);
    assert.deepEqual(await page.evaluate(() => window.messages), numbered(1, 3));
  });
});
