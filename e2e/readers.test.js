import assert from "node:assert/strict";
import { stories } from "./support/story.js";

const story = stories();

const reader = (gateway, name, settings) =>
  fetch(`${gateway.url}/api/readers/${name}`, { method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify(settings) });

story("readers have a table, are moved to now and are forgotten", {}, async ({ gateway, open }) => {
  const tab = await open("/readers");
  await tab.one("readers-empty").waitFor();
  await reader(gateway, "laptop", { channels: ["builds.*"] });
  await reader(gateway, "nightly", { channels: ["chat"], types: ["error"] });
  for (const message of ["one", "two", "three"]) await gateway.push({ channel: "builds.web", message });
  const row = tab.one("reader-row", { reader: "laptop" });
  await row.filter({ hasText: "builds.*" }).waitFor();
  await row.getByTestId("reader-lag").filter({ hasText: "3" }).waitFor();
  await tab.one("reader-row", { reader: "nightly" }).filter({ hasText: "error" }).getByText("caught up").waitFor();
  await tab.one("readers-behind").click();
  await tab.one("reader-row", { reader: "nightly" }).waitFor({ state: "detached" });

  // A reader that is behind is forgotten only by its name.
  await row.getByTestId("reader-forget").click();
  assert.equal(await tab.one("forget-do").isDisabled(), true);
  await tab.page.locator('[data-testid="forget-typed"]:focus').waitFor();
  await tab.page.keyboard.press("Escape");
  await tab.gone("forget");
  await row.getByTestId("reader-skip").click();
  await tab.says("skip", "3 events count as confirmed");
  await tab.one("skip-do").click();
  await tab.one("readers-nothing").waitFor();
  const { readers } = await gateway.get("/api/readers");
  assert.equal(readers.find(({ name }) => name === "laptop").lag, 0);

  await tab.one("readers-all").click();
  await row.getByTestId("reader-forget").click();
  await tab.one("forget-do").click();
  await row.waitFor({ state: "detached" });
  assert.deepEqual((await gateway.get("/api/readers")).readers.map(({ name }) => name), ["nightly"]);
});
