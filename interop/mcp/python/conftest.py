from uuid import uuid4

import pytest

from gateway import Gateway


@pytest.fixture(scope="module")
def outcomes():
    """What each run of the module has come to: each step of a run is a test that looks here."""
    return {}


@pytest.fixture(scope="module")
def start_gateway(tmp_path_factory):
    started = []
    # Several threads start gateways at once, and pytest makes its folder at the first call without looking for others.
    folder = tmp_path_factory.mktemp("fanfare")

    def start():
        store = folder / f"{uuid4().hex}.db"
        started.append(Gateway(store, FANFARE_TOOLSET="all").start())
        return started[-1]

    yield start
    for gateway in started:
        gateway.stop()
