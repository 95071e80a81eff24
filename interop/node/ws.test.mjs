// npm's `ws` speaks to /ws.

import assert from "node:assert/strict";
import { test } from "node:test";

import { WebSocket } from "ws";

import { Gateway } from "./gateway.mjs";
import { Inbox } from "./inbox.mjs";

const limits = { timeout: 60_000 };

class Socket {
  frames = new Inbox();
  closed = new Inbox();

  static async open(t, gateway) {
    const socket = new Socket();
    socket.connection = new WebSocket(gateway.websocketUrl);
    const opened = new Inbox();
    socket.connection.on("open", opened.put);
    socket.connection.on("error", opened.put);
    socket.connection.on("message", (data, isBinary) => {
      assert.equal(isBinary, false);
      socket.frames.put(JSON.parse(data));
    });
    socket.connection.on("close", (code, reason) => socket.closed.put({ code, reason: reason.toString() }));
    t.after(() => socket.connection.terminate());
    const problem = await opened.next();
    if (problem) throw problem;
    return socket;
  }

  tell(request) {
    this.connection.send(JSON.stringify(request));
  }

  async ask(request) {
    this.tell(request);
    return this.frames.next();
  }

  // The next events' messages; `caught-up` may come between them, wherever a replay ends.
  async messages(count) {
    const messages = [];
    while (messages.length < count) {
      const frame = await this.frames.next();
      if (frame.op === "caught-up") continue;
      assert.equal(frame.op, "event");
      messages.push(frame.event.message);
    }
    return messages;
  }
}

test("subscribe, publish and get it", limits, async (t) => {
  const gateway = await Gateway.start(t);
  const reader = await Socket.open(t, gateway);
  const writer = await Socket.open(t, gateway);
  assert.equal((await reader.ask({ op: "subscribe", channels: ["builds.>"], id: 1 })).op, "subscribed");
  const answer = await writer.ask({ op: "publish", event: { channel: "builds.web", message: "grün 😀" }, id: null });
  assert.equal(answer.op, "published");
  const { event } = await reader.frames.next();
  assert.deepEqual([event.id, event.message, event.source.door], [answer.ids[0], "grün 😀", "websocket"]);
});

test("a reader resumes after what it acknowledged, across a kill", limits, async (t) => {
  const gateway = await Gateway.start(t);
  let socket = await Socket.open(t, gateway);
  await socket.ask({ op: "subscribe", reader: "indexer" });
  const [first] = await gateway.pushAll("1", "2");
  await socket.messages(2);
  assert.equal((await socket.ask({ op: "ack", position: first.id })).op, "acked");

  await gateway.kill();
  // 1006: nobody had the time to say a reason.
  assert.equal((await socket.closed.next()).code, 1006);
  await gateway.start();
  await gateway.push("3");
  socket = await Socket.open(t, gateway);
  await socket.ask({ op: "subscribe", reader: "indexer" });
  assert.deepEqual(await socket.messages(2), ["2", "3"]);
});

test("a socket resumes after a position, across a kill", limits, async (t) => {
  const gateway = await Gateway.start(t);
  const [first] = await gateway.pushAll("1", "2");
  await gateway.kill();
  await gateway.start();
  const socket = await Socket.open(t, gateway);
  await socket.ask({ op: "subscribe", after: first.id });
  assert.deepEqual(await socket.messages(1), ["2"]);
  assert.equal((await socket.frames.next()).op, "caught-up");
  await gateway.push("3");
  assert.deepEqual(await socket.messages(1), ["3"]);
});

test("what a lagging reader has of one key is the newest, when it asks for that", limits, async (t) => {
  const gateway = await Gateway.start(t);
  for (const number of [1, 2, 3]) await gateway.push(`progress ${number}`, { key: "progress" });
  const socket = await Socket.open(t, gateway);
  await socket.ask({ op: "subscribe", since: "earliest", conflate: true });
  assert.deepEqual(await socket.messages(1), ["progress 3"]);
});

test("an error keeps the socket open", limits, async (t) => {
  const gateway = await Gateway.start(t);
  const socket = await Socket.open(t, gateway);
  const answer = await socket.ask({ op: "subscribe", channels: ["a..b"], id: { any: "scalar?" } });
  assert.equal(answer.op, "error");
  const again = await socket.ask({ op: "subscribe", channels: ["a..b"], id: 8 });
  assert.deepEqual([again.op, again.id, again.error.code], ["error", 8, "invalid_pattern"]);
  assert.deepEqual(await socket.ask({ op: "ping", id: "x" }), { op: "pong", id: "x" });
});

test("pings of the protocol are answered", limits, async (t) => {
  const gateway = await Gateway.start(t);
  const socket = await Socket.open(t, gateway);
  const pongs = new Inbox();
  socket.connection.on("pong", (data) => pongs.put(data.toString()));
  socket.connection.ping("are you there?");
  assert.equal(await pongs.next(), "are you there?");
});

test("every close has a code and a reason in words", limits, async (t) => {
  const gateway = await Gateway.start(t);
  const [binary, large, waiting] = [await Socket.open(t, gateway), await Socket.open(t, gateway), await Socket.open(t, gateway)];
  binary.connection.send(Buffer.from([1, 2, 3]));
  large.connection.send("x".repeat((1 << 20) + 1));
  await waiting.ask({ op: "subscribe" });
  const ends = [await binary.closed.next(), await large.closed.next()];
  gateway.terminate();
  ends.push(await waiting.closed.next());
  assert.deepEqual(ends.map((end) => end.code), [1003, 1009, 1001]);
  for (const end of ends) assert.notEqual(end.reason, "");
});
