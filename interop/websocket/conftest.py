"""Starts the echo server: the reading and writing code of /ws, without anything behind it."""

import os
import re
import subprocess
import threading

import pytest

import wire

LISTENING = re.compile(r"listening on http://([\d.]+):(\d+)")


@pytest.fixture(scope="session")
def echo_process():
    process = subprocess.Popen(
        [os.environ["FANFARE_ECHO_BIN"], "--listen", "127.0.0.1:0"], stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )
    alarm = threading.Timer(20, process.kill)
    alarm.start()
    try:
        found = next((found for line in process.stderr if (found := LISTENING.search(line))), None)
        alarm.cancel()
        assert found, "the echo server did not say where it listens"
        # What it logs from here on must not fill the pipe.
        threading.Thread(target=process.stderr.read, daemon=True).start()
        process.address = found[1], int(found[2])
        yield process
        assert process.poll() is None, f"the echo server ended by itself with {process.returncode}"
    finally:
        alarm.cancel()
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def echo_server(echo_process):
    return echo_process.address


@pytest.fixture
def connection(echo_server):
    connection = wire.Connection(echo_server)
    yield connection
    connection.close()


@pytest.fixture
def connect(echo_server):
    """For tests that need more than one connection."""
    opened = []

    def open_one():
        opened.append(wire.Connection(echo_server))
        return opened[-1]

    yield open_one
    for connection in opened:
        connection.close()


def finish(connection):
    """Says goodbye and gets it back: what came before must have left the connection whole."""
    connection.send(wire.CLOSE, wire.close_payload(1000))
    frame = connection.next_frame()
    assert (frame.opcode, frame.close_code) == (wire.CLOSE, 1000), frame
    connection.expect_end()


@pytest.fixture(name="finish")
def finish_fixture():
    return finish
