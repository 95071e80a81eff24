import pytest

from gateway import Gateway


@pytest.fixture
def gateway(tmp_path):
    gateway = Gateway(tmp_path / "fanfare.db").start()
    yield gateway
    gateway.stop()
