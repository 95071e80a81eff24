"""Bridges between transports, with the Python SDK before them: supergateway and mcp-remote (npm), and mcp-proxy (PyPI)."""

import asyncio
import os
import re
import tempfile
import warnings
from contextlib import asynccontextmanager

from mcp.client.sse import sse_client
from mcp.client.stdio import StdioServerParameters

from scenario import FOLDER, Cannot
from sdk import Sdk, connected
from steps import test_for_each_step

warnings.filterwarnings("ignore", message="resources/(un)?subscribe is removed")

SUPERGATEWAY = FOLDER / "node_modules/.bin/supergateway"
MCP_REMOTE = FOLDER / "node_modules/.bin/mcp-remote"
LISTENING = re.compile(rb"running on (http://[\d.]+:\d+)")
START_SECONDS = 20
# For what a bridge does not pass on; what it does takes milliseconds.
SILENCE_SECONDS = 2
STOP_SECONDS = 10


class Bridged(Sdk):
    """The client before the bridge, which notices what the bridge keeps to itself."""

    async def ask(self, method, params, on_progress):
        progress = []
        result = await super().ask(method, params, progress.append if on_progress else None)
        if on_progress and not progress:
            raise Cannot("no progress came through")
        for each in progress:
            on_progress(each)
        if method == "tools/call" and result.get("isError") and "unknown tool" in result["content"][0]["text"]:
            raise Cannot("a refusal came through as an answer")
        return result

    @asynccontextmanager
    async def subscribed(self, uri):
        async with super().subscribed(uri) as updates:
            yield self._passed_on(updates)

    async def _passed_on(self, updates):
        try:
            yield await asyncio.wait_for(anext(updates), SILENCE_SECONDS)
        except TimeoutError:
            raise Cannot("no update came through") from None


def connect(run, url):
    bridge = run["client"].split(" → ")[1].split(" ")[0]
    side = run["transport"]
    if side.endswith("→ stdio"):
        return behind_mcp_proxy(url, run["era"], side)
    address = f"{url}/mcp" if side == "stdio → HTTP" else f"{url}/sse"
    if bridge == "supergateway":
        kind = "--streamableHttp" if side == "stdio → HTTP" else "--sse"
        command = [os.environ["NODE_22_BIN"], str(SUPERGATEWAY), kind, address, "--logLevel", "none"]
    elif bridge == "mcp-remote":
        kind = "http-only" if side == "stdio → HTTP" else "sse-only"
        return through_mcp_remote([os.environ["NODE_22_BIN"], str(MCP_REMOTE), address, "--transport", kind], run["era"])
    else:
        kind = "streamablehttp" if side == "stdio → HTTP" else "sse"
        command = [os.environ["MCP_PROXY_BIN"], "--transport", kind, address]
    return connected(StdioServerParameters(command=command[0], args=command[1:]), run["era"], Bridged)


@asynccontextmanager
async def through_mcp_remote(command, era):
    # It keeps what it learns of a server, by default in the home directory.
    with tempfile.TemporaryDirectory() as folder:
        server = StdioServerParameters(command=command[0], args=command[1:], env={"MCP_REMOTE_CONFIG_DIR": folder})
        async with connected(server, era, Bridged) as client:
            yield client


@asynccontextmanager
async def behind_mcp_proxy(url, era, side):
    """Our stdio behind the proxy's own HTTP server."""
    process = await asyncio.create_subprocess_exec(
        *[os.environ["MCP_PROXY_BIN"], "--port", "0", "-e", "FANFARE_URL", url, "--", os.environ["FANFARE_BIN"], "mcp"],
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        address = await asyncio.wait_for(where_it_listens(process.stderr), START_SECONDS)
        # What it logs from here on must not fill the pipe.
        drained = asyncio.create_task(process.stderr.read())
        target = f"{address}/mcp" if side == "HTTP → stdio" else sse_client(f"{address}/sse")
        async with connected(target, era, Bridged) as client:
            yield client
        drained.cancel()
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), STOP_SECONDS)


async def where_it_listens(stderr):
    said = b""
    async for line in stderr:
        said += line
        if found := LISTENING.search(line):
            return found[1].decode()
    raise AssertionError(f"mcp-proxy did not say where it listens:\n{said.decode()}")


test_step = test_for_each_step("bridges", connect)
