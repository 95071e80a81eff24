import assert from "node:assert/strict";
import { stories } from "./support/story.js";

const story = stories();

story("everything can be done with the keys", {}, async ({ gateway, open }) => {
  const ids = [];
  for (const message of ["one", "two", "three"]) ids.push((await gateway.push(message)).id);
  const tab = await open();
  const press = (key) => tab.page.keyboard.press(key);
  // As one types them: the page may be busy for longer than the second key may take.
  const go = (key) => Promise.all([press("g"), press(key)]);
  await tab.shows(["one", "two", "three"]);

  // Choose, open, go on with the drawer open, close.
  await press("k");
  await press("k");
  await tab.page.locator(`[data-row="${ids[1]}"][aria-current=true]`).waitFor();
  await press("Enter");
  await tab.one("drawer", { event: ids[1] }).waitFor();
  await press("k");
  await tab.one("drawer", { event: ids[0] }).waitFor();
  await press("j");
  await tab.one("drawer", { event: ids[1] }).waitFor();
  await press("Escape");
  await tab.gone("drawer");

  // Pause and resume.
  await press(" ");
  await tab.one("connection", { status: "paused" }).waitFor();
  await press(" ");
  await tab.live();

  // Filter: what is typed in a field is text, not a command.
  await press("/");
  await tab.page.locator("[data-testid=filter-text]:focus").waitFor();
  await tab.page.keyboard.type("two j?");
  await tab.shows([]);
  await tab.one("filter-text").fill("two");
  await tab.shows(["two"]);
  await press("Escape");
  assert.equal(await tab.page.evaluate(() => document.activeElement.tagName), "BODY");

  // The sheet of keys.
  await press("?");
  await tab.page.locator("[data-testid=sheet][open]").waitFor();
  await press("Escape");
  await tab.page.locator("[data-testid=sheet]:not([open])").waitFor({ state: "attached" });

  // Screens; `/` leads back to the filter.
  for (const [key, screen] of [["w", "webhooks"], ["c", "clients"], ["h", "channels"], ["m", "mcp"], ["r", "reference"], ["l", "live"]]) {
    await go(key);
    await tab.one("screen", { screen }).waitFor();
  }
  await go("c");
  await tab.one("screen", { screen: "clients" }).waitFor();
  await press("/");
  await tab.page.locator("[data-testid=filter-text]:focus").waitFor();

  // Publish.
  await press("Escape");
  await press("p");
  await tab.page.locator("[data-testid=publish-message]:focus").waitFor();
  await tab.page.keyboard.type("four");
  await press("Enter");
  await tab.shows(["one", "two", "three", "four"]);
});

story("the focus can be seen wherever Tab leads", {}, async ({ gateway, open, receive }) => {
  await gateway.push({ message: "one", data: { a: 1 } });
  const tab = await open();
  await tab.shows(["one"]);
  const seen = await tabThrough(tab, 40);
  for (const name of ["Search in message, data, channel and key", "Message", "Channel", "Theme: auto"]) assert.ok(seen.has(name), `Tab does not lead to "${name}"`);

  const webhook = await gateway.register(await receive());
  await gateway.push("two");
  await tab.page.goto(gateway.url + webhook.screen);
  await tab.one("attempt-row").first().waitFor();
  const onOne = await tabThrough(tab, 30);
  for (const name of ["Send a test", "Settings", "Copy the address"]) assert.ok(onOne.has(name), `Tab does not lead to "${name}"`);
  await tab.one("webhook-replay").click();
  await tab.one("replay").waitFor();
  await tabThrough(tab, 10);
  await tab.page.goto(`${gateway.url}/webhooks/new`);
  await tab.one("wizard").waitFor();
  await tab.one("wizard-more").locator("summary").click();
  await tabThrough(tab, 45);
});

// The names of what the key leads to; fails when the focus is on something and cannot be seen.
async function tabThrough(tab, times) {
  const seen = new Set();
  for (let i = 0; i < times; i += 1) {
    await tab.page.keyboard.press("Tab");
    const { name, visible } = await tab.page.evaluate(() => {
      const at = document.activeElement;
      const ring = (element) => {
        const { outlineStyle, outlineWidth } = getComputedStyle(element);
        return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
      };
      // A field may be ringed by the box it stands in.
      const boxed = at.closest(".search, .composer-line, .choice");
      return { name: at.getAttribute("aria-label") ?? at.textContent.trim().slice(0, 30), visible: at === document.body || ring(at) || (boxed && ring(boxed)) };
    });
    assert.ok(visible, `the focus on "${name}" cannot be seen`);
    seen.add(name);
  }
  return seen;
}
