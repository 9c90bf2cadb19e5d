"""The backend `anthropic`: a model of Anthropic's, asked at once or through its batch API."""

from __future__ import annotations

from typing import Final

from evaluator.backends.anthropic import build_model
from evaluator.backends.anthropic_batches import build_batches
from evaluator.backends.anthropic_client import KEY_ENV
from evaluator.backends.hosted_judge import HostedBackend

__all__ = ["build_estimate", "build_judge"]

_BACKEND: Final = HostedBackend("anthropic", build_model, KEY_ENV, build_batches=build_batches)

build_judge: Final = _BACKEND.chat_judge
build_estimate: Final = _BACKEND.chat_estimate
