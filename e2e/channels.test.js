import assert from "node:assert/strict";
import { stories } from "./support/story.js";

const story = stories();

story("channels are grouped, and a group opens and closes", {}, async ({ gateway, open }) => {
  for (const channel of ["deploy.api", "deploy.web", "chat"]) await gateway.push({ channel, message: "one" });
  const tab = await open("/channels");
  const group = tab.one("channel-group", { group: "deploy" });
  await group.filter({ hasText: "2 channels" }).waitFor();
  assert.equal(await tab.one("channel-group").count(), 1, "a channel alone is no group");
  await group.getByRole("button").press("ArrowLeft");
  await tab.one("channel-row", { channel: "deploy.api" }).waitFor({ state: "detached" });
  await tab.one("channels-find").fill("web");
  await tab.one("channel-row", { channel: "deploy.web" }).waitFor();
  await tab.one("channel-row", { channel: "chat" }).waitFor({ state: "detached" });
  await tab.page.getByRole("link", { name: "deploy.web" }).click();
  await tab.one("channel", { channel: "deploy.web" }).waitFor();
  await tab.page.keyboard.press("[");
  await tab.one("channel", { channel: "deploy.api" }).waitFor();
  await tab.page.keyboard.press("Escape");
  await tab.one("channels").waitFor();
});

story("the page of a channel has its events, who hears it and its time", {}, async ({ gateway, open, receive }) => {
  const receiver = await receive();
  await gateway.register(receiver, { name: "pager", channels: ["deploy.>"] });
  await gateway.register(await receive(), { name: "elsewhere", channels: ["chat"] });
  const put = await fetch(`${gateway.url}/api/readers/nightly`, { method: "PUT", headers: { "content-type": "application/json" }, body: '{"channels":["deploy.*"]}' });
  assert.equal(put.status, 201);
  await gateway.push({ channel: "deploy.api", message: "deployed", type: "deploy.started" });
  await gateway.push({ channel: "deploy.api", message: "rolled back", type: "error" });
  await gateway.push({ channel: "chat", message: "elsewhere" });
  const tab = await open("/channels/deploy.api");
  await tab.one("channel-event").nth(1).waitFor();
  assert.match(await tab.one("channel-event").first().textContent(), /rolled back/);
  await tab.says("fact-range", "2");
  await tab.says("fact-errors", "1");
  await tab.one("hearer", { kind: "webhook" }).filter({ hasText: "pager" }).waitFor();
  await tab.one("hearer", { kind: "reader" }).filter({ hasText: "2 behind" }).waitFor();
  assert.ok(!(await tab.page.locator(".panel-rows").first().textContent()).includes("elsewhere"));

  await tab.one("channel-histogram").focus();
  await tab.page.keyboard.press("Home");
  await tab.page.keyboard.press("Enter");
  await tab.page.waitForURL(/channel=deploy\.api&range=24h&since=.*&until=/);
  await tab.page.goBack();
  await tab.one("channel-live").click();
  await tab.shows(["deployed", "rolled back"]);

  const unknown = await open("/channels/deploy.apo");
  await unknown.one("channel-unknown").getByRole("link", { name: "deploy.api" }).click();
  await unknown.one("channel").waitFor();
});

story("a large channel is purged only by its name", {}, async ({ gateway, open }) => {
  for (let i = 0; i < 2; i += 1) await gateway.push(Array.from({ length: 501 }, () => ({ channel: "noisy", message: "noise" })));
  await gateway.push({ channel: "quiet", message: "kept" });
  const tab = await open("/channels/noisy");
  await tab.one("channel-purge").click();
  assert.equal(await tab.one("purge-do").isDisabled(), true);
  await tab.one("purge-typed").fill("noisy");
  await tab.one("purge-do").click();
  await tab.one("channel-row", { channel: "quiet" }).waitFor();
  await tab.one("channel-row", { channel: "noisy" }).waitFor({ state: "detached" });
  const { events } = await gateway.get("/api/events?channel=noisy");
  assert.deepEqual(events, []);

  // A small one is asked about once, and Cancel has the focus.
  await tab.page.getByRole("link", { name: "quiet" }).click();
  await tab.one("channel-purge").click();
  await tab.page.locator('[data-testid="purge"] button:focus', { hasText: "Cancel" }).waitFor();
  await tab.page.keyboard.press("Enter");
  await tab.gone("purge");
  assert.equal((await gateway.get("/api/events?channel=quiet")).events.length, 1);
});
