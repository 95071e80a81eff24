// npm's `eventsource` behind nginx, Caddy and HAProxy, each with the configuration that is shipped in packaging/proxies, over
// HTTP/1.1 and HTTP/2. Each of them also compresses and buffers as far as it can. Events arrive at once, and a restart of the
// gateway loses none and ends no EventSource.
//
// NGINX, CADDY and HAPROXY name the programs, and HAPROXY_LIBRARIES the folder of its libraries if they are not installed. A proxy
// that is not there is skipped.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect as connectHttp2 } from "node:http2";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline, Readable } from "node:stream";
import { test } from "node:test";
import { constants, createGunzip } from "node:zlib";

import { EventSource } from "eventsource";

import { Gateway } from "../node/gateway.mjs";
import { Inbox } from "../node/inbox.mjs";

const DEADLINE_MS = 30_000;
const GATEWAY = "127.0.0.1:8000";
const shipped = (name) => readFile(new URL(`../../packaging/proxies/${name}`, import.meta.url), "utf8");

// Replaces what must be different here; a text that is not in the file any more is a mistake in this test.
function adapted(text, replacements) {
  for (const [from, to] of replacements) {
    assert.ok(text.includes(from), `the configuration does not have: ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

// Each proxy: its program, and what it is started with for a gateway at `upstream`. With `impatient`, no request waits for the
// gateway, as after a restart that takes too long.
const PROXIES = {
  nginx: {
    program: process.env.NGINX,
    async configure({ folder, upstream, ports }) {
      const site = adapted(await shipped("nginx.conf"), [
        [GATEWAY, upstream],
        ["listen 443 ssl http2;", `listen 127.0.0.1:${ports.http1}; listen 127.0.0.1:${ports.http2} http2;`],
        ["server_name push.example.com;", "server_name _;"],
      ]);
      const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${folder}/${kind};`);
      const user = process.getuid() === 0 ? "user root;" : "";
      await writeFile(
        join(folder, "nginx.conf"),
        `${user} daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log error;
         events { worker_connections 64; }
         http {
           access_log off; ${paths.join(" ")}
           gzip on; gzip_types *; gzip_min_length 0; gzip_proxied any; proxy_buffering on;
           ${site}
         }`,
      );
      return ["-c", join(folder, "nginx.conf"), "-p", folder];
    },
  },
  caddy: {
    program: process.env.CADDY,
    async configure({ folder, upstream, ports, impatient }) {
      const site = adapted(await shipped("Caddyfile"), [
        [GATEWAY, upstream],
        ["push.example.com {", `http://127.0.0.1:${ports.http1}, http://127.0.0.1:${ports.http2} {\n\tencode gzip {\n\t\tminimum_length 0\n\t}`],
        ...(impatient ? [["lb_try_duration 20s", "lb_try_duration 0s"]] : []),
      ]);
      await writeFile(join(folder, "Caddyfile"), `{\n\tadmin off\n\tservers {\n\t\tprotocols h1 h2c\n\t}\n}\n${site}`);
      return ["run", "--config", join(folder, "Caddyfile"), "--adapter", "caddyfile"];
    },
  },
  haproxy: {
    program: process.env.HAPROXY,
    libraries: process.env.HAPROXY_LIBRARIES,
    async configure({ folder, upstream, ports, impatient }) {
      const site = adapted(await shipped("haproxy.cfg"), [
        [GATEWAY, upstream],
        [
          "bind :443 ssl crt /etc/haproxy/push.example.com.pem alpn h2,http/1.1",
          `bind 127.0.0.1:${ports.http1}\n    bind 127.0.0.1:${ports.http2} proto h2\n    compression algo gzip`,
        ],
        ...(impatient ? [["retries 20", "retries 0"]] : []),
      ]);
      await writeFile(join(folder, "haproxy.cfg"), site);
      return ["-db", "-f", join(folder, "haproxy.cfg")];
    },
  },
};

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

