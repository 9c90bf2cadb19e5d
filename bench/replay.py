"""How long 1,000 replayed exchanges take: ``python bench/replay.py``. The bar is 5 seconds of wall time each.

An exchange is a request that goes through our model and the SDK, is made canonical and found in a file, and whose
answer is read. Beside it stand the transport alone, and grading, where prompts are rendered and every quote is proved
as well. The recordings are the shipped ones, asked for over and over; CPU seconds are what to compare where the
machine is shared.
"""

from __future__ import annotations

import asyncio
import platform
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Final

import httpx2

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run as a script, from anywhere

from evaluator.backends.chat_judge import ChatJudge
from evaluator.backends.chat_model import ChatModel, ChatReply, ChatRequest
from evaluator.backends.chat_options import ChatOptions
from evaluator.backends.recording import RecordingOptions
from evaluator.backends.recording_file import read_recording
from evaluator.backends.recordings import Recordings
from evaluator.pipeline import aevaluate
from evaluator.prompt import load_prompts
from evaluator.rubric import load_rubric
from tests.backends.make_recordings import FOLDER, RUBRIC, build_model
from tests.backends.synthetic_cases import CASES
from tests.backends.synthetic_provider import PROVIDERS, Provider

_EXCHANGES: Final = 1000
_BAR_S: Final = 5.0
_AT_ONCE: Final = 16
_ROUNDS: Final = 3


class _Clock:
    """Measures from when it is made."""

    def __init__(self) -> None:
        self._wall_s, self._cpu_s = time.perf_counter(), time.process_time()

    def taken(self, exchanges: int) -> tuple[float, float]:
        """Return wall and CPU seconds so far, for 1,000 exchanges."""
        share = _EXCHANGES / exchanges
        return (time.perf_counter() - self._wall_s) * share, (time.process_time() - self._cpu_s) * share


class _Noting:
    """A model that keeps the requests it was asked."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model
        self.provider, self.model = model.provider, model.model
        self.requests: list[ChatRequest] = []

    async def complete(self, request: ChatRequest) -> ChatReply:
        self.requests.append(request)
        return await self._model.complete(request)


async def _exchanged(provider: Provider) -> tuple[float, float]:
    """Ask ready requests through the model and the SDK."""
    options = RecordingOptions(mode="replay", folder=FOLDER)
    noting = _Noting(build_model(provider, ChatOptions(transport=options.transport(provider))))
    judge = ChatJudge(noting, load_prompts())
    for case in CASES:
        await aevaluate(case.transcript, load_rubric(RUBRIC), judge)
    ready = tuple(noting.requests)
    clock = _Clock()
    for start in range(0, _EXCHANGES, _AT_ONCE):
        numbers = range(start, min(start + _AT_ONCE, _EXCHANGES))
        await asyncio.gather(*(noting.complete(ready[number % len(ready)]) for number in numbers))
    return clock.taken(_EXCHANGES)


async def _graded(provider: Provider) -> tuple[float, float]:
    """Grade the cases until so many exchanges were replayed."""
    options = RecordingOptions(mode="replay", folder=FOLDER)
    judge = ChatJudge(build_model(provider, ChatOptions(transport=options.transport(provider))), load_prompts())
    rubric = load_rubric(RUBRIC)
    transcripts = [case.transcript for case in CASES]
    clock = _Clock()
    served, number = 0, 0
    while served < _EXCHANGES:
        batch = [transcripts[(number + offset) % len(transcripts)] for offset in range(_AT_ONCE)]
        results = await asyncio.gather(*(aevaluate(transcript, rubric, judge) for transcript in batch))
        served += sum(result.usage.requests for result in results)
        number += _AT_ONCE
    return clock.taken(served)


async def _transported(provider: Provider) -> tuple[float, float]:
    """Replay recorded requests through the transport alone."""
    build = RecordingOptions(mode="replay", folder=FOLDER).transport(provider)
    if build is None:
        raise RuntimeError("a replay always has a transport")
    paths = [path for path in Recordings(FOLDER).files() if path.parent.name == provider]
    requests = [read_recording(path.read_bytes(), name=path.name).request for path in paths]
    transport = build()
    clock = _Clock()
    for start in range(0, _EXCHANGES, _AT_ONCE):
        chosen = [requests[(start + offset) % len(requests)] for offset in range(min(_AT_ONCE, _EXCHANGES - start))]
        sent = [
            httpx2.Request("POST", f"https://none.invalid{r.path}", json=r.body, headers=r.api_version) for r in chosen
        ]
        await asyncio.gather(*(transport.handle_async_request(request) for request in sent))
    return clock.taken(_EXCHANGES)


def _timed(
    work: Callable[[Provider], Coroutine[None, None, tuple[float, float]]], provider: Provider
) -> tuple[float, float]:
    """Return wall and CPU seconds for 1,000 exchanges: the best of a few rounds, since the machine is shared."""
    return min(asyncio.run(work(provider)) for _ in range(_ROUNDS))


def main() -> int:
    """Print the figures and return 1 if the bar is missed."""
    print(f"Python {platform.python_version()}, {_EXCHANGES:,} exchanges, {_AT_ONCE} at once, best of {_ROUNDS}")
    missed = False
    for provider in PROVIDERS:
        for name, work in (("exchanges", _exchanged), ("transport alone", _transported), ("grading", _graded)):
            wall_s, cpu_s = _timed(work, provider)
            bar = f" (bar {_BAR_S:g} s wall)" if work is _exchanged else ""
            missed |= bool(bar) and wall_s > _BAR_S
            print(f"{provider:10} {name:16} {wall_s:6.2f} s wall, {cpu_s:6.2f} s CPU{bar}")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
