import assert from "node:assert/strict";
import { stories } from "./support/story.js";

const story = stories();

story("a client is disconnected, and stays away as long as it was told", {}, async ({ gateway, open }) => {
  const listening = () => fetch(`${gateway.url}/stream?channel=builds`, { headers: { "user-agent": "watcher" } });
  const first = await listening();
  const tab = await open("/clients");
  const row = tab.one("client-row").filter({ hasText: "builds" });
  await row.getByRole("button", { name: /Disconnect/ }).click();
  await tab.one("disconnect-10m").check();
  await tab.one("disconnect-do").click();
  await row.waitFor({ state: "detached" });
  assert.match(await first.text(), /disconnected/);
  assert.equal((await listening()).status, 204);
  // Nobody else was meant, this page least of all.
  await tab.live();
});
