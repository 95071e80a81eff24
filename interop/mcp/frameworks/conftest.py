import os
import tempfile

import pytest

# Nothing of a test leaves the machine. mcp-use reads this while it is imported, and makes a folder in the home directory.
HOME = tempfile.TemporaryDirectory()
os.environ["HOME"] = HOME.name
os.environ["MCP_USE_ANONYMIZED_TELEMETRY"] = "false"
os.environ["OPENAI_AGENTS_DISABLE_TRACING"] = "1"

from gateway import Gateway  # noqa: E402


@pytest.fixture(scope="session")
def gateway(tmp_path_factory):
    one = Gateway(tmp_path_factory.mktemp("fanfare") / "fanfare.db").start()
    yield one
    one.stop()
