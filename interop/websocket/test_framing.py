"""Autobahn's family 1: every size at which the length is written differently."""

import pytest

import wire
from wire import BINARY, TEXT

SIZES = [0, 1, 125, 126, 127, 128, 65535, 65536]


@pytest.mark.parametrize("size", SIZES)
def test_a_text_of_any_size_comes_back(connection, finish, size):
    connection.send(TEXT, b"*" * size)
    connection.expect(TEXT, b"*" * size)
    finish(connection)


@pytest.mark.parametrize("size", SIZES)
def test_a_binary_message_of_any_size_comes_back(connection, finish, size):
    payload = bytes(number % 256 for number in range(size))
    connection.send(BINARY, payload)
    connection.expect(BINARY, payload)
    finish(connection)


@pytest.mark.parametrize("size", [125, 126, 65536])
@pytest.mark.parametrize("piece", [1, 997])
def test_where_a_packet_ends_means_nothing(connection, finish, size, piece):
    if piece == 1 and size > 126:
        size = 1000
    connection.send_in_pieces(wire.encode(TEXT, b"*" * size), piece)
    connection.expect(TEXT, b"*" * size)
    finish(connection)


def test_several_frames_in_one_packet_are_several_messages(connection, finish):
    connection.send_bytes(b"".join(wire.encode(TEXT, b"message %d" % number) for number in range(100)))
    for number in range(100):
        connection.expect(TEXT, b"message %d" % number)
    finish(connection)


@pytest.mark.parametrize("mask", [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x01\x02\x03\x04"])
def test_any_mask_is_a_mask(connection, finish, mask):
    connection.send(TEXT, "Grüße €".encode(), mask=mask)
    connection.expect(TEXT, "Grüße €".encode())
    finish(connection)


@pytest.mark.parametrize("opcode", [TEXT, BINARY, wire.PING, wire.CLOSE])
def test_a_client_that_does_not_mask_is_cut_off(connection, opcode):
    """RFC 6455 §5.1: a server MUST close the connection upon receiving a frame that is not masked."""
    connection.send(opcode, b"" if opcode == wire.CLOSE else b"bare", mask=None)
    connection.expect_close(1002)


def test_a_length_with_its_highest_bit_set_is_refused(connection):
    connection.send_bytes(bytes([0x81, 0xFF]) + b"\xff" * 8 + b"\0\0\0\0")
    connection.expect_close(1002, 1009)
