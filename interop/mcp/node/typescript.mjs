// What both TypeScript SDKs have in common: the same names for the same requests.

import { createInterface } from "node:readline";

import { Refused } from "./scenario.mjs";

const START_MS = 20_000;

export class TypeScriptClient {
  constructor(client, transport) {
    this.client = client;
    this.transport = transport;
    this.said = transport.stderr ? this.#listeningOn(transport.stderr) : undefined;
  }

  async ask(method, params, onProgress) {
    const options = { timeout: 30_000, ...(onProgress ? { onprogress: onProgress } : {}) };
    const { client } = this;
    const ways = {
      "tools/list": () => client.listTools(params, options),
      "tools/call": () => this.callTool(params, options),
      "resources/list": () => client.listResources(params, options),
      "resources/templates/list": () => client.listResourceTemplates(params, options),
      "resources/read": () => client.readResource(params, options),
      "prompts/list": () => client.listPrompts(params, options),
      "prompts/get": () => client.getPrompt(params, options),
      "completion/complete": () => client.complete(params, options),
    };
    try {
      return await ways[method]();
    } catch (error) {
      throw this.isRefusal(error) ? new Refused(error.message, this.codeOf(error)) : error;
    }
  }

  codeOf(error) {
    return error.code;
  }

  callTool(params, options) {
    return this.client.callTool(params, undefined, options);
  }

  // Where a gateway that hosts itself says it listens, on its standard error. One that is attached never says it, so the
  // deadline is that of who waits for it.
  hostedUrl() {
    const alarm = setTimeout(() => this.transport.stderr.destroy(new Error("it did not say where it listens")), START_MS);
    return this.said.finally(() => clearTimeout(alarm));
  }

  async #listeningOn(stderr) {
    try {
      for await (const line of createInterface({ input: stderr })) {
        const found = /hosting the gateway at (http:\/\/[\d.]+:\d+)/u.exec(line);
        if (found) return found[1];
      }
      return undefined;
    } finally {
      stderr.resume();
    }
  }

  close() {
    return this.client.close();
  }
}
