"""LangChain: its adapters for MCP, which also speak WebSocket, and the loop of its agent."""

import os

from langchain.agents import create_agent
from langchain_mcp_adapters.client import MultiServerMCPClient

from chat_model import ScriptedChat

NAME = "LangChain 1.5"
TRANSPORTS = {
    "HTTP": lambda url: {"transport": "streamable_http", "url": f"{url}/mcp"},
    "HTTP+SSE": lambda url: {"transport": "sse", "url": f"{url}/sse"},
    "WebSocket": lambda url: {"transport": "websocket", "url": f"{url}/mcp".replace("http:", "ws:")},
    "stdio": lambda url: {"transport": "stdio", "command": os.environ["FANFARE_BIN"], "args": ["mcp"], "env": {"FANFARE_URL": url}},
}


async def converse(transport, url, script):
    client = MultiServerMCPClient({"fanfare": TRANSPORTS[transport](url)})
    agent = create_agent(ScriptedChat(script=script), await client.get_tools())
    result = await agent.ainvoke({"messages": [("user", "go")]})
    return result["messages"][-1].content
