// The MCP client of the AI SDK: stdio, Streamable HTTP and HTTP+SSE. It detects the era.

import { createMCPClient, MCPClientError } from "@ai-sdk/mcp";
import { Experimental_StdioMCPTransport as StdioTransport } from "@ai-sdk/mcp/mcp-stdio";

import { Cannot, play, Refused } from "./scenario.mjs";

const READ_MS = 30_000;

class AiSdk {
  constructor(client) {
    this.client = client;
  }

  server() {
    const { serverInfo, instructions, initializeResult } = this.client;
    return { ...serverInfo, instructions, revision: initializeResult.protocolVersion };
  }

  async ask(method, params, onProgress) {
    if (onProgress) throw new Cannot("it does not ask for progress");
    const options = { timeout: READ_MS };
    const { client } = this;
    const ways = {
      "tools/list": () => client.listTools({ params, options }),
      "tools/call": () => client.callTool({ ...params, options }),
      "resources/list": () => client.listResources({ params, options }),
      "resources/templates/list": () => client.listResourceTemplates({ options }),
      "resources/read": () => client.readResource({ uri: params.uri, options }),
      "prompts/list": () => client.listPrompts({ params, options }),
      "prompts/get": () => client.getPrompt({ ...params, options }),
      "completion/complete": () => client.complete({ ...params, options }),
    };
    try {
      return await ways[method]();
    } catch (error) {
      throw MCPClientError.isInstance(error) && error.code !== undefined ? new Refused(error.message, error.code) : error;
    }
  }

  async subscribe() {
    throw new Cannot("it has no method for subscriptions");
  }

  close() {
    return this.client.close();
  }
}

play("ai_sdk", async ({ url, transport, stdio }) => {
  const link = {
    "HTTP": () => ({ type: "http", url: `${url}/mcp` }),
    "HTTP+SSE": () => ({ type: "sse", url: `${url}/sse` }),
    "stdio": () => new StdioTransport({ ...stdio, stderr: "ignore" }),
  }[transport]();
  return new AiSdk(await createMCPClient({ name: "interop", version: "1", transport: link }));
});
