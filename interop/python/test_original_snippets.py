"""The examples of the projects that Fanfare comes from, as their users have them in their scripts; only the address differs."""

import datetime
import json
import subprocess
import sys

import requests

SSE_SNIPPET = """
import sseclient
import requests

response = requests.get('http://localhost:8000/stream', stream=True)
client = sseclient.SSEClient(response)
for event in client.events():
    print(f'Received: {event.data}')
"""

PUSH_SNIPPET = """
curl -X POST http://localhost:8000/api/push \\
  -H "Content-Type: application/json" \\
  -d '{"message": "Hello from API!"}'
"""


def with_port(snippet, gateway):
    return snippet.replace("localhost:8000", gateway.address.replace("127.0.0.1", "localhost"))


def run_shell(snippet):
    return subprocess.run(
        ["bash", "-c", snippet], capture_output=True, stdin=subprocess.DEVNULL, text=True, timeout=20, check=True
    ).stdout


def start(*command):
    return subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)


def test_the_python_listener_prints_what_is_pushed(gateway):
    listener = start(sys.executable, "-u", "-c", with_port(SSE_SNIPPET, gateway))
    try:
        pushed = push_until_heard(gateway, "Hello World")
        assert listener.stdout.readline() == f"Received: [{pushed['timestamp']}] Hello World\n"
    finally:
        listener.kill()
        listener.wait()


def test_the_curl_listener_prints_the_frames(gateway):
    listener = start("bash", "-c", with_port("exec curl -N -s http://localhost:8000/stream", gateway))
    try:
        pushed = push_until_heard(gateway, "Hello World")
        lines = iter(listener.stdout.readline, "")
        assert next(line for line in lines if line.startswith("data:")) == f"data: [{pushed['timestamp']}] Hello World\n"
    finally:
        listener.kill()
        listener.wait()


def test_the_curl_push_gets_the_answer_it_always_got(gateway):
    answer = json.loads(run_shell(with_port(PUSH_SNIPPET, gateway).replace("curl ", "curl -s ")))
    assert answer["status"] == "success"
    assert answer["message"] == "Hello from API!"
    assert (answer["webhooks_notified"], answer["total_webhooks"]) == (0, 0)
    assert datetime.datetime.fromisoformat(answer["timestamp"]).utcoffset() == datetime.timedelta(0)


def test_the_python_push_gets_the_answer_it_always_got(gateway):
    answer = requests.post(f"{gateway.url}/api/push", json={"message": "Hello from Python!"}, timeout=10)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/json")
    assert {"status", "message", "timestamp", "webhooks_notified", "total_webhooks"} <= answer.json().keys()


def test_plain_text_with_curl_is_a_message(gateway):
    answer = json.loads(run_shell(f'curl -s -d "deployed" {gateway.url}/api/push/builds'))
    assert (answer["status"], answer["message"], answer["channel"]) == ("success", "deployed", "builds")


def test_a_push_without_a_message_says_what_is_missing(gateway):
    answer = requests.post(f"{gateway.url}/api/push", json={"text": "?"}, timeout=10)
    assert 400 <= answer.status_code < 500
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["code"] in ("unknown_field", "invalid_message") and problem["detail"] and problem["fix"]


def push_until_heard(gateway, message):
    """The listener is a program of its own and says nothing when it is ready: the answer to a push says who heard it."""
    for _ in range(2000):
        answer = gateway.push(message)
        if answer["stream_clients"] > 0:
            return answer
    raise AssertionError("nobody listened in time")
