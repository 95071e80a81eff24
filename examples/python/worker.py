"""A durable reader: works on events one by one, and acknowledges what it has done.

Kill it at any moment and start it again: it goes on with what was not acknowledged. An event whose work was done but not
acknowledged comes a second time, so work has to bear that.
"""

import json
import os
import sys
import time

import requests
import sseclient

URL = os.environ.get("FANFARE_URL", "http://127.0.0.1:8000")
READER = sys.argv[1] if len(sys.argv) > 1 else "worker"


def work(event):
    print(f"working on {event['message']!r} from {event['channel']}", flush=True)


def listen():
    stream = requests.get(
        f"{URL}/stream", params={"reader": READER, "channel": "jobs.>", "format": "json"}, stream=True, timeout=(10, 90)
    )
    stream.raise_for_status()
    for event in sseclient.SSEClient(stream).events():
        if event.event == "gap":
            print(f"too late for some events: {event.data}", file=sys.stderr)
        elif event.event == "message":
            work(json.loads(event.data))
            ack = requests.post(f"{URL}/api/readers/{READER}/ack", json={"position": event.id}, timeout=10)
            ack.raise_for_status()


while True:
    try:
        listen()
    except requests.RequestException as problem:
        print(f"trying again in 2 s: {problem}", file=sys.stderr)
    time.sleep(2)
