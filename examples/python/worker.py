"""A durable reader: handles events one by one, and acknowledges each when it is done.

Kill it at any moment and start it again: it resumes with the first event that was not acknowledged. An event that was
handled but not acknowledged arrives again, so handling must tolerate that.
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
            print(f"some events are gone: {event.data}", file=sys.stderr)
        elif event.event == "message":
            work(json.loads(event.data))
            ack = requests.post(f"{URL}/api/readers/{READER}/ack", json={"position": event.id}, timeout=10)
            ack.raise_for_status()


while True:
    try:
        listen()
    except requests.RequestException as problem:
        print(f"retrying in 2 s: {problem}", file=sys.stderr)
    time.sleep(2)
