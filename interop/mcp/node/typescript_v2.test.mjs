// The TypeScript SDK 2.x, which speaks both eras: as told (`modern`, `legacy`), or as it finds out itself (`auto`).

import { Client, ProtocolError, ResourceNotFoundError, SSEClientTransport, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

import { play } from "./scenario.mjs";
import { TypeScriptClient } from "./typescript.mjs";

const MODE = { modern: { pin: "2026-07-28" }, auto: "auto", legacy: "legacy" };

class V2 extends TypeScriptClient {
  server() {
    const { client } = this;
    return { ...client.getServerVersion(), instructions: client.getInstructions(), revision: client.getNegotiatedProtocolVersion() };
  }

  isRefusal(error) {
    return error instanceof ProtocolError;
  }

  // It gives both codes that a missing resource may have the same number.
  codeOf(error) {
    return error instanceof ResourceNotFoundError ? undefined : error.code;
  }

  callTool(params, options) {
    return this.client.callTool(params, options);
  }

  async subscribe(uri, onUpdate) {
    this.client.setNotificationHandler("notifications/resources/updated", (note) => onUpdate(note.params.uri));
    if (this.client.getProtocolEra() === "legacy") {
      await this.client.subscribeResource({ uri });
      return () => this.client.unsubscribeResource({ uri });
    }
    const subscription = await this.client.listen({ resourceSubscriptions: [uri] });
    if (!subscription.honoredFilter.resourceSubscriptions?.includes(uri)) throw new Error("the subscription was not honoured");
    return () => subscription.close();
  }
}

play("typescript_v2", async ({ url, transport, era, stdio }) => {
  const link = {
    "HTTP": () => new StreamableHTTPClientTransport(new URL(`${url}/mcp`)),
    "HTTP+SSE": () => new SSEClientTransport(new URL(`${url}/sse`)),
    "stdio": () => new StdioClientTransport({ ...stdio, stderr: "pipe" }),
    "stdio, hosting": () => new StdioClientTransport({ ...stdio, stderr: "pipe" }),
  }[transport]();
  const one = new V2(new Client({ name: "interop", version: "1" }, { versionNegotiation: { mode: MODE[era] } }), link);
  await one.client.connect(link);
  return one;
});
