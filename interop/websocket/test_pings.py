"""Autobahn's family 2: pings and pongs."""

import contextlib
import pathlib

import pytest

import wire
from wire import CONTINUATION, PING, PONG, TEXT


@pytest.mark.parametrize("payload", [b"", b"Hello, world!", bytes([0, 255, 254, 253, 252, 251, 0, 255]), b"\xfe" * 125])
def test_a_ping_is_answered_with_its_payload(connection, finish, payload):
    connection.send(PING, payload)
    connection.expect(PONG, payload)
    finish(connection)


def test_a_ping_in_pieces_of_one_byte_is_a_ping(connection, finish):
    connection.send_in_pieces(wire.encode(PING, b"\xfe" * 125), 1)
    connection.expect(PONG, b"\xfe" * 125)
    finish(connection)


@pytest.mark.parametrize("opcode", [PING, PONG])
@pytest.mark.parametrize("size", [126, 70_000])
def test_a_control_frame_over_125_bytes_is_refused(connection, opcode, size):
    connection.send(opcode, b"\xfe" * size)
    connection.expect_close(1002)


@pytest.mark.parametrize("payload", [b"", b"unasked for"])
def test_a_pong_nobody_asked_for_is_ignored(connection, finish, payload):
    connection.send(PONG, payload)
    connection.send(PING, b"mine")
    connection.expect(PONG, b"mine")
    finish(connection)


def test_ten_pings_get_ten_pongs_in_order(connection, finish):
    connection.send_bytes(b"".join(wire.encode(PING, b"payload-%d" % number) for number in range(10)))
    for number in range(10):
        connection.expect(PONG, b"payload-%d" % number)
    finish(connection)


def test_ten_pings_one_byte_at_a_time_get_ten_pongs(connection, finish):
    connection.send_in_pieces(b"".join(wire.encode(PING, b"payload-%d" % number) for number in range(10)), 1)
    for number in range(10):
        connection.expect(PONG, b"payload-%d" % number)
    finish(connection)


def test_a_ping_between_two_fragments_is_answered_at_once(connection, finish):
    connection.send(TEXT, b"one ", fin=False)
    connection.send(PING, b"now")
    connection.expect(PONG, b"now")
    connection.send(CONTINUATION, b"message")
    connection.expect(TEXT, b"one message")
    finish(connection)


def test_a_client_that_pings_and_does_not_read_does_not_fill_the_memory(connection, echo_process):
    """Answers must not pile up: the server stops reading, hangs up, or answers the newest ping only (RFC 6455 §5.5.3)."""
    status = pathlib.Path(f"/proc/{echo_process.pid}/status")
    if not status.exists():
        pytest.skip("how much memory a process has is read from /proc")

    def resident_kb():
        return int(status.read_text().split("VmRSS:")[1].split()[0])

    before = resident_kb()
    flood = wire.encode(PING, b"x" * 125) * 500
    connection.socket.settimeout(2)
    with contextlib.suppress(TimeoutError):
        for _ in range(1000):
            if not connection.send_bytes(flood):
                break
    assert resident_kb() - before < 16 * 1024
