// Runs scenario.json with one client: a test for each step. `python/scenario.py` does the same for Python's clients.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { EventSource } from "eventsource";

import { Gateway } from "../../node/gateway.mjs";
import { Inbox } from "../../node/inbox.mjs";
import { brief, expect, fill, Mismatch } from "./pattern.mjs";

const read = (name) => JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), "utf8"));
const { steps } = read("scenario.json");
const { runs, cannot: CANNOT } = read("clients.json");

const STEP_MS = 40_000;
// The Inspector is a process for each question: over a minute on two idle cores, and several where others work, too.
const RUN_MS = 400_000;
const RUNS_AT_ONCE = 8;

// What a client has no way to do. Thrown by the clients in this folder, and held against clients.json.
export class Cannot extends Error {}

// What the server answered instead of a result.
export class Refused extends Error {
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}

// Declares a test for each run of `runner` in clients.json. `connect({url, transport, era, stdio})` gives the client.
// They run beside each other, each with a gateway of its own: most of a scenario is waiting.
export function play(runner, connect) {
  const mine = runs.filter((run) => run.runner === runner);
  assert.ok(mine.length > 0, `clients.json has no run for ${runner}`);
  test(runner, { concurrency: RUNS_AT_ONCE, timeout: RUN_MS }, async (t) => {
    await Promise.all(mine.map((run) => t.test(`${run.client}, ${run.transport}, ${run.era}`, (t) => playOne(t, run, connect))));
  });
}

async function playOne(t, run, connect) {
  const world = await World.make(t, run, connect);
  for (const step of steps) {
    const cannot = (step.needs ?? []).find((need) => CANNOT[run.cannot]?.[need]);
    await t.test(cannot ? `${step.name} (cannot: ${cannot})` : step.name, { timeout: STEP_MS }, async () => {
      if (!cannot) return world.take(step);
      await assert.rejects(world.take(step), Cannot, `clients.json says that it cannot: ${CANNOT[run.cannot][cannot]}`);
    });
  }
  // Before the gateway goes: the AI SDK throws where nobody can catch it if an open stream breaks.
  await world.client.close();
}

// The gateway, the client, and somebody who listens beside them.
class World {
  saved = {};
  heard = new Inbox();

  static async make(t, run, connect) {
    const world = new World();
    world.era = run.era === "legacy" ? "legacy" : "modern";
    const hosted = run.transport === "stdio, hosting";
    const every = { FANFARE_TOOLSET: "all" };
    if (!hosted) world.url = (await Gateway.start(t, every)).url;
    const env = { ...process.env, ...(hosted ? every : { FANFARE_URL: world.url }) };
    const args = hosted ? ["mcp", "--store", "memory", "--listen", "127.0.0.1:0"] : ["mcp"];
    world.client = await connect({ url: world.url, transport: run.transport, era: run.era, stdio: { command: process.env.FANFARE_BIN, args, env } });
    t.after(() => world.client.close());
    if (hosted) world.url = await world.client.hostedUrl();
    await world.listen(t);
    return world;
  }

  async listen(t) {
    const source = new EventSource(`${this.url}/stream?format=json`);
    t.after(() => source.close());
    source.onmessage = (event) => this.heard.put(JSON.parse(event.data));
    await new Promise((resolve) => (source.onopen = resolve));
  }

  async take(step) {
    try {
      await this.#take(step);
    } catch (error) {
      // What this step has left in the air must not be taken for the next one's.
      await this.heardSince();
      throw error;
    }
  }

  async #take(step) {
    const context = { era: this.era, saved: this.saved };
    if (step.push) await this.push(step.push);
    const updates = new Inbox();
    const progress = [];
    const stop = step.subscribe ? await this.client.subscribe(fill(step.subscribe, this.saved), updates.put) : undefined;
    const asked = step.ask ? this.ask(step, (each) => progress.push(each)) : undefined;
    if (step.meanwhile) {
      await this.stillWaits(asked);
      await this.push(step.meanwhile);
    }
    const { result, refused } = (await asked) ?? {};
    if (step.server) expect(step.server, await this.client.server(), context);
    if (step.answer) {
      if (refused) throw new Mismatch(`refused: ${refused.code} ${refused.message}`);
      expect(step.answer, result, context);
    }
    if (step.error) {
      if (!refused) throw new Mismatch(`it was answered, not refused: ${brief(result)}`);
      if (step.error.code && refused.code === undefined) throw new Cannot("it does not tell the code");
      expect(step.error, { code: refused.code, message: refused.message }, context);
    }
    if (step.progress) {
      assert.ok(progress.length > 0, "no progress was told");
      for (const each of progress) expect(step.progress, each, context);
    }
    for (const uri of step.updated ?? []) expect(uri, await updates.next(), context, "the resource that changed");
    await stop?.();
    if (step.heard) expect(step.heard, await this.heardSince(), context, "what was heard");
    else await this.heardSince();
  }

  ask(step, onProgress) {
    const params = fill(step.params ?? {}, this.saved);
    return this.client.ask(step.ask, params, step.progress ? onProgress : undefined).then(
      (result) => ({ result }),
      (error) => {
        if (error instanceof Refused) return { refused: error };
        throw error;
      },
    );
  }

  // A call that waits has not been answered while a question of ours went to the gateway and back.
  async stillWaits(asked) {
    let answered = false;
    asked?.then(() => (answered = true), () => (answered = true));
    await fetch(`${this.url}/health`);
    assert.equal(answered, false, "it was answered before anything was pushed");
  }

  async push(event) {
    this.saved.pushed = await this.post(fill(event, this.saved));
  }

  async post(event) {
    const request = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(event) };
    const answer = await fetch(`${this.url}/api/push`, request).catch((error) => {
      // The sentence says only that it failed; why is in the cause.
      throw new Error(`${error.message}: ${error.cause}`);
    });
    const body = await answer.json();
    assert.equal(answer.status, 200, brief(body));
    return body.id;
  }

  // Everything up to a mark that is pushed now: what is not there by then was not pushed.
  async heardSince() {
    const mark = await this.post({ message: "mark", channel: "marks" });
    const heard = [];
    for (;;) {
      const event = await this.heard.next();
      if (event.id === mark) return heard;
      heard.push(event);
    }
  }
}
