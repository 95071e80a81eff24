// The gateway under a path of nginx, as docs/operations.md describes it: nginx passes the path on, or removes it and names it. It
// is skipped where nginx is not there.

import assert from "node:assert/strict";
import { test } from "node:test";

import { EventSource } from "eventsource";

import { Gateway } from "../node/gateway.mjs";
import { Inbox } from "../node/inbox.mjs";
import { DEADLINE_MS, PROXIES, start } from "./proxies.mjs";

const nginx = PROXIES.nginx;
const skip = nginx.program ? false : "the proxy is not here";

for (const [how, environment, place] of [
  ["passes it on", { FANFARE_BASE_PATH: "/fanfare" }, "location /fanfare/ {\n        proxy_pass http://fanfare;"],
  ["removes it", { FANFARE_BASE_PATH: "/fanfare" }, "location /fanfare/ {\n        proxy_pass http://fanfare/;"],
  [
    "removes it and names it",
    { FANFARE_TRUSTED_PROXY: "127.0.0.1" },
    `location /fanfare/ {
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-Prefix /fanfare;
        proxy_pass http://fanfare/;`,
  ],
]) {
  test(`under a path of nginx that ${how}, pages, streams and the older MCP door work`, { timeout: DEADLINE_MS, skip }, async (t) => {
    const gateway = await Gateway.start(t, environment);
    const at = `${(await start(t, nginx, gateway.address, { place })).http1}/fanfare`;
    const page = await (await fetch(`${at}/webhooks`)).text();
    const links = [...page.matchAll(/="(\/[^"]*)"/g)].map(([, link]) => link);
    assert.ok(links.length > 1, page);
    for (const link of links) assert.equal((await fetch(new URL(link, at))).status, 200, link);
    const { servers } = await (await fetch(`${at}/openapi.json`)).json();
    assert.equal(servers[0].url, "/fanfare");

    const [events, endpoints, answers] = [new Inbox(), new Inbox(), new Inbox()];
    const stream = new EventSource(`${at}/stream?format=json&since=earliest`);
    stream.onmessage = events.put;
    const mcp = new EventSource(`${at}/sse`);
    t.after(() => [stream, mcp].forEach((source) => source.close()));
    mcp.addEventListener("endpoint", endpoints.put);
    mcp.addEventListener("message", answers.put);
    const { data: endpoint } = await endpoints.next();
    const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "push_stream", arguments: { message: "under a path" } } };
    const headers = { "content-type": "application/json" };
    assert.equal((await fetch(new URL(endpoint, at), { method: "POST", headers, body: JSON.stringify(call) })).status, 202);
    assert.equal(JSON.parse((await answers.next()).data).result.isError ?? false, false);
    assert.equal(JSON.parse((await events.next()).data).message, "under a path");
  });
}
