"""sseclient-py, httpx-sse, curl and sseclient listen to /stream, lose the server to a SIGKILL and come back for what they missed.

The first three do not reconnect by themselves: each test does what its user would do, which is to give back the last id.
"""

import asyncio
import json
import os
import signal
import subprocess
import time

import httpx
import httpx_sse
import pytest
import requests
import sseclient

READ_SECONDS = 20


class SseClientPy:
    """As in the original project's README: requests opens the stream, sseclient reads it."""

    def __init__(self, url, last_event_id=None):
        headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
        self.response = requests.get(url, stream=True, headers=headers, timeout=READ_SECONDS)
        self.events = sseclient.SSEClient(self.response).events()

    def next(self):
        event = next(self.events)
        return event.id, event.event, event.data

    def position(self):
        return self.response.headers["fanfare-position"]

    def close(self):
        self.response.close()


class HttpxSse:
    def __init__(self, url, last_event_id=None):
        headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
        self.client = httpx.Client(timeout=READ_SECONDS)
        self.context = httpx_sse.connect_sse(self.client, "GET", url, headers=headers)
        self.source = self.context.__enter__()
        self.source.response.raise_for_status()
        self.events = self.source.iter_sse()

    def next(self):
        event = next(self.events)
        return event.id, event.event, event.data

    def position(self):
        return self.source.response.headers["fanfare-position"]

    def close(self):
        self.context.__exit__(None, None, None)
        self.client.close()


class Curl:
    """`curl -N`, read as a shell script would: line by line."""

    def __init__(self, url, last_event_id=None):
        header = ["-H", f"Last-Event-ID: {last_event_id}"] if last_event_id else []
        self.process = subprocess.Popen(
            ["curl", "-N", "-s", "--max-time", str(READ_SECONDS), *header, url], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
        )
        # The first bytes come at once: from then on it is connected.
        assert self.process.stdout.readline() != ""

    def next(self):
        event_id, event, data = "", "message", []
        for line in self.process.stdout:
            line = line.removesuffix("\n")
            field, _, value = line.partition(": ")
            if field == "id":
                event_id = value
            elif field == "event":
                event = value
            elif field == "data":
                data.append(value)
            elif line == "" and data:
                return event_id, event, "\n".join(data)
        raise EOFError("curl's stream ended")

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


CLIENTS = [SseClientPy, HttpxSse, Curl]
ENDS = (requests.exceptions.RequestException, httpx.HTTPError, EOFError, StopIteration)


@pytest.fixture(params=CLIENTS, ids=[client.__name__ for client in CLIENTS])
def listen(request):
    opened = []

    def open_one(url, last_event_id=None):
        opened.append(request.param(url, last_event_id))
        return opened[-1]

    yield open_one
    for client in opened:
        client.close()


def messages(client, count):
    """The messages of the next events, which say `[timestamp] message`, and the id of the last."""
    got = []
    for _ in range(count):
        last_id, _, data = client.next()
        assert data.startswith("["), data
        got.append(data.split("] ", 1)[1])
    return got, last_id


def test_a_listener_gets_what_is_pushed_with_its_time(gateway, listen):
    client = listen(f"{gateway.url}/stream")
    pushed = gateway.push("Hello World")
    event_id, event, data = client.next()
    assert (event_id, event) == (pushed["id"], "message")
    assert data == f"[{pushed['timestamp']}] Hello World"


def test_a_message_of_several_lines_arrives_whole(gateway, listen):
    client = listen(f"{gateway.url}/stream")
    pushed = gateway.push("first\nsecond\n\nfourth: ü 😀")
    assert client.next()[2] == f"[{pushed['timestamp']}] first\nsecond\n\nfourth: ü 😀"


def test_a_listener_that_comes_back_after_a_kill_misses_nothing_and_sees_nothing_twice(gateway, listen):
    client = listen(f"{gateway.url}/stream")
    gateway.push_all("1", "2", "3")
    got, last_id = messages(client, 3)
    assert got == ["1", "2", "3"]
    gateway.push_all("4 while nobody reads", "5 while nobody reads")

    gateway.kill()
    gateway.restart()
    gateway.push_all("6 while away")
    client = listen(f"{gateway.url}/stream", last_event_id=last_id)
    gateway.push_all("7 live again")

    got, _ = messages(client, 4)
    assert got == ["4 while nobody reads", "5 while nobody reads", "6 while away", "7 live again"]


@pytest.mark.parametrize("library", [SseClientPy, HttpxSse])
@pytest.mark.parametrize("format", ["text", "json"])
def test_the_obvious_loop_sees_events_and_nothing_else(gateway, library, format):
    """`for event in client: use(event.data)`, as each library's README has it; a block without data would be an event here."""
    client = library(f"{gateway.url}/stream?format={format}")
    try:
        gateway.push_all("1", "2", "3")
        got = []
        for _ in range(3):
            event_id, event, data = client.next()
            got.append(json.loads(data)["message"] if format == "json" else data.split("] ", 1)[1])
            assert (event, event_id != "") == ("message", True)
        assert got == ["1", "2", "3"]
    finally:
        client.close()


