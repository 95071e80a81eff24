// The receiver in Express of the project that webhooks come from, as its users have it; only the port differs.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { createInterface } from "node:readline";

import { Gateway } from "./gateway.mjs";
import { Inbox } from "./inbox.mjs";

const EXPRESS_SNIPPET = `
const express = require('express');
const app = express();
app.use(express.json());

app.post('/webhook', (req, res) => {
    const { message, timestamp } = req.body;
    console.log(\`📨 Received: [\${timestamp}] \${message}\`);
    res.json({ status: 'success' });
});

app.listen(3000, () => console.log('Webhook receiver running on port 3000'));
`;

// A program of its own, in the folder that has the packages; `code` runs before the snippet.
function run(t, code) {
  const child = spawn(process.execPath, ["-e", code], { cwd: new URL("..", import.meta.url), stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const lines = new Inbox();
  createInterface({ input: child.stdout }).on("line", lines.put);
  return lines;
}

test("the Express receiver prints what is pushed, and its answer counts", { timeout: 60_000 }, async (t) => {
  const gateway = await Gateway.start(t);
  // The port that it gets is told before its own sentence; nothing else of the snippet is changed.
  const told = "const { Server } = require('net'); const listen = Server.prototype.listen; Server.prototype.listen = function (port, ...rest) { return listen.call(this, 0, ...rest).once('listening', () => console.log(this.address().port)); };";
  const lines = run(t, told + EXPRESS_SNIPPET);
  const said = await lines.take(2);
  const port = said.find((line) => /^\d+$/.test(line));
  assert.ok(said.includes("Webhook receiver running on port 3000"));

  const url = `http://localhost:${port}/webhook`;
  const registered = await gateway.register({ url });
  assert.deepEqual([registered.status, registered.webhook_url, registered.total_webhooks], ["success", url, 1]);
  const pushed = await gateway.push("Grüße ☃");
  assert.deepEqual([pushed.webhooks_notified, pushed.total_webhooks], [1, 1]);
  assert.equal(await lines.next(), `📨 Received: [${pushed.timestamp}] Grüße ☃`);
  assert.deepEqual(lines.rest, []);
});
