// The document that the gateway serves, as docs/openapi.json keeps it, has nothing that Redocly's linter complains of.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "node:test";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const kept = here("../../docs/openapi.json");
const limits = { timeout: 120_000 };

// Lints a document; returns the complaints, errors and warnings alike, as rule and place.
function lint(path) {
  const command = [here("node_modules/@redocly/cli/bin/cli.js"), "lint", path, "--config", here("redocly.yaml"), "--format=json"];
  const env = { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" };
  const { stdout, stderr, status } = spawnSync(process.execPath, command, { env, encoding: "utf8", maxBuffer: 64 * 1024 * 1024, timeout: 60_000 });
  assert.notEqual(stdout, "", stderr);
  const { problems } = JSON.parse(stdout);
  const complaints = problems.map(({ ruleId, location }) => `${ruleId} at ${location[0].pointer}`);
  assert.equal(status === 0, problems.every(({ severity }) => severity !== "error"), stderr);
  return complaints;
}

// Lints the kept document after a change.
function lintChanged(t, change) {
  const folder = mkdtempSync(join(tmpdir(), "openapi-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const document = JSON.parse(readFileSync(kept, "utf8"));
  change(document);
  const path = join(folder, "openapi.json");
  writeFileSync(path, JSON.stringify(document));
  return lint(path);
}

test("the linter has nothing to say of the document", limits, () => {
  assert.deepEqual(lint(kept), []);
});

for (const [rule, change] of [
  ["operation-4xx-response", ({ paths }) => delete paths["/api/push"].post.responses["4XX"]],
  ["operation-operationId-unique", ({ paths }) => (paths["/api/push"].post.operationId = "listEvents")],
  ["operation-summary", ({ paths }) => delete paths["/api/push"].post.summary],
  ["operation-tag-defined", ({ paths }) => (paths["/api/push"].post.tags = ["elsewhere"])],
  ["parameter-description", ({ paths }) => delete paths["/api/events"].get.parameters[0].description],
  ["path-parameters-defined", ({ paths }) => (paths["/api/events/{id}"].get.parameters = [])],
  ["no-invalid-schema-examples", ({ components }) => (components.schemas.Position.examples = [7])],
  ["no-unresolved-refs", ({ components }) => delete components.schemas.Problem],
  ["no-unused-components", ({ components }) => (components.schemas.Nobody = { type: "string" })],
  ["security-defined", (document) => delete document.security],
  ["no-empty-servers", (document) => delete document.servers],
  ["struct", ({ info }) => delete info.title],
]) {
  test(`a document that breaks ${rule} is found`, limits, (t) => {
    const complaints = lintChanged(t, change);
    assert.ok(complaints.some((complaint) => complaint.startsWith(`${rule} `)), `found only ${JSON.stringify(complaints)}`);
  });
}
