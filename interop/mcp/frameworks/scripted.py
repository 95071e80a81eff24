"""A model that says what a test tells it to, instead of one that costs money and says something else each time.

Each framework gets it in the form of its own interface, so that the framework's own loop offers it the tools of the gateway,
makes its calls, and gives it the results.
"""

from dataclasses import dataclass, field


@dataclass
class Script:
    """The calls that the model makes, one in each turn; after the last, it ends the conversation."""

    calls: list[tuple[str, dict]]
    offered: dict[str, dict] = field(default_factory=dict)
    """The tools that the framework offered, with their input schemas."""
    results: list[str] = field(default_factory=list)
    """What the framework gave the model for each call, as text."""

    def offer(self, tools):
        self.offered.update(tools)

    def next(self):
        """The call to make now, with an id; None once all have results."""
        turn = len(self.results)
        return None if turn == len(self.calls) else (f"call_{turn}", *self.calls[turn])


def text_of(content):
    """The text of a tool's result, in whichever parts the framework passes it on."""
    match content:
        case str():
            return content
        case list():
            return "\n".join(text_of(part) for part in content)
        case {"text": str() as text}:
            return text
        case {"content": inner} | {"output": inner}:
            return text_of(inner)
        case None:
            return ""
    return text_of(content.text) if hasattr(content, "text") else str(content)
