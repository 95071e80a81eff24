"""A receiver of webhooks in Flask: registers itself, verifies each delivery, and takes each event once."""

import collections
import os

import requests
from flask import Flask, request
from standardwebhooks import Webhook, WebhookVerificationError
from werkzeug.serving import make_server

URL = os.environ.get("FANFARE_URL", "http://127.0.0.1:8000")
# After a crash on either side, the same event may come again: this many ids are remembered.
ids = collections.deque(maxlen=10_000)
app = Flask(__name__)


@app.post("/webhook")
def webhook():
    try:
        # The signature is that of the bytes, so they are taken before anything has read them.
        event = verifier.verify(request.get_data(), dict(request.headers))
    except WebhookVerificationError:
        return "", 401
    if event["id"] not in ids:
        ids.append(event["id"])
        print(f"received [{event['timestamp']}] {event['message']}", flush=True)
    return "", 204


def post(path, body):
    answer = requests.post(URL + path, json=body, timeout=10)
    if not answer.ok:
        problem = answer.json()
        raise SystemExit(f"{problem['detail']}; {problem.get('fix', '')}")
    return answer.json()


server = make_server("127.0.0.1", int(os.environ.get("PORT", 3000)), app)
registered = post("/api/register", {"webhook_url": f"http://127.0.0.1:{server.server_port}/webhook"})
# A secret is shown once. Who registers again and has not kept it takes a new one.
if "secret" not in registered:
    registered = post(f"/api/webhooks/{registered['id']}/secret/rotate", {"overlap": "0s"})
verifier = Webhook(registered["secret"])
server.serve_forever()
