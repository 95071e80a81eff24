"""Checks the units without systemd running: their syntax, that the gateway works under the filters that the service asks
for, and that it serves the socket that it is passed, also after it has continued as its own successor.

Usage: python3 packaging/systemd/check.py FANFARE

It needs `systemd-analyze`, which knows what the groups of system calls contain, `systemd-socket-activate`, and Debian's
python3-seccomp.
"""

import configparser
import http.server
import importlib.util
import json
import mmap
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

UNIT = pathlib.Path(__file__).with_name("fanfare.service")
DEADLINE_SECONDS = 20


def settings():
    """Returns the unit's [Service] section; names keep their case."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(UNIT)
    return parser["Service"]


def system_calls(groups):
    """Returns the names of the system calls in groups such as `@system-service`, as systemd lists them."""
    calls = set()
    for name in groups:
        if not name.startswith("@"):
            calls.add(name)
            continue
        listed = subprocess.run(
            ["systemd-analyze", "syscall-filter", name], check=True, capture_output=True, text=True
        ).stdout.splitlines()
        members = [line.strip() for line in listed[1:] if line.strip() and not line.strip().startswith("#")]
        calls |= system_calls(members)
    return calls


def install_filters(service):
    """Restricts this process and all that it starts as the unit does; whatever else is called ends it."""
    import seccomp

    filters = seccomp.SyscallFilter(defaction=seccomp.KILL_PROCESS)

    def allow(name, *arguments):
        try:
            filters.add_rule(seccomp.ALLOW, name, *arguments)
        except (OSError, RuntimeError, ValueError):
            # A system call of another architecture or of a newer kernel.
            pass

    calls = system_calls(service["SystemCallFilter"].split())
    families = [getattr(socket, name) for name in service["RestrictAddressFamilies"].split()]
    write, execute = mmap.PROT_WRITE, mmap.PROT_EXEC
    for name in calls - {"socket", "mmap", "mprotect", "pkey_mprotect"}:
        allow(name)
    for family in families:
        allow("socket", seccomp.Arg(0, seccomp.EQ, family))
    for family in set(range(46)) - set(families):
        filters.add_rule(seccomp.ERRNO(97), "socket", seccomp.Arg(0, seccomp.EQ, family))
    assert service["MemoryDenyWriteExecute"] == "yes"
    for protection in (0, write, execute):
        allow("mmap", seccomp.Arg(2, seccomp.MASKED_EQ, write | execute, protection))
    for name in ("mprotect", "pkey_mprotect"):
        allow(name, seccomp.Arg(2, seccomp.MASKED_EQ, execute, 0))
    filters.load()


def check_syntax(fanfare, directory):
    """Has systemd read the units, with the program that was built in place of the installed one."""
    copies = []
    for unit in (UNIT, UNIT.with_suffix(".socket")):
        copy = directory / unit.name
        copy.write_text(unit.read_text().replace("/usr/local/bin/fanfare", str(fanfare)))
        copies.append(str(copy))
    said = subprocess.run(["systemd-analyze", "verify", *copies], capture_output=True, text=True)
    complaints = [line for line in said.stderr.splitlines() if "fanfare" in line]
    assert not complaints, "\n".join(complaints)


def request(url, body=None):
    message = urllib.request.Request(url, body and json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(message, timeout=DEADLINE_SECONDS) as answer:
        return json.load(answer)


class Receiver(http.server.BaseHTTPRequestHandler):
    received = threading.Event()

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(204)
        self.end_headers()
        Receiver.received.set()

    def log_message(self, *_):
        pass


def first_line(process):
    ready, _, _ = select.select([process.stdout], [], [], DEADLINE_SECONDS)
    line = process.stdout.readline() if ready else ""
    assert line, f"it did not start: {process.poll()}"
    return json.loads(line)


def check_work(fanfare, directory):
    """Starts the gateway under the filters, has it do all that it does, and stops it as systemd does."""
    service = settings()
    receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    command = [fanfare, "serve", "--store", directory / "log.db", "--listen", "127.0.0.1:0", "-o", "json"]
    gateway = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: install_filters(service)
    )
    try:
        url = first_line(gateway)["url"]
        request(f"{url}/api/register", {"webhook_url": f"http://localhost:{receiver.server_port}/"})
        pushed = request(f"{url}/api/push", {"message": "under the filters"})
        assert request(f"{url}/api/events/{pushed['id']}")["message"] == "under the filters"
        assert Receiver.received.wait(DEADLINE_SECONDS), "the webhook was not delivered"
        gateway.send_signal(signal.SIGTERM)
        assert gateway.wait(DEADLINE_SECONDS) == 0, gateway.returncode
    finally:
        gateway.kill()
        gateway.wait()
        receiver.shutdown()


def check_socket(fanfare, directory):
    """Has systemd's own program pass a socket, under the filters; the gateway serves it, and after SIGUSR2 its successor."""
    service = settings()
    path = directory / "socket"
    command = [
        "systemd-socket-activate", "-l", path,
        fanfare, "serve", "--store", directory / "log.db", "--listen", "127.0.0.1:1", "-o", "json",
    ]
    gateway = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        preexec_fn=lambda: install_filters(service),
    )
    try:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not path.exists():
            assert gateway.poll() is None and time.monotonic() < deadline, "there is no socket"
            time.sleep(0.02)
        # The first connection starts it, and waits until it is there.
        for _ in range(2):
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(DEADLINE_SECONDS)
                client.connect(str(path))
                client.sendall(b"GET /ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
                assert first_line(gateway)["addresses"] == [f"unix:{path}"]
                head = client.recv(100)
                assert head.startswith(b"HTTP/1.1 200 "), head
            gateway.send_signal(signal.SIGUSR2)
        first_line(gateway)
        gateway.send_signal(signal.SIGTERM)
        assert gateway.wait(DEADLINE_SECONDS) == 0, gateway.returncode
        assert path.exists(), "the gateway removed a socket that is not its own"
    finally:
        gateway.kill()
        gateway.wait()


def main():
    fanfare = pathlib.Path(sys.argv[1]).resolve()
    if shutil.which("systemd-analyze") is None:
        print("systemd-analyze is not here: nothing of the units can be checked\n0 passed, 0 failed, 3 skipped in 0s")
        return
    began, failed, skipped = time.monotonic(), 0, 0
    for check in (check_syntax, check_work, check_socket):
        if check is not check_syntax and importlib.util.find_spec("seccomp") is None:
            skipped += 1
            print(f"skipped {check.__name__}: python3-seccomp is not here")
            continue
        with tempfile.TemporaryDirectory(prefix="fanfare-unit-") as directory:
            try:
                check(fanfare, pathlib.Path(directory))
                print(f"ok {check.__name__}")
            except Exception as error:  # Whatever it was, the other check runs as well.
                failed += 1
                print(f"not ok {check.__name__}: {type(error).__name__}: {error}")
    passed = 3 - failed - skipped
    print(f"{passed} passed, {failed} failed, {skipped} skipped in {time.monotonic() - began:.2f}s")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
