"""How slow and how large the worst transcripts get: every row of the malformed table in a process of its own.

Run from the checkout: ``PYTHONPATH=. python bench/malformed.py``. Time is that of parsing alone; memory is the peak of
the process, interpreter and imports included. A last table shows that hostile text costs in proportion to its length.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import subprocess
import sys
import time

from evaluator.errors import EvaluatorError
from evaluator.transcripts import parse_transcript
from tests.transcripts.malformed import CASES

_SHOWN = 12
_MEGABYTE = 1024  # ru_maxrss counts kilobytes
_SIZES = (39_000, 390_000)  # the speech limit is 400,000 characters; beyond it nothing more is read
_HOSTILE = {
    "labels": "Anna: ",
    "brackets": "(laughs [",
    "emphasis": "**a *b _c ",
    "clock times": "00:00:",
    "voice tags": "<v a><b>",
    "quotes": '"\\"{',
    "questions": "why? ",
    "white space": " \t",
    "short lines": "Q: x\nA: y\n",
    "cues": "00:01.000 --> 00:02.000\na\n\n",
}
_HEADS = {"emphasis": "# x\n", "voice tags": "WEBVTT\n\n00:01.000 --> 00:02.000\n", "cues": "WEBVTT\n\n"}


def main() -> None:
    """Print the slowest rows, the largest, and the growth of hostile text."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--case", help="measure this row in this process and print JSON")
    wanted = arguments.parse_args().case
    if wanted is not None:
        print(json.dumps(_measure(wanted)))
        return
    rows = [_measure_apart(case.name) for case in CASES]
    print(f"{len(rows)} rows; baseline {_measure_apart('empty')['peak_mb']:.0f} MB")
    for key in ("seconds", "peak_mb"):
        print(f"\nlargest {key}")
        for row in sorted(rows, key=lambda row: row[key], reverse=True)[:_SHOWN]:
            print(f"  {row['seconds']:7.3f} s  {row['peak_mb']:5.0f} MB  {CASES[int(row['index'])].name}")
    print("\nhostile text: seconds at 39 kB, at 390 kB, ratio")
    for name in _HOSTILE:
        small, large = (_time_hostile(name, size) for size in _SIZES)
        print(f"  {small:7.4f}  {large:7.4f}  {large / small:5.1f}  {name}")


def _measure_apart(name: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--case", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - this very file
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _measure(name: str) -> dict[str, float]:
    index, case = next((index, case) for index, case in enumerate(CASES) if case.name == name)
    data = case.build()
    start = time.perf_counter()
    with contextlib.suppress(EvaluatorError):
        parse_transcript(data, format=case.format, name=case.file_name)
    seconds = time.perf_counter() - start
    return {
        "index": index,
        "seconds": seconds,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MEGABYTE,
    }


def _time_hostile(name: str, size: int) -> float:
    text = _HEADS.get(name, "") + _HOSTILE[name] * (size // len(_HOSTILE[name]))
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        with contextlib.suppress(EvaluatorError):
            parse_transcript(text)
        best = min(best, time.perf_counter() - start)
    return best


if __name__ == "__main__":
    main()
