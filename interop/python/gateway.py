"""The real binary, started, killed and started again on the same port with the same store."""

import os
import re
import signal
import subprocess
import threading

import requests

LISTENING = re.compile(r"listening on http://([\d.]+:\d+)")
START_SECONDS = 20
STOP_SECONDS = 20


class Gateway:
    def __init__(self, store, **environment):
        self.store = store
        self.environment = environment
        self.process = None
        self.address = "127.0.0.1:0"

    @property
    def url(self):
        return f"http://{self.address}"

    @property
    def websocket_url(self):
        return f"ws://{self.address}/ws"

    def start(self):
        self.process = subprocess.Popen(
            [os.environ["FANFARE_BIN"], "serve", "--listen", self.address, "--store", str(self.store)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **self.environment},
        )
        alarm = threading.Timer(START_SECONDS, self.process.kill)
        alarm.start()
        said = []
        for line in self.process.stderr:
            said.append(line)
            if found := LISTENING.search(line):
                break
        alarm.cancel()
        assert said and found, "the gateway did not say where it listens:\n" + "".join(said)
        self.address = found[1]
        # What it logs from here on must not fill the pipe.
        threading.Thread(target=self.process.stderr.read, daemon=True).start()
        return self

    def kill(self):
        """SIGKILL: nothing is said to anybody, nothing is saved on the way out."""
        self.process.kill()
        self.process.wait(STOP_SECONDS)

    def restart(self):
        """Starts again where it was: same port, same store."""
        return self.start()

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.kill()

    def push(self, message, **members):
        answer = requests.post(f"{self.url}/api/push", json={"message": message, **members}, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path, body=None):
        answer = requests.post(f"{self.url}{path}", json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def get(self, path):
        answer = requests.get(f"{self.url}{path}", timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def register(self, receiver, **members):
        return self.post("/api/register", {"webhook_url": receiver.url, **members})

    def events(self):
        """What the log has, the oldest first."""
        return self.get("/api/events?order=oldest")["events"]

    def push_all(self, *messages, **members):
        return [self.push(message, **members) for message in messages]
