// A gateway of its own for a test: the real binary on a port that the system chooses.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const START_MS = 10_000;

const binary = process.env.FANFARE_BIN;
if (!binary) throw new Error("FANFARE_BIN is not set: give the path of the fanfare binary");

export class Gateway {
  static async start({ store = "memory", args = [] } = {}) {
    const gateway = new Gateway();
    gateway.args = args;
    if (store === "file") {
      gateway.directory = await mkdtemp(join(tmpdir(), "fanfare-e2e-"));
      gateway.store = join(gateway.directory, "fanfare.db");
    } else {
      gateway.store = store;
    }
    await gateway.run(0);
    return gateway;
  }

  async run(port) {
    this.process = spawn(binary, ["serve", "--listen", `127.0.0.1:${port}`, "--store", this.store, "-o", "json", ...this.args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.ended = new Promise((resolve) => this.process.once("close", resolve));
    this.errors = "";
    this.process.stderr.on("data", (text) => (this.errors += text));
    this.url = await this.listening();
    this.port = Number(new URL(this.url).port);
  }

  async listening() {
    const lines = createInterface({ input: this.process.stdout });
    const deadline = AbortSignal.timeout(START_MS);
    return new Promise((resolve, reject) => {
      deadline.addEventListener("abort", () => reject(new Error(`not listening after ${START_MS} ms\n${this.errors}`)));
      this.process.once("error", reject);
      this.process.once("exit", (code) => reject(new Error(`ended with ${code} before listening\n${this.errors}`)));
      lines.on("line", (line) => {
        const { event, url } = JSON.parse(line);
        if (event === "listening") resolve(url);
      });
    });
  }

  // As a power cut would end it.
  async kill() {
    this.process.kill("SIGKILL");
    await this.ended;
  }

  async stop() {
    this.process.kill("SIGTERM");
    await this.ended;
  }

  // On the same port, with the same store.
  async restart() {
    await this.run(this.port);
  }

  async push(event) {
    const response = await fetch(`${this.url}/api/push`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(typeof event === "string" ? { message: event } : event),
    });
    if (!response.ok) throw new Error(`push: ${response.status} ${await response.text()}`);
    return response.json();
  }

  async post(path, body = {}) {
    const response = await fetch(this.url + path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  // Gives the path of the webhook in the interface, its path in the dashboard, and its secret.
  async register(receiver, options = {}) {
    const { id, secret } = await this.post("/api/register", { webhook_url: receiver.url(), ...options });
    return { id, secret, api: `/api/webhooks/${id}`, screen: `/webhooks/${id}` };
  }

  async get(path) {
    const response = await fetch(this.url + path);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  async end() {
    if (this.process.exitCode === null && this.process.signalCode === null) await this.kill();
    if (this.directory) await rm(this.directory, { recursive: true });
  }
}
