"""Malformed and odd files: each gets a clear error that names the place, or parses with a flag; never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from evaluator.errors import TranscriptError
from evaluator.transcripts import parse_transcript
from tests.transcripts.malformed import CASES, SECRET, Case, Parses, Refused

_ROOT = Path(__file__).parents[2]
_SMALL = [case for case in CASES if not case.big]
_BIG = [case for case in CASES if case.big]
_TIMEOUT_S = 120  # generous: this finds what hangs, the benchmark finds what is slow


def test_table_is_large_and_its_names_differ() -> None:
    """At least seventy kinds of bad input are kept, each under its own name."""
    assert len({case.name for case in CASES}) == len(CASES) >= 70


@pytest.mark.parametrize("case", _SMALL, ids=lambda case: case.name)
def test_malformed_input_meets_its_outcome(case: Case) -> None:
    """Refused with place and reason, or parsed with the flags that say what is odd."""
    check_outcome(case)


def test_huge_inputs_meet_their_outcomes_within_limits(tmp_path: Path) -> None:
    """Megabytes of nonsense are refused or read in a process of 1.5 GB, without a traceback."""
    names = json.dumps([case.name for case in _BIG])
    code = (
        "import json, resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1_500_000_000, 1_500_000_000))\n"
        "from tests.transcripts.malformed import CASES\n"
        "from tests.transcripts.test_transcript_malformed import check_outcome\n"
        "wanted = set(json.loads(sys.argv[1]))\n"
        "for case in CASES:\n"
        "    if case.name in wanted:\n"
        "        check_outcome(case)\n"
        "        print(case.name)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, names],
        cwd=tmp_path,
        env={"PYTHONPATH": str(_ROOT), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines() == [case.name for case in _BIG]


def check_outcome(case: Case) -> None:
    """Parse ``case`` and check what comes of it."""
    if isinstance(case.outcome, Refused):
        _check_refusal(case, case.outcome)
    else:
        _check_parse(case, case.outcome)


def _check_refusal(case: Case, outcome: Refused) -> None:
    with pytest.raises(TranscriptError) as caught:
        parse_transcript(case.build(), format=case.format, name=case.file_name)
    error = caught.value
    assert outcome.message in error.message
    assert error.where
    assert outcome.where in error.where
    assert SECRET not in str(error)
    assert len(str(error)) < 500
    assert str(error).isprintable()


def _check_parse(case: Case, outcome: Parses) -> None:
    transcript = parse_transcript(case.build(), format=case.format, name=case.file_name)
    found = {flag.code for flag in transcript.flags} | {reason.split(":")[0] for reason in transcript.review_reasons}
    assert transcript.format == outcome.format
    assert set(outcome.codes) <= found
    assert not any(SECRET in flag.message for flag in transcript.flags)
    assert not any(SECRET in reason for reason in transcript.review_reasons)
    assert all(turn.text.replace("\n", "").isprintable() or "\ufffd" in turn.text for turn in transcript.turns)
    if outcome.turns is not None:
        assert len(transcript.turns) == outcome.turns
