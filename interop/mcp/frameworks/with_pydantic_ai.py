"""Pydantic AI: its toolset for MCP servers, and the loop of its agent."""

import json
import os

from fastmcp import Client
from fastmcp.client.transports import SSETransport, StdioTransport, StreamableHttpTransport
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.messages import ModelResponse, RetryPromptPart, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import FunctionModel

NAME = "Pydantic AI 2.68"
TRANSPORTS = {
    "HTTP": lambda url: StreamableHttpTransport(f"{url}/mcp"),
    "HTTP+SSE": lambda url: SSETransport(f"{url}/sse"),
    "stdio": lambda url: StdioTransport(os.environ["FANFARE_BIN"], ["mcp"], env={"FANFARE_URL": url}, keep_alive=False),
}


async def converse(transport, url, script):
    def model(messages, info):
        script.offer({tool.name: tool.parameters_json_schema for tool in info.function_tools})
        for part in messages[-1].parts:
            if isinstance(part, ToolReturnPart):
                content = part.content
                script.results.append(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False))
            elif isinstance(part, RetryPromptPart):
                script.results.append(part.model_response())
        call = script.next()
        if call is None:
            return ModelResponse(parts=[TextPart("done")])
        call_id, name, arguments = call
        return ModelResponse(parts=[ToolCallPart(name, arguments, tool_call_id=call_id)])

    # By default it gives a model one more try after a refusal; the scenario has two refusals.
    toolset = MCPToolset(Client(TRANSPORTS[transport](url)), max_retries=2)
    agent = Agent(FunctionModel(model), toolsets=[toolset])
    async with agent:
        return (await agent.run("go")).output
