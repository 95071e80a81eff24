import assert from "node:assert/strict";
import { stories } from "./support/story.js";

const story = stories();

story("the theme can be chosen and is remembered", { tab: { colorScheme: "light" } }, async ({ open }) => {
  const tab = await open();
  const ground = () => tab.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await tab.one("theme").click();
  await tab.one("theme").click();
  await tab.page.locator("html[data-theme=dark]").waitFor({ state: "attached" });
  const dark = await ground();
  assert.notEqual(dark, light);
  await tab.page.reload();
  await tab.one("theme").waitFor();
  assert.equal(await ground(), dark);
});

story("the reference shows every operation of the interface", {}, async ({ gateway, open }) => {
  const { paths } = await gateway.get("/openapi.json");
  const operations = Object.values(paths).flatMap((item) => Object.keys(item).filter((key) => /^(get|post|put|patch|delete|head)$/.test(key)));
  const tab = await open("/reference");
  await tab.one("operation").first().waitFor();
  assert.equal(await tab.one("operation").count(), operations.length);
  assert.ok(operations.length > 0);
});

story("channels and clients are listed as they come and go", {}, async ({ gateway, open }) => {
  const clients = await open("/clients");
  await clients.one("client-row").first().waitFor();
  const channels = await open("/channels");
  await channels.one("channels-empty").waitFor();
  await clients.one("client-row").nth(1).waitFor();
  await gateway.push({ channel: "builds.web", message: "first" });
  await channels.one("channel-row", { channel: "builds.web" }).waitFor();
  await channels.page.getByRole("link", { name: "builds.web" }).click();
  await channels.one("channel-live").click();
  await channels.shows(["first"]);
  assert.match(channels.page.url(), /channel=builds\.web/);
  await channels.context.close();
  await clients.one("client-row").nth(1).waitFor({ state: "detached" });
});
