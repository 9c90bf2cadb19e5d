"""A call through a provider's SDK: its raw answer or stream out, or an error of our tree in place of the SDK's.

Apart because every SDK needs the same care: what it raises may repeat the key or the judged text, so ours is raised
outside the handler and never has it chained.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias, cast

from evaluator.backends.network import lines_of
from evaluator.errors import EvaluatorError

if TYPE_CHECKING:
    import httpx2

__all__ = ["Translate", "answer_of", "lines_in"]

Translate: TypeAlias = Callable[[Exception], EvaluatorError]
"""Returns the error of our tree; raises what is none of the SDK's, nor the network's, as it is."""


async def answer_of(call: Awaitable[object], translate: Translate) -> httpx2.Response:
    """Return the raw answer that a call asked for, whatever type the SDK's signatures give it.

    Raises:
        JudgeError: The server refused, failed or didn't answer.
        EvaluatorError: As a transport of ours raised it.
    """
    failure: EvaluatorError
    try:
        return cast("httpx2.Response", await call)
    except Exception as error:  # noqa: BLE001 - what isn't the SDK's or the network's goes on as it is
        failure = translate(error)
    raise failure


async def lines_in(answer: httpx2.Response, translate: Translate) -> AsyncGenerator[bytes]:
    """Return the lines of a streamed answer as they arrive, and close it; as `answer_of`."""
    failure: EvaluatorError
    try:
        async for line in lines_of(answer.aiter_bytes()):
            yield line
    except Exception as error:  # noqa: BLE001 - what isn't the network's goes on as it is
        failure = translate(error)
    else:
        return
    finally:
        await answer.aclose()
    raise failure
