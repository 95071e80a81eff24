import assert from "node:assert/strict";
import { stories } from "./support/story.js";

const story = stories();

story("what is pushed appears", {}, async ({ gateway, open }) => {
  await gateway.push({ channel: "builds.web", message: "before the page", type: "success" });
  const tab = await open();
  await tab.live();
  await tab.shows(["before the page"]);
  await gateway.push({ channel: "builds.web", message: "while it is open" });
  await tab.shows(["before the page", "while it is open"]);
});

story("an empty log explains itself and gives way to the first event", {}, async ({ gateway, open }) => {
  const tab = await open();
  await tab.one("start").waitFor();
  assert.equal(await tab.page.locator("[data-testid=start] .start-step").count(), 3);
  await gateway.push("first");
  await tab.shows(["first"]);
  await tab.gone("start");
});

story("a paused feed stands still, counts what comes, and shows it when it goes on", {}, async ({ gateway, open }) => {
  await gateway.push("one");
  const tab = await open();
  await tab.live();
  await tab.shows(["one"]);
  await tab.one("pause").click();
  for (const message of ["two", "three", "four"]) await gateway.push(message);
  await tab.says("connection", "paused · 3 new");
  await tab.shows(["one"]);
  await tab.one("connection", { status: "paused" }).click();
  await tab.live();
  await tab.shows(["one", "two", "three", "four"]);
});

story("filters narrow the feed and live in the address", {}, async ({ gateway, open }) => {
  await gateway.push({ channel: "builds.web", message: "web built", type: "success", data: { sha: "ab12" } });
  await gateway.push({ channel: "builds.api", message: "api failed", type: "error" });
  await gateway.push({ channel: "chat", message: "hello" });
  const tab = await open();
  await tab.shows(["web built", "api failed", "hello"]);

  await tab.one("filter-text").fill("AB12");
  await tab.shows(["web built"]);
  await tab.page.waitForURL(/q=AB12/);
  await tab.one("filter-clear").click();
  await tab.shows(["web built", "api failed", "hello"]);

  await tab.one("filter-channel").fill("builds.*");
  await tab.one("filter-channel").press("Enter");
  await tab.shows(["web built", "api failed"]);
  await tab.one("type-error").click();
  await tab.shows(["api failed"]);
  await gateway.push({ channel: "builds.cli", message: "cli failed", type: "error" });
  await gateway.push({ channel: "chat", message: "not a build", type: "error" });
  await tab.shows(["api failed", "cli failed"]);

  await tab.page.reload();
  await tab.shows(["api failed", "cli failed"]);
  assert.match(tab.page.url(), /channel=builds\.\*.*type=error/);
  await tab.one("channel-chip").click();
  await tab.shows(["api failed", "cli failed", "not a build"]);
});

story("the page keeps the newest 5,000 events and draws only those in sight", {}, async ({ gateway, open }) => {
  const tab = await open();
  await tab.live();
  for (let batch = 0; batch < 6; batch += 1) {
    await gateway.push(Array.from({ length: 1000 }, (_, i) => ({ message: `event ${batch * 1000 + i + 1}` })));
  }
  await tab.page.locator(".row-message", { hasText: /^event 6000$/ }).waitFor();
  const drawn = await tab.messages();
  assert.ok(drawn.length < 80, `${drawn.length} rows are in the document`);
  const last = Number(drawn.at(-1).split(" ")[1]);
  assert.deepEqual(drawn, drawn.map((_, i) => `event ${last - drawn.length + 1 + i}`));
  assert.equal(await tab.one("feed").getAttribute("data-count"), "5000");
});

