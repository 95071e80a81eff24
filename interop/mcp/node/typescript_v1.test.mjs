// The TypeScript SDK 1.x, which most hosts of today are built with: stdio, Streamable HTTP and HTTP+SSE, legacy only.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { McpError, ResourceUpdatedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";

import { play } from "./scenario.mjs";
import { TypeScriptClient } from "./typescript.mjs";

class V1 extends TypeScriptClient {
  server() {
    return { ...this.client.getServerVersion(), instructions: this.client.getInstructions(), revision: this.revision };
  }

  isRefusal(error) {
    return error instanceof McpError;
  }

  async subscribe(uri, onUpdate) {
    this.client.setNotificationHandler(ResourceUpdatedNotificationSchema, (note) => onUpdate(note.params.uri));
    await this.client.subscribeResource({ uri });
    return () => this.client.unsubscribeResource({ uri });
  }
}

play("typescript_v1", async ({ url, transport, stdio }) => {
  const link = {
    "HTTP": () => new StreamableHTTPClientTransport(new URL(`${url}/mcp`)),
    "HTTP+SSE": () => new SSEClientTransport(new URL(`${url}/sse`)),
    "stdio": () => new StdioClientTransport({ ...stdio, stderr: "pipe" }),
    "stdio, hosting": () => new StdioClientTransport({ ...stdio, stderr: "pipe" }),
  }[transport]();
  const one = new V1(new Client({ name: "interop", version: "1" }), link);
  // This SDK tells the transport which revision was agreed on, and nobody else.
  const { setProtocolVersion } = link;
  link.setProtocolVersion = (version) => {
    one.revision = version;
    setProtocolVersion?.call(link, version);
  };
  await one.client.connect(link);
  return one;
});
