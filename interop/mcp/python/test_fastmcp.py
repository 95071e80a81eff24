"""FastMCP's client: stdio, Streamable HTTP and HTTP+SSE."""

import asyncio
import os
import warnings
from contextlib import asynccontextmanager

import mcp_types as types
from fastmcp import Client
from fastmcp.client.messages import MessageHandler
from fastmcp.client.transports import SSETransport, StdioTransport, StreamableHttpTransport

from sdk import Asker, told
from steps import test_for_each_step

warnings.filterwarnings("ignore", message="resources/(un)?subscribe is removed")

READ_SECONDS = 30


class Updates(MessageHandler):
    def __init__(self):
        super().__init__()
        self.uris = asyncio.Queue()

    async def on_resource_updated(self, message):
        await self.uris.put(message.params.uri)


class FastMcp(Asker):
    """Its own methods give parts of an answer; those with `_mcp` in their name give the whole of it."""

    def __init__(self, target, mode):
        self.updates = Updates()
        super().__init__(Client(target, mode=mode, message_handler=self.updates, timeout=READ_SECONDS))

    async def send(self, method, params, on_progress):
        client = self.client
        match method:
            case "tools/list":
                return await client.list_tools_mcp()
            case "tools/call":
                return await client.call_tool_mcp(params["name"], params["arguments"], progress_handler=told(on_progress))
            case "resources/list":
                return await client.list_resources_mcp()
            case "resources/templates/list":
                return await client.list_resource_templates_mcp()
            case "resources/read":
                return await client.read_resource_mcp(params["uri"])
            case "prompts/list":
                return await client.list_prompts_mcp()
            case "prompts/get":
                return await client.get_prompt_mcp(params["name"], params["arguments"])
            case "completion/complete":
                ref = params["ref"]
                kind = types.PromptReference if ref["type"] == "ref/prompt" else types.ResourceTemplateReference
                return await client.complete_mcp(kind(**ref), params["argument"])
        raise ValueError(f"scenario.json asks for the unknown method `{method}`")

    @asynccontextmanager
    async def subscribed(self, uri):
        # It has no method of its own for subscriptions, and gives out the SDK's session for that.
        session = self.client.session
        if self.client.protocol_version >= "2026":
            from mcp.client.subscriptions import listen

            async with listen(session, resource_subscriptions=[uri]) as subscription:
                yield (event.uri async for event in subscription)
        else:
            await session.subscribe_resource(uri)
            yield self._legacy_updates()
            await session.unsubscribe_resource(uri)

    async def _legacy_updates(self):
        while True:
            yield await self.updates.uris.get()


@asynccontextmanager
async def connect(run, url):
    target = {
        "HTTP": lambda: StreamableHttpTransport(f"{url}/mcp"),
        "HTTP+SSE": lambda: SSETransport(f"{url}/sse"),
        "stdio": lambda: StdioTransport(os.environ["FANFARE_BIN"], ["mcp"], env={"FANFARE_URL": url}, keep_alive=False),
    }[run["transport"]]()
    one = FastMcp(target, run["era"])
    async with one.client:
        yield one


test_step = test_for_each_step("fastmcp", connect)
