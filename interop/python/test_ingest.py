"""What others sign is believed by `POST /ingest/standard-webhooks`, and what nobody signs is understood.

Whatever is refused must leave no trace in the log.
"""

import base64
import datetime
import json
import subprocess

import pytest
import requests
import standardwebhooks
import svix.webhooks
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway import Gateway

SECRET = "whsec_" + base64.b64encode(b"the secret that is in use now...").decode()
NEXT_SECRET = "whsec_" + base64.b64encode(b"and the one that is to follow it").decode()
ANOTHER_SECRET = "whsec_" + base64.b64encode(b"somebody else's, unknown to us..").decode()
KEY = Ed25519PrivateKey.generate()
PUBLIC_KEY = "whpk_" + base64.b64encode(KEY.public_key().public_bytes_raw()).decode()
BODY = json.dumps({"type": "invoice.paid", "message": "Größe ☃ 😀", "data": {"id": 7}}, ensure_ascii=False)


class SvixHeaders(svix.webhooks.Webhook):
    prefix = "svix"


class StandardHeaders(standardwebhooks.Webhook):
    prefix = "webhook"


@pytest.fixture
def gateway(tmp_path):
    names = ["", "_NEXT", "_PUBLIC_KEY"]
    secrets = dict(zip((f"FANFARE_INGEST_SECRET_STANDARD_WEBHOOKS{name}" for name in names), [SECRET, NEXT_SECRET, PUBLIC_KEY]))
    gateway = Gateway(tmp_path / "fanfare.db", **secrets).start()
    yield gateway
    gateway.stop()


@pytest.fixture(params=[StandardHeaders, SvixHeaders], ids=["standardwebhooks", "svix"])
def library(request):
    return request.param


def send(gateway, headers, body=BODY, kind="standard-webhooks"):
    return requests.post(
        f"{gateway.url}/ingest/{kind}", data=body.encode(), headers={"Content-Type": "application/json", **headers}, timeout=20
    )


def sign(library, secret, message_id="msg_1", body=BODY, seconds=0):
    """The headers that a sender with this library sends, `seconds` after now."""
    moment = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(seconds=seconds)
    return {
        f"{library.prefix}-id": message_id,
        f"{library.prefix}-timestamp": str(int(moment.timestamp())),
        f"{library.prefix}-signature": library(secret).sign(message_id, moment, body),
    }


def is_refused(gateway, answer):
    return (answer.status_code, answer.json()["code"], gateway.events()) == (401, "invalid_signature", [])


def test_what_a_library_signed_is_an_event(gateway, library):
    answer = send(gateway, sign(library, SECRET))
    assert answer.status_code == 200, answer.text
    [event] = gateway.events()
    assert event["id"] == answer.json()["id"]
    assert (event["channel"], event["type"], event["message"]) == ("ingest.standard-webhooks", "invoice.paid", "Größe ☃ 😀")
    assert event["data"] == json.loads(BODY)
    assert event["source"]["door"] == "ingest"


def test_sent_again_it_is_the_same_event(gateway, library):
    first = send(gateway, sign(library, SECRET)).json()
    again = send(gateway, sign(library, SECRET, seconds=1)).json()
    assert (again["id"], again["repeated"]) == (first["id"], True)
    assert len(gateway.events()) == 1


def test_while_a_secret_is_replaced_both_are_believed(gateway, library):
    for number, secret in enumerate([SECRET, NEXT_SECRET]):
        assert send(gateway, sign(library, secret, f"msg_{number}")).status_code == 200
    assert len(gateway.events()) == 2


def test_another_secret_is_refused(gateway, library):
    assert is_refused(gateway, send(gateway, sign(library, ANOTHER_SECRET)))


def test_another_body_is_refused(gateway, library):
    assert is_refused(gateway, send(gateway, sign(library, SECRET), BODY.replace("7", "8")))
    assert is_refused(gateway, send(gateway, sign(library, SECRET), BODY + " "))


def test_another_id_is_refused(gateway, library):
    headers = sign(library, SECRET)
    assert is_refused(gateway, send(gateway, {**headers, f"{library.prefix}-id": "msg_2"}))


@pytest.mark.parametrize("seconds", [-310, 310])
def test_the_wrong_time_is_refused(gateway, library, seconds):
    assert is_refused(gateway, send(gateway, sign(library, SECRET, seconds=seconds)))


def test_no_signature_is_refused(gateway):
    assert is_refused(gateway, send(gateway, {}))


def test_ed25519_is_believed_when_it_fits(gateway):
    timestamp = str(int(datetime.datetime.now().timestamp()))
    signed = f"msg_1.{timestamp}.{BODY}".encode()
    for key, is_believed in [(Ed25519PrivateKey.generate(), False), (KEY, True)]:
        signature = "v1a," + base64.b64encode(key.sign(signed)).decode()
        headers = {"webhook-id": "msg_1", "webhook-timestamp": timestamp, "webhook-signature": signature}
        answer = send(gateway, headers)
        assert (answer.status_code == 200) if is_believed else is_refused(gateway, answer)


