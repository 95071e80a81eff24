"""The OpenAI Agents SDK: its clients for three transports, and the loop of its runner."""

import json
import os

from agents import Agent, Model, ModelResponse, RunConfig, Runner, Usage
from agents.mcp import MCPServerSse, MCPServerStdio, MCPServerStreamableHttp
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

from scripted import text_of

NAME = "OpenAI Agents SDK 0.24"
READ_SECONDS = 30
TRANSPORTS = {
    "HTTP": lambda url: MCPServerStreamableHttp({"url": f"{url}/mcp"}, client_session_timeout_seconds=READ_SECONDS),
    "HTTP+SSE": lambda url: MCPServerSse({"url": f"{url}/sse"}, client_session_timeout_seconds=READ_SECONDS),
    "stdio": lambda url: MCPServerStdio(
        {"command": os.environ["FANFARE_BIN"], "args": ["mcp"], "env": {"FANFARE_URL": url}}, client_session_timeout_seconds=READ_SECONDS
    ),
}


class Scripted(Model):
    def __init__(self, script):
        self.script = script

    async def get_response(self, system_instructions, input, model_settings, tools, *rest, **named):
        self.script.offer({tool.name: tool.params_json_schema for tool in tools})
        results = [item for item in input if isinstance(item, dict) and item.get("type") == "function_call_output"]
        self.script.results[:] = [text_of(item) for item in results]
        call = self.script.next()
        if call is None:
            text = ResponseOutputText(annotations=[], text="done", type="output_text")
            output = ResponseOutputMessage(id="end", content=[text], role="assistant", status="completed", type="message")
        else:
            call_id, name, arguments = call
            output = ResponseFunctionToolCall(call_id=call_id, name=name, arguments=json.dumps(arguments), type="function_call")
        return ModelResponse(output=[output], usage=Usage(), response_id=None)

    def stream_response(self, *given, **named):
        raise NotImplementedError("the runner was not asked to stream")


async def converse(transport, url, script):
    async with TRANSPORTS[transport](url) as server:
        agent = Agent(name="interop", model=Scripted(script), mcp_servers=[server])
        result = await Runner.run(agent, "go", run_config=RunConfig(tracing_disabled=True))
        return result.final_output
