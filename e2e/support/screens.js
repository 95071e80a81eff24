// Every screen, light and dark, on a desk and on a phone: axe has nothing to say, nothing is wider than the window,
// and a picture is left to be looked at.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { setWebhooks } from "./scene.js";
import { stories } from "./story.js";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const pictures = new URL("../screenshots/", import.meta.url);
mkdirSync(pictures, { recursive: true });

const sample = [
  { channel: "builds.web", type: "success", message: "web built in 41 s", data: { sha: "ab12f09", artifacts: [{ name: "web.tar", bytes: 1834021 }], cached: false } },
  { channel: "builds.api", type: "error", priority: "high", message: "tests failed: 3 of 412", data: { failed: ["expired_token", "torn_wal"], cause: null } },
  { channel: "agents.reviewer", message: "Reading the diff of pull request 214", data: { tool: "read_file", path: "src/hub/feed.rs" } },
  { channel: "alerts.disk", type: "warning", message: "disk at 81 % on db-2", data: { host: "db-2", used: 0.81 } },
  { channel: "chat", message: "is the release train still leaving at ten?", priority: "low" },
  { channel: "agents.writer", type: "progress", message: "drafting section 3 of 7", data: { done: 3, of: 7 } },
  { channel: "alerts.latency", type: "error", priority: "max", message: "p99 of /checkout over 2 s for 5 minutes", data: { p99_ms: 2311 } },
  { channel: "deploy", type: "success", message: "v1.18.2 is live in eu-west", data: { version: "1.18.2" } },
];

const press = (...keys) => async ({ page }) => {
  for (const key of keys) await page.keyboard.press(key);
};

// On a phone, the parts of the MCP screen are tabs.
const part = (name) => async (tab) => {
  const button = tab.one(`mcp-tab-${name}`);
  if (await button.isVisible()) await button.click();
};

// A time before any event.
const pastOf = async (tab) => {
  await tab.page.locator('[data-testid="histogram"]:not([data-bars="0"])').waitFor();
  await tab.one("histogram").focus();
  await press("Home", "ArrowRight", "Enter")(tab);
};

const talk = async (tab) => {
  await tab.one("mcp-connect").click();
  await tab.one("mcp-line", { event: "mcp_response", method: "tools/list" }).waitFor({ state: "attached" });
  await tab.one("mcp-field", { name: "message" }).fill("web built in 41 s");
  await tab.one("mcp-field", { name: "channel" }).fill("builds.web");
  await tab.one("mcp-send").click();
  const answer = tab.one("mcp-line", { event: "mcp_response", method: "tools/call" });
  await part("messages")(tab);
  await answer.getByRole("button").first().click();
  await part("request")(tab);
  await tab.one("mcp-field", { name: "channel" }).fill("builds..web");
  await tab.one("mcp-send").click();
  await part("messages")(tab);
  await tab.page.locator("[data-testid=mcp-line].wrong").waitFor();
};

// name, path, what to do there, what is then there
const screens = [
  ["live", "/", null, "row"],
  ["paused", "/?channel=builds.*&type=error", press(" "), "channel-chip"],
  ["event", "/", press("k", "Enter"), "json-tree"],
  ["search", "/?q=web", null, "chart"],
  ["past", "/?range=1h", pastOf, "nothing"],
  ["picked", "/", press("k", "x", "k", "x", "k", "k", "x"), "picked"],
  ["publish", "/", (tab) => tab.one("publish-more").click(), "publish-options"],
  ["keys", "/", press("?"), "sheet"],
  ["sources", "/sources", null, "source-row"],
  ["clients", "/clients", null, "client-row"],
  ["channels", "/channels", null, "channel-row"],
  ["channel", "/channels/builds.api", null, "channel-event"],
  ["channel-purge", "/channels/builds.api", (tab) => tab.one("channel-purge").click(), "purge-do"],
  ["channel-unknown", "/channels/builds.ap", null, "channel-unknown"],
  ["readers", "/readers", null, "reader-row"],
  ["reader-forget", "/readers", (tab) => tab.one("reader-forget").first().click(), "forget-do"],
  ["mcp", "/mcp_sse_example.html", null, "mcp-connect"],
  ["mcp-nothing", "/mcp_sse_example.html", part("messages"), "mcp-nothing"],
  ["mcp-connected", "/mcp_sse_example.html", talk, "json-tree"],
  ["reference", "/reference", null, "operation"],
  ["lost", "/webhook/slack", null, "lost-meant"],
];

const click = (...testids) => async (tab) => {
  for (const testid of testids) await tab.one(testid).first().click();
};

const tryOut = (url) => async (tab) => {
  await tab.one("webhook-url").fill(url);
  await tab.one("wizard-test").click();
};

const template = async (tab) => {
  await tab.one("webhook-payload").selectOption("slack");
  await tab.one("webhook-preview").click();
  await tab.one("webhook-preview-body").scrollIntoViewIfNeeded();
};

