// The MCP Inspector's command line: one process, and one connection, for each question.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { Gateway } from "../../node/gateway.mjs";
import { Cannot, play, Refused } from "./scenario.mjs";

const INSPECTOR = fileURLToPath(new URL("../node_modules/.bin/mcp-inspector", import.meta.url));
const ANSWER_MS = 60_000;

// A tool's own error; the result is on standard output nevertheless. Without one, the Inspector found no such tool.
const TOOL_ERROR = 5;

class Inspector {
  constructor({ url, transport, era, stdio }) {
    const target = { "HTTP": [`${url}/mcp`, "--transport", "http"], "HTTP+SSE": [`${url}/sse`, "--transport", "sse"], "stdio": [stdio.command, ...stdio.args] };
    this.target = [...target[transport], "--protocol-era", era];
    // It gives a program that it starts only what `-e` names.
    if (transport === "stdio") this.target.push("-e", `FANFARE_URL=${url}`);
  }

  // Its own files belong into a folder of their own, not into the home of who runs this.
  async run(...question) {
    const home = await mkdtemp(join(tmpdir(), "fanfare-inspector-"));
    const env = { ...process.env, HOME: home, MCP_CATALOG_PATH: join(home, "mcp.json") };
    const options = { env, timeout: ANSWER_MS, maxBuffer: 1 << 24 };
    const answer = await new Promise((resolve) => {
      execFile(process.execPath, [INSPECTOR, "--cli", ...this.target, ...question], options, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr }));
    });
    await rm(home, { recursive: true, force: true });
    return answer;
  }

  async ask(method, params, onProgress) {
    if (onProgress) throw new Cannot("it prints no progress");
    const { code, stdout, stderr } = await this.run("--method", method, "--format", "json", "-q", ...words(method, params));
    if (code === 0 || (code === TOOL_ERROR && stdout !== "")) return JSON.parse(stdout).result;
    const { error } = JSON.parse(stderr.trim().split("\n").at(-1));
    if (error.message.startsWith("Unsupported method")) throw new Cannot(error.message);
    throw new Refused(error.message, undefined);
  }

  async server() {
    const { serverInfo, instructions, protocolVersion } = await this.ask("initialize", {});
    return { ...serverInfo, instructions, revision: protocolVersion };
  }

  subscribe() {
    throw new Cannot("each question is a connection of its own");
  }

  close() {}
}

function words(method, params) {
  const pairs = (values) => Object.entries(values ?? {}).map(([name, value]) => `${name}=${value}`);
  if (method === "tools/call") return ["--tool-name", params.name, "--tool-args-json", JSON.stringify(params.arguments)];
  if (method === "resources/read") return ["--uri", params.uri];
  if (method === "prompts/get") {
    const given = pairs(params.arguments);
    return ["--prompt-name", params.name, ...(given.length > 0 ? ["--prompt-args", ...given] : [])];
  }
  return [];
}

play("inspector", async (place) => new Inspector(place));

for (const [transport, era] of [["stdio", "legacy"], ["HTTP", "legacy"], ["HTTP", "modern"], ["HTTP+SSE", "legacy"]]) {
  test(`--strict finds nothing to say: ${transport}, ${era}`, { timeout: ANSWER_MS }, async (t) => {
    const { url } = await Gateway.start(t);
    const inspector = new Inspector({ url, transport, era, stdio: { command: process.env.FANFARE_BIN, args: ["mcp"] } });
    const { code, stdout, stderr } = await inspector.run("--method", "tools/list", "--strict", "--format", "json");
    assert.equal(code, 0, stderr);
    assert.ok(JSON.parse(stdout).result.tools.length > 0);
    assert.doesNotMatch(stderr, /Warning: tool|[1-9]\d* (?:errors?|warnings?)/u);
  });
}
