import pytest

from gateway import Gateway
from receiver import Receiver


@pytest.fixture
def gateway(tmp_path):
    gateway = Gateway(tmp_path / "fanfare.db").start()
    yield gateway
    gateway.stop()


@pytest.fixture
def receiver():
    with Receiver() as receiver:
        yield receiver
