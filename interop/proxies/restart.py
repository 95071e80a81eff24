"""Restarts of the gateway under load behind a real nginx, with the configuration that is shipped: no request may fail.

Usage: python3 interop/proxies/restart.py FANFARE [NGINX]

Without NGINX, nothing can be tried. Pushes, pages and pages that are waited for go through nginx on connections that
it keeps. Meanwhile the gateway is restarted, each check in its own way; afterwards every push is in the log once.
"""

import contextlib
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

DEADLINE_SECONDS = 30
RESTARTS = 4
PUSHERS = 8
# Requests between two restarts, so that each one happens under load.
BETWEEN = 200
SHIPPED = pathlib.Path(__file__).parents[2] / "packaging" / "proxies" / "nginx.conf"


class Gateway:
    """`fanfare serve`; sockets that are given stay open from one start to the next, as with systemd."""

    def __init__(self, fanfare, directory, listen, passed=None):
        self.command = [fanfare, "serve", "-o", "json", "--store", directory / "log.db", "--listen", listen]
        self.passed = passed
        self.log = open(directory / "gateway.log", "ab")
        self.process = None

    def start(self):
        environment = dict(os.environ)
        descriptors = ()
        if self.passed:
            environment |= {"LISTEN_FDS": "1", "LISTEN_FDS_FIRST_FD": str(self.passed.fileno())}
            descriptors = (self.passed.fileno(),)
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True,
            env=environment, pass_fds=descriptors,
        )
        return self.listening()

    def listening(self):
        alarm = threading.Timer(DEADLINE_SECONDS, self.process.kill)
        alarm.start()
        line = self.process.stdout.readline()
        alarm.cancel()
        assert line, f"the gateway did not start: {self.process.poll()}"
        return json.loads(line)["addresses"][0]

    def hand_over(self):
        self.process.send_signal(signal.SIGUSR2)
        self.listening()

    def restart(self):
        self.stop()
        self.start()

    def stop(self):
        self.process.terminate()
        assert self.process.wait(DEADLINE_SECONDS) == 0, self.process.returncode

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        self.log.close()


class Load:
    """Clients of nginx that send one request after the other; whatever fails is kept."""

    def __init__(self, port):
        self.port, self.over = port, threading.Event()
        self.lock, self.answered, self.pushed, self.failed = threading.Lock(), 0, 0, []
        push = ("POST", "/api/push?wait=0s", json.dumps({"channel": "load", "message": "x"}))
        page = ("GET", "/api/events?channel=load&limit=10", None)
        wait = ("GET", "/api/events?channel=nothing&wait=2s", None)
        requests = [push] * PUSHERS + [page] * 2 + [wait] * 2
        self.threads = [threading.Thread(target=self.run, args=request) for request in requests]
        for thread in self.threads:
            thread.start()

    def run(self, method, path, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_SECONDS)
        while not self.over.is_set():
            try:
                connection.request(method, path, body, {"content-type": "application/json"} if body else {})
                response = connection.getresponse()
                text = response.read()
                failure = None if response.status == 200 else f"{method} {path}: {response.status} {text[:200]}"
            except (OSError, http.client.HTTPException) as error:
                failure = f"{method} {path}: {error!r}"
                connection.close()
            with self.lock:
                self.answered += 1
                self.pushed += method == "POST" and failure is None
                if failure:
                    self.failed.append(failure)
        connection.close()

    def go_on(self, count):
        until, deadline = self.answered + count, time.monotonic() + DEADLINE_SECONDS
        while self.answered < until:
            assert time.monotonic() < deadline, "the load came to a standstill"
            time.sleep(0.005)

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join(2 * DEADLINE_SECONDS)
        assert not any(thread.is_alive() for thread in self.threads), "a request has no end"


def shipped(upstream, port):
    """Returns the shipped configuration with these addresses in place of its own."""
    text = SHIPPED.read_text()
    for own, here in (
        ("127.0.0.1:8000", upstream),
        ("listen 443 ssl http2;", f"listen 127.0.0.1:{port} reuseport;"),
        ("server_name push.example.com;", "server_name _;"),
    ):
        assert own in text, f"the configuration does not have: {own}"
        text = text.replace(own, here)
    return text


