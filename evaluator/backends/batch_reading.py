"""Reading what a provider's batch API answers, whoever's it is: names, forms, and what became of each request.

Apart from `batch_service`, the seam, because this is what providers do alike behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from pydantic import BaseModel, Field, ValidationError

from evaluator.backends.batch_service import NAME, BatchResult
from evaluator.backends.chat_model import ChatReply
from evaluator.backends.provider_failures import Failure, ProviderRefusal
from evaluator.errors import JudgeError
from evaluator.values.usage import Usage

__all__ = ["Named", "outcome_of", "read_form"]

_Form = TypeVar("_Form", bound=BaseModel)


class Named(BaseModel):
    """What a provider gave a name that can go into an address."""

    id: str = Field(pattern=f"^{NAME}$")


def read_form(form: type[_Form], content: bytes, failure: Failure) -> _Form:
    """Read an answer into the fields that count.

    Raises:
        JudgeUnavailable: It has another form; ``failure`` tells whose it is.
    """
    try:
        return form.model_validate_json(content)
    except ValidationError:
        pass
    raise failure.unreadable()  # out here: what pydantic raises holds the answer


def outcome_of(custom_id: str, read: Callable[[], ChatReply]) -> BatchResult:
    """Return what became of one request: its reply, counted as batched, or why there is none."""
    try:
        reply = read()
    except ProviderRefusal as refusal:
        if not refusal.filtered:
            return BatchResult(custom_id, refusal)
        reply = ChatReply("", "filtered", Usage(requests=1))
    except JudgeError as error:
        return BatchResult(custom_id, error)
    return BatchResult(custom_id, replace(reply, usage=reply.usage.model_copy(update={"batched_requests": 1})))
