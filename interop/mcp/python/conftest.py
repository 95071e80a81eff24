import pytest

from gateway import Gateway


@pytest.fixture(scope="module")
def outcomes():
    """What each run of the module has come to: each step of a run is a test that looks here."""
    return {}


@pytest.fixture(scope="module")
def start_gateway(tmp_path_factory):
    started = []

    def start():
        started.append(Gateway(tmp_path_factory.mktemp("fanfare") / "fanfare.db", FANFARE_TOOLSET="all").start())
        return started[-1]

    yield start
    for gateway in started:
        gateway.stop()
