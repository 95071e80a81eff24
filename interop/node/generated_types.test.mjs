// The types that openapi-typescript makes of /openapi.json compile, and what is written with them works with the gateway.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { Gateway } from "./gateway.mjs";

const run = promisify(execFile);
const limits = { timeout: 120_000 };
const here = fileURLToPath(new URL(".", import.meta.url));
const packages = fileURLToPath(new URL("../node_modules", import.meta.url));
// Nothing listens there: no delivery is due while the scenario runs.
const WEBHOOK_URL = "http://127.0.0.1:9/webhook";

// Runs the program of a package with this node, and shows what it printed when it fails.
async function program(path, ...args) {
  try {
    await run(process.execPath, [join(packages, path), ...args]);
  } catch (error) {
    throw new Error(`${path}:\n${error.stdout}${error.stderr}`);
  }
}

test("generated types compile under tsc --strict, and the scenario written with them passes", limits, async (t) => {
  const gateway = await Gateway.start(t);
  // Below node_modules, so that the scenario finds its packages.
  const folder = await mkdtemp(join(packages, ".generated-types-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await cp(join(here, "typed"), folder, { recursive: true });
  await program("openapi-typescript/bin/cli.js", `${gateway.url}/openapi.json`, "--output", join(folder, "schema.ts"));
  await program("typescript/bin/tsc", "--project", folder);

  const { play } = await import(join(folder, "scenario.js"));
  const seen = await play(gateway.url, WEBHOOK_URL);
  assert.deepEqual([seen.webhook.channels, seen.webhook.types, seen.webhook.min_priority], [["builds.*"], ["error"], "high"]);
  assert.deepEqual([seen.changed.channels, seen.changed.min_priority], [["builds.>"], "min"]);
  assert.equal(seen.late.code, "precondition_failed");
  assert.equal(seen.batch.count, 2);
  assert.deepEqual(seen.events.map((event) => event.message), ["one", "two"]);
  assert.deepEqual(seen.events[0].data, { ms: [41, null] });
  assert.equal(seen.events[0].id, seen.first.id);
  assert.equal(seen.refusal.code, "invalid_channel");
});
