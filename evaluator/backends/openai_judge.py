"""The backend `openai`: a model of OpenAI's, asked at once or through its batch API."""

from __future__ import annotations

from typing import Final

from evaluator.backends.hosted_judge import HostedBackend
from evaluator.backends.openai import build_model
from evaluator.backends.openai_batches import build_batches
from evaluator.backends.openai_client import KEY_ENV

__all__ = ["build_estimate", "build_judge"]

_BACKEND: Final = HostedBackend("openai", build_model, KEY_ENV, build_batches=build_batches)

build_judge: Final = _BACKEND.chat_judge
build_estimate: Final = _BACKEND.chat_estimate
