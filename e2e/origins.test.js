// What pages of other sites can do with a gateway on this machine, in the browser that decides what it says of them.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { launch, WAIT_MS } from "./support/browser.js";
import { Gateway } from "./support/gateway.js";

let browser, gateway, site;

before(async () => {
  // Two names of one address are two sites to a browser.
  browser = await launch(["--host-resolver-rules=MAP elsewhere.test 127.0.0.1"]);
  gateway = await Gateway.start();
  site = createServer((_, response) => response.setHeader("content-type", "text/html").end("<!doctype html><title>elsewhere</title>"));
  site.listen(0, "127.0.0.1");
  await once(site, "listening");
});

after(async () => {
  await browser?.close();
  await gateway?.end();
  site?.close();
});

// Opens a page of the site that has this name, and returns it with a function that says what an address answered.
async function visit(name) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const told = new Map();
  page.on("response", (response) => told.set(response.url(), response.status()));
  // The browser keeps most refusals from the page, and tells only its debugger what they were.
  const debug = await context.newCDPSession(page);
  await debug.send("Network.enable");
  // The two come in either order.
  const [urls, statuses] = [new Map(), new Map()];
  debug.on("Network.requestWillBeSent", ({ requestId, request }) => urls.set(request.url, requestId));
  debug.on("Network.responseReceivedExtraInfo", ({ requestId, statusCode }) => statuses.set(requestId, statusCode));
  const statusOf = (url) => told.get(url) ?? statuses.get(urls.get(url));
  await page.goto(`http://${name}:${site.address().port}/`);
  return { context, page, statusOf };
}

// Each way in which a page can request an address without saying which page it is. All of them end, however they end.
const quietly = {
  fetch: (url) => fetch(url, { mode: "no-cors" }).then(() => {}, () => {}),
  image: (url) => new Promise((done) => Object.assign(new Image(), { onload: done, onerror: done, src: url })).then(() => {}),
  script: (url) =>
    new Promise((done) => {
      const script = Object.assign(document.createElement("script"), { onload: done, onerror: done, src: url });
      document.head.append(script);
    }).then(() => {}),
  frame: (url) =>
    new Promise((done) => {
      document.body.append(Object.assign(document.createElement("iframe"), { onload: done, src: url }));
    }).then(() => {}),
};

for (const name of ["elsewhere.test", "127.0.0.1"]) {
  test(`a page of ${name} gets nothing by requests that do not say where they are from`, async () => {
    await gateway.push({ channel: "secrets", message: "the word is swordfish" });
    const own = gateway.url.replace("127.0.0.1", "localhost");
    const { context, page, statusOf } = await visit(name);
    try {
      let asked = 0;
      for (const [way, request] of Object.entries(quietly)) {
        for (const path of ["/api/events?limit=1&text=swordfish", "/api/events?limit=1&text=marlin", "/stream?reader=laptop", "/sse", "/mcp", "/"]) {
          const url = `${own}${path}${path.includes("?") ? "&" : "?"}n=${asked++}`;
          await page.evaluate(request, url);
          const deadline = Date.now() + WAIT_MS;
          while (statusOf(url) === undefined && Date.now() < deadline) await page.evaluate(() => new Promise(requestAnimationFrame));
          assert.equal(statusOf(url), 403, `${way} ${path}`);
        }
      }
      const readers = await (await fetch(`${gateway.url}/api/readers`)).json();
      assert.deepEqual(readers.readers, [], "no reader was made");
    } finally {
      await context.close();
    }
  });
}

test("another site can link to a page of the dashboard, and to nothing else", async () => {
  const { context, page, statusOf } = await visit("elsewhere.test");
  const follow = async (url) => {
    await page.goto(`http://elsewhere.test:${site.address().port}/`);
    await page.evaluate((href) => document.body.append(Object.assign(document.createElement("a"), { href, textContent: "there" })), url);
    await Promise.all([page.waitForURL(url), page.click("a")]);
    return statusOf(url);
  };
  try {
    assert.equal(await follow(`${gateway.url}/webhooks`), 200);
    await page.locator("[data-testid]").first().waitFor();
    assert.equal(await follow(`${gateway.url}/api/events`), 403);
  } finally {
    await context.close();
  }
});

test("a page that says where it is from listens and pushes if its origin is allowed", async () => {
  const use = async (url) => {
    const pushed = await fetch(`${url}/api/push`, { method: "POST", body: JSON.stringify({ message: "from a page" }), headers: { "content-type": "application/json" } }).then(
      (response) => response.status,
      () => "refused",
    );
    const heard = await new Promise((done) => {
      const source = new EventSource(`${url}/stream?since=10m`);
      source.onmessage = () => (source.close(), done("heard"));
      source.onerror = () => (source.close(), done("refused"));
    });
    return { pushed, heard };
  };
  for (const [name, expected] of [["127.0.0.1", { pushed: 200, heard: "heard" }], ["elsewhere.test", { pushed: "refused", heard: "refused" }]]) {
    const { context, page } = await visit(name);
    try {
      const own = gateway.url.replace("127.0.0.1", "localhost");
      assert.deepEqual(await page.evaluate(use, own), expected, name);
    } finally {
      await context.close();
    }
  }
});
