"""Runs scenario.json with one client. `node/scenario.mjs` does the same for node's clients."""

import asyncio
import json
import pathlib
from contextlib import AsyncExitStack

from listener import Listener
from pattern import Mismatch, brief, expect, fill

FOLDER = pathlib.Path(__file__).parent.parent
STEPS = json.loads((FOLDER / "scenario.json").read_text())["steps"]
CLIENTS = json.loads((FOLDER / "clients.json").read_text())
STEP_SECONDS = 40
UPDATE_SECONDS = 20


class Cannot(Exception):
    """What a client has no way to do. Raised by the clients in this folder, and held against clients.json."""


class Refused(Exception):
    """What the server answered instead of a result."""

    def __init__(self, message, code):
        super().__init__(message)
        self.message, self.code = message, code


def runs(runner):
    found = [run for run in CLIENTS["runs"] if run["runner"] == runner]
    assert found, f"clients.json has no run for {runner}"
    return found


def label(run):
    return f"{run['client']}, {run['transport']}, {run['era']}"


def cannot(run, step):
    """The first thing that the step needs and the client has not, and why."""
    lacks = CLIENTS["cannot"].get(run.get("cannot"), {})
    return next(((need, lacks[need]) for need in step.get("needs", ()) if need in lacks), None)


def play(run, url, connect):
    """All steps, one after the other, over one connection: `{name of the step: what went wrong, or None}`."""
    return asyncio.run(_play(run, url, connect))


async def _play(run, url, connect):
    outcomes = {}
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(connect(run, url))
        world = World(run, client, Listener(url))
        for step in STEPS:
            try:
                await asyncio.wait_for(world.take(step), STEP_SECONDS)
                outcomes[step["name"]] = None
            except Exception as problem:  # noqa: BLE001  Each step is a test of its own, which raises it again.
                outcomes[step["name"]] = problem
    return outcomes


class World:
    """The client, and somebody who listens beside it."""

    def __init__(self, run, client, listener):
        self.client, self.listener = client, listener
        self.era = "legacy" if run["era"] == "legacy" else "modern"
        self.saved = {}

    async def take(self, step):
        try:
            await self._take(step)
        except Exception:
            # What this step has left in the air must not be taken for the next one's.
            await asyncio.to_thread(self.listener.heard)
            raise

    async def _take(self, step):
        if "push" in step:
            await self.push(step["push"])
        if "subscribe" in step:
            await self.subscribed(step)
        result, refused, progress = await self.asked(step)
        if "server" in step:
            self.expect(step["server"], await self.client.server())
        if "answer" in step:
            if refused:
                raise Mismatch(f"refused: {refused.code} {refused.message}")
            self.expect(step["answer"], result)
        if "error" in step:
            if not refused:
                raise Mismatch(f"it was answered, not refused: {brief(result)}")
            if "code" in step["error"] and refused.code is None:
                raise Cannot("it does not tell the code")
            self.expect(step["error"], {"code": refused.code, "message": refused.message})
        if "progress" in step:
            assert progress, "no progress was told"
            for each in progress:
                self.expect(step["progress"], each)
        heard = await asyncio.to_thread(self.listener.heard)
        if "heard" in step:
            self.expect(step["heard"], heard, "what was heard")

    def expect(self, pattern, value, at=""):
        expect(pattern, value, self.era, self.saved, at)

    async def push(self, event):
        self.saved["pushed"] = await asyncio.to_thread(self.listener.push, fill(event, self.saved))

    async def asked(self, step):
        if "ask" not in step:
            return None, None, []
        progress = []
        on_progress = progress.append if "progress" in step else None
        call = asyncio.create_task(self.client.ask(step["ask"], fill(step.get("params", {}), self.saved), on_progress))
        try:
            if "meanwhile" in step:
                # A call that waits has not been answered while a question of ours went to the gateway and back.
                await asyncio.to_thread(self.listener.round_trip)
                assert not call.done(), f"it was answered before anything was pushed: {call}"
                await self.push(step["meanwhile"])
            return await call, None, progress
        except Refused as refused:
            return None, refused, progress
        finally:
            call.cancel()

    async def subscribed(self, step):
        async with self.client.subscribed(fill(step["subscribe"], self.saved)) as updates:
            await self.push(step["meanwhile"])
            for uri in step["updated"]:
                self.expect(uri, await asyncio.wait_for(anext(updates), UPDATE_SECONDS), "the resource that changed")
