"""Starts the echo server, lets Autobahn's fuzzing client at it and reads its verdicts. Called by `run`."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

# Not a fault: these say nothing about right or wrong, or are about how early an error is noticed.
FINE = {"OK", "NON-STRICT", "INFORMATIONAL"}
LEFT_OUT = [
    # Messages of 4 MiB and more: ours hold at most 1 MiB, and interop/websocket/test_limits.py covers that.
    *(f"9.{family}.{case}" for family in (1, 2) for case in (4, 5, 6)),
    "9.3.*",
    "9.4.*",
    # Compression is not offered.
    "12.*",
    "13.*",
]
DEADLINE_SECONDS = 600
# All families but the two of compression, less what is left out above.
CASES_AT_LEAST = 250


def main(python, work):
    reports = Path(work, "reports")
    shutil.rmtree(reports, ignore_errors=True)
    server = subprocess.Popen(
        [os.environ["FANFARE_ECHO_BIN"], "--listen", "127.0.0.1:0"], stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )
    alarm = threading.Timer(20, server.kill)
    alarm.start()
    try:
        found = next((found for line in server.stderr if (found := re.search(r"listening on http://(\S+)", line))), None)
        alarm.cancel()
        assert found, "the echo server did not say where it listens"
        threading.Thread(target=server.stderr.read, daemon=True).start()
        ask_autobahn(python, work, reports, f"ws://{found[1]}/ws")
    finally:
        alarm.cancel()
        server.kill()
        server.wait()
    return judge(json.loads(Path(reports, "index.json").read_text())["fanfare"])


def ask_autobahn(python, work, reports, url):
    specification = Path(work, "fuzzingclient.json")
    specification.write_text(
        json.dumps(
            {
                "outdir": str(reports),
                "servers": [{"agent": "fanfare", "url": url}],
                "cases": ["*"],
                "exclude-cases": LEFT_OUT,
                "exclude-agent-cases": {},
            }
        )
    )
    packages = str(Path(work, "packages"))
    # As a site folder, because the namespace packages in it are declared by .pth files.
    start = f"import site; site.addsitedir({packages!r}); from autobahntestsuite.wstest import run; run()"
    subprocess.run(
        [python, "-c", start, "--mode", "fuzzingclient", "--webport", "0", "--spec", str(specification)],
        env={**os.environ, "PYTHONPATH": packages, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        timeout=DEADLINE_SECONDS,
        cwd=work,
        check=True,
    )


def judge(verdicts):
    bad = {
        case: verdict
        for case, verdict in verdicts.items()
        if verdict["behavior"] not in FINE or verdict["behaviorClose"] not in FINE
    }
    for case, verdict in sorted(bad.items()):
        print(f"case {case}: {verdict['behavior']}, closing: {verdict['behaviorClose']} (code {verdict['remoteCloseCode']})")
    late = [case for case, verdict in verdicts.items() if verdict["behavior"] == "NON-STRICT"]
    if late:
        print(f"noticed later than could be: {', '.join(sorted(late))}")
    missing = max(0, CASES_AT_LEAST - len(verdicts))
    if missing:
        print(f"Autobahn ran only {len(verdicts)} cases")
    print(f"cases: {len(verdicts) - len(bad)} passed, {len(bad) + missing} failed")
    return 1 if bad or missing else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
