"""What grading costs on top of waiting: our path against a bare SDK loop, on a fake provider with 300 ms latency.

``python bench/overhead.py`` runs both in turns and prints the medians: the bare SDK loop, which sends one ready body
and reads the reply's JSON; *asking*, our model with its patience and prices on a ready request; *judging*, which builds
prompts and schema and checks every quote; and *grading*, the whole path from a parsed transcript to an evaluation. The
bars are for grading: at 50 in flight at least 0.85 of the limit (50 / 0.3 s), above that at least 0.9 of the bare
loop's rate, and at most 1.3 times its CPU per item.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import anthropic as anthropic_sdk
import openai as openai_sdk
from openai.types.responses import Response
from pydantic import SecretStr

from evaluator import aevaluate, load_rubric, parse_transcript
from evaluator.backends import anthropic, openai
from evaluator.backends.chat_judge import ChatJudge
from evaluator.backends.chat_model import ChatRequest
from evaluator.backends.chat_options import ChatOptions
from evaluator.backends.gate import Gate
from evaluator.backends.patience import Patient
from evaluator.judging import Case
from evaluator.prompt import load_prompts
from evaluator.rubric import Rubric
from evaluator.values.transcript import Transcript

_STUB: Final = Path(__file__).resolve().parent.parent / "tests" / "backends" / "provider_stub.py"
_LATENCY_S: Final = 0.3
_QUESTION_TYPE: Final = "metric_design"
_IN_FLIGHT: Final = (50, 256)
_WARM_UP: Final = 2  # items of each worker before a run is measured
_SMALL: Final = 50  # in flight: above it one core, not the latency, is the limit
_BARS: Final = (0.85, 0.9, 1.3)  # of the limit when small, of the bare rate when not, of the bare CPU
_ANSWER: Final = (
    "Candidate: Item ITEM-%d. Before naming a metric I want to fix the decision this supports: whether we roll the new "
    "onboarding flow out to every new member or keep the old one. The business goal is long-term retention, so I would "
    "decide by the share of new members who still watch weekly after eight weeks, because that is what a subscription "
    "renews on; raw sign-ups could rise while worse members join. I would split by acquisition channel and by device, "
    "since television sign-ups behave differently. As a guardrail I would watch support contacts and cancellations in "
    "the first week: a shorter flow could hide the price and cost us trust. For instrumentation we need an event for "
    "each step with the experiment arm, and a daily job that joins it to viewing. I would run it for four weeks with a "
    "power calculation for a one percent change, and stop early only if the guardrail breaks. If retention is flat but "
    "the guardrail is better, I would still ship it, because less friction at equal value is worth having.\n"
)

Ask = Callable[[int], Awaitable[object]]
Model = openai.OpenAIModel | anthropic.AnthropicModel


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: items a second, and CPU milliseconds an item."""

    rate: float
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class Bench:
    """What is measured: one provider at one number in flight."""

    provider: str
    url: str
    in_flight: int
    rounds: int
    rubric: Rubric
    transcripts: tuple[Transcript, ...]
    request: ChatRequest

    def model(self) -> Model:
        """Return our model of the provider."""
        key = SecretStr("key")
        if self.provider == "openai":
            options = ChatOptions(api_key=key, base_url=f"{self.url}/v1", concurrency=self.in_flight)
            return openai.build_model(options)
        return anthropic.build_model(ChatOptions(api_key=key, base_url=self.url, concurrency=self.in_flight))

    def patient(self) -> Patient:
        """Return our model as it is used: waiting, repeating, with turns."""
        return Patient(self.model(), Gate(self.provider, self.in_flight))

    async def bare(self) -> Measured:
        """Measure the SDK as its documentation shows it."""
        body = self.model().body(self.request)
        if self.provider == "openai":
            client = openai_sdk.AsyncOpenAI(api_key="key", base_url=f"{self.url}/v1", max_retries=0)
            create = cast("Callable[..., Awaitable[Response]]", client.responses.create)

            async def ask(_: int) -> object:
                return json.loads((await create(**body)).output_text)

            async with client:
                return await self._measure(ask)
        other = anthropic_sdk.AsyncAnthropic(api_key="key", base_url=self.url, max_retries=0)
        make = cast("Callable[..., Awaitable[anthropic_sdk.types.Message]]", other.messages.create)

        async def ask_other(_: int) -> object:
            block = (await make(**body)).content[0]
            return json.loads(block.text if block.type == "text" else "")

        async with other:
            return await self._measure(ask_other)

    async def asking(self) -> Measured:
        """Measure a ready request through our model."""
        patient, request = self.patient(), self.request
        return await self._measure(lambda _: patient.complete(request))

    async def judging(self) -> Measured:
        """Measure the judge: prompts, schema, quotes."""
        judge = ChatJudge(self.patient(), load_prompts())
        cases = [Case(t, self.rubric, _QUESTION_TYPE, self.rubric.criteria) for t in self.transcripts]
        return await self._measure(lambda number: judge.judge(cases[number % len(cases)]))

    async def grading(self) -> Measured:
        """Measure the whole path."""
        judge = ChatJudge(self.patient(), load_prompts())

        async def ask(number: int) -> object:
            transcript = self.transcripts[number % len(self.transcripts)]
            done = await aevaluate(transcript, self.rubric, judge, question_type=_QUESTION_TYPE)
            if done.usage.requests != 1:
                raise RuntimeError(f"{done.usage.requests} requests for one transcript")
            return done

        return await self._measure(ask)

    async def _measure(self, ask: Ask) -> Measured:
        """Run so many items in each worker, after a warm-up that fills connections and turns."""
        numbers = iter(range(10_000_000))

        async def work(count: int) -> None:
            for _ in range(count):
                await ask(next(numbers))

        await asyncio.gather(*(work(_WARM_UP) for _ in range(self.in_flight)))
        before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        await asyncio.gather(*(work(self.rounds) for _ in range(self.in_flight)))
        seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        items = self.in_flight * self.rounds
        return Measured(items / seconds, 1000 * cpu_s / items)


