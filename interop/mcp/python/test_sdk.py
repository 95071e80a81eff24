"""The Python SDK 2.x: stdio, Streamable HTTP and HTTP+SSE, in both eras."""

import os
import warnings

from mcp.client.sse import sse_client
from mcp.client.stdio import StdioServerParameters

from sdk import connected
from steps import test_for_each_step

warnings.filterwarnings("ignore", message="resources/(un)?subscribe is removed")


def connect(run, url):
    target = {
        "HTTP": lambda: f"{url}/mcp",
        "HTTP+SSE": lambda: sse_client(f"{url}/sse"),
        "stdio": lambda: StdioServerParameters(command=os.environ["FANFARE_BIN"], args=["mcp"], env={"FANFARE_URL": url}),
    }[run["transport"]]()
    return connected(target, run["era"])


test_step = test_for_each_step("python", connect)
