"""What tests of provider batches share: a fake provider, a ledger, and models and judges that ask through them.

Run as a script it is a process to be killed: it grades transcripts at an address and prints what each cost.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal, TypedDict, Unpack

import httpx2
from batch_stub import BatchStub
from exchange import KEY
from provider_stub import judged_reply, message, response
from pydantic import SecretStr

from evaluator.backends import JudgeOptions, make_judge
from evaluator.backends.anthropic_batches import AnthropicBatches
from evaluator.backends.batch_options import BatchOptions
from evaluator.backends.batch_service import BatchService
from evaluator.backends.batched_model import BatchedModel
from evaluator.backends.chat_model import ChatModel, ChatReply, ChatRequest
from evaluator.backends.chat_options import ChatOptions
from evaluator.backends.openai_batches import OpenAIBatches
from evaluator.backends.pricing import Budget
from evaluator.judging import Judge
from evaluator.pipeline import aevaluate
from evaluator.store.batches import BatchLedger
from evaluator.values.evaluation import Evaluation
from evaluator.values.transcript import Transcript
from tests.fakes import make_rubric, make_transcript

__all__ = ["PROVIDERS", "Asking", "Provider", "ask_all", "grade_all", "request", "transcripts"]

Provider = Literal["openai", "anthropic"]

PROVIDERS: Final[tuple[Provider, ...]] = ("openai", "anthropic")

_SERVICES: Final[dict[Provider, Callable[[ChatOptions], BatchService]]] = {
    "openai": OpenAIBatches,
    "anthropic": AnthropicBatches,
}


class Chosen(TypedDict, total=False):
    """Options of a run."""

    quiet_s: float
    gather_s: float
    max_requests: int
    max_bytes: int
    outage_s: float
    deadline_s: float


@dataclass
class Asking:
    """One provider, asked by one run after another through one ledger."""

    provider: Provider
    path: Path
    stub: BatchStub = field(default_factory=BatchStub)
    ledgers: list[BatchLedger] = field(default_factory=list[BatchLedger])

    def options(self, **chosen: Unpack[Chosen]) -> BatchOptions:
        """Return options of a new run, the ledger opened anew."""
        while self.ledgers:
            self.ledgers.pop().close()
        self.ledgers.append(BatchLedger(self.path))
        return BatchOptions(ledger=self.ledgers[0], **chosen)

    @property
    def chat(self) -> ChatOptions:
        """Return options that reach the fake."""
        return ChatOptions(api_key=SecretStr(KEY), transport=lambda: httpx2.MockTransport(self.stub.answer))

    def model(self, *, budget: Budget | None = None, **chosen: Unpack[Chosen]) -> BatchedModel:
        """Return the model of a new run, on the clock of the running loop, which the fake shares."""
        clock = asyncio.get_running_loop().time
        self.stub.clock = clock
        return BatchedModel(_SERVICES[self.provider](self.chat), self.options(**chosen), budget=budget, clock=clock)

    def judge(self, **chosen: Unpack[Chosen]) -> Judge:
        """Return the judge of a new run, as a caller would build it."""
        return make_judge(self.provider, JudgeOptions(chat=self.chat, batching=self.options(**chosen)))

    def judge_at_once(self) -> Judge:
        """Return a judge that sends each request at once, to a provider that gives the same answers."""
        transport = httpx2.MockTransport(_answer_at_once)
        return make_judge(self.provider, JudgeOptions(chat=replace(self.chat, transport=lambda: transport)))

    async def until(self, happened: Callable[[], object]) -> None:
        """Wait until something happened."""
        while not happened():  # noqa: ASYNC110 - what happens is the fake's, which knows no events
            await asyncio.sleep(0.5)

    def close(self) -> None:
        """Close the ledger."""
        for ledger in self.ledgers:
            ledger.close()


def request(text: str, nonce: str = "request-0123") -> ChatRequest:
    """Return a request that asks about a text."""
    schema: dict[str, object] = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    return ChatRequest("The static part.", (f"Task {nonce}.", json.dumps({nonce: text})), schema, 1000, nonce)


async def ask_all(model: ChatModel, texts: Iterable[str]) -> list[ChatReply]:
    """Ask about texts at the same time; each time under another nonce."""
    return await asyncio.gather(*(model.complete(request(text, f"request-{id(text):032x}")) for text in texts))


def transcripts(count: int) -> list[Transcript]:
    """Return answers that differ."""
    return [make_transcript(f"I would track clicks and minutes watched, as in answer {n}.") for n in range(count)]


async def grade_all(judge: Judge, given: Sequence[Transcript]) -> list[Evaluation]:
    """Grade transcripts at the same time."""
    rubric = make_rubric()
    return await asyncio.gather(*(aevaluate(transcript, rubric, judge) for transcript in given))


def _answer_at_once(request: httpx2.Request) -> httpx2.Response:
    body = json.loads(request.content)
    make = response if request.url.path.endswith("/responses") else message
    return httpx2.Response(200, json=make(judged_reply(body), model=body["model"]))


async def _run(provider: Provider, url: str, ledger: Path, count: int) -> None:
    base = f"{url}/v1" if provider == "openai" else url
    with BatchLedger(ledger) as opened:
        batching = BatchOptions(ledger=opened, quiet_s=0.3, poll_s=0.1, longest_poll_s=0.1, certain_s=0.5)
        chat = ChatOptions(api_key=SecretStr(KEY), base_url=base)
        judge = make_judge(provider, JudgeOptions(chat=chat, batching=batching))
        for evaluation in await grade_all(judge, transcripts(count)):
            print(json.dumps({"id": evaluation.id, **evaluation.usage.model_dump()}))  # noqa: T201 - read by the test


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("provider", choices=PROVIDERS)
    parser.add_argument("url")
    parser.add_argument("ledger", type=Path)
    parser.add_argument("count", type=int)
    told = parser.parse_args()
    asyncio.run(_run(told.provider, told.url, told.ledger, told.count))
