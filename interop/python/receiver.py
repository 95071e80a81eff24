"""A receiver of webhooks as Python's own HTTP server makes it: keeps what it gets, byte for byte."""

import http.server
import queue
import threading
from dataclasses import dataclass

WAIT_SECONDS = 20


@dataclass(frozen=True)
class Request:
    headers: dict
    body: bytes

    @property
    def signatures(self):
        return self.headers["webhook-signature"].split(" ")


class Receiver:
    """Answers with the statuses it is given, one after the other, and then always with 200."""

    def __init__(self, *statuses):
        self.requests = queue.Queue()
        self.statuses = list(statuses)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.server.daemon_threads = True

    def handler(receiver):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.statuses.pop(0) if receiver.statuses else 200
                receiver.requests.put(Request({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        return Handler

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/webhook"

    def next(self):
        return self.requests.get(timeout=WAIT_SECONDS)

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
