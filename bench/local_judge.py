"""How long the local judge takes for one transcript of about twenty sentences, from a warm process and from a cold one.

    python bench/local_judge.py [LABELS.jsonl]

Prints the time to the first verdict (imports, weights, calibration), then median and 95th percentile of single
transcripts, one after another, through the whole pipeline, and the memory that the process came to hold. Weights stay
loaded; each transcript is timed once, by a judge that has seen no sentence before, so that nothing is remembered.
"""

from __future__ import annotations

import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).resolve().parent.parent
_SENTENCES: Final = range(17, 24)


def main() -> None:
    """Time the judge on the labelled transcripts of the usual length."""
    started = time.perf_counter()
    from evaluator import evaluate, load_rubric  # noqa: PLC0415 - part of what is timed
    from evaluator.agreement.labels import read_labels  # noqa: PLC0415
    from evaluator.backends.openvino import OpenVinoEncoder  # noqa: PLC0415
    from evaluator.backends.similarity_judge import SimilarityJudge  # noqa: PLC0415
    from evaluator.segments import sentence_spans  # noqa: PLC0415

    rubric = load_rubric()
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else _ROOT / "fixtures/gold/dev.jsonl"
    transcripts = [row.transcript for row in read_labels(path, rubric).rows if row.transcript is not None]
    usual = [
        transcript
        for transcript in transcripts
        if sum(len(sentence_spans(turn.text)) for turn in transcript.turns if turn.role == "candidate") in _SENTENCES
    ]
    read_s = time.perf_counter() - started
    started = time.perf_counter()
    encoder = OpenVinoEncoder()
    evaluate(transcripts[0], rubric, SimilarityJudge(encoder))
    print(f"read {len(transcripts)} transcripts     {read_s:8.2f} s")
    print(f"first verdict, cold      {time.perf_counter() - started:8.2f} s")
    times_ms: list[float] = []
    for transcript in usual:
        judge = SimilarityJudge(encoder)
        started = time.perf_counter()
        evaluate(transcript, rubric, judge)
        times_ms.append((time.perf_counter() - started) * 1000)
    ordered = sorted(times_ms)
    print(f"transcripts timed        {len(ordered):8} of {_SENTENCES.start} to {_SENTENCES.stop - 1} sentences")
    print(f"median                   {statistics.median(ordered):8.1f} ms")
    print(f"95th percentile          {ordered[int(0.95 * len(ordered))]:8.1f} ms")
    print(f"fastest                  {ordered[0]:8.1f} ms")
    print(f"memory                   {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:8.0f} MB")


if __name__ == "__main__":
    main()
