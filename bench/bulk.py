"""Whole local evaluations in bulk, against encoders that do nothing else, on the same sentences in the same run.

    python bench/bulk.py [LABELS.jsonl] [--rounds 3] [--at-once 64] [--limit N]

Prints the median of each way's sentences in a second over rounds in which the ways take turns, and what share of the
raw encoder whole evaluations reach. The raw encoder is this package's own, given all sentences at once: it fills its
batches and all cores. sentence-transformers, if it is installed, is called as its manual does; the product doesn't need
it: pip install torch==2.13.0 sentence-transformers==6.2.0.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import importlib.util
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from evaluator.agreement.labels import read_labels
from evaluator.backends.encoder import Encoder, Vectors
from evaluator.backends.gathering import GatheringEncoder
from evaluator.backends.model_folder import find_model
from evaluator.backends.openvino import OpenVinoEncoder
from evaluator.backends.similarity_judge import SimilarityJudge
from evaluator.pipeline import aevaluate
from evaluator.rubric import Rubric, load_rubric
from evaluator.values.transcript import Transcript

_ROOT: Final = Path(__file__).resolve().parent.parent


class _Noting:
    """An encoder that notes what it is asked."""

    def __init__(self, encoder: Encoder) -> None:
        """Wrap ``encoder``."""
        self._encoder = encoder
        self.asked: dict[str, None] = {}

    @property
    def name(self) -> str:
        """Name of the model inside."""
        return self._encoder.name

    @property
    def sha256(self) -> str:
        """Hash of its weights."""
        return self._encoder.sha256

    def encode(self, sentences: Sequence[str]) -> Vectors:
        """Note, then encode."""
        self.asked.update(dict.fromkeys(sentences))
        return self._encoder.encode(sentences)

    def width(self, sentence: str) -> int:
        """Return what the encoder inside does."""
        return self._encoder.width(sentence)


def main() -> None:
    """Time each way in turn."""
    parser = argparse.ArgumentParser()
    parser.add_argument("labels", nargs="?", type=Path, default=_ROOT / "fixtures/gold/dev.jsonl")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--at-once", type=int, default=64)
    parser.add_argument("--limit", type=int, help="only so many transcripts")
    chosen = parser.parse_args()
    rubric = load_rubric()
    rows = read_labels(chosen.labels, rubric).rows
    transcripts = [row.transcript for row in rows if row.transcript is not None][: chosen.limit]
    encoder = OpenVinoEncoder()
    noting = _Noting(encoder)
    _evaluate_all(transcripts, rubric, noting, 1)  # loads everything, and tells the sentences
    sentences = sorted(noting.asked, key=len)
    ways: dict[str, Callable[[], object]] = {
        "whole evaluations, in bulk": lambda: _evaluate_all(transcripts, rubric, encoder, chosen.at_once),
        "whole evaluations, one by one": lambda: _evaluate_all(transcripts, rubric, encoder, 1),
        "raw encoder, best loop": lambda: encoder.encode(sentences),
    }
    if importlib.util.find_spec("sentence_transformers"):
        library = importlib.import_module("sentence_transformers").SentenceTransformer(str(find_model(None).path))
        ways["sentence-transformers, all"] = lambda: library.encode(sentences, show_progress_bar=False)
    rates: dict[str, list[float]] = {name: [] for name in ways}
    cpu_ms: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(chosen.rounds):
        for name, run in ways.items():
            started, cpu = time.perf_counter(), time.process_time()
            run()
            rates[name].append(len(sentences) / (time.perf_counter() - started))
            cpu_ms[name].append((time.process_time() - cpu) * 1000 / len(sentences))
    print(
        f"{len(transcripts)} transcripts, {len(sentences)} different sentences, {os.cpu_count()} cores, at once:",
        end=" ",
    )
    print(f"{chosen.at_once}, rounds: {chosen.rounds}")
    print(f"{'':31}{'sentences/s':>12}{'transcripts/s':>15}{'cpu ms/sentence':>17}")
    for name in ways:
        rate = statistics.median(rates[name])
        each = rate * len(transcripts) / len(sentences)
        print(f"{name:31}{rate:12.0f}{each:15.1f}{statistics.median(cpu_ms[name]):17.2f}")
    bulk, _, raw, *library_rates = rates.values()
    print(f"bulk / raw encoder              {_ratio(bulk, raw)}")
    for rate in library_rates:
        print(f"bulk / sentence-transformers    {_ratio(bulk, rate)}")


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Return the median of the rounds' ratios, and the lowest and highest."""
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    return f"{statistics.median(ratios):6.2f}  [{min(ratios):.2f}, {max(ratios):.2f}]"


def _evaluate_all(transcripts: Sequence[Transcript], rubric: Rubric, encoder: Encoder, at_once: int) -> None:
    """Evaluate every transcript, so many at a time, with a judge that remembers nothing yet."""
    judge = SimilarityJudge(GatheringEncoder(encoder))

    async def run() -> None:
        gate = asyncio.Semaphore(at_once)

        async def one(transcript: Transcript) -> None:
            async with gate:
                await aevaluate(transcript, rubric, judge)

        await asyncio.gather(*map(one, transcripts))

    asyncio.run(run())


if __name__ == "__main__":
    main()