async function isListening(port) {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

// Starts a proxy and returns the addresses at which it serves each version.
async function start(t, { program, libraries, configure }, upstream, impatient) {
  const folder = await mkdtemp(join(tmpdir(), "fanfare-proxy-"));
  const ports = { http1: await freePort(), http2: await freePort() };
  const child = spawn(program, await configure({ folder, upstream, ports, impatient }), {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...(libraries && { LD_LIBRARY_PATH: libraries }), HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder },
  });
  let said = "";
  for (const output of [child.stdout, child.stderr]) output.on("data", (bytes) => (said = (said + bytes).slice(-4000)));
  const ended = once(child, "exit");
  t.after(async () => {
    child.kill("SIGKILL");
    await ended;
    await rm(folder, { recursive: true, force: true });
  });
  const deadline = Date.now() + DEADLINE_MS;
  while (!(await isListening(ports.http1)) || !(await isListening(ports.http2))) {
    assert.ok(child.exitCode === null && Date.now() < deadline, `the proxy did not start:\n${said}`);
  }
  return { http1: `http://127.0.0.1:${ports.http1}`, http2: `http://127.0.0.1:${ports.http2}` };
}

// What `fetch` does, over HTTP/2 without TLS.
async function fetchHttp2(url, { headers, signal }) {
  const session = connectHttp2(new URL(url).origin);
  session.on("error", () => {});
  const { pathname, search } = new URL(url);
  const request = session.request({ ...Object.fromEntries(new Headers(headers)), "accept-encoding": "gzip", "sec-fetch-mode": "cors", ":path": pathname + search });
  signal?.addEventListener("abort", () => session.destroy());
  request.on("close", () => session.close());
  const [answer] = await Promise.race([
    once(request, "response"),
    once(request, "error").then(([error]) => Promise.reject(new TypeError(error.message))),
  ]);
  // A stream that breaks off breaks what reads it.
  const gunzip = () => pipeline(request, createGunzip({ flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH }), () => {});
  const body = answer["content-encoding"] === "gzip" ? gunzip() : request;
  const plain = Object.entries(answer).filter(([name, value]) => !name.startsWith(":") && typeof value === "string");
  const response = new Response(Readable.toWeb(body), { status: answer[":status"], headers: plain });
  Object.defineProperty(response, "url", { value: url });
  return response;
}

const message = (event) => JSON.parse(event.data).message;

for (const [name, proxy] of Object.entries(PROXIES)) {
  for (const version of ["http1", "http2"]) {
    // nginx cannot wait.
    for (const impatient of name === "nginx" ? [true] : [false, true]) {
      const when = impatient ? "a restart for which the proxy does not wait" : "a restart";
      const skip = proxy.program ? false : "the proxy is not here";
      test(`behind ${name} over ${version}, an EventSource outlives ${when}`, { timeout: 2 * DEADLINE_MS, skip }, async (t) => {
        const gateway = await Gateway.start(t);
        const at = await start(t, proxy, gateway.address, impatient);
        const asked = new Inbox();
        const fetching = version === "http2" ? fetchHttp2 : fetch;
        const source = new EventSource(`${at[version]}/stream?format=json`, {
          fetch: (url, init) => {
            asked.put(url);
            return fetching(url, init);
          },
        });
        t.after(() => source.close());
        const [inbox, opened] = [new Inbox(), new Inbox()];
        source.onmessage = inbox.put;
        source.onopen = opened.put;
        await asked.next();
        await opened.next();
        // One after the other: each has arrived before the next one could push it out of a buffer.
        for (const text of ["1", "2", "3"]) {
          await gateway.push(text);
          assert.equal(message(await inbox.next()), text);
        }

        await gateway.kill();
        await asked.next();
        if (impatient) await asked.take(2);
        assert.notEqual(source.readyState, EventSource.CLOSED);
        await gateway.start();
        await gateway.pushAll("4 while away", "5 while away");
        assert.deepEqual((await inbox.take(2)).map(message), ["4 while away", "5 while away"]);
        await gateway.push("6 live again");
        assert.equal(message(await inbox.next()), "6 live again");
        assert.deepEqual(inbox.rest, []);
      });
    }
  }

  const skip = proxy.program ? false : "the proxy is not here";
  test(`behind ${name}, a push without a gateway fails`, { timeout: DEADLINE_MS, skip }, async (t) => {
    const gateway = await Gateway.start(t);
    const at = await start(t, proxy, gateway.address, true);
    const push = () => fetch(`${at.http1}/api/push/a`, { method: "POST", body: "hello" });
    assert.equal((await push()).status, 200);
    await gateway.kill();
    assert.ok((await push()).status >= 502);
    const wait = await fetch(`${at.http1}/stream`);
    assert.deepEqual([wait.status, wait.headers.get("content-type"), await wait.text()], [200, "text/event-stream", "retry: 1000\n"]);
  });
}
