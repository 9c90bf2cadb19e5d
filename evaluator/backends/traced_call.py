"""A request to a model, with a span of its own by OpenTelemetry's gen_ai conventions: who, how long, how many tokens.

Apart from the providers so that all of them are told alike. Each attempt is one span: what is repeated shows as such.
"""

from __future__ import annotations

from typing import Final

from evaluator.backends.chat_model import ChatModel, ChatReply, ChatRequest
from evaluator.tracing import Attributes, traced

__all__ = ["asked"]

_KNOWN: Final = {"openai-decisions": "openai"}  # providers by the names that the conventions have for them
_DECIDES: Final = "decide"


async def asked(model: ChatModel, request: ChatRequest) -> ChatReply:
    """Ask a model once.

    Raises:
        JudgeError: As the model raises it; the span then names the kind of error and nothing more.
    """
    name = model.model.partition(" ")[0]  # without the parameters that follow it
    operation = _DECIDES if model.provider == "openai-decisions" else "chat"
    attributes: Attributes = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": _KNOWN.get(model.provider, model.provider),
        "gen_ai.request.model": name,
        "gen_ai.request.max_tokens": request.max_output_tokens or None,
        "gen_ai.output.type": "json",
    }
    with traced(f"{operation} {name}", "client", attributes) as span:
        reply = await model.complete(request)
        if span.wanted:
            span.tell(
                {
                    "gen_ai.response.finish_reasons": [reply.stop],
                    "gen_ai.usage.input_tokens": reply.usage.input_tokens,
                    "gen_ai.usage.output_tokens": reply.usage.output_tokens,
                    "gen_ai.usage.cache_read.input_tokens": reply.usage.cached_tokens,
                    "evaluator.cost_usd": reply.usage.cost_usd if reply.usage.priced else None,
                }
            )
    return reply
