"""Somebody who listens beside the client under test, by plain HTTP, and pushes from outside."""

import json
import queue
import threading

import requests
import sseclient

WAIT_SECONDS = 20


class Listener:
    def __init__(self, url):
        self.url = url
        self.events = queue.Queue()
        self.response = requests.get(f"{url}/stream?format=json", stream=True, timeout=WAIT_SECONDS * 3)
        assert self.response.status_code == 200, self.response.text
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            for event in sseclient.SSEClient(self.response).events():
                self.events.put(json.loads(event.data))
        except requests.exceptions.RequestException:
            return  # The gateway was ended, which is also how this thread ends.

    def push(self, event):
        answer = requests.post(f"{self.url}/api/push", json=event, timeout=WAIT_SECONDS)
        assert answer.status_code == 200, answer.text
        return answer.json()["id"]

    def heard(self):
        """Everything up to a mark that is pushed now: what is not there by then was not pushed."""
        mark = self.push({"message": "mark", "channel": "marks"})
        heard = []
        while (event := self.events.get(timeout=WAIT_SECONDS))["id"] != mark:
            heard.append(event)
        return heard

    def round_trip(self):
        assert requests.get(f"{self.url}/health", timeout=WAIT_SECONDS).status_code == 200
