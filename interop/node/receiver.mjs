// A receiver of webhooks that keeps what it gets, byte for byte.

import { once } from "node:events";
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";

import { Inbox } from "./inbox.mjs";

export class Receiver {
  #inbox = new Inbox();

  // Answers with `statuses`, one after the other, and then always with 200.
  static async start(test, ...statuses) {
    const receiver = new Receiver();
    const server = createServer(async (request, response) => {
      const body = await buffer(request);
      receiver.#inbox.put({ headers: request.headers, body });
      response.writeHead(statuses.shift() ?? 200).end();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    test.after(() => {
      server.closeAllConnections();
      server.close();
    });
    receiver.url = `http://127.0.0.1:${server.address().port}/webhook`;
    return receiver;
  }

  next() {
    return this.#inbox.next();
  }

  take(count) {
    return this.#inbox.take(count);
  }
}
