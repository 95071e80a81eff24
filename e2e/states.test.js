// The first steps, a gateway that is gone, an address that is no screen, and what a page says while nobody looks at it.
import assert from "node:assert/strict";
import { stories } from "./support/story.js";

const story = stories();

// What a page in the background is, and notifications that are written down rather than shown.
async function inTheBackground(page) {
  await page.addInitScript(() => {
    window.isAway = false;
    window.notices = [];
    Object.defineProperty(document, "hidden", { get: () => window.isAway });
    document.hasFocus = () => !window.isAway;
    window.Notification = class {
      static permission = "default";
      static async requestPermission() {
        return (this.permission = "granted");
      }
      constructor(title, options) {
        window.notices.push({ title, ...options });
      }
    };
  });
}

async function leave(tab, isAway) {
  await tab.page.evaluate((away) => {
    window.isAway = away;
    document.dispatchEvent(new Event("visibilitychange"));
  }, isAway);
}

story("an empty gateway has a line for each assistant that the program knows", {}, async ({ gateway, open }) => {
  const refusal = await fetch(`${gateway.url}/`).then((page) => page.text());
  const known = /name="assistants" content="([^"]+)"/.exec(refusal)[1].split(";");
  assert.ok(known.includes("claude-code=Claude Code"), known.join());
  const tab = await open();
  for (const [screen, there] of [["/", "start"], ["/mcp_sse_example.html", "mcp-nothing"]]) {
    await tab.page.goto(gateway.url + screen);
    await tab.one(there).waitFor();
    const lines = await tab.one("assistants").locator("code").allTextContents();
    assert.equal(lines.length, known.length + 1);
    for (const one of known) assert.ok(lines.includes(`fanfare install ${one.split("=")[0]} --server ${gateway.url}`), lines.join());
  }
});

story("every screen says that the gateway is gone, and keeps its icons", { tab: { expected: [/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE|ERR_CONNECTION_RESET/] } }, async ({ gateway, open }) => {
  const tab = await open();
  await tab.live();
  await gateway.kill();
  await tab.one("gone").waitFor();
  assert.match(await tab.one("gone").textContent(), /has not answered since \d\d:\d\d:\d\d.*fanfare doctor --server/s);
  for (const screen of ["webhooks", "sources", "clients", "channels", "reference"]) {
    await tab.page.locator(`.rail a[href="/${screen}"]`).click();
    await tab.page.locator(`[data-screen="${screen}"]`).waitFor();
    await tab.one("gone").waitFor();
    const missing = await tab.page.evaluate(() =>
      [...document.querySelectorAll("svg.icon use")].filter((use) => !document.querySelector(`.sprite ${use.getAttribute("href")}`)).length,
    );
    assert.equal(missing, 0, screen);
    const drawn = await tab.page.locator(".rail svg.icon").first().evaluate((icon) => icon.firstElementChild.getBoundingClientRect().width);
    assert.ok(drawn > 0, `${screen} draws its icons`);
  }
  await gateway.restart();
  await tab.gone("gone");
});

story("an address that is no screen is a page with what was meant", { tab: { expected: [/404/] } }, async ({ gateway, open }) => {
  const tab = await open("/webhook/slack");
  await tab.one("lost").waitFor();
  // The page finds its files also where the address has more steps, or ends with a slash.
  for (const path of ["/a/b/c", "/a/", "/webhooks/", "/webhook/slack"]) {
    await tab.page.goto(gateway.url + path);
    await tab.one(path === "/webhooks/" ? "webhooks-empty" : "lost").waitFor();
  }
  await tab.one("lost-meant").click();
  await tab.page.locator('[data-screen="webhooks"]').waitFor();
  const asked = (path, accept) => fetch(gateway.url + path, { headers: { accept } });
  const html = "text/html,application/xhtml+xml,*/*;q=0.8";
  for (const [path, accept, type] of [
    ["/nowhere", html, "text/html; charset=utf-8"],
    ["/nowhere/at/all", html, "text/html; charset=utf-8"],
    ["/nowhere", "application/json", "application/problem+json"],
    ["/nowhere", "*/*", "application/problem+json"],
    ["/api/nowhere", html, "application/problem+json"],
    ["/ingest/a/b", html, "application/problem+json"],
  ]) {
    const answer = await asked(path, accept);
    assert.deepEqual([answer.status, answer.headers.get("content-type")], [404, type], `${path} ${accept}`);
  }
});

story("a page in the background counts events in its title, and tells of high and max", { tab: { before: inTheBackground } }, async ({ gateway, open }) => {
  const tab = await open();
  await tab.live();
  const titled = (title) => tab.page.waitForFunction((wanted) => document.title === wanted, title);
  await titled("Live · Fanfare");
  await leave(tab, true);
  await gateway.push([{ message: "nobody is told" }, { message: "before it is wanted", priority: "max" }]);
  await titled("(2) Live · Fanfare");
  await leave(tab, false);
  await titled("Live · Fanfare");
  await tab.one("notify").click();
  await tab.page.locator('[data-testid="notify"][aria-pressed="true"]').waitFor();
  await gateway.push({ message: "seen", priority: "max" });
  await tab.shows(["nobody is told", "before it is wanted", "seen"]);
  await leave(tab, true);
  await gateway.push([
    { channel: "builds", message: "as usual" },
    { channel: "builds", message: "tests failed", priority: "high" },
    { channel: "alerts", message: "disk full", priority: "max" },
    { channel: "builds", message: "no matter", priority: "min" },
  ]);
  await titled("(4) Live · Fanfare");
  const notices = await tab.page.evaluate(() => window.notices.map(({ title, body, requireInteraction }) => [title, body, requireInteraction]));
  assert.deepEqual(notices, [["builds · high", "tests failed", false], ["alerts · max", "disk full", true]]);
});

story("on a phone, the MCP screen has tabs", { tab: { width: 390, height: 844 } }, async ({ open }) => {
  const tab = await open("/mcp_sse_example.html");
  await tab.one("mcp-connect").click();
  await tab.one("mcp-state", { status: "connected" }).waitFor();
  const log = tab.page.locator(".mcp-log");
  assert.equal(await log.isVisible(), false);
  await tab.one("mcp-tab-messages").click();
  assert.equal(await log.isVisible(), true);
  assert.equal(await tab.one("mcp-disconnect").isVisible(), false);
});
