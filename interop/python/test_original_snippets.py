"""The examples of the projects that Fanfare comes from, as their users have them in their scripts; only the address differs."""

import datetime
import json
import re
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

REGISTER_SNIPPET = """
curl -X POST http://localhost:8000/api/register \\
  -H "Content-Type: application/json" \\
  -d '{"webhook_url": "http://your-server:3000/webhook"}'
"""

LIST_SNIPPET = """
curl http://localhost:8000/api/webhooks
"""

UNREGISTER_SNIPPET = """
curl -X POST http://localhost:8000/api/unregister \\
  -H "Content-Type: application/json" \\
  -d '{"webhook_url": "http://your-server:3000/webhook"}'
"""

FLASK_SNIPPET = """
from flask import Flask, request, jsonify

app = Flask(__name__)

@app.route('/webhook', methods=['POST'])
def webhook():
    data = request.json
    message = data.get('message')
    timestamp = data.get('timestamp')
    print(f'📨 Received: [{timestamp}] {message}')
    return jsonify({'status': 'success'})

if __name__ == '__main__':
    app.run(port=3000)
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


def test_the_flask_receiver_that_curl_registered_prints_what_is_pushed(gateway):
    server = subprocess.Popen(
        [sys.executable, "-u", "-c", FLASK_SNIPPET.replace("3000", "0")],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
    )
    try:
        lines = iter(server.stdout.readline, "")
        running = next(line for line in lines if "Running on" in line)
        webhook_url = re.search(r"http://127.0.0.1:\d+", running)[0] + "/webhook"

        def run(snippet):
            snippet = with_port(snippet, gateway).replace("http://your-server:3000/webhook", webhook_url)
            return json.loads(run_shell(snippet.replace("curl ", "curl -s ")))

        registered = run(REGISTER_SNIPPET)
        assert {name: registered[name] for name in ("status", "webhook_url", "total_webhooks")} == {
            "status": "success", "webhook_url": webhook_url, "total_webhooks": 1,
        }
        assert run(REGISTER_SNIPPET)["total_webhooks"] == 1, "there is no second"
        assert run(LIST_SNIPPET) == {"webhooks": [webhook_url], "total": 1}

        pushed = gateway.push("Grüße ☃")
        assert (pushed["webhooks_notified"], pushed["total_webhooks"]) == (1, 1)
        received = next(line for line in lines if "Received" in line)
        assert received == f"📨 Received: [{pushed['timestamp']}] Grüße ☃\n"

        assert run(UNREGISTER_SNIPPET) == {"status": "success", "webhook_url": webhook_url, "total_webhooks": 0}
        assert run(LIST_SNIPPET) == {"webhooks": [], "total": 0}
        assert gateway.push("nobody hears it")["webhooks_notified"] == 0
    finally:
        server.kill()
        server.wait()


def push_until_heard(gateway, message):
    """The listener is a program of its own and says nothing when it is ready: the answer to a push says who heard it."""
    for _ in range(2000):
        answer = gateway.push(message)
        if answer["stream_clients"] > 0:
            return answer
    raise AssertionError("nobody listened in time")