@contextlib.contextmanager
def nginx(directory, upstream):
    # The port is held for nginx, which shares it, so that nobody else gets it in between. Only a socket that listens gets
    # connections.
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        with served(directory, upstream, port):
            yield port


@contextlib.contextmanager
def served(directory, upstream, port):
    user = "user root;" if os.getuid() == 0 else ""
    paths = " ".join(f"{kind}_temp_path {directory}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (directory / "nginx.conf").write_text(f"""
        {user} daemon off; master_process off; pid {directory}/nginx.pid; error_log {directory}/nginx.log error;
        events {{ worker_connections 512; }}
        http {{
            access_log off; {paths}
            {shipped(upstream, port)}
        }}
    """)
    process = subprocess.Popen(
        [NGINX, "-c", directory / "nginx.conf", "-p", directory], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None and time.monotonic() < deadline, "nginx did not start"
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(DEADLINE_SECONDS)


def request(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_SECONDS)
    connection.request("GET", path)
    response = connection.getresponse()
    return json.loads(response.read())


def run(gateway, directory, restart):
    try:
        address = gateway.start()
        with nginx(directory, address) as port:
            load = Load(port)
            try:
                for _ in range(RESTARTS):
                    load.go_on(BETWEEN)
                    restart()
                load.go_on(BETWEEN)
            finally:
                load.end()
            assert not load.failed, f"{len(load.failed)} of {load.answered} requests failed, such as {load.failed[:3]}"
            last = int(request(port, "/api/status")["last"].rsplit("-", 1)[1])
            assert last == load.pushed, f"{load.pushed} pushes were answered, and the log has {last}"
            print(f"  {load.answered} requests over {RESTARTS} restarts")
        gateway.stop()
    finally:
        gateway.kill()


def check_hand_over(fanfare, directory):
    """SIGUSR2: the process continues as its own successor."""
    gateway = Gateway(fanfare, directory, "127.0.0.1:0")
    run(gateway, directory, gateway.hand_over)


def check_hand_over_at_a_unix_socket(fanfare, directory):
    """The same where nginx reaches the gateway at a Unix socket."""
    gateway = Gateway(fanfare, directory, f"unix:{directory}/socket")
    run(gateway, directory, gateway.hand_over)


def check_sockets_held_by_the_starter(fanfare, directory):
    """SIGTERM and a new process, with the socket held open meanwhile, as systemd does."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen(4096)
        gateway = Gateway(fanfare, directory, "127.0.0.1:1", held)
        run(gateway, directory, gateway.restart)


def main():
    fanfare = pathlib.Path(FANFARE).resolve()
    checks = [check_hand_over, check_hand_over_at_a_unix_socket, check_sockets_held_by_the_starter]
    if NGINX is None:
        print(f"nginx is not here: nothing was tried\n0 passed, 0 failed, {len(checks)} skipped in 0s")
        return
    began, failed = time.monotonic(), 0
    for check in checks:
        with tempfile.TemporaryDirectory(prefix="fanfare-proxy-") as directory:
            try:
                check(fanfare, pathlib.Path(directory))
                print(f"ok {check.__name__}")
            except Exception as error:  # Whatever it was, the other checks run as well.
                failed += 1
                print(f"not ok {check.__name__}: {type(error).__name__}: {error}")
                for name in ("gateway.log", "nginx.log"):
                    log = pathlib.Path(directory) / name
                    print(log.read_text()[-2000:] if log.exists() else "")
    print(f"{len(checks) - failed} passed, {failed} failed, 0 skipped in {time.monotonic() - began:.2f}s")
    sys.exit(failed > 0)


if __name__ == "__main__":
    FANFARE = sys.argv[1]
    NGINX = (sys.argv[2:] or [None])[0] or None
    main()
