// Every screen, light and dark, on a desk and on a phone: axe has nothing to say, nothing is wider than the window,
// and a picture is left to be looked at.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { stories } from "./support/story.js";

const story = stories();

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const pictures = new URL("./screenshots/", import.meta.url);
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

// name, path, what to do there, what is then there
const screens = [
  ["live", "/", null, "row"],
  ["paused", "/?channel=builds.*&type=error", press(" "), "channel-chip"],
  ["event", "/", press("k", "Enter"), "json-tree"],
  ["publish", "/", (tab) => tab.one("publish-more").click(), "publish-options"],
  ["keys", "/", press("?"), "sheet"],
  ["clients", "/clients", null, "client-row"],
  ["channels", "/channels", null, "channel-row"],
  ["reference", "/reference", null, "operation"],
];

async function examine(tab, name) {
  const wide = await tab.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(wide <= 0, `${name} is ${wide} px wider than the window`);
  if (!(await tab.page.evaluate(() => "axe" in window))) await tab.page.evaluate(axe);
  const { violations } = await tab.page.evaluate(() =>
    window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations"] }),
  );
  const found = violations.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.html}\n${node.failureSummary}`));
  assert.deepEqual(found, [], name);
  await tab.page.screenshot({ path: new URL(`${name}.png`, pictures).pathname });
}

for (const colorScheme of ["light", "dark"]) {
  for (const [width, height] of [[1280, 800], [390, 844]]) {
    story(`every screen is in order: ${colorScheme}, ${width} px`, { tab: { colorScheme, width, height } }, async ({ gateway, open }) => {
      const empty = await open();
      await empty.one("start").waitFor();
      await examine(empty, `start-${colorScheme}-${width}`);
      for (let i = 0; i < 5; i += 1) await gateway.push(sample);
      const tab = await open();
      for (const [name, path, act, there] of screens) {
        await tab.page.goto(new URL(path, gateway.url).href);
        await tab.live();
        if (path.startsWith("/?") || path === "/") await tab.one("row").first().waitFor();
        if (act) await act(tab);
        await tab.one(there).first().waitFor();
        await examine(tab, `${name}-${colorScheme}-${width}`);
      }
    });
  }
}

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
  await channels.shows(["first"]);
  assert.match(channels.page.url(), /channel=builds\.web/);
  await channels.context.close();
  await clients.one("client-row").nth(1).waitFor({ state: "detached" });
});
