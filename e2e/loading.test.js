import assert from "node:assert/strict";
import { stories } from "./support/story.js";

const story = stories();

// The files that the page requests during `go`, with what asked for each, and whether the cache had it.
async function files(page, go) {
  const network = await page.context().newCDPSession(page);
  await network.send("Network.enable");
  const requested = new Map();
  network.on("Network.requestWillBeSent", ({ requestId, request, initiator }) => requested.set(requestId, { path: new URL(request.url).pathname, by: initiator.type, isCached: false }));
  // What the page before this one asked for may still be answered.
  const isCached = (requestId) => requested.has(requestId) && (requested.get(requestId).isCached = true);
  network.on("Network.responseReceived", ({ requestId, response }) => response.fromDiskCache && isCached(requestId));
  network.on("Network.requestServedFromCache", ({ requestId }) => isCached(requestId));
  await go();
  await network.detach();
  return [...requested.values()].filter(({ path }) => path.startsWith("/assets/"));
}

story("a page names all its files itself, and loads them once", {}, async ({ gateway, open, receive }) => {
  const webhook = await gateway.register(await receive());
  for (const path of ["/", "/webhooks", webhook.screen]) {
    const tab = await open("about:blank");
    // Playwright keeps no cache while it routes requests.
    await tab.context.unrouteAll();
    const go = async () => {
      await tab.page.goto(new URL(path, gateway.url).href);
      await tab.one("about").waitFor();
    };
    const first = await files(tab.page, go);
    assert.ok(first.length > 0 && first.length <= 4, `${path} loads ${first.length} files: ${first.map((file) => file.path)}`);
    for (const file of first) {
      assert.match(file.path, /-[0-9a-f]{16}\.(css|js)$/, path);
      assert.notEqual(file.by, "script", `${file.path} was found in another file`);
      assert.equal(file.isCached, false, file.path);
    }
    const again = await files(tab.page, go);
    assert.deepEqual(again.filter((file) => !file.isCached).map((file) => file.path), [], path);
  }
});
