"""Deliveries of the real binary, verified as receivers do it: with `standardwebhooks`, `svix`, and `cryptography` for ed25519.

Each check is also made with one byte changed, or another secret: one that accepts everything would prove nothing.
"""

import base64
import datetime
import json
import pathlib

import pytest
import standardwebhooks
import svix.webhooks
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from receiver import Receiver, Request

LIBRARIES = {"standardwebhooks": standardwebhooks.Webhook, "svix": svix.webhooks.Webhook}
VECTORS = json.loads((pathlib.Path(__file__).parent.parent / "webhook_vectors.json").read_text(encoding="utf-8"))
ANOTHER_SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
MESSAGE = 'grün ☃ 😀 "quoted"\n\u2028 – and a line'


@pytest.fixture(params=LIBRARIES.values(), ids=LIBRARIES.keys())
def library(request):
    return request.param


def accepts(library, secret, request):
    """Whether a library believes a request."""
    try:
        library(secret).verify(request.body, request.headers)
    except standardwebhooks.WebhookVerificationError:
        return False
    return True


def accepts_v1a(public_key, request):
    """The same for `v1a`, which no library of Standard Webhooks has: ed25519 of id, timestamp and body."""
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key.removeprefix("whpk_")))
    signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    for signature in request.signatures:
        version, _, encoded = signature.partition(",")
        if version == "v1a":
            try:
                key.verify(base64.b64decode(encoded), signed)
                return True
            except InvalidSignature:
                continue
    return False


def changed(request):
    """Every way in which something between might have changed a request a little."""
    headers = request.headers
    body = bytearray(request.body)
    body[-1] ^= 1
    yield "a byte of the body", Request(headers, bytes(body))
    yield "a space in the body", Request(headers, request.body + b" ")
    yield "the id", Request({**headers, "webhook-id": headers["webhook-id"] + "0"}, request.body)
    later = str(int(headers["webhook-timestamp"]) + 1)
    yield "the timestamp", Request({**headers, "webhook-timestamp": later}, request.body)
    swapped = " ".join(signature[:5] + ("B" if signature[5] == "A" else "A") + signature[6:] for signature in request.signatures)
    yield "the signature", Request({**headers, "webhook-signature": swapped}, request.body)


@pytest.mark.parametrize("payload", ["seed", "event", "cloudevents"])
def test_every_payload_is_believed_as_it_came_and_not_when_something_changed_it(gateway, receiver, library, payload):
    secret = gateway.register(receiver, payload=payload)["secret"]
    pushed = gateway.push(MESSAGE, channel="builds.web", type="error", data={"größe": 1.0, "big": 12345678901234567890})
    request = receiver.next()

    assert accepts(library, secret, request)
    assert request.headers["webhook-id"] == pushed["id"]
    assert not accepts(library, ANOTHER_SECRET, request)
    for what, other in changed(request):
        assert not accepts(library, secret, other), what

    body = json.loads(request.body)
    assert (body["data"]["message"] if payload == "cloudevents" else body["message"]) == MESSAGE
    if payload == "seed":
        assert list(body)[:2] == ["message", "timestamp"]
        assert (body["message"], body["timestamp"]) == (MESSAGE, pushed["timestamp"])
        moment = datetime.datetime.fromisoformat(body["timestamp"])
        assert moment.isoformat(timespec="microseconds") == body["timestamp"], "as Python writes it"


def test_a_batch_is_signed_like_a_single_event(gateway, receiver, library):
    secret = gateway.register(receiver, batch={"max_events": 2, "max_wait": "10s"})["secret"]
    gateway.post("/api/push", [{"message": "één"}, {"message": "zwei"}])
    request = receiver.next()
    assert accepts(library, secret, request)
    assert not accepts(library, secret, Request(request.headers, request.body[:-1]))
    assert [event["message"] for event in json.loads(request.body)] == ["één", "zwei"]


def test_a_retry_has_the_same_id_and_a_signature_of_its_own_time(gateway, library):
    # At least 1.6 s apart: the timestamp has seconds.
    with Receiver(500, 503) as receiver:
        secret = gateway.register(receiver, retry=["2s", "2s"])["secret"]
        pushed = gateway.push(MESSAGE)
        attempts = [receiver.next() for _ in range(3)]
    assert {attempt.headers["webhook-id"] for attempt in attempts} == {pushed["id"]}
    assert len({attempt.body for attempt in attempts}) == 1
    times = [int(attempt.headers["webhook-timestamp"]) for attempt in attempts]
    assert times[0] < times[1] < times[2]
    assert len({attempt.headers["webhook-signature"] for attempt in attempts}) == 3
    for attempt in attempts:
        assert accepts(library, secret, attempt)
    mixed = {**attempts[0].headers, "webhook-timestamp": attempts[2].headers["webhook-timestamp"]}
    assert not accepts(library, secret, Request(mixed, attempts[0].body))


