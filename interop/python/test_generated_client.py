"""A client that openapi-python-client makes of /openapi.json works with the gateway that serves the document."""

import datetime
import importlib
import re
import subprocess
import sys

import pytest
import requests

NAME = "fanfare_client"
GENERATE_SECONDS = 60
# The generator knows JSON alone: it leaves out what has one of these types, and says so. Anything else it leaves out is a
# defect of the document.
OTHER_TYPES = {"application/x-ndjson", "text/plain", "application/openmetrics-text", "message/http"}


@pytest.fixture
def generated(gateway, tmp_path):
    """Generates the client and returns a function that imports what a module of it has under a name."""
    document = tmp_path / "openapi.json"
    document.write_bytes(requests.get(f"{gateway.url}/openapi.json", timeout=10).content)
    config = tmp_path / "config.yml"
    config.write_text("post_hooks: []\n")
    run = subprocess.run(
        [sys.executable, "-m", "openapi_python_client", "generate", "--path", document, "--config", config]
        + ["--meta", "none", "--output-path", tmp_path / "generated" / NAME],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=GENERATE_SECONDS,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "200"},
    )
    said = run.stdout + run.stderr
    assert run.returncode == 0, said
    warnings = re.findall(r"^(?:WARNING|ERROR) .*\n\n.*", said, re.MULTILINE)
    for warning in warnings:
        left_out = re.search(r"Unsupported content.type ([\w./+-]+)", warning)
        assert left_out and left_out[1] in OTHER_TYPES, said
    sys.path.insert(0, str(tmp_path / "generated"))
    yield lambda module, name: getattr(importlib.import_module(f"{NAME}.{module}"), name)
    sys.path.remove(str(tmp_path / "generated"))
    for module in [module for module in sys.modules if module.split(".")[0] == NAME]:
        del sys.modules[module]


@pytest.fixture
def client(generated, gateway):
    return generated("client", "Client")(base_url=gateway.url, raise_on_unexpected_status=True)


def model(generated, name):
    return generated("models", name)


def test_a_webhook_is_registered_listed_changed_and_sent_to(generated, client, receiver):
    registration = model(generated, "Registration")(
        webhook_url=receiver.url,
        channels=["builds.*"],
        types=["error"],
        min_priority=model(generated, "PriorityWord").HIGH,
        text="failed",
        retry=["1s", "5s"],
        concurrency=2,
    )
    registered = generated("api.webhooks.register_webhook", "sync")(client=client, body=registration)
    assert isinstance(registered, model(generated, "Registered"))
    assert registered.total_webhooks == 1 and registered.secret.startswith("whsec_")

    listed = generated("api.webhooks.list_webhooks", "sync")(client=client, details=True)
    assert isinstance(listed, model(generated, "WebhookList")) and listed.webhooks == [receiver.url]
    [webhook] = listed.items
    assert (webhook.id, webhook.channels, webhook.types) == (registered.id, ["builds.*"], ["error"])
    assert (webhook.retry, webhook.concurrency, webhook.text) == (["1s", "5s"], 2, "failed")
    assert isinstance(webhook.created_at, datetime.datetime)
    addresses = generated("api.webhooks.list_webhooks", "sync")(client=client)
    assert addresses.webhooks == [receiver.url] and not addresses.items

    batch = model(generated, "BatchWish")(max_events=2, max_wait="1s")
    change = model(generated, "Change")(min_priority=None, channels=["builds.>"], batch=batch)
    changed = generated("api.webhooks.change_webhook", "sync")(registered.id, client=client, body=change)
    assert isinstance(changed, model(generated, "Webhook"))
    assert (changed.channels, changed.min_priority, changed.text) == (["builds.>"], "min", "failed")
    assert changed.batch.max_events == 2
    # `null` restores the default, so deliveries are single again, and the member is left out.
    single = model(generated, "Change")(batch=None)
    changed = generated("api.webhooks.change_webhook", "sync")(registered.id, client=client, body=single)
    assert not changed.batch and changed.channels == ["builds.>"]
    # The first state has changed twice since.
    stale = generated("api.webhooks.change_webhook", "sync_detailed")(
        registered.id, client=client, body=model(generated, "Change")(description="late"), if_match='"1"'
    )
    assert (stale.status_code, stale.parsed.code) == (412, "precondition_failed")

    event = model(generated, "NewEvent")(message="it failed", channel="builds.web.eu", type_="error")
    pushed = generated("api.push.push", "sync")(client=client, body=event, wait="55s")
    assert isinstance(pushed, model(generated, "Pushed"))
    assert pushed.webhooks_notified == 1
    assert receiver.next().headers["webhook-id"].startswith(pushed.id)


def test_events_are_pushed_and_read_as_what_they_are(generated, client):
    new_event = model(generated, "NewEvent")
    push = generated("api.push.push", "sync")
    one = new_event(
        message="one",
        channel="builds.web",
        data={"ms": 41, "steps": ["a", None]},
        expires_in=90,
        priority=model(generated, "PriorityWord").LOW,
    )
    first = push(client=client, body=one)
    assert isinstance(first, model(generated, "Pushed"))
    batch = [new_event(message="two", expires_in="10m"), new_event(message="three", channel="builds.api")]
    rest = push(client=client, body=batch)
    assert isinstance(rest, model(generated, "PushedBatch"))
    assert rest.count == 2 and len(rest.ids) == 2

    oldest = model(generated, "ListEventsOrder").OLDEST
    page = generated("api.history.list_events", "sync")(client=client, order=oldest, limit=2)
    assert isinstance(page, model(generated, "HistoryPageEvent"))
    assert [event.message for event in page.events] == ["one", "two"]
    read = page.events[0]
    assert (read.id, read.channel, read.type_, read.priority) == (first.id, "builds.web", "info", "low")
    assert read.data == {"ms": 41, "steps": ["a", None]}
    assert abs(read.expires_at - read.timestamp - datetime.timedelta(seconds=90)) < datetime.timedelta(seconds=1)
    builds = generated("api.history.list_events", "sync")(client=client, channel=["builds.web", "builds.api"])
    assert [event.id for event in builds.events] == [rest.last_id, first.id]


def test_a_refusal_is_read_with_its_code_and_its_fix(generated, client):
    event = model(generated, "NewEvent")(message="x", channel="a..b")
    answer = generated("api.push.push", "sync_detailed")(client=client, body=event)
    assert answer.status_code == 422
    assert isinstance(answer.parsed, model(generated, "Problem"))
    assert (answer.parsed.code, answer.parsed.at) == ("invalid_channel", "/channel")
    assert answer.parsed.fix
