// The proxies, each with the configuration that is shipped in packaging/proxies, changed only where a test must.
//
// NGINX, CADDY and HAPROXY name the programs, and HAPROXY_LIBRARIES the folder of its libraries if they are not installed.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const DEADLINE_MS = 30_000;
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
// gateway, as after a restart that takes too long. With `multiplexed`, the proxy speaks HTTP/2 to the gateway. `place` is how
// nginx serves it, if not at the root.
export const PROXIES = {
  nginx: {
    program: process.env.NGINX,
    async configure({ folder, upstream, ports, place }) {
      const site = adapted(await shipped("nginx.conf"), [
        [GATEWAY, upstream],
        ["listen 443 ssl http2;", `listen 127.0.0.1:${ports.http1}; listen 127.0.0.1:${ports.http2} http2;`],
        ["server_name push.example.com;", "server_name _;"],
        ...(place ? [["location / {\n        proxy_pass http://fanfare;", place]] : []),
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
    async configure({ folder, upstream, ports, impatient, multiplexed }) {
      const site = adapted(await shipped("haproxy.cfg"), [
        [GATEWAY, multiplexed ? `${upstream} proto h2` : upstream],
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
export async function start(t, { program, libraries, configure }, upstream, { impatient = false, multiplexed = false, place = null } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "fanfare-proxy-"));
  const ports = { http1: await freePort(), http2: await freePort() };
  const child = spawn(program, await configure({ folder, upstream, ports, impatient, multiplexed, place }), {
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
