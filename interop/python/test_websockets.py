"""Python's `websockets` speaks to /ws: subscribe, publish, acknowledge, resume, conflate, and what it is told when it errs."""

import asyncio
import json

import pytest
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

READ_SECONDS = 20


class Socket:
    """The library's connection, with frames as values."""

    def __init__(self, url):
        self.connection = connect(url, open_timeout=READ_SECONDS, close_timeout=1)

    def next(self):
        return json.loads(self.connection.recv(timeout=READ_SECONDS))

    def tell(self, **request):
        self.connection.send(json.dumps(request))

    def ask(self, **request):
        """Asks and returns the answer; events that come in between are an error of the test."""
        self.tell(**request)
        return self.next()

    def events(self, count):
        """The next events; `caught-up` may come between them, wherever a replay ends."""
        frames = []
        while len(frames) < count:
            frame = self.next()
            if frame["op"] != "caught-up":
                assert frame["op"] == "event", frame
                frames.append(frame["event"])
        return frames

    def messages(self, count):
        return [event["message"] for event in self.events(count)]

    def reason(self):
        """Code and reason with which the server closes."""
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                self.connection.recv(timeout=READ_SECONDS)
        assert closed.value.rcvd, "the server closed without saying why"
        return closed.value.rcvd.code, closed.value.rcvd.reason


@pytest.fixture
def open_socket(gateway):
    opened = []

    def open_one():
        opened.append(Socket(gateway.websocket_url))
        return opened[-1]

    yield open_one
    for socket in opened:
        socket.connection.close_socket()


@pytest.fixture
def socket(open_socket):
    return open_socket()


def test_what_one_socket_publishes_the_other_gets(open_socket):
    reader, writer = open_socket(), open_socket()
    answer = reader.ask(op="subscribe", channels=["builds.*"], id=1)
    assert (answer["op"], answer["id"]) == ("subscribed", 1)

    answer = writer.ask(op="publish", event={"channel": "builds.web", "message": "green", "data": {"n": 1}}, id="two")
    assert (answer["op"], answer["id"], len(answer["ids"]), answer["stream_clients"]) == ("published", "two", 1, 1)

    frame = reader.next()
    assert frame["op"] == "event"
    event = frame["event"]
    assert (event["id"], event["channel"], event["message"], event["data"]) == (answer["ids"][0], "builds.web", "green", {"n": 1})


def test_a_batch_is_published_in_its_order(socket):
    socket.ask(op="subscribe")
    socket.tell(op="publish", events=[{"message": str(number)} for number in range(10)], id=7)
    frames = [socket.next() for _ in range(11)]
    (answer,) = [frame for frame in frames if frame["op"] == "published"]
    events = [frame["event"] for frame in frames if frame["op"] == "event"]
    assert [event["message"] for event in events] == [str(number) for number in range(10)]
    assert answer["ids"] == [event["id"] for event in events]


def test_filters_leave_out_what_was_not_asked_for(gateway, socket):
    socket.ask(op="subscribe", channels=["builds.>"], types=["error"], min_priority="high")
    gateway.push("other channel", channel="deploys", type="error", priority="high")
    gateway.push("other type", channel="builds.web", type="info", priority="high")
    gateway.push("too low", channel="builds.web", type="error", priority="low")
    gateway.push("this one", channel="builds.web.linux", type="error", priority="max")
    assert socket.messages(1) == ["this one"]


def test_after_unsubscribe_nothing_comes(gateway, socket):
    socket.ask(op="subscribe")
    gateway.push("before")
    assert socket.messages(1) == ["before"]
    answer = socket.ask(op="unsubscribe", id=3)
    assert (answer["op"], answer["id"]) == ("unsubscribed", 3)
    gateway.push("after")
    assert socket.ask(op="ping", id=4) == {"op": "pong", "id": 4}


def test_a_socket_resumes_after_its_position_across_a_kill(gateway, socket, open_socket):
    socket.ask(op="subscribe")
    gateway.push_all("1", "2", "3")
    position = socket.events(3)[1]["id"]

    gateway.kill()
    gateway.restart()
    gateway.push("4")
    socket = open_socket()
    socket.ask(op="subscribe", after=position)
    assert socket.messages(2) == ["3", "4"]
    assert socket.next()["op"] == "caught-up"
    gateway.push("5")
    assert socket.messages(1) == ["5"]


