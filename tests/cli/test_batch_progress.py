"""Tests of how a long run shows what it does: for a person, a log, a program, nobody."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from evaluator.batch.progress import Progress
from evaluator.cli.batch_progress import ProgressForm, make_view, told_duration, told_usd

_ROOT: Final = Path(__file__).resolve().parent.parent.parent


@dataclass(slots=True)
class _Clock:
    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_lines_come_every_ten_seconds_and_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    """A log holds count, rate, time left, price, and what needs a person; and no more lines than that."""
    clock = _Clock()
    with make_view(ProgressForm.lines, 1000, clock=clock) as view:
        for second in range(1, 22):
            clock.now_s = 100.0 + second
            done = Progress(graded=second * 10, review=2, failed=1, requests=second * 11, cost_usd=second * 0.1)
            view.show(done)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "evaluator: 101 of 1,000, 10.1/s, 1 min 29 s left, $1.00, 2 for review, 1 failed",
        "evaluator: 201 of 1,000, 10.1/s, 1 min 20 s left, $2.00, 2 for review, 1 failed",
        "evaluator: 211 of 1,000, 10.0/s, 1 min 19 s left, $2.10, 2 for review, 1 failed, in 21 s",
    ]


def test_json_lines_are_one_object_each(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """A program reads a line a second, and at the end the last state; nothing else is on the output stream."""
    clock = _Clock()
    with make_view(ProgressForm.json, 10, clock=clock) as view:
        for tenth in range(25):
            clock.now_s = 100.0 + tenth / 10
            view.show(Progress(graded=tenth // 5, requests=tenth, unpriced=tenth))
    out, err = capfdbinary.readouterr()
    lines: list[dict[str, Any]] = [json.loads(line) for line in out.decode().splitlines()]
    assert err == b""
    assert [line["event"] for line in lines] == ["progress", "progress", "progress", "end"]
    assert (lines[-1]["graded"], lines[-1]["total"], lines[-1]["unpriced"]) == (4, 10, 24)
    assert (lines[0]["rate"], lines[0]["left_s"]) == (0.0, None)
    assert lines[-1]["left_s"] == pytest.approx(3.6)


@pytest.mark.parametrize("form", [ProgressForm.none, ProgressForm.lines, ProgressForm.json])
def test_a_run_that_breaks_before_it_began_shows_nothing(
    form: ProgressForm, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """No line tells of a state that nobody saw; the error goes on to the caller."""
    with pytest.raises(ZeroDivisionError), make_view(form, 10):
        raise ZeroDivisionError
    assert capfdbinary.readouterr() == (b"", b"")


def test_nothing_is_shown_where_nothing_was_wished(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Quiet is quiet."""
    with make_view(ProgressForm.none, 10) as view:
        view.show(Progress(graded=5))
    assert capfdbinary.readouterr() == (b"", b"")


_ON_A_TERMINAL: Final = """
import time
from evaluator.batch.progress import Progress
from evaluator.cli.batch_progress import ProgressForm, make_view
from evaluator.cli.terminal import note
try:
    with make_view(ProgressForm.auto, 4) as view:
        for done in range(4):
            view.show(Progress(graded=done, failed=1, requests=1, cost_usd=0.5))
            time.sleep(0.05)
        note("a line in between")
        raise ZeroDivisionError
except ZeroDivisionError:
    pass
"""


def test_a_terminal_gets_a_bar_and_its_cursor_back() -> None:
    """The bar tells the same as the lines, stays whole beside a message, and hides the cursor only while it lives."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(_ROOT), "TERM": "xterm", "COLUMNS": "120"}
    process = subprocess.Popen([sys.executable, "-c", _ON_A_TERMINAL], env=environment, stderr=theirs, stdin=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65_536)
        except OSError:  # what Linux says when the other side is closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    assert process.wait() == 0
    text = shown.decode()
    assert "4 of 4" in text
    assert "$0.5000" in text
    assert "1 failed" in text
    assert "evaluator: a line in between" in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)
    assert text.rfind("\x1b[?25h") > text.rfind("\x1b[?25l") >= 0


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.2, "0 s"), (59.6, "1 min 00 s"), (3599.9, "1 h 00 min"), (90061, "25 h 01 min")]
)
def test_durations_are_told_as_people_tell_them(seconds: float, told: str) -> None:
    """Never sixty seconds of a minute."""
    assert told_duration(seconds) == told


@pytest.mark.parametrize(
    ("amount", "told"), [(None, "unpriced"), (0.0, "$0.0000"), (0.01234, "$0.0123"), (1234.5, "$1,234.50")]
)
def test_prices_are_told_exactly_where_they_are_small(amount: float | None, told: str) -> None:
    """What has no price isn't told as nothing."""
    assert told_usd(amount) == told
