// What README.md says of the clients is what the runners go by.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { table } from "../table.mjs";

test("README.md has the table of clients.json", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  assert.ok(readme.includes(table()), "put in what `npm run table` prints");
});
