"""Autobahn's families 5 and 10: messages in pieces."""

import pytest

import wire
from wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("pieces", [[b"frag", b"ment"], [b"", b""], [b"", b"", b""], [b"a", b"", b"b"], [b"x"] * 200])
def test_fragments_become_one_message(connection, finish, opcode, pieces):
    connection.send(opcode, pieces[0], fin=False)
    for piece in pieces[1:-1]:
        connection.send(CONTINUATION, piece, fin=False)
    connection.send(CONTINUATION, pieces[-1])
    connection.expect(opcode, b"".join(pieces))
    finish(connection)


def test_fragments_one_byte_at_a_time_become_one_message(connection, finish):
    data = wire.encode(TEXT, b"fragment1", fin=False) + wire.encode(PING, b"p") + wire.encode(CONTINUATION, b"fragment2")
    connection.send_in_pieces(data, 1)
    connection.expect(PONG, b"p")
    connection.expect(TEXT, b"fragment1fragment2")
    finish(connection)


@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE])
def test_a_control_frame_in_pieces_fails_the_connection(connection, opcode):
    connection.send(opcode, b"", fin=False)
    connection.send(CONTINUATION, b"rest")
    connection.expect_close(1002)


@pytest.mark.parametrize("fin", [True, False])
def test_a_continuation_of_nothing_fails_the_connection(connection, fin):
    connection.send(CONTINUATION, b"of what?", fin=fin)
    connection.expect_close(1002)


@pytest.mark.parametrize("fin", [True, False])
def test_a_continuation_after_a_whole_message_fails_the_connection(connection, fin):
    connection.send(TEXT, b"whole")
    connection.expect(TEXT, b"whole")
    connection.send(CONTINUATION, b"of what?", fin=fin)
    connection.expect_close(1002)


def test_a_continuation_after_the_last_fragment_fails_the_connection(connection):
    connection.send(TEXT, b"one", fin=False)
    connection.send(CONTINUATION, b"two")
    connection.expect(TEXT, b"onetwo")
    connection.send(CONTINUATION, b"three")
    connection.expect_close(1002)


@pytest.mark.parametrize("first", [TEXT, BINARY])
@pytest.mark.parametrize("second", [TEXT, BINARY])
@pytest.mark.parametrize("fin", [True, False])
def test_a_new_message_inside_another_fails_the_connection(connection, first, second, fin):
    connection.send(first, b"unfinished", fin=False)
    connection.send(second, b"another", fin=fin)
    if not fin:
        connection.send(CONTINUATION, b"end")
    connection.expect_close(1002)


def test_pings_between_all_fragments_are_answered_in_their_order(connection, finish):
    connection.send(TEXT, b"0", fin=False)
    for number in range(1, 10):
        connection.send(PING, b"%d" % number)
        connection.send(CONTINUATION, b"%d" % number, fin=number == 9)
    for number in range(1, 10):
        connection.expect(PONG, b"%d" % number)
    connection.expect(TEXT, b"0123456789")
    finish(connection)


def test_a_message_of_64_kib_in_fragments_of_1300_bytes_comes_back(connection, finish):
    payload = bytes(65 + number % 26 for number in range(65536))
    pieces = [payload[start : start + 1300] for start in range(0, len(payload), 1300)]
    for index, piece in enumerate(pieces):
        connection.send(TEXT if index == 0 else CONTINUATION, piece, fin=index == len(pieces) - 1)
    connection.expect(TEXT, payload)
    finish(connection)


def test_two_fragmented_messages_after_each_other_are_not_mixed(connection, finish):
    for opcode, first, last in [(TEXT, b"a", b"b"), (BINARY, b"c", b"d"), (TEXT, b"e", b"f")]:
        connection.send(opcode, first, fin=False)
        connection.send(CONTINUATION, last)
        connection.expect(opcode, first + last)
    finish(connection)
