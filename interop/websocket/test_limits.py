"""Autobahn's family 9, with our limit: a message holds at most 1 MiB, however it is cut."""

import pytest

import wire
from wire import BINARY, CONTINUATION, TEXT

LIMIT = 1 << 20


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("size", [1 << 18, LIMIT - 1, LIMIT])
def test_a_message_up_to_the_limit_comes_back(connection, finish, opcode, size):
    connection.send(opcode, b"*" * size)
    connection.expect(opcode, b"*" * size)
    finish(connection)


@pytest.mark.parametrize("fragment", [1 << 10, 1 << 16])
def test_a_fragmented_message_up_to_the_limit_comes_back(connection, finish, fragment):
    for start in range(0, LIMIT, fragment):
        connection.send(TEXT if start == 0 else CONTINUATION, b"*" * fragment, fin=start + fragment == LIMIT)
    connection.expect(TEXT, b"*" * LIMIT)
    finish(connection)


@pytest.mark.parametrize("size", [LIMIT + 1, 1 << 32, (1 << 63) - 1])
def test_a_frame_over_the_limit_is_refused_at_its_header(connection, size):
    """Nothing of the payload has been sent: the server must not wait for it, nor make room for it."""
    connection.send_bytes(bytes([0x81, 0xFF]) + size.to_bytes(8, "big") + b"\0\0\0\0")
    connection.expect_close(1009)


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_fragments_that_add_up_to_more_than_the_limit_are_refused(connection, opcode):
    """Otherwise the limit on one frame limits nothing: the message grows until memory ends."""
    fragment = b"*" * (1 << 18)
    connection.send(opcode, fragment, fin=False)
    for _ in range(3):
        connection.send(CONTINUATION, fragment, fin=False)
    connection.send(CONTINUATION, b"+", fin=False)
    connection.expect_close(1009)


def test_a_thousand_small_messages_come_back_in_order(connection, finish):
    for start in range(0, 1000, 100):
        connection.send_bytes(b"".join(wire.encode(TEXT, b"%d" % number) for number in range(start, start + 100)))
        for number in range(start, start + 100):
            connection.expect(TEXT, b"%d" % number)
    finish(connection)


def test_a_large_message_in_packets_of_64_bytes_comes_back(connection, finish):
    connection.send_in_pieces(wire.encode(TEXT, b"*" * 65536), 64)
    connection.expect(TEXT, b"*" * 65536)
    finish(connection)
