import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { WAIT_MS } from "./support/browser.js";
import { stories } from "./support/story.js";

const story = stories();
const DAY_MS = 86_400_000;

// The gateway dates events itself, so the first three get their dates on the way to the page.
const dated = (page) =>
  page.route("**/api/events?*", async (route) => {
    const response = await route.fetch();
    const answer = await response.json();
    answer.events.reverse().slice(0, 3).forEach((event, i) => {
      event.timestamp = new Date(Date.parse(event.timestamp) - (3 - i) * DAY_MS).toISOString();
    });
    answer.events.reverse();
    await route.fulfill({ response, json: answer });
  });

story("a row says where a day begins, and the top which day is seen", {}, async ({ gateway, open }) => {
  for (const message of ["three days ago", "two days ago", "yesterday", "today", "also today"]) await gateway.push(message);
  const tab = await open("/", { before: dated });
  await tab.shows(["three days ago", "two days ago", "yesterday", "today", "also today"]);
  const name = (daysAgo) => new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long", year: "numeric" }).format(Date.now() - daysAgo * DAY_MS);
  assert.deepEqual(await tab.one("day").allTextContents(), [name(2), `${name(1)}yesterday`, `${name(0)}today`]);
  assert.equal(await tab.one("feed-day").textContent(), name(3));
  assert.ok(Number(await tab.one("feed").getAttribute("data-count")) >= 5);
});

story("a search finds in message and data what the page has not loaded, and marks it", {}, async ({ gateway, open }) => {
  await gateway.push({ message: "the <b>first</b>", data: { commit: { sha: `${"x".repeat(200)} Needle` } }, type: "deploy.started" });
  await gateway.push(Array.from({ length: 600 }, (_, i) => ({ message: `event ${i + 1}` })));
  const tab = await open();
  await tab.page.locator(".row-message", { hasText: /^event 600$/ }).waitFor();
  await tab.one("filter-text").fill("nEEdle");
  await tab.one("chart").and(tab.page.locator("[data-events='1']")).waitFor();
  await tab.says("chart-said", "1 match");
  await tab.one("look-earlier").click();
  await tab.shows(["the <b>first</b>"]);
  await tab.page.locator(".row-type", { hasText: "deploy.started" }).waitFor();
  assert.deepEqual(await tab.page.locator(".row-data mark").allTextContents(), ["Needle"]);
  await tab.one("filter-text").fill("<B>");
  await tab.one("look-earlier").click();
  await tab.shows(["the <b>first</b>"]);
  assert.deepEqual(await tab.page.locator(".row-message mark").allTextContents(), ["<b>"]);
  assert.equal(await tab.page.locator(".row-message b").count(), 0);
});

story("a bar narrows the feed to its time, and End leads back", {}, async ({ gateway, open }) => {
  await gateway.push("early");
  const tab = await open();
  await tab.shows(["early"]);
  // The bars are seconds, and one more comes with each.
  const histogram = tab.one("histogram");
  await tab.page.waitForFunction(() => Number(document.querySelector("[data-testid=histogram]").dataset.bars) > 2, null, { timeout: 2 * WAIT_MS });
  await gateway.push("late");
  await tab.shows(["early", "late"]);
  await histogram.focus();
  await tab.page.keyboard.press("Home");
  await tab.says("chart-said", "1 event");
  await tab.page.keyboard.press("Enter");
  await tab.page.waitForURL(/since=.*until=/);
  await tab.one("connection", { status: "past" }).waitFor();
  await tab.shows(["early"]);
  await gateway.push("unseen");
  await tab.page.reload();
  await tab.shows(["early"]);
  await tab.page.keyboard.press("End");
  await tab.live();
  await tab.shows(["early", "late", "unseen"]);

  // A click picks the same, and Escape gives the whole range back.
  await histogram.click({ position: { x: 1, y: 30 } });
  await tab.shows(["early"]);
  await tab.page.mouse.move(0, 0);
  await tab.says("chart-said", "1 of 3 events");
  await tab.one("range-1h").focus();
  await tab.page.keyboard.press("Escape");
  await tab.shows(["early", "late", "unseen"]);
  await tab.page.keyboard.press("1");
  await tab.page.waitForURL(/range=1h/);
  assert.equal(await tab.one("range-1h").getAttribute("aria-pressed"), "true");
});

story("picked events are copied and saved, and no spreadsheet runs them", {}, async ({ gateway, open }) => {
  await gateway.push({ channel: "a", message: "=HYPERLINK(\"x\")", data: { n: 1 } });
  await gateway.push({ channel: "a", message: "left out" });
  await gateway.push({ channel: "b", message: "two, \"quoted\"\nlines" });
  await gateway.push({ channel: "b", message: " -1+1" });
  const tab = await open();
  await tab.one("row").nth(3).waitFor();
  await tab.page.keyboard.press("k");
  await tab.page.keyboard.press("x");
  await tab.one("row").nth(2).click({ modifiers: ["Shift"] });
  await tab.one("row").nth(0).click({ modifiers: ["Shift"] });
  await tab.one("picked", { count: "3" }).waitFor();

  await tab.one("picked-copy").click();
  await tab.says("toasts", "3 events copied");
  const copied = (await tab.page.evaluate(() => navigator.clipboard.readText())).trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(copied.map(({ message }) => message), ["=HYPERLINK(\"x\")", "two, \"quoted\"\nlines", " -1+1"]);
  const { events } = await gateway.get("/api/events?order=oldest&limit=1");
  assert.deepEqual(copied[0], events[0]);

  const saved = async (testid) => {
    const [download] = await Promise.all([tab.page.waitForEvent("download"), tab.one(testid).click()]);
    return [download.suggestedFilename(), await readFile(await download.path(), "utf8")];
  };
  const [name, lines] = await saved("picked-ndjson");
  assert.match(name, /^fanfare-events-.*\.ndjson$/);
  assert.equal(lines.trimEnd().split("\n").length, 3);
  const [, csv] = await saved("picked-csv");
  assert.ok(csv.startsWith("\ufeffid,timestamp,channel,type,priority,message,data,key,principal,door\r\n"), csv);
  assert.ok(csv.includes(`,"'=HYPERLINK(""x"")","{""n"":1}",`), csv);
  assert.ok(csv.includes(`,"two, ""quoted""\nlines",`), csv);
  assert.ok(csv.includes(`,' -1+1,`), csv);

  await tab.page.keyboard.press("Escape");
  await tab.gone("picked");
  await tab.one("publish-message").waitFor();
});
