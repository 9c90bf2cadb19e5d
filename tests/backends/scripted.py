"""A chat model that says what a test tells it to, and replies made by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from evaluator.backends.chat_model import ChatReply, ChatRequest, Stop
from evaluator.values.usage import Usage

__all__ = ["ONE_CALL", "ScriptedModel", "asked_ids", "nonce_of", "reply_text", "shown_case", "verdict"]

ONE_CALL: Final = Usage(requests=1, input_tokens=1000, cached_tokens=800, output_tokens=100, cost_usd=0.01)
_TEXTS: Final[dict[str, object]] = {
    "summary": "It was decided by the metric.",
    "better_answer": {"goal_and_metric": "Members stay.", "guardrail": "Cancellations.", "instrumentation": "The log."},
    "follow_up_questions": ["Why that one?", "What could get worse?"],
}


@dataclass
class ScriptedModel:
    """Answers with ``answers`` in turn, the last one for ever; remembers what it was asked and said.

    An answer is a text, a `ChatReply`, or a function of the request that returns either.
    """

    answers: Sequence[str | ChatReply | Callable[[ChatRequest], str | ChatReply]]

    def __post_init__(self) -> None:
        """Start with nothing asked."""
        self.requests: list[ChatRequest] = []
        self.replies: list[str] = []

    @property
    def provider(self) -> str:
        """Return a name that no backend has."""
        return "scripted"

    @property
    def model(self) -> str:
        """Return a name that no model has."""
        return "by-hand"

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Return the next answer."""
        self.requests.append(request)
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        said = answer(request) if callable(answer) else answer
        reply = said if isinstance(said, ChatReply) else ChatReply(said, "complete", ONE_CALL)
        self.replies.append(reply.text)
        return reply


def verdict(criterion: str, says: str, *quotes: str, turn: int = 1, confidence: float = 0.9) -> dict[str, Any]:
    """Return one entry of ``verdicts``."""
    claimed = [{"turn": turn, "text": text} for text in quotes]
    reasoning = "By hand."
    return {
        "criterion": criterion,
        "reasoning": reasoning,
        "verdict": says,
        "quotes": claimed,
        "confidence": confidence,
    }


def reply_text(*verdicts: dict[str, Any], **more: object) -> str:
    """Return a whole reply; ``more`` adds keys or replaces them."""
    return json.dumps({"verdicts": list(verdicts), **_TEXTS, **more})


def cut(stop: Stop, text: str = "") -> ChatReply:
    """Return a reply that ended for another reason than being whole."""
    return ChatReply(text, stop, ONE_CALL)


def nonce_of(request: ChatRequest) -> str:
    """Return the identifier that the task message names."""
    return request.messages[0].splitlines()[0].removeprefix("Request: ")


def shown_case(request: ChatRequest) -> dict[str, Any]:
    """Return what the transcript message holds under its identifier; fail if it is anything else than that object."""
    message: dict[str, dict[str, Any]] = json.loads(request.messages[1])
    assert list(message) == [nonce_of(request)]
    return message[nonce_of(request)]


def asked_ids(request: ChatRequest, known: Sequence[str]) -> list[str]:
    """Return the criteria that the task message asks about, in its order."""
    places = {key: re.search(rf"(?<!\w){key}(?!\w)", request.messages[0]) for key in known}
    return sorted((key for key in known if places[key]), key=lambda key: getattr(places[key], "start", int)())
