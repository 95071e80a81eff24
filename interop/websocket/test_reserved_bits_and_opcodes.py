"""Autobahn's families 3 and 4: what nobody has given a meaning is an error, not an extension."""

import pytest

import wire
from wire import BINARY, CLOSE, PING, TEXT


@pytest.mark.parametrize("reserved", range(1, 8))
@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, CLOSE])
def test_a_reserved_bit_fails_the_connection(connection, reserved, opcode):
    connection.send(opcode, b"" if opcode == CLOSE else b"Hello", reserved=reserved)
    connection.expect_close(1002)


def test_what_came_before_the_mistake_was_answered(connection):
    connection.send(TEXT, b"before")
    connection.expect(TEXT, b"before")
    connection.send(TEXT, b"wrong", reserved=4)
    connection.send(PING)
    connection.expect_close(1002)


@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
@pytest.mark.parametrize("payload", [b"", b"reserved opcode payload"])
def test_a_reserved_opcode_fails_the_connection(connection, opcode, payload):
    connection.send(opcode, payload)
    connection.expect_close(1002)


@pytest.mark.parametrize("opcode", [3, 11])
def test_a_reserved_opcode_between_messages_fails_it_too(connection, opcode):
    connection.send(TEXT, b"before")
    connection.expect(TEXT, b"before")
    connection.send_in_pieces(wire.encode(opcode, b"odd") + wire.encode(TEXT, b"after"), 1)
    connection.expect_close(1002)
