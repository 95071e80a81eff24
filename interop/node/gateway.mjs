// The real binary, started, killed and started again on the same port with the same store.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const START_MS = 20_000;

export class Gateway {
  address = "127.0.0.1:0";

  // `environment` is the gateway's, beside this process's.
  static async start(test, environment = {}) {
    const gateway = new Gateway();
    gateway.environment = environment;
    gateway.folder = await mkdtemp(join(tmpdir(), "fanfare-interop-"));
    gateway.store = join(gateway.folder, "fanfare.db");
    test.after(async () => {
      await gateway.kill();
      await rm(gateway.folder, { recursive: true, force: true });
    });
    await gateway.start();
    return gateway;
  }

  get url() {
    return `http://${this.address}`;
  }

  get websocketUrl() {
    return `ws://${this.address}/ws`;
  }

  async start() {
    const options = { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, ...this.environment } };
    this.process = spawn(process.env.FANFARE_BIN, ["serve", "--listen", this.address, "--store", this.store], options);
    const child = this.process;
    const alarm = setTimeout(() => child.kill("SIGKILL"), START_MS);
    const said = [];
    try {
      for await (const line of createInterface({ input: child.stderr })) {
        said.push(line);
        const found = /listening on http:\/\/([\d.]+:\d+)/.exec(line);
        if (found) {
          this.address = found[1];
          return;
        }
      }
    } finally {
      clearTimeout(alarm);
      // What it logs from here on must not fill the pipe.
      child.stderr.resume();
    }
    throw new Error(`the gateway did not say where it listens:\n${said.join("\n")}`);
  }

  // SIGKILL: nothing is said to anybody, nothing is saved on the way out.
  async kill() {
    const child = this.process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  terminate() {
    this.process.kill("SIGTERM");
  }

  async get(path) {
    return read(await fetch(`${this.url}${path}`));
  }

  async post(path, body) {
    return read(await this.send(path, JSON.stringify(body)));
  }

  // The answer as it is, whatever it says.
  send(path, body, headers = {}) {
    return fetch(`${this.url}${path}`, { method: "POST", headers: { "content-type": "application/json", ...headers }, body });
  }

  push(message, members = {}) {
    return this.post("/api/push", { message, ...members });
  }

  register(receiver, members = {}) {
    return this.post("/api/register", { webhook_url: receiver.url, ...members });
  }

  // What the log has, the oldest first.
  async events() {
    return (await this.get("/api/events?order=oldest")).events;
  }

  async pushAll(...messages) {
    const answers = [];
    for (const message of messages) answers.push(await this.push(message));
    return answers;
  }
}

async function read(answer) {
  const body = await answer.json();
  if (answer.status !== 200) throw new Error(JSON.stringify(body));
  return body;
}
