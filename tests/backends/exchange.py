"""One exchange without a network: a model whose transport answers from the test and keeps what was sent."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2
from pydantic import SecretStr

from evaluator.backends.chat_model import ChatRequest
from evaluator.backends.chat_options import ChatOptions

__all__ = ["KEY", "REQUEST", "Exchange", "refusal"]

KEY: Final = "sk-test-0123456789"

_SCHEMA: Final = {
    "type": "object",
    "properties": {"verdict": {"type": "string"}, "confidence": {"type": "number", "minimum": 0, "maximum": 1}},
    "required": ["verdict", "confidence"],
    "additionalProperties": False,
}
REQUEST: Final = ChatRequest("The static part.", ("The task.", '{"nonce": "judged"}'), _SCHEMA, 1000)


@dataclass
class Exchange:
    """Answers each request with the next of ``answers``, the last one for ever, and keeps bodies and headers."""

    answers: list[httpx2.Response | Exception]
    sent: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    headers: list[Mapping[str, str]] = field(default_factory=list[Mapping[str, str]])
    paths: list[str] = field(default_factory=list[str])

    @classmethod
    def of(cls, *answers: Mapping[str, Any] | httpx2.Response | Exception) -> Exchange:
        """Answer with bodies (status 200), responses or errors."""
        return cls([httpx2.Response(200, json=a) if isinstance(a, Mapping) else a for a in answers])

    def options(self, **chosen: object) -> ChatOptions:
        """Return options whose transport is this exchange."""
        usual = ChatOptions(api_key=SecretStr(KEY), transport=lambda: httpx2.MockTransport(self._answer))
        return dataclasses.replace(usual, **chosen)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.sent.append(json.loads(request.content))
        self.headers.append(request.headers)
        self.paths.append(str(request.url))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx2.Response(answer.status_code, headers=answer.headers, content=answer.content)


def refusal(status: int, text: str, code: str | None = None) -> httpx2.Response:
    """Return an error answer whose message holds a text."""
    return httpx2.Response(status, json={"error": {"message": text, "code": code, "type": "invalid_request_error"}})
