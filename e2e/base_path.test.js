// The dashboard under a path: behind a proxy that removes the path and names it, and behind one that passes it on.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request } from "node:http";
import { after, before, test } from "node:test";
import { launch, Tab } from "./support/browser.js";
import { Gateway } from "./support/gateway.js";

const BASE = "/team/fanfare";

let browser;

before(async () => (browser = await launch()));
after(() => browser?.close());

// A proxy with only one path: whatever leaves the path is a 404, which fails the page.
async function serve(gateway, { removes }) {
  const proxy = createServer((asked, response) => {
    const { pathname } = new URL(asked.url, "http://proxy");
    if (pathname !== BASE && !pathname.startsWith(`${BASE}/`)) return response.writeHead(404).end();
    const path = removes ? asked.url.slice(BASE.length) || "/" : asked.url;
    const headers = removes ? { ...asked.headers, "x-forwarded-prefix": BASE } : asked.headers;
    const onward = request(gateway.url + path, { method: asked.method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    response.on("close", () => onward.destroy());
    onward.on("error", () => response.destroy());
    asked.pipe(onward);
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  return { url: `http://127.0.0.1:${proxy.address().port}${BASE}`, end: () => (proxy.closeAllConnections(), proxy.close()) };
}

for (const [name, removes, args] of [
  ["removes the path and names it", true, ["--trusted-proxy", "127.0.0.1"]],
  ["passes the path on", false, ["--base-path", BASE]],
]) {
  test(`every screen works behind a proxy that ${name}`, async () => {
    const gateway = await Gateway.start({ args });
    const proxy = await serve(gateway, { removes });
    try {
      const tab = await Tab.open(browser, `${proxy.url}/`);
      await tab.live();
      await gateway.push({ channel: "builds.web", message: "under a path" });
      await tab.shows(["under a path"]);
      const { pathname } = new URL(proxy.url);
      // Links that are opened in another tab, or copied, never come to the router.
      const links = await tab.page.locator("a[href^='/']").evaluateAll((all) => all.map((link) => link.getAttribute("href")));
      assert.ok(links.length > 6 && links.every((link) => link.startsWith(`${pathname}/`)), links.join(" "));
      const drawn = await tab.page.locator("svg.icon use").first().evaluate((use) => use.getBoundingClientRect().width);
      assert.ok(drawn > 0, "the icons are missing");
      await tab.page.getByRole("link", { name: "Webhooks" }).first().click();
      await tab.one("screen", { screen: "webhooks" }).waitFor();
      assert.equal(tab.page.url(), `${proxy.url}/webhooks`);
      await tab.one("webhook-add").first().click();
      await tab.page.waitForURL(`${proxy.url}/webhooks/new`);
      await tab.page.reload();
      await tab.one("screen", { screen: "webhooks" }).waitFor();
      await tab.page.goBack();
      await tab.page.goBack();
      await tab.shows(["under a path"]);
      await tab.page.goto(`${proxy.url}/mcp_sse_example.html`);
      await tab.one("mcp-connect").click();
      await tab.one("mcp-state", { status: "connected" }).waitFor();
      await tab.page.goto(`${proxy.url}/clients`);
      await tab.page.getByText(`${proxy.url}/stream`).first().waitFor();
      await tab.page.goto(`${proxy.url}/reference`);
      await tab.one("operation").first().waitFor();
      await tab.close();
    } finally {
      proxy.end();
      await gateway.end();
    }
  });
}