def test_both_secrets_fit_while_one_replaces_the_other_and_then_only_the_new_one(gateway, receiver, library):
    registered = gateway.register(receiver)
    rotate = f"/api/webhooks/{registered['id']}/secret/rotate"
    old = registered["secret"]
    new = gateway.post(rotate, {"overlap": "1h"})["secret"]
    gateway.push("during")
    request = receiver.next()
    assert len(request.signatures) == 2
    assert accepts(library, old, request) and accepts(library, new, request)
    assert not accepts(library, ANOTHER_SECRET, request)

    newest = gateway.post(rotate, {"overlap": "0s"})["secret"]
    gateway.push("after one has leaked")
    request = receiver.next()
    assert len(request.signatures) == 1
    assert [accepts(library, secret, request) for secret in (old, new, newest)] == [False, False, True]


def test_an_overlap_ends_by_itself(gateway, receiver, library):
    registered = gateway.register(receiver)
    new = gateway.post(f"/api/webhooks/{registered['id']}/secret/rotate", {"overlap": "1s"})["secret"]
    for number in range(10_000):
        gateway.push(f"number {number}")
        request = receiver.next()
        assert accepts(library, new, request)
        if len(request.signatures) == 1:
            break
    assert number > 0, "there was an overlap"
    assert not accepts(library, registered["secret"], request)


def test_ed25519_signatures_fit_the_public_key_and_the_old_one_while_it_is_replaced(gateway, receiver):
    registered = gateway.register(receiver, signatures=["v1a"])
    webhook = gateway.get(f"/api/webhooks/{registered['id']}")
    old = webhook["public_key"]
    gateway.push(MESSAGE)
    request = receiver.next()
    assert accepts_v1a(old, request)
    for library in LIBRARIES.values():
        assert accepts(library, registered["secret"], request), "v1 goes along"
    for what, other in changed(request):
        if what != "the signature":
            assert not accepts_v1a(old, other), what

    new = gateway.post(f"/api/webhooks/{registered['id']}/secret/rotate", {"kind": "ed25519", "overlap": "1h"})["public_key"]
    gateway.push("during")
    request = receiver.next()
    assert old != new
    assert accepts_v1a(old, request) and accepts_v1a(new, request)
    newest = gateway.post(f"/api/webhooks/{registered['id']}/secret/rotate", {"kind": "ed25519", "overlap": "0s"})["public_key"]
    gateway.push("after")
    request = receiver.next()
    assert [accepts_v1a(key, request) for key in (old, new, newest)] == [False, False, True]


def test_a_secret_that_the_receiver_chose_is_signed_with(gateway, receiver, library):
    gateway.register(receiver, secret=ANOTHER_SECRET)
    gateway.push(MESSAGE)
    assert accepts(library, ANOTHER_SECRET, receiver.next())


def test_what_was_not_delivered_before_a_kill_is_signed_with_the_same_secret_after_it(gateway, library):
    with Receiver(500) as receiver:
        secret = gateway.register(receiver, retry=["1s"])["secret"]
        pushed = gateway.push(MESSAGE)
        assert accepts(library, secret, receiver.next())
        gateway.kill()
        gateway.restart()
        again = receiver.next()
    assert again.headers["webhook-id"] == pushed["id"]
    assert accepts(library, secret, again)


@pytest.mark.parametrize("vector", VECTORS["symmetric"], ids=lambda vector: vector["of"])
def test_the_libraries_make_of_the_vectors_what_stands_there(library, vector):
    moment = datetime.datetime.fromtimestamp(vector["timestamp"], datetime.timezone.utc)
    made = [library(secret).sign(vector["id"], moment, vector["body"]) for secret in vector["secrets"]]
    assert " ".join(made) == vector["signature"]


@pytest.mark.parametrize("vector", VECTORS["ed25519"], ids=lambda vector: vector["of"])
def test_cryptography_makes_of_the_vectors_what_stands_there(vector):
    seed = base64.b64decode(vector["signing_key"].removeprefix("whsk_"))[:32]
    key = Ed25519PrivateKey.from_private_bytes(seed)
    assert "whpk_" + base64.b64encode(key.public_key().public_bytes_raw()).decode() == vector["public_key"]
    signed = f"{vector['id']}.{vector['timestamp']}.{vector['body']}".encode()
    assert "v1a," + base64.b64encode(key.sign(signed)).decode() == vector["signature"]
