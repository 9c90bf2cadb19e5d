"""The seam below `ChatJudge`: one request to a hosted or local chat model in, its reply out.

A provider is one file that meets `ChatModel` and one row in BACKENDS. It sends, reads and translates errors; it knows
nothing of rubrics, and it never retries (see `patience`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from evaluator.values.usage import Usage

__all__ = ["ChatModel", "ChatReply", "ChatRequest", "RateLimits", "Stop"]

Stop = Literal["complete", "truncated", "refused", "filtered"]


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One call, in the provider's own order: what can be cached stands first.

    Attributes:
        system: The static part; equal for every transcript judged by the same rubric and prompt.
        messages: User messages in order; the judged text is alone in the last one.
        schema: JSON Schema (strict: every property required, no extra ones) of the reply; equal likewise.
        max_output_tokens: The reply is cut there.
        nonce: Random identifier within the messages that no transcript can hold; empty if there is none. Two requests
            that differ by it alone ask the same.
    """

    system: str
    messages: tuple[str, ...]
    schema: Mapping[str, object]
    max_output_tokens: int
    nonce: str = ""


@dataclass(frozen=True, slots=True)
class RateLimits:
    """What the provider said of its limits; ``None`` where it said nothing.

    Attributes:
        remaining_requests: Requests left in the current window.
        remaining_tokens: Tokens left in the current window.
        reset_s: Seconds until the tighter one of the two is whole again.
    """

    remaining_requests: int | None = None
    remaining_tokens: int | None = None
    reset_s: float | None = None


@dataclass(frozen=True, slots=True)
class ChatReply:
    """What came back.

    Attributes:
        text: The reply's text; may be empty.
        stop: Why it ended.
        usage: Tokens and cost of this one request; ``requests`` is 1.
        limits: Rate limits read from the headers.
    """

    text: str
    stop: Stop
    usage: Usage
    limits: RateLimits = field(default_factory=RateLimits)


class ChatModel(Protocol):
    """A chat model that can be asked once. Must be safe to share between event loops and threads."""

    @property
    def provider(self) -> str:
        """Row of the BACKENDS table."""
        ...

    @property
    def model(self) -> str:
        """Model name as sent, with the parameters that change its answers, e.g. ``gpt-6-luna effort=low``."""
        ...

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Ask once.

        Raises:
            JudgeUnavailable: The same request may succeed later; ``retry_after_s`` holds the provider's wish, if any.
            JudgeMisuse: The same request will fail again: key, model, spend limit, malformed request.
        """
        ...
