import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { stories } from "./support/story.js";

const run = promisify(execFile);
const story = stories();

story("the publish box pushes with Enter", {}, async ({ gateway, open }) => {
  const tab = await open();
  await tab.live();
  await tab.one("publish-channel").fill("builds.web");
  await tab.one("publish-message").fill("deploy finished");
  await tab.one("publish-message").press("Enter");
  await tab.shows(["deploy finished"]);
  await tab.says("toasts", "Pushed to builds.web");
  assert.equal(await tab.one("publish-message").inputValue(), "");
  const { events } = await gateway.get("/api/events");
  assert.equal(events[0].channel, "builds.web");
  assert.equal(events[0].type, "info");
});

story("the publish box offers the channels there are, and takes type, priority and data", {}, async ({ gateway, open }) => {
  await gateway.push({ channel: "alerts.disk", message: "seed" });
  const tab = await open();
  await tab.shows(["seed"]);
  await tab.one("publish-channel").fill("al");
  await tab.page.getByRole("option", { name: "alerts.disk" }).waitFor();
  await tab.one("publish-channel").press("ArrowDown");
  await tab.one("publish-channel").press("Enter");
  assert.equal(await tab.one("publish-channel").inputValue(), "alerts.disk");

  await tab.one("publish-more").click();
  await tab.one("publish-type").fill("warning");
  await tab.one("publish-priority").selectOption("high");
  await tab.one("publish-message").fill("disk at 81 %");
  await tab.one("publish-data").fill('{"used": ');
  assert.ok(await tab.one("publish-send").isDisabled());
  await tab.one("publish-data").fill('{"used": 0.81}');
  await tab.one("publish-send").click();
  await tab.shows(["seed", "disk at 81 %"]);
  const { events } = await gateway.get("/api/events?limit=1");
  assert.deepEqual([events[0].channel, events[0].type, events[0].priority, events[0].data], ["alerts.disk", "warning", "high", { used: 0.81 }]);
});

story("a push that is refused says why and keeps the text", { tab: { expected: [/status of 4\d\d/] } }, async ({ open }) => {
  const tab = await open();
  await tab.live();
  await tab.one("publish-channel").fill("a..b");
  await tab.one("publish-message").fill("hello");
  await tab.one("publish-message").press("Enter");
  await tab.says("publish-problem", "has an empty segment");
  assert.equal(await tab.one("publish-message").inputValue(), "hello");
});

const event = {
  channel: "builds.web",
  type: "error",
  priority: "high",
  message: "it's \"broken\" \\ $HOME `x`\nsecond line",
  data: { sha: "ab12", nested: { list: [1, true, null, "text"] } },
};

story("the drawer shows everything of an event, its data as a tree", {}, async ({ gateway, open }) => {
  const { id } = await gateway.push(event);
  const tab = await open();
  await tab.one("row").click();
  await tab.one("drawer", { event: id }).waitFor();
  assert.equal(await tab.one("drawer-message").textContent(), event.message);
  await tab.says("json-tree", "ab12");
  const list = tab.page.locator("[data-testid=json-tree] .json-toggle", { hasText: "list" });
  assert.equal(await list.getAttribute("aria-expanded"), "false");
  await list.click();
  await tab.page.locator(".json-null", { hasText: "null" }).waitFor();
  await tab.page.waitForURL(new RegExp(`event=${id}`));

  // The address alone leads there, also when the feed filters it away.
  const other = await open(`/?type=success&event=${id}`);
  await other.one("drawer", { event: id }).waitFor();
  await tab.one("drawer-close").click();
  await tab.gone("drawer");
});

for (const [name, testid] of [["curl", "copy-curl"], ["CLI", "copy-cli"]]) {
  story(`the ${name} command that is copied pushes the same event`, {}, async ({ gateway, open }) => {
    await gateway.push(event);
    const tab = await open();
    await tab.one("row").click();
    await tab.one(testid).click();
    await tab.says("toasts", "copied");
    const command = await tab.page.evaluate(() => navigator.clipboard.readText());
    const env = { ...process.env, FANFARE_URL: gateway.url };
    await run("sh", ["-c", `fanfare() { "$FANFARE_BIN" "$@"; }\n${command}`], { env, timeout: 10_000 });
    const { events } = await gateway.get("/api/events");
    assert.equal(events.length, 2);
    for (const member of Object.keys(event)) assert.deepEqual(events[0][member], event[member], `${member} by ${command}`);
  });
}

story("an event can be changed and published again", {}, async ({ gateway, open }) => {
  await gateway.push(event);
  const tab = await open();
  await tab.one("row").click();
  await tab.one("publish-again").click();
  await tab.one("publish-message").fill("mended");
  await tab.one("publish-message").press("Enter");
  await tab.one("row").nth(1).filter({ hasText: "mended" }).waitFor();
  const { events } = await gateway.get("/api/events?limit=1");
  assert.deepEqual([events[0].message, events[0].channel, events[0].type, events[0].data], ["mended", event.channel, event.type, event.data]);
});
