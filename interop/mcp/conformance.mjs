// Runs the official conformance suite against our own server, and counts from the files that it writes, not from what it
// prints: a scenario has passed when it has made checks and none of them is anything but a success.
//
// CONFORMANCE_BIN is the server with the suite's fixtures; FANFARE_TEST_DIR a place for the suite's files.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, open, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const SUITE = fileURLToPath(new URL("node_modules/@modelcontextprotocol/conformance/", import.meta.url));
const START_MS = 20_000;
const SUITE_MS = 100_000;

// How many scenarios a revision requires of a server, and what it does not require and we pass nevertheless. The
// scenarios of extensions that we do not offer (tasks) are left out.
const REVISIONS = [
  { revision: "2026-07-28", scored: 37, besides: ["json-schema-2020-12", "http-header-validation", "http-custom-header-server-validation"] },
  { revision: "2025-11-25", scored: 30, besides: ["json-schema-2020-12", "server-session-lifecycle", "server-sse-polling"] },
];

async function main() {
  const work = join(process.env.FANFARE_TEST_DIR, "conformance");
  const server = await start();
  let passed = 0;
  let failed = 0;
  try {
    for (const { revision, scored, besides } of REVISIONS) {
      const folder = join(work, revision);
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder, { recursive: true });
      const required = await requirements(revision);
      if (required.length !== scored) throw new Error(`${revision} requires ${required.length} scenarios, not ${scored}: is this another suite?`);
      await run(server.url, revision, folder);
      const outcomes = await read(folder);
      for (const scenario of [...required, ...besides]) {
        const complaints = complain(outcomes.get(scenario));
        const kind = required.includes(scenario) ? "" : " (not scored)";
        console.log(`${complaints.length === 0 ? "ok    " : "FAILED"} ${revision} ${scenario}${kind}`);
        for (const complaint of complaints) console.log(`         ${complaint}`);
        if (complaints.length === 0) passed += 1;
        else failed += 1;
      }
    }
  } finally {
    await server.stop();
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

async function start() {
  const child = spawn(process.env.CONFORMANCE_BIN, ["--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "inherit"] });
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  const alarm = setTimeout(() => child.kill("SIGKILL"), START_MS);
  for await (const line of createInterface({ input: child.stdout })) {
    const said = JSON.parse(line);
    if (said.event !== "listening") continue;
    clearTimeout(alarm);
    child.stdout.resume();
    const url = new URL(said.url);
    if (url.pathname === "/") url.pathname = "/mcp";
    return { url: url.href, stop };
  }
  throw new Error("the server did not say where it listens");
}

// The suite's exit code says whether it liked the server; that is for `complain` to find. It must have run, though.
async function run(url, revision, folder) {
  const words = [join(SUITE, "dist/index.js"), "server", "--url", url, "--requirements", revision, "-o", folder];
  const log = await open(join(folder, "suite.log"), "w");
  const child = spawn(process.execPath, words, { stdio: ["ignore", log.fd, log.fd], timeout: SUITE_MS, killSignal: "SIGKILL" });
  const [, signal] = await once(child, "exit");
  await log.close();
  if (signal !== null) throw new Error(`the suite did not end by itself: ${signal}`);
}

// The server's scenarios that a revision requires: a plain list under `server:` in the suite's frozen file.
async function requirements(revision) {
  const lines = (await readFile(join(SUITE, "requirements", `${revision}.yaml`), "utf8")).split("\n");
  const from = lines.indexOf("server:") + 1;
  const listed = [];
  for (const line of lines.slice(from)) {
    const item = /^ {2}- (\S+)$/u.exec(line);
    if (!item) break;
    listed.push(item[1]);
  }
  return listed;
}

// scenario → the checks of its run: folders are named `server-SCENARIO-TIME`.
async function read(folder) {
  const outcomes = new Map();
  for (const name of await readdir(folder)) {
    const found = /^server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/u.exec(name);
    if (found) outcomes.set(found[1], JSON.parse(await readFile(join(folder, name, "checks.json"), "utf8")));
  }
  return outcomes;
}

function complain(checks) {
  if (!checks) return ["it has not run"];
  const complaints = checks
    .filter(({ status }) => status !== "SUCCESS" && status !== "INFO")
    .map(({ id, status, errorMessage }) => `${status} ${id}: ${errorMessage ?? ""}`);
  if (complaints.length === 0 && !checks.some(({ status }) => status === "SUCCESS")) complaints.push("it has checked nothing");
  return complaints;
}

await main();
