"""Autobahn's family 7: saying goodbye."""

import pytest

import wire
from wire import CLOSE, CONTINUATION, PING, TEXT, close_payload

ALLOWED = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]
FORBIDDEN = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]


def test_a_close_without_a_code_is_answered(connection):
    connection.send(CLOSE)
    frame = connection.next_frame()
    assert frame.opcode == CLOSE and frame.close_code in (None, 1000), frame
    connection.expect_end()


@pytest.mark.parametrize("code", ALLOWED)
def test_a_code_that_may_be_sent_comes_back(connection, code):
    connection.send(CLOSE, close_payload(code, b"bye"))
    connection.expect_close(code, 1000)


@pytest.mark.parametrize("code", FORBIDDEN)
def test_a_code_that_may_not_be_sent_is_a_protocol_error(connection, code):
    connection.send(CLOSE, close_payload(code))
    connection.expect_close(1002)


def test_half_a_code_is_a_protocol_error(connection):
    connection.send(CLOSE, b"\x03")
    connection.expect_close(1002)


@pytest.mark.parametrize("reason", [b"Hello World!", "Auf Wiedersehen, Grüße 😀".encode(), b"*" * 123])
def test_a_reason_of_up_to_123_bytes_is_fine(connection, reason):
    connection.send(CLOSE, close_payload(1000, reason))
    connection.expect_close(1000)


@pytest.mark.parametrize("size", [124, 1000])
def test_a_longer_reason_is_a_protocol_error(connection, size):
    connection.send(CLOSE, close_payload(1000, b"*" * size))
    connection.expect_close(1002)


@pytest.mark.parametrize("reason", [b"\xce\xba\xed\xa0\x80edited", b"\xe2\x82"])
def test_a_reason_that_is_not_utf8_is_refused(connection, reason):
    connection.send(CLOSE, close_payload(1000, reason))
    connection.expect_close(1007, 1002)


def test_after_a_close_nothing_more_is_answered(connection):
    connection.send_bytes(
        wire.encode(CLOSE, close_payload(1000)) + wire.encode(PING, b"late") + wire.encode(TEXT, b"late") + wire.encode(CLOSE)
    )
    connection.expect_close(1000)


def test_a_close_inside_a_fragmented_message_closes(connection):
    connection.send(TEXT, b"unfinished", fin=False)
    connection.send(CLOSE, close_payload(1000))
    connection.send(CONTINUATION, b"too late")
    connection.expect_close(1000, 1002)


def test_a_message_before_the_close_is_answered_first(connection):
    connection.send_bytes(wire.encode(TEXT, b"last words") + wire.encode(CLOSE, close_payload(1000)))
    connection.expect(TEXT, b"last words")
    connection.expect_close(1000)


def test_a_client_that_just_goes_away_does_no_harm(connection, connect):
    connection.send_bytes(wire.encode(TEXT, b"half of a frame")[:9])
    connection.close()
    other = connect()
    other.send(TEXT, b"still here?")
    other.expect(TEXT, b"still here?")
