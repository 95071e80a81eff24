"""A webhook receiver in Flask: registers itself, verifies each request, and handles each delivery once."""

import collections
import os

import requests
from flask import Flask, request
from standardwebhooks import Webhook, WebhookVerificationError
from werkzeug.serving import make_server

URL = os.environ.get("FANFARE_URL", "http://127.0.0.1:8000")
# After a crash on either side, the same delivery can arrive again, so remember the newest ids.
ids = collections.deque(maxlen=10_000)
app = Flask(__name__)


@app.post("/webhook")
def webhook():
    try:
        # The signature covers the raw bytes, so take them before anything parses them.
        event = verifier.verify(request.get_data(), dict(request.headers))
    except WebhookVerificationError:
        return "", 401
    if request.headers["webhook-id"] not in ids:
        ids.append(request.headers["webhook-id"])
        print(f"received [{event['timestamp']}] {event['message']}", flush=True)
    return "", 204


def post(path, body):
    response = requests.post(URL + path, json=body, timeout=10)
    if not response.ok:
        problem = response.json()
        raise SystemExit(f"{problem['detail']}; {problem.get('fix', '')}")
    return response.json()


server = make_server("127.0.0.1", int(os.environ.get("PORT", 3000)), app)
registered = post("/api/register", {"webhook_url": f"http://127.0.0.1:{server.server_port}/webhook"})
# A secret is shown once. If it was not kept, rotate it.
if "secret" not in registered:
    registered = post(f"/api/webhooks/{registered['id']}/secret/rotate", {"overlap": "0s"})
verifier = Webhook(registered["secret"])
server.serve_forever()
