"""Checks the alerts, the dashboard and the metrics of a running gateway with Prometheus' own tool.

Usage: python3 packaging/prometheus/check.py FANFARE [PROMTOOL]

Without PROMTOOL, nothing can be checked. Every expression of the dashboard is parsed as the rule of a file that is made
for it; which metrics they name is checked by crates/fanfare/tests/it/metrics.rs.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).parent
DASHBOARD = HERE.parent / "grafana" / "fanfare.json"
DEADLINE_SECONDS = 20
# What Grafana puts in place of its variables.
VARIABLES = {"$__rate_interval": "5m", "$instance": ".*", "$job": "fanfare"}


def promtool(*arguments, text=None):
    """Runs the tool; what it says is the error if it refuses."""
    done = subprocess.run([PROMTOOL, *arguments], input=text, capture_output=True, text=True, timeout=DEADLINE_SECONDS)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def the_alerts_are_valid():
    promtool("check", "rules", "--lint=all", "--lint-fatal", str(HERE / "alerts.yml"))


def the_alerts_fire_when_they_should():
    promtool("test", "rules", str(HERE / "alerts_test.yml"))


def every_alert_is_tried():
    alerts = set(re.findall(r"^ *- alert: (\w+)$", (HERE / "alerts.yml").read_text(), re.MULTILINE))
    # An alert that only has to be silent is not tried.
    tests = (HERE / "alerts_test.yml").read_text().split("alertname: ")[1:]
    fired = {re.match(r"\w+", test)[0] for test in tests if "exp_labels:" in test}
    assert alerts and fired >= alerts, f"no test in which they fire: {sorted(alerts - fired)}"


def expressions():
    """Returns the expressions of the dashboard."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", [])]


def the_expressions_of_the_dashboard_are_valid():
    rules = []
    for number, expression in enumerate(expressions()):
        for variable, value in VARIABLES.items():
            expression = expression.replace(variable, value)
        assert "$" not in expression, f"an unknown variable in {expression}"
        rules.append({"record": f"dashboard:panel:{number}", "expr": expression})
    assert rules, "the dashboard has no expressions"
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        # JSON is YAML.
        json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, file)
        file.flush()
        promtool("check", "rules", file.name)


def the_metrics_of_a_gateway_are_valid():
    with tempfile.TemporaryDirectory() as directory:
        store = pathlib.Path(directory, "log.db")
        gateway = subprocess.Popen(
            [FANFARE, "serve", "--listen", "127.0.0.1:0", "--store", str(store)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            said = next(filter(None, (re.search(r"listening on (http://\S+)", line) for line in gateway.stderr)))
            push = urllib.request.Request(f"{said[1]}/api/push/checks", data=b"hello", method="POST")
            urllib.request.urlopen(push, timeout=DEADLINE_SECONDS).read()
            metrics = urllib.request.urlopen(f"{said[1]}/metrics", timeout=DEADLINE_SECONDS).read().decode()
        finally:
            gateway.kill()
            gateway.wait()
    # Anything that it says is a warning about a name, a type or a help text.
    said = promtool("check", "metrics", text=metrics)
    assert not said.strip(), said


CHECKS = [
    the_alerts_are_valid,
    the_alerts_fire_when_they_should,
    every_alert_is_tried,
    the_expressions_of_the_dashboard_are_valid,
    the_metrics_of_a_gateway_are_valid,
]


def main():
    if PROMTOOL is None:
        print(f"promtool is not here: nothing can be checked\n0 passed, 0 failed, {len(CHECKS)} skipped in 0s")
        return 0
    began, passed, failed = time.monotonic(), 0, 0
    for check in CHECKS:
        try:
            check()
        except Exception as error:  # Each check is told of.
            failed += 1
            print(f"not ok {check.__name__}: {type(error).__name__}: {error}")
        else:
            passed += 1
            print(f"ok {check.__name__}")
    print(f"{passed} passed, {failed} failed, 0 skipped in {time.monotonic() - began:.2f}s")
    return 1 if failed else 0


if __name__ == "__main__":
    FANFARE = sys.argv[1]
    PROMTOOL = (sys.argv[2:] or [None])[0] or None
    sys.exit(main())