def test_two_gateways_can_be_chained(gateway, tmp_path):
    """What one delivers, the other takes: the secret of the one's webhook is in the other's environment."""
    first = Gateway(tmp_path / "first.db").start()
    try:
        webhook = {"webhook_url": f"{gateway.url}/ingest/standard-webhooks", "secret": SECRET}
        first.post("/api/register", webhook)
        pushed = first.push("von einem zum anderen ☃", type="success")
        assert pushed["webhooks_notified"] == 1
        [event] = gateway.events()
        assert (event["message"], event["type"]) == ("von einem zum anderen ☃", "success")
        assert event["data"]["id"] == pushed["id"]
    finally:
        first.stop()


def test_without_a_secret_nothing_that_has_to_be_signed_is_taken(tmp_path, library):
    gateway = Gateway(tmp_path / "without.db").start()
    try:
        answer = send(gateway, sign(library, SECRET))
        assert (answer.status_code, answer.json()["code"], gateway.events()) == (503, "secret_missing", [])
    finally:
        gateway.stop()


def test_alertmanagers_group_is_an_event_for_each_alert(gateway):
    def alert(name, status, severity, fingerprint):
        return {
            "status": status,
            "labels": {"alertname": name, "instance": "db-1", "severity": severity},
            "annotations": {"summary": f"{name}: 3 % übrig"},
            "startsAt": "2026-11-21T08:00:00.000Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus.example:9090/graph?g0.expr=up",
            "fingerprint": fingerprint,
        }

    group = {
        "version": "4",
        "groupKey": '{}:{alertname="DiskFull"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "fanfare",
        "groupLabels": {"alertname": "DiskFull"},
        "commonLabels": {"instance": "db-1"},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example:9093",
        "alerts": [alert("DiskFull", "firing", "critical", "f00d"), alert("DiskSlow", "resolved", "warning", "beef")],
    }
    answer = send(gateway, {}, json.dumps(group), "alertmanager?channel=alerts")
    assert (answer.status_code, answer.json()["count"]) == (200, 2)
    firing, resolved = gateway.events()
    assert (firing["type"], firing["priority"], firing["key"]) == ("alertmanager.firing", "max", "f00d")
    assert (resolved["type"], resolved["priority"], resolved["key"]) == ("alertmanager.resolved", "default", "beef")
    assert "DiskFull" in firing["message"] and "3 % übrig" in firing["message"]
    assert {firing["channel"], resolved["channel"]} == {"alerts"}
    assert firing["data"]["alert"]["labels"]["severity"] == "critical"

    assert send(gateway, {}, json.dumps({**group, "alerts": "many"}), "alertmanager").status_code == 400
    assert len(gateway.events()) == 2


@pytest.mark.parametrize(
    ("hook", "members", "event_type", "part"),
    [
        ("Notification", {"message": "Claude needs your permission to use Bash"}, "agent.notification", "needs your permission"),
        ("PermissionRequest", {"tool_name": "Bash", "tool_input": {"command": "make"}}, "agent.permission_request", "Bash"),
        ("Stop", {"stop_hook_active": False, "last_assistant_message": "All tests pass."}, "agent.stop", "All tests pass."),
    ],
)
def test_the_hooks_of_claude_code_are_events_and_their_answer_tells_it_nothing(gateway, hook, members, event_type, part):
    said = {
        "session_id": "5a3e", "transcript_path": "/home/ada/.claude/projects/web/5a3e.jsonl", "cwd": "/home/ada/web",
        "permission_mode": "default", "hook_event_name": hook, **members,
    }
    answer = send(gateway, {}, json.dumps(said), "claude-code")
    assert (answer.status_code, answer.json()) == (200, {})
    [event] = gateway.events()
    assert (event["type"], event["channel"], event["key"]) == (event_type, "ingest.claude-code", "5a3e")
    assert event["message"].startswith("web: ") and part in event["message"], event["message"]
    assert event["data"] == said


def test_the_command_of_the_documentation_brings_a_hook_in(gateway):
    command = f"curl -s -m 2 --data-binary @- {gateway.url}/ingest/claude-code || true"
    said = json.dumps({"session_id": "5a3e", "cwd": "/home/ada/web", "hook_event_name": "Stop"})
    ended = subprocess.run(["bash", "-c", command], input=said, capture_output=True, text=True, timeout=20, check=True)
    assert json.loads(ended.stdout) == {}
    assert [event["type"] for event in gateway.events()] == ["agent.stop"]
