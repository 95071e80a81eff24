"""What an answer has to look like, as scenario.json writes it. `node/pattern.mjs` reads the same language."""

import json
import re

BRIEF_CHARS = 600
MISSING = object()
TYPES = {"string": str, "number": (int, float), "boolean": bool, "object": dict, "array": list}


class Mismatch(AssertionError):
    pass


def expect(pattern, value, era, saved, at=""):
    """Raises a Mismatch that says where `value` is not what `pattern` wants; `saved` gets what `$save` names."""

    def fail(wanted):
        raise Mismatch(f"{at or 'the answer'} is {brief(value)}, and should be {wanted}")

    if isinstance(pattern, list):
        if not isinstance(value, list) or len(value) != len(pattern):
            fail(brief(pattern))
        for index, (each, item) in enumerate(zip(pattern, value)):
            expect(each, item, era, saved, f"{at}[{index}]")
    elif isinstance(pattern, dict) and any(name.startswith("$") for name in pattern):
        for name, wanted in pattern.items():
            test(name, wanted, value, era, saved, at, fail)
    elif isinstance(pattern, dict):
        if not isinstance(value, dict):
            fail("an object")
        for name, each in pattern.items():
            expect(each, value.get(name, MISSING), era, saved, f"{at}.{name}")
    else:
        wanted = fill(pattern, saved)
        if value is MISSING or value != wanted or isinstance(value, bool) != isinstance(wanted, bool):
            fail(brief(wanted))


def test(name, wanted, value, era, saved, at, fail):
    if name == "$match":
        if not isinstance(value, str) or not re.search(wanted, value):
            fail(f"something that matches {wanted}")
    elif name == "$type":
        if not isinstance(value, TYPES[wanted]) or (wanted == "number" and isinstance(value, bool)):
            fail(f"of type {wanted}")
    elif name == "$not":
        if value is not MISSING and value == wanted:
            fail(f"anything but {brief(wanted)}")
    elif name == "$era":
        expect(wanted[era], value, era, saved, at)
    elif name == "$has":
        if not isinstance(value, list):
            fail("a list")
        for each in wanted:
            if not any(passes(each, item, era, saved) for item in value):
                fail(f"a list with {brief(each)}")
    elif name == "$each":
        if not isinstance(value, list):
            fail("a list")
        for index, item in enumerate(value):
            expect(wanted, item, era, saved, f"{at}[{index}]")
    elif name == "$save":
        saved[wanted] = value
    else:
        raise ValueError(f"scenario.json has the unknown word `{name}`")


def passes(pattern, value, era, saved):
    try:
        expect(pattern, value, era, saved)
    except Mismatch:
        return False
    return True


def fill(value, saved):
    """Puts what was saved where `${name}` stands, in everything that is sent or compared."""
    if isinstance(value, str):
        return re.sub(r"\$\{(\w+)\}", lambda found: _saved(found[1], saved), value)
    if isinstance(value, list):
        return [fill(each, saved) for each in value]
    if isinstance(value, dict):
        return {name: fill(each, saved) for name, each in value.items()}
    return value


def _saved(name, saved):
    if name not in saved:
        raise Mismatch(f"no earlier step has given `{name}`")
    return saved[name]


def brief(value):
    text = "missing" if value is MISSING else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= BRIEF_CHARS else f"{text[:BRIEF_CHARS]}…"