def test_a_reader_gets_again_what_it_has_not_acknowledged_across_a_kill(gateway, socket, open_socket):
    socket.ask(op="subscribe", reader="worker-1")
    gateway.push_all("1", "2", "3")
    done = socket.events(3)[1]["id"]
    answer = socket.ask(op="ack", position=done, id=9)
    assert (answer["op"], answer["id"], answer["position"]) == ("acked", 9, done)

    gateway.kill()
    gateway.restart()
    socket = open_socket()
    socket.ask(op="subscribe", reader="worker-1")
    assert socket.messages(1) == ["3"]


def test_a_lagging_reader_that_conflates_gets_the_newest_of_each_key(gateway, socket):
    for number in range(5):
        gateway.push(f"cpu {number}", key="cpu")
        gateway.push(f"disk {number}", key="disk")
    gateway.push("no key")
    socket.ask(op="subscribe", since="earliest", conflate=True)
    assert socket.messages(3) == ["cpu 4", "disk 4", "no key"]


@pytest.mark.parametrize(
    ("request_text", "code"),
    [
        ("{", "invalid_json"),
        ("[]", None),
        ('{"op":"dance","id":5}', None),
        ('{"op":"subscribe","channels":["a..b"],"id":5}', "invalid_pattern"),
        ('{"op":"publish","event":{"message":"x","channel":"a..b"},"id":5}', "invalid_channel"),
        ('{"op":"publish","event":{"message":"x","colour":"red"},"id":5}', "unknown_field"),
        ('{"op":"publish","events":[],"id":5}', "empty_batch"),
        ('{"op":"ack","position":"?","id":5}', "invalid_position"),
    ],
)
def test_an_error_is_explained_and_leaves_the_socket_open(socket, request_text, code):
    socket.connection.send(request_text)
    answer = socket.next()
    assert answer["op"] == "error"
    assert code is None or answer["error"]["code"] == code
    assert answer["error"]["detail"]
    assert ('"id":5' not in request_text) or answer["id"] == 5
    assert socket.ask(op="ping")["op"] == "pong"


def test_a_position_that_cannot_be_read_gets_reset_and_live_events(gateway, socket):
    socket.tell(op="subscribe", after="not a position", id=5)
    first, second = socket.next(), socket.next()
    assert {first["op"], second["op"]} == {"subscribed", "reset"}
    assert next(frame for frame in (first, second) if frame["op"] == "reset")["reason"] == "unreadable"
    gateway.push("live")
    frame = socket.next()
    assert (frame if frame["op"] == "event" else socket.next())["event"]["message"] == "live"


def test_a_binary_frame_is_refused_with_a_reason(socket):
    socket.connection.send(b"\x00\x01")
    code, reason = socket.reason()
    assert code == 1003 and reason


def test_a_frame_over_the_limit_is_refused_with_a_reason(socket):
    socket.connection.send("x" * ((1 << 20) + 1))
    code, reason = socket.reason()
    assert code == 1009 and reason


def test_a_gateway_that_stops_says_so(gateway, socket):
    socket.ask(op="subscribe")
    gateway.terminate()
    code, reason = socket.reason()
    assert code == 1001 and reason


def test_a_client_that_says_goodbye_gets_it_back(socket):
    socket.connection.close(1000, "thanks")
    assert socket.connection.protocol.close_rcvd.code == 1000


def test_a_client_that_reconnects_by_itself_misses_nothing(gateway):
    """`async for` over `connect` is the library's own way to come back."""
    got = []

    async def listen():
        position = None
        async for connection in connect_async(gateway.websocket_url, open_timeout=READ_SECONDS):
            try:
                await connection.send(json.dumps({"op": "subscribe", **({"after": position} if position else {})}))
                async for text in connection:
                    frame = json.loads(text)
                    if frame["op"] == "subscribed" and position is None:
                        await asyncio.to_thread(gateway.push_all, "1", "2", "3")
                    elif frame["op"] == "event":
                        position = frame["event"]["id"]
                        got.append(frame["event"]["message"])
                        if got[-1] == "3":
                            await asyncio.to_thread(kill_and_return)
                        elif got[-1] == "5":
                            return
            except ConnectionClosed:
                continue

    def kill_and_return():
        gateway.kill()
        gateway.restart()
        gateway.push_all("4", "5")

    asyncio.run(asyncio.wait_for(listen(), 30))
    assert got == ["1", "2", "3", "4", "5"]
