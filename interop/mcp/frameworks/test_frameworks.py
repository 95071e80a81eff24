"""Agents of four frameworks push, read back and are refused, over every transport of the framework."""

import asyncio
import time

import pytest
import requests

import with_langchain
import with_mcp_use
import with_openai_agents
import with_pydantic_ai
from listener import Listener
from scripted import Script

FRAMEWORKS = [with_langchain, with_mcp_use, with_openai_agents, with_pydantic_ai]
CASES = [pytest.param(one, transport, id=f"{one.NAME}, {transport}") for one in FRAMEWORKS for transport in one.TRANSPORTS]
CONVERSATION_SECONDS = 45


def waits(url, channel):
    """Returns once the tool listens to the channel: an event counts from then on."""
    deadline = time.monotonic() + CONVERSATION_SECONDS
    while time.monotonic() < deadline:
        clients = requests.get(f"{url}/api/clients", timeout=10).json()["clients"]
        if any(client["transport"] == "mcp" and client["channels"] == [channel] for client in clients):
            return
    raise AssertionError("the tool does not wait")


def converse(framework, transport, url, *calls):
    script = Script(list(calls))
    said = asyncio.run(asyncio.wait_for(framework.converse(transport, url, script), CONVERSATION_SECONDS))
    assert (said, len(script.results)) == ("done", len(calls)), script.results
    return script


@pytest.mark.parametrize(("framework", "transport"), CASES)
def test_an_agent_pushes_and_reads_back(framework, transport, gateway):
    listener = Listener(gateway.url)
    channel = f"builds.{framework.__name__}"
    data = {"sha": "ab12", "n": [1, 2.5, None], "deep": {"list": [{"a": True}]}}
    script = converse(
        framework,
        transport,
        gateway.url,
        ("push_stream", {"message": "deploy finished: ü 😀", "channel": channel, "type": "success", "priority": "high", "data": data}),
        ("push_webhook", {"message": "to everybody", "channel": channel}),
        ("read_history", {"channels": [channel]}),
        ("list_targets", {}),
    )
    assert {"push_stream", "push_webhook", "read_history", "wait_for", "delivery_status"} <= script.offered.keys()
    assert "message" in script.offered["push_stream"]["properties"]
    first, second = listener.heard()
    known = {name: first.get(name) for name in ["channel", "type", "message", "priority", "data", "audience"]}
    assert known == {
        "channel": channel, "type": "success", "message": "deploy finished: ü 😀", "priority": "high", "data": data, "audience": "stream",
    }
    assert (first["source"]["door"], second["message"], second["audience"]) == ("mcp", "to everybody", "all")
    pushed, hooked, history, targets = script.results
    assert first["id"] in pushed and second["id"] in hooked
    for expected in ["deploy finished: ü 😀", "to everybody", "ntrusted"]:
        assert expected in history, history
    assert "listen" in targets or "subscri" in targets or "client" in targets, targets


@pytest.mark.parametrize(("framework", "transport"), CASES)
def test_a_refusal_reaches_the_agent_which_then_does_it_right(framework, transport, gateway):
    listener = Listener(gateway.url)
    script = converse(
        framework,
        transport,
        gateway.url,
        ("push_stream", {"message": "x", "channel": "builds..web"}),
        ("push_stream", {"message": "x", "priority": "urgent"}),
        ("push_stream", {"message": "right", "channel": "builds.web"}),
    )
    channel, priority, pushed = script.results
    assert "builds..web" in channel and "builds.web" in channel.replace("builds..web", ""), channel
    assert "priority" in priority and "high" in priority, priority
    assert [event["message"] for event in listener.heard()] == ["right"]
    assert "Stored as" in pushed or '"id"' in pushed, pushed


@pytest.mark.parametrize(("framework", "transport"), CASES)
def test_an_agent_waits_for_what_comes_meanwhile(framework, transport, gateway):
    listener = Listener(gateway.url)
    channel = f"answers.{framework.__name__}"

    async def both():
        script = Script([("wait_for", {"channels": [channel], "wait": "20s"})])
        talk = asyncio.create_task(framework.converse(transport, gateway.url, script))
        await asyncio.to_thread(waits, gateway.url, channel)
        await asyncio.to_thread(listener.push, {"message": "approved", "channel": channel})
        return await talk, script

    said, script = asyncio.run(asyncio.wait_for(both(), CONVERSATION_SECONDS))
    assert said == "done" and "approved" in script.results[0], script.results