story("a reader who scrolls back is left where he is until he jumps to the newest", {}, async ({ gateway, open }) => {
  await gateway.push(Array.from({ length: 200 }, (_, i) => ({ message: `event ${i + 1}` })));
  const tab = await open();
  await tab.page.locator(".row-message", { hasText: /^event 200$/ }).waitFor();
  await tab.page.locator("[data-testid=feed]").evaluate((feed) => (feed.scrollTop = 1000));
  await tab.one("feed", { following: "false" }).waitFor();
  await gateway.push("later");
  await tab.says("jump", "1 new");
  assert.equal(await tab.page.locator("[data-testid=feed]").evaluate((feed) => feed.scrollTop), 1000);
  await tab.one("jump").click();
  await tab.page.locator(".row-message", { hasText: /^later$/ }).waitFor();
  await tab.one("feed", { following: "true" }).waitFor();
});

story("the past is read on, page by page, while the feed stands still", {}, async ({ gateway, open }) => {
  await gateway.push(Array.from({ length: 800 }, (_, i) => ({ message: `event ${i + 1}`, type: i % 100 ? "info" : "error" })));
  const tab = await open();
  await tab.page.locator(".row-message", { hasText: /^event 800$/ }).waitFor();
  await tab.page.locator("[data-testid=feed]").evaluate((feed) => (feed.scrollTop = 0));
  await tab.page.locator(".row-message", { hasText: /^event 301$/ }).waitFor();
  await tab.one("earlier").click();
  await tab.one("connection", { status: "paused" }).waitFor();
  // What was read stays where it was; what is older stands above it.
  await tab.page.locator(".row-message", { hasText: /^event 300$/ }).waitFor();
  assert.equal(Number(await tab.one("feed").getAttribute("data-count")) >= 700, true);
  await gateway.push("later");
  await tab.says("connection", "1 new");
  await tab.one("pause").click();
  await tab.live();

  // With a filter the gateway looks for what passes it.
  await tab.one("type-error").click();
  await tab.shows(["event 301", "event 401", "event 501", "event 601", "event 701"]);
  await tab.one("earlier").click();
  await tab.shows(["event 1", "event 101", "event 201", "event 301", "event 401", "event 501", "event 601", "event 701"]);
  await tab.gone("earlier");

  // Also when no loaded event passes the filter.
  const other = await open("/?type=warning");
  await other.one("look-earlier").click();
  await other.page.getByText("No events match the filter.").waitFor();
});

story("what others write stays text", {}, async ({ gateway, open }) => {
  const hostile = `<img src="x" onerror="console.error('ran')"><script>console.error('ran')</script>`;
  await gateway.push({ message: hostile, type: "error", data: { [hostile]: hostile }, key: hostile });
  const tab = await open();
  await tab.shows([hostile]);
  await tab.one("row").click();
  await tab.says("drawer-message", "onerror");
  assert.equal(await tab.one("drawer-message").textContent(), hostile);
  assert.equal(await tab.page.locator("#app img, #app script").count(), 0);
});

// Canned, because the conditions (retention, another log) take long or large set-ups.
const frames = [
  'event: gap\ndata: {"after":"aaaaaaaa-10","next":"aaaaaaaa-500","missed":489,"reason":"retention"}',
  'event: reset\ndata: {"reason":"another_epoch","position":"aaaaaaaa-0"}',
  'event: caught-up\ndata: {"position":"aaaaaaaa-0"}',
  'event: closing\ndata: {"reason":"shutdown","retry_ms":60000}',
].join("\n\n");

story("the stream's own frames are rows that say what happened", {}, async ({ gateway, open }) => {
  await gateway.push("an event");
  const tab = await open("/", {
    before: (page) => page.route("**/stream?*", (route) => route.fulfill({ contentType: "text/event-stream", body: `${frames}\n\n` })),
  });
  await tab.one("notice", { kind: "gap" }).filter({ hasText: "489 events between 10 and 500 were removed by retention" }).waitFor();
  await tab.one("notice", { kind: "reset" }).filter({ hasText: "a different log" }).waitFor();
  await tab.one("notice", { kind: "caught-up" }).waitFor();
  await tab.one("notice", { kind: "closing" }).filter({ hasText: "shutdown" }).waitFor();
  await tab.says("connection", /reconnecting in (60|59|58) s/);
});
