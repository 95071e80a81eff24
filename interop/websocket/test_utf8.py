"""Autobahn's family 6: text is UTF-8, all of it, or the connection fails with 1007."""

import pytest

import wire
from wire import BINARY, CONTINUATION, TEXT

VALID = {
    "empty": b"",
    "ascii": b"Hello-World!",
    "two bytes": "Grüße".encode(),
    "three bytes": "κόσμε €".encode(),
    "four bytes": "𐀀 😀".encode(),
    "first of one byte": b"\x00",
    "last of one byte": b"\x7f",
    "first of two": b"\xc2\x80",
    "last of two": b"\xdf\xbf",
    "first of three": b"\xe0\xa0\x80",
    "last of three": b"\xef\xbf\xbf",
    "before the surrogates": b"\xed\x9f\xbf",
    "after the surrogates": b"\xee\x80\x80",
    "replacement character": b"\xef\xbf\xbd",
    "first of four": b"\xf0\x90\x80\x80",
    "last of all": b"\xf4\x8f\xbf\xbf",
    "non-character FFFE": b"\xef\xbf\xbe",
    "non-character 1FFFE": b"\xf0\x9f\xbf\xbe",
    "non-character 10FFFF": b"\xf4\x8f\xbf\xbf",
}

INVALID = {
    "lone continuation": b"\x80",
    "two lone continuations": b"\x80\xbf",
    "all lone continuations": bytes(range(0x80, 0xC0)),
    "start of two alone": b"\xc3",
    "start of two, then a space": b"\xc3 ",
    "start of three alone": b"\xe2\x82",
    "start of four alone": b"\xf0\x9f\x98",
    "start of five": b"\xf8\x88\x80\x80\x80",
    "start of six": b"\xfc\x84\x80\x80\x80\x80",
    "FE": b"\xfe",
    "FF": b"\xff",
    "FE FE FF FF": b"\xfe\xfe\xff\xff",
    "overlong slash of two": b"\xc0\xaf",
    "overlong slash of three": b"\xe0\x80\xaf",
    "overlong slash of four": b"\xf0\x80\x80\xaf",
    "overlong NUL": b"\xc0\x80",
    "overlong 7F": b"\xc1\xbf",
    "overlong 7FF": b"\xe0\x9f\xbf",
    "overlong FFFF": b"\xf0\x8f\xbf\xbf",
    "beyond the last": b"\xf4\x90\x80\x80",
    "far beyond": b"\xf7\xbf\xbf\xbf",
    "first high surrogate": b"\xed\xa0\x80",
    "last low surrogate": b"\xed\xbf\xbf",
    "a pair of surrogates": b"\xed\xa0\x80\xed\xb0\x80",
    "bad in the middle": b"Hello-\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
}


@pytest.mark.parametrize("text", VALID.values(), ids=VALID.keys())
def test_valid_text_comes_back(connection, finish, text):
    connection.send(TEXT, text)
    connection.expect(TEXT, text)
    finish(connection)


@pytest.mark.parametrize("text", VALID.values(), ids=VALID.keys())
def test_valid_text_may_be_cut_anywhere(connection, finish, text):
    for cut in range(len(text) + 1):
        connection.send(TEXT, text[:cut], fin=False)
        connection.send(CONTINUATION, text[cut:])
        connection.expect(TEXT, text)
    finish(connection)


def test_valid_text_may_come_in_fragments_of_one_byte(connection, finish):
    text = "Hello-µ@ßöäüàá-UTF-8!! κόσμε 😀".encode()
    for index in range(len(text)):
        connection.send(TEXT if index == 0 else CONTINUATION, text[index : index + 1], fin=index == len(text) - 1)
    connection.expect(TEXT, text)
    finish(connection)


@pytest.mark.parametrize("text", INVALID.values(), ids=INVALID.keys())
def test_invalid_text_fails_the_connection(connection, text):
    connection.send(TEXT, text)
    connection.expect_close(1007)


@pytest.mark.parametrize("text", INVALID.values(), ids=INVALID.keys())
def test_invalid_text_in_fragments_fails_the_connection(connection, text):
    """Also where only the end is missing: a message that ends inside a character is not text."""
    for index in range(len(text)):
        connection.send(TEXT if index == 0 else CONTINUATION, text[index : index + 1], fin=index == len(text) - 1)
    connection.expect_close(1007)


def test_a_bad_fragment_fails_before_the_message_ends(connection):
    connection.send(TEXT, b"\xce\xba\xe1\xbd\xb9", fin=False)
    connection.send(CONTINUATION, b"\xf4\x90\x80\x80", fin=False)
    connection.expect_close(1007)


def test_a_character_left_open_by_one_fragment_and_broken_by_the_next_fails(connection):
    connection.send(TEXT, b"\xe2\x82", fin=False)
    connection.send(CONTINUATION, b"A", fin=False)
    connection.expect_close(1007)


def test_binary_may_be_anything(connection, finish):
    connection.send(BINARY, b"\xff\xfe\xc0\xaf")
    connection.expect(BINARY, b"\xff\xfe\xc0\xaf")
    finish(connection)


def test_a_byte_order_mark_is_part_of_the_text(connection, finish):
    connection.send(TEXT, b"\xef\xbb\xbftext")
    connection.expect(TEXT, b"\xef\xbb\xbftext")
    finish(connection)
