"""A WebSocket client that writes any bytes it is told to and believes nothing it reads (RFC 6455).

Real clients cannot send what is forbidden; these tests have to. Every frame that comes back is checked
against the rules for servers: not masked, no reserved bit, the shortest length, whole and short control frames.
"""

import base64
import hashlib
import os
import socket
import struct
import time
from dataclasses import dataclass

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
DEADLINE_SECONDS = 10.0
ACCEPT_SUFFIX = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@dataclass(frozen=True)
class Frame:
    opcode: int
    payload: bytes
    fin: bool = True

    @property
    def close_code(self):
        return struct.unpack("!H", self.payload[:2])[0] if self.payload else None


def encode(opcode, payload=b"", *, fin=True, reserved=0, mask=b"\x37\xfa\x21\x3d", length_bytes=None):
    """One frame as a client writes it; `mask=None` and a longer `length_bytes` than needed are mistakes to make."""
    size = len(payload)
    if length_bytes is None:
        length_bytes = 0 if size < 126 else 2 if size < 1 << 16 else 8
    masked = 0x80 if mask is not None else 0
    head = bytes([(0x80 if fin else 0) | reserved << 4 | opcode])
    if length_bytes == 0:
        head += bytes([masked | size])
    elif length_bytes == 2:
        head += bytes([masked | 126]) + struct.pack("!H", size)
    else:
        head += bytes([masked | 127]) + struct.pack("!Q", size)
    return head + (payload if mask is None else mask + apply_mask(payload, mask))


def apply_mask(payload, mask):
    if not payload:
        return b""
    key = (mask * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(len(payload), "big")


def close_payload(code, reason=b""):
    return struct.pack("!H", code) + reason


class Dropped(Exception):
    """The server ended the TCP connection."""


class Connection:
    def __init__(self, address, path="/ws"):
        self.socket = socket.create_connection(address, timeout=DEADLINE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.unread = b""
        self.handshake(address, path)

    def handshake(self, address, path):
        key = base64.b64encode(os.urandom(16))
        self.send_bytes(
            f"GET {path} HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key.decode()}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self.unread:
            self.fill(time.monotonic() + DEADLINE_SECONDS)
        head, self.unread = self.unread.split(b"\r\n\r\n", 1)
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        assert status.startswith("HTTP/1.1 101"), status
        assert headers["upgrade"].lower() == "websocket"
        assert "upgrade" in headers["connection"].lower()
        assert headers["sec-websocket-accept"].encode() == base64.b64encode(hashlib.sha1(key + ACCEPT_SUFFIX).digest())
        assert "sec-websocket-extensions" not in headers, "no extension was offered"

    # Writing

    def send_bytes(self, data):
        """Says whether it could be sent: after a mistake of ours the server may be gone before we have finished,
        and what it said before that can still be read."""
        try:
            self.socket.sendall(data)
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def send(self, opcode, payload=b"", **how):
        self.send_bytes(encode(opcode, payload, **how))

    def send_in_pieces(self, data, size):
        """The same bytes in many writes: where a packet ends must mean nothing."""
        for start in range(0, len(data), size):
            self.send_bytes(data[start : start + size])

    # Reading

    def fill(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the server said nothing in time")
        self.socket.settimeout(left)
        try:
            data = self.socket.recv(1 << 16)
        except ConnectionResetError as error:
            raise Dropped("reset") from error
        if not data:
            raise Dropped("end of stream")
        self.unread += data

    def take(self, count, deadline):
        while len(self.unread) < count:
            self.fill(deadline)
        taken, self.unread = self.unread[:count], self.unread[count:]
        return taken

    def next_frame(self, seconds=DEADLINE_SECONDS):
        deadline = time.monotonic() + seconds
        first, second = self.take(2, deadline)
        opcode, size = first & 0x0F, second & 0x7F
        assert first & 0x70 == 0, "a server that agreed to no extension set a reserved bit"
        assert second & 0x80 == 0, "a server must not mask"
        if size == 126:
            (size,) = struct.unpack("!H", self.take(2, deadline))
            assert size > 125, "not the shortest length"
        elif size == 127:
            (size,) = struct.unpack("!Q", self.take(8, deadline))
            assert size > 0xFFFF, "not the shortest length"
        frame = Frame(opcode, self.take(size, deadline), bool(first & 0x80))
        if opcode >= CLOSE:
            assert frame.fin and size <= 125, "control frames are whole and short"
        return frame

    def next_message(self):
        """The next text or binary message, put together; a control frame in its way is a surprise."""
        frame = self.next_frame()
        opcode, payload = frame.opcode, frame.payload
        assert opcode in (TEXT, BINARY), frame
        while not frame.fin:
            frame = self.next_frame()
            assert frame.opcode == CONTINUATION, frame
            payload += frame.payload
        return Frame(opcode, payload)

    def expect(self, opcode, payload):
        got = self.next_message() if opcode in (TEXT, BINARY) else self.next_frame()
        assert (got.opcode, got.payload) == (opcode, payload), shorten(got)

    def expect_close(self, *codes):
        """The server says why it closes, with one of these codes, and ends the TCP connection."""
        frame = self.next_frame()
        assert frame.opcode == CLOSE, shorten(frame)
        assert frame.close_code in codes, f"closed with {frame.close_code}, not {codes}: {frame.payload[2:]!r}"
        frame.payload[2:].decode("utf-8")
        self.expect_end()
        return frame

    def expect_end(self):
        try:
            frame = self.next_frame()
        except Dropped:
            return
        raise AssertionError(f"after its close frame the server sent {shorten(frame)}")

    def close(self):
        self.socket.close()


def shorten(frame):
    return Frame(frame.opcode, frame.payload[:100], frame.fin)
