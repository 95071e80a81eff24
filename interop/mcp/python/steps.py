"""Makes tests of a run: one for each step of scenario.json."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from scenario import STEPS, Cannot, cannot, label, play, runs


RUNS_AT_ONCE = 8


def test_for_each_step(runner, connect):
    """A test function for the module that names its `runner`.

    The first test plays all runs, beside each other, since most of a scenario is waiting; the others look at the outcome.
    """
    mine = runs(runner)
    cases = [(run, step) for run in mine for step in STEPS]
    names = [f"{label(run)}: {step['name']}" for run, step in cases]

    @pytest.mark.timeout(150)
    @pytest.mark.parametrize(("run", "step"), cases, ids=names)
    def test_step(run, step, outcomes, start_gateway):
        if not outcomes:
            with ThreadPoolExecutor(RUNS_AT_ONCE) as pool:
                outcomes.update({label(each): pool.submit(play_one, each, start_gateway, connect) for each in mine})
        problem = outcomes[label(run)].result()[step["name"]]
        if lack := cannot(run, step):
            assert isinstance(problem, Cannot), f"clients.json says that it cannot do {lack[0]} ({lack[1]}), but got: {problem!r}"
        elif problem is not None:
            raise problem

    return test_step


test_for_each_step.__test__ = False


def play_one(run, start_gateway, connect):
    gateway = start_gateway()
    try:
        return play(run, gateway.url, connect)
    finally:
        gateway.stop()
