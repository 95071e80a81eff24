// A receiver of webhooks on a port that the system chooses: answers as it is told, and remembers what it got.
import { once } from "node:events";
import { createServer } from "node:http";

const WAIT_MS = 10_000;

export class Receiver {
  static async start() {
    const receiver = new Receiver();
    receiver.got = [];
    receiver.waiting = new Set();
    receiver.answers(200);
    receiver.server = createServer((request, response) => receiver.take(request, response));
    receiver.server.listen(0, "127.0.0.1");
    await once(receiver.server, "listening");
    receiver.port = receiver.server.address().port;
    return receiver;
  }

  url(path = "/webhook") {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  // From now on. `body` may be a function of the request.
  answers(status, { headers = {}, body = "noted" } = {}) {
    this.answer = { status, headers, body };
  }

  async take(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const got = { path: request.url, headers: request.headers, body, json: () => JSON.parse(body) };
    const { status, headers, body: text } = this.answer;
    response.writeHead(status, headers).end(text);
    this.got.push(got);
    for (const look of this.waiting) look();
  }

  // Waits until so many requests came, and gives the last of them.
  async gets(count) {
    const deadline = AbortSignal.timeout(WAIT_MS);
    await new Promise((resolve, reject) => {
      const look = () => {
        if (this.got.length < count) return;
        this.waiting.delete(look);
        resolve();
      };
      this.waiting.add(look);
      deadline.addEventListener("abort", () => reject(new Error(`${this.got.length} requests came, not ${count}`)));
      look();
    });
    return this.got[count - 1];
  }

  end() {
    this.server.closeAllConnections();
    this.server.close();
  }
}
