// The MCP screen: connects, disconnects, sends requests, shows what comes.
import assert from "node:assert/strict";
import { stories } from "./support/story.js";

const story = stories();
const path = "/mcp_sse_example.html";

const line = (tab, attributes) => tab.one("mcp-line", attributes);
const status = (tab, wanted) => tab.one("mcp-state", { status: wanted }).waitFor();

async function connected(open, tabOptions) {
  const tab = await open(path, tabOptions);
  await status(tab, "disconnected");
  await tab.one("mcp-connect").click();
  await status(tab, "connected");
  await line(tab, { event: "mcp_response", method: "tools/list" }).waitFor();
  return tab;
}

const field = (tab, name) => tab.one("mcp-field", { name });

story("connecting is a handshake that can be watched", {}, async ({ gateway, open }) => {
  const tab = await connected(open);
  const id = await tab.one("mcp-connection").textContent();
  assert.match(id, /^[0-9a-f]{32}$/);
  const events = await tab.one("mcp-line").evaluateAll((lines) => lines.map(({ dataset }) => `${dataset.event} ${dataset.method ?? ""}`.trim()));
  assert.deepEqual(events.filter((event) => event !== "heartbeat"), [
    "connected", "request initialize", "mcp_response initialize", "notification notifications/initialized", "request tools/list", "mcp_response tools/list",
  ]);
  assert.equal((await gateway.get("/mcp")).sessions, 1);

  await line(tab, { event: "mcp_response", method: "initialize" }).getByRole("button").first().click();
  await tab.says("json-tree", "serverInfo");

  await tab.one("mcp-disconnect").click();
  await status(tab, "disconnected");
  await tab.says("mcp-note", "disconnected");
  assert.ok(await tab.one("mcp-send").isDisabled());
  await tab.says("mcp-obstacle", "Connect first");
  await tab.page.waitForFunction(async () => (await (await fetch("/mcp")).json()).sessions === 0);
});

story("a tool is called with a form that its schema makes", {}, async ({ gateway, open }) => {
  const tab = await connected(open);
  await tab.one("mcp-tool").selectOption("push_stream");
  await field(tab, "message").fill("from a form");
  await field(tab, "channel").fill("builds.web");
  await field(tab, "priority").selectOption("high");
  await field(tab, "data").fill('{"sha": ');
  assert.ok(await tab.one("mcp-send").isDisabled());
  assert.equal(await field(tab, "data").getAttribute("aria-invalid"), "true");
  await tab.says("mcp-obstacle", "Fix these first: data");
  await field(tab, "data").fill('{"sha": "ab12"}');
  await tab.one("mcp-send").click();
  await line(tab, { event: "mcp_response", method: "tools/call" }).filter({ hasText: "Stored as" }).waitFor();
  const { events } = await gateway.get("/api/events");
  assert.deepEqual([events[0].message, events[0].channel, events[0].priority, events[0].data], ["from a form", "builds.web", "high", { sha: "ab12" }]);
  assert.equal(events[0].source.door, "mcp");

  // The form is where the text begins.
  await tab.one("mcp-mode-json").click();
  assert.deepEqual(JSON.parse(await tab.one("mcp-text").inputValue()), { message: "from a form", channel: "builds.web", priority: "high", data: { sha: "ab12" } });
  await tab.one("mcp-text").fill('{"message": 5}');
  await tab.one("mcp-send").click();
  await tab.page.locator("[data-testid=mcp-line].wrong", { hasText: "is not text" }).waitFor();
  await tab.one("mcp-text").fill("[1]");
  assert.ok(await tab.one("mcp-send").isDisabled());
});

story("every method can be sent, and what is refused is shown", {}, async ({ open }) => {
  const tab = await connected(open);
  for (const method of ["ping", "tools/list", "resources/list", "resources/templates/list", "prompts/list", "initialize"]) {
    const before = await line(tab, { event: "mcp_response", method }).count();
    await tab.one("mcp-method").selectOption(method);
    await tab.one("mcp-send").click();
    await line(tab, { event: "mcp_response", method }).nth(before).waitFor();
  }
  assert.equal(await tab.page.locator("[data-testid=mcp-line].wrong").count(), 0);
  await tab.one("mcp-method").selectOption("resources/read");
  await tab.one("mcp-text").fill('{"uri": "fanfare://no/such"}');
  await tab.one("mcp-send").click();
  await tab.page.locator("[data-testid=mcp-line].wrong", { hasText: "fanfare://no/such" }).waitFor();

  await tab.one("mcp-copy").click();
  await tab.says("toasts", "JSON-RPC copied");
  const copied = JSON.parse(await tab.page.evaluate(() => navigator.clipboard.readText()));
  assert.deepEqual([copied.method, copied.params], ["resources/read", { uri: "fanfare://no/such" }]);
  await tab.one("mcp-clear").click();
  await tab.one("mcp-nothing").waitFor();
});

story("a connection that is lost comes back under another name", { tab: { expected: [/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE|Failed to load/] } }, async ({ gateway, open }) => {
  const tab = await connected(open);
  const id = await tab.one("mcp-connection").textContent();
  await gateway.kill();
  await status(tab, "reconnecting");
  await tab.says("mcp-note", "connection lost");
  await tab.says("mcp-obstacle", "Waiting for the connection");
  await gateway.restart();
  await status(tab, "connected");
  assert.notEqual(await tab.one("mcp-connection").textContent(), id);
  await line(tab, { event: "mcp_response", method: "tools/list" }).nth(1).waitFor();
});

story("the rail, the keys and the clients screen lead there", {}, async ({ open }) => {
  const tab = await open();
  await tab.live();
  await tab.page.getByRole("link", { name: "MCP" }).click();
  await tab.one("screen", { screen: "mcp" }).waitFor();
  await tab.page.waitForURL(/\/mcp_sse_example\.html$/);
  await Promise.all([tab.page.keyboard.press("g"), tab.page.keyboard.press("c")]);
  await tab.page.getByRole("link", { name: "Try it in the browser" }).click();
  await tab.one("mcp").waitFor();
});
