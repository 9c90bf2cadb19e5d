"""What a failing provider costs: 1,000 transcripts graded while requests are refused, break off and come back cut.

``PYTHONPATH=. python bench/faults.py`` grades against a fake provider on loopback that answers 15 % of requests with
429, 5 % with 500, breaks 3 % of connections and cuts 3 % of replies off. It prints how many were graded, the requests
that it took, and how many were sent after a good answer was had. The bars: at least 99.5 % graded, the rest failed
with a named reason, at most 5 calls for any one, no call after a good reply.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Final

from pydantic import SecretStr

from evaluator import aevaluate, load_rubric, parse_transcript
from evaluator.backends import openai
from evaluator.backends.chat_judge import ChatJudge
from evaluator.backends.chat_options import ChatOptions
from evaluator.backends.hosted import hosted
from evaluator.errors import JudgeError
from evaluator.prompt import load_prompts
from evaluator.values.evaluation import Evaluation
from tests.backends.provider_stub import Faults, ProviderStub

_ITEMS: Final = 1000
_FAULTS: Final = Faults(too_many=0.15, server=0.05, dropped=0.03, cut=0.03, retry_after_s=1)
_ANSWER: Final = (
    "Candidate: Item ITEM-%d. I would decide by the share of new members who still watch weekly after four weeks, "
    "because that is what a subscription renews on, and I would stop if cancellations in the first week rise.\n"
)


async def main() -> int:
    """Measure and print; 1 if a bar is missed."""
    rubric = load_rubric("netflix_pm_metrics")
    async with ProviderStub(latency_s=0.05, faults=_FAULTS, keep=False) as stub:
        options = ChatOptions(api_key=SecretStr("key"), base_url=f"{stub.url}/v1")
        judge = ChatJudge(hosted(openai.build_model(options), options), load_prompts())

        async def grade(number: int) -> Evaluation | JudgeError:
            try:
                return await aevaluate(parse_transcript(_ANSWER % number), rubric, judge, question_type="metric_design")
            except JudgeError as error:
                return error

        began = time.perf_counter()
        results = await asyncio.gather(*(grade(number) for number in range(_ITEMS)))
        seconds = time.perf_counter() - began
    failed = [result for result in results if isinstance(result, JudgeError)]
    graded, most = _ITEMS - len(failed), max(stub.sent.values())
    print(f"graded {graded} of {_ITEMS} in {seconds:.0f} s, with {stub.requests} requests, at most {most} for any one")
    print(f"requests after a good answer: {stub.repeats_after_good}")
    for error in failed:
        print(f"failed: {error}")
    return 0 if graded >= 0.995 * _ITEMS and most <= options.attempts and not stub.repeats_after_good else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