def _request(model: Model, rubric: Rubric, transcript: Transcript) -> ChatRequest:
    """Return the request that grading a transcript makes."""
    case = Case(transcript, rubric, _QUESTION_TYPE, rubric.criteria)
    return ChatJudge(model, load_prompts()).request(case, rubric.criteria, {})


def _compare(bench: Bench, repeats: int) -> bool:
    """Run all in turns and print the medians; whether the bars hold."""
    layers = {"bare SDK loop": bench.bare, "asking": bench.asking, "judging": bench.judging, "grading": bench.grading}
    runs: dict[str, list[Measured]] = {name: [] for name in layers}
    for _ in range(repeats):
        for name, layer in layers.items():
            runs[name].append(asyncio.run(layer()))
    limit = bench.in_flight / _LATENCY_S
    rates = {name: statistics.median(run.rate for run in found) for name, found in runs.items()}
    cpus = {name: statistics.median(run.cpu_ms for run in found) for name, found in runs.items()}
    for name in layers:
        shares = f"{rates[name] / limit:.2f} of the limit, {rates[name] / rates['bare SDK loop']:.2f} of bare"
        cpu = f"{cpus[name]:.2f} ms CPU, {cpus[name] / cpus['bare SDK loop']:.2f} of bare"
        print(f"  {bench.in_flight:4} in flight  {name:14} {rates[name]:7.1f}/s, {shares}; {cpu}")
    of_limit, of_rate, of_cpu = _BARS
    small = bench.in_flight <= _SMALL
    fast = rates["grading"] >= (of_limit * limit if small else of_rate * rates["bare SDK loop"])
    cheap = cpus["grading"] <= of_cpu * cpus["bare SDK loop"]
    print(f"       rate bar {'held' if fast else 'MISSED'}, CPU bar {'held' if cheap else 'MISSED'}")
    return fast and cheap


def main() -> int:
    """Measure and print; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--provider", choices=("openai", "anthropic"), action="append")
    parser.add_argument("--in-flight", type=int, action="append")
    parser.add_argument("--rounds", type=int, default=8, help="items of each worker in one run")
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    rubric = load_rubric("netflix_pm_metrics")
    most = max(chosen.in_flight or _IN_FLIGHT)
    # None is graded twice in a run, or what is kept of it for a while would make grading look cheaper than it is.
    transcripts = tuple(parse_transcript(_ANSWER % number) for number in range(most * (chosen.rounds + _WARM_UP)))
    request = _request(openai.build_model(ChatOptions(api_key=SecretStr("key"))), rubric, transcripts[0])
    held: list[bool] = []
    command = [sys.executable, str(_STUB), "--latency-s", str(_LATENCY_S)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as stub:  # noqa: S603 - our own file
        url = f"http://127.0.0.1:{int(stub.stdout.readline() if stub.stdout else 0)}"
        for provider in chosen.provider or ["openai", "anthropic"]:
            for in_flight in chosen.in_flight or _IN_FLIGHT:
                bench = Bench(provider, url, in_flight, chosen.rounds, rubric, transcripts, request)
                print(f"{provider}, body of {len(json.dumps(bench.model().body(request))):,} bytes")
                held.append(_compare(bench, chosen.repeats))
        stub.communicate()
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
