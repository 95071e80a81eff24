"""mcp-use: its client, and the loop of its agent."""

import os

from mcp_use import MCPAgent, MCPClient

from chat_model import ScriptedChat

NAME = "mcp-use 1.7"
TRANSPORTS = {
    "HTTP": lambda url: {"url": f"{url}/mcp"},
    "HTTP+SSE": lambda url: {"url": f"{url}/sse", "transport": "sse"},
    "stdio": lambda url: {"command": os.environ["FANFARE_BIN"], "args": ["mcp"], "env": {"FANFARE_URL": url}},
}


async def converse(transport, url, script):
    client = MCPClient({"mcpServers": {"fanfare": TRANSPORTS[transport](url)}})
    try:
        return await MCPAgent(llm=ScriptedChat(script=script), client=client, max_steps=20).run("go")
    finally:
        await client.close_all_sessions()
