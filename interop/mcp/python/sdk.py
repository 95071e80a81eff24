"""The Python SDK's client, and what any object with its methods can be asked."""

from contextlib import asynccontextmanager

import asyncio

import mcp_types as types
from mcp import Client, MCPError

from scenario import Refused

READ_SECONDS = 30


class Asker:
    """The scenario's questions in the SDK's words."""

    def __init__(self, client):
        self.client = client

    async def server(self):
        client = self.client
        info = client.server_info
        return {"name": info.name, "version": info.version, "instructions": client.instructions, "revision": client.protocol_version}

    async def ask(self, method, params, on_progress):
        try:
            return wire(await self.send(method, params, on_progress))
        except MCPError as error:
            raise Refused(error.error.message, error.error.code) from error

    async def send(self, method, params, on_progress):
        client = self.client
        match method:
            case "tools/list":
                return await client.list_tools()
            case "tools/call":
                return await client.call_tool(params["name"], params["arguments"], progress_callback=told(on_progress))
            case "resources/list":
                return await client.list_resources()
            case "resources/templates/list":
                return await client.list_resource_templates()
            case "resources/read":
                return await client.read_resource(params["uri"], cache_mode="bypass")
            case "prompts/list":
                return await client.list_prompts()
            case "prompts/get":
                return await client.get_prompt(params["name"], params["arguments"])
            case "completion/complete":
                return await client.complete(reference(params["ref"]), params["argument"])
        raise ValueError(f"scenario.json asks for the unknown method `{method}`")


class Sdk(Asker):
    """Entered as `Client`, with the notifications of legacy subscriptions in a queue."""

    def __init__(self, target, mode):
        self.updates = asyncio.Queue()
        super().__init__(Client(target, mode=mode, message_handler=self._notified, read_timeout_seconds=READ_SECONDS))

    async def _notified(self, message):
        if isinstance(message, types.ResourceUpdatedNotification):
            await self.updates.put(message.params.uri)

    @asynccontextmanager
    async def subscribed(self, uri):
        if self.client.protocol_version >= "2026":
            async with self.client.listen(resource_subscriptions=[uri]) as subscription:
                assert subscription.honored.resource_subscriptions == [uri]
                yield (event.uri async for event in subscription)
        else:
            await self.client.subscribe_resource(uri)
            yield self._legacy_updates()
            await self.client.unsubscribe_resource(uri)

    async def _legacy_updates(self):
        while True:
            yield await self.updates.get()


@asynccontextmanager
async def connected(target, era, kind=Sdk):
    sdk = kind(target, era)
    async with sdk.client:
        yield sdk


def wire(result):
    """The members as they were on the wire, instead of the SDK's names for them."""
    return result.model_dump(mode="json", by_alias=True, exclude_none=True)


def reference(ref):
    if ref["type"] == "ref/prompt":
        return types.PromptReference(type="ref/prompt", name=ref["name"])
    return types.ResourceTemplateReference(type="ref/resource", uri=ref["uri"])


def told(on_progress):
    if on_progress is None:
        return None

    async def tell(progress, total, message):
        on_progress({"progress": progress, "total": total, "message": message})

    return tell