const saved = (url) => async (tab) => {
  await tryOut(url)(tab);
  await tab.one("wizard-result", { outcome: "delivered" }).waitFor();
  await tab.one("wizard-save").click();
};

// The same for webhooks, whose addresses are known only when they are there.
const screensOf = ({ healthy, failing, held, disabled, good }) => [
  ["webhooks", "/webhooks", null, "webhook-row"],
  ["webhook", healthy.screen, null, "attempt-row"],
  ["webhook-attempt", failing.screen, click("attempt-row"), "answer-body"],
  ["webhook-undelivered", `${held.screen}?tab=undelivered`, null, "delivery-row"],
  ["webhook-edited", `${held.screen}?tab=undelivered`, click("delivery-edit"), "edited-body"],
  ["webhook-hour", `${failing.screen}?range=hour`, (tab) => tab.page.locator(".wh-history summary").click(), "webhook-history"],
  ["webhook-held", held.screen, null, "held-until"],
  ["webhook-template", `${failing.screen}?tab=settings`, template, "webhook-preview-body"],
  ["webhook-settings", `${failing.screen}?tab=settings`, null, "settings"],
  ["webhook-secret", `${healthy.screen}?tab=settings`, click("settings-rotate", "rotate-do"), "secret"],
  ["webhook-remove", `${healthy.screen}?tab=settings`, click("settings-remove"), "remove-typed"],
  ["webhook-replay", `${disabled.screen}?tab=undelivered`, click("trouble-replay", "replay-dry-run"), "replay-count"],
  ["webhook-verify", `${healthy.screen}?tab=verify`, null, "snippet"],
  ["webhook-new-failed", "/webhooks/new", tryOut("http://127.0.0.1:9/closed"), "wizard-result"],
  ["webhook-new-options", "/webhooks/new", (tab) => tab.one("wizard-more").locator("summary").click(), "webhook-retry"],
  ["webhook-saved", "/webhooks/new", saved(good.url("/new")), "secret"],
];

async function examine(tab, name) {
  const wide = await tab.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(wide <= 0, `${name} is ${wide} px wider than the window`);
  // On a phone each row is a card, and a cell without its column's name is a number that nobody understands.
  const nameless = await tab.page.evaluate(() => document.querySelectorAll("td:not(:first-child, [data-name])").length);
  assert.equal(nameless, 0, `cells of ${name} do not say what they are`);
  if (!(await tab.page.evaluate(() => "axe" in window))) await tab.page.evaluate(axe);
  const { violations } = await tab.page.evaluate(() =>
    window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations"] }),
  );
  const found = violations.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.html}\n${node.failureSummary}`));
  assert.deepEqual(found, [], name);
  await tab.page.screenshot({ path: new URL(`${name}.png`, pictures).pathname });
}

// `light` and `dark` are two files of tests, so that they can run at the same time.
export function everyScreen(colorScheme) {
  const story = stories();
  for (const [width, height] of [[1280, 800], [390, 844]]) {
    const options = { tab: { colorScheme, width, height, expected: [/404.*\/webhook\/slack/] } };
    const named = (name) => `${name}-${colorScheme}-${width}`;

    story(`every screen is in order: ${colorScheme}, ${width} px`, options, async ({ gateway, open }) => {
      const empty = await open();
      await empty.one("start").waitFor();
      await examine(empty, named("start"));
      for (const [name, channels] of [["claude-release", ["builds.*", "deploy"]], ["nightly-report", []], ["grafana-bridge", ["alerts.>"]]]) {
        await fetch(`${gateway.url}/api/readers/${name}`, { method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify({ channels }) });
      }
      for (let i = 0; i < 5; i += 1) await gateway.push(sample);
      const { last } = await gateway.get("/api/status");
      await gateway.post("/api/readers/claude-release/ack", { position: last });
      const tab = await open();
      for (const screen of screens) await show(tab, gateway, named, screen);
    });

    story(`every screen of webhooks is in order: ${colorScheme}, ${width} px`, options, async ({ gateway, open, receive }) => {
      const tab = await open("/webhooks");
      await show(tab, gateway, named, ["webhooks-none", "/webhooks", null, "webhooks-empty"]);
      for (const screen of screensOf(await setWebhooks(gateway, receive))) await show(tab, gateway, named, screen);
      const { events } = await gateway.get("/api/events?channel=builds.web&limit=1");
      await show(tab, gateway, named, ["receipts", `/?event=${events[0].id}`, null, "receipt"]);
    });
  }
}

async function show(tab, gateway, named, [name, path, act, there]) {
  await tab.page.goto(new URL(path, gateway.url).href);
  // The MCP screen has a state of its own.
  if (!name.startsWith("mcp")) await tab.live();
  if (path.startsWith("/?") || path === "/") await tab.one("row").first().waitFor();
  if (act) await act(tab);
  await tab.one(there).first().waitFor();
  await examine(tab, named(name));
}