@pytest.mark.parametrize("library", [SseClientPy, HttpxSse])
def test_a_listener_that_is_cut_off_before_its_first_event_comes_back_to_where_it_was(gateway, library):
    gateway.push("before")
    client = library(f"{gateway.url}/stream")
    position = client.position()
    gateway.kill()
    with pytest.raises(ENDS):
        client.next()
    client.close()
    gateway.restart()
    gateway.push_all("while away")
    client = library(f"{gateway.url}/stream", last_event_id=position)
    gateway.push_all("live again")
    try:
        assert messages(client, 2)[0] == ["while away", "live again"]
    finally:
        client.close()


def test_the_stream_of_a_killed_gateway_ends(gateway, listen):
    """Instead of hanging: that is how a client notices that it has to come back."""
    client = listen(f"{gateway.url}/stream")
    gateway.push("last")
    messages(client, 1)
    gateway.kill()
    with pytest.raises(ENDS):
        client.next()


def test_whole_events_come_as_json_with_their_names(gateway, listen):
    client = listen(f"{gateway.url}/stream?format=json&events=named&channel=builds.*")
    gateway.push("elsewhere", channel="other")
    pushed = gateway.push("failed", channel="builds.web", type="error", priority="high", data={"exit": 1})
    event_id, event, data = client.next()
    whole = json.loads(data)
    # An `EventSource` would take the bare `error` for a connection that broke.
    assert (event_id, event) == (pushed["id"], "type.error")
    assert {name: whole[name] for name in ("id", "channel", "type", "message", "priority", "data")} == {
        "id": pushed["id"], "channel": "builds.web", "type": "error", "message": "failed", "priority": "high", "data": {"exit": 1},
    }


def test_a_replay_from_the_beginning_says_when_it_has_caught_up(gateway, listen):
    gateway.push_all("a", "b")
    client = listen(f"{gateway.url}/stream?since=earliest&events=named")
    assert [client.next()[1] for _ in range(3)] == ["info", "info", "caught-up"]


def test_a_position_of_another_log_is_answered_with_reset_and_live_events(gateway, listen):
    client = listen(f"{gateway.url}/stream", last_event_id="aaaaaaaa-7")
    _, event, data = client.next()
    assert (event, json.loads(data)["reason"]) == ("reset", "another_epoch")
    gateway.push("live")
    assert messages(client, 1)[0] == ["live"]


def test_httpx_sse_reads_it_without_blocking(gateway):
    async def listen_for(count):
        async with httpx.AsyncClient(timeout=READ_SECONDS) as client:
            async with httpx_sse.aconnect_sse(client, "GET", f"{gateway.url}/stream") as source:
                await asyncio.to_thread(gateway.push_all, "a", "b")
                got = []
                async for event in source.aiter_sse():
                    got.append(event.data.split("] ", 1)[1])
                    if len(got) == count:
                        return got

    assert asyncio.run(listen_for(2)) == ["a", "b"]


# sseclient and sseclient-py are modules of one name, so this one runs as a program in an environment of its own.
SSECLIENT = """
import json, sys, sseclient
for event in sseclient.SSEClient(sys.argv[1], retry=100):
    print(json.dumps([event.id, event.event, event.data]), flush=True)
"""


@pytest.mark.parametrize("format", ["text", "json"])
def test_sseclient_outlives_the_gateway(gateway, format):
    """It reconnects by itself, with the id of the last event that it saw and after the time that the stream asks for."""
    gateway.push("before it listens")
    command = [os.environ["SSECLIENT_PYTHON"], "-c", SSECLIENT, f"{gateway.url}/stream?format={format}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True)

    def messages(count):
        got = []
        while len(got) < count:
            line = process.stdout.readline()
            assert line, "sseclient ended"
            # It also prints why it reconnects.
            if not line.startswith("["):
                continue
            event_id, event, data = json.loads(line)
            assert event_id, line
            # In JSON, the end of a replay is an event with another name.
            if event != "message":
                assert (event, format) == ("caught-up", "json"), line
                continue
            got.append(json.loads(data)["message"] if format == "json" else data.split("] ", 1)[1])
        return got

    try:
        listens(gateway)
        gateway.push_all("1", "2: two\nlines")
        assert messages(2) == ["1", "2: two\nlines"]
        # It stands still until what it misses is in the log, so that only a resume can bring it.
        process.send_signal(signal.SIGSTOP)
        gateway.kill()
        gateway.restart()
        gateway.push_all("3 while away", "4")
        process.send_signal(signal.SIGCONT)
        assert messages(2) == ["3 while away", "4"]
        gateway.push_all("5, and nothing twice")
        assert messages(1) == ["5, and nothing twice"]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def listens(gateway):
    """Returns once somebody listens: events count from then on."""
    deadline = time.monotonic() + READ_SECONDS
    while time.monotonic() < deadline:
        if requests.get(f"{gateway.url}/api/clients", timeout=READ_SECONDS).json()["clients"]:
            return
    raise AssertionError("nobody listens")
