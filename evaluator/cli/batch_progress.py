"""How a long run shows what it does: a bar on a terminal, lines elsewhere, JSON lines for programs, or nothing."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from evaluator.cli.terminal import note, write_stdout

if TYPE_CHECKING:
    from evaluator.batch.progress import Progress

__all__ = ["ProgressForm", "View", "make_view", "told_duration", "told_usd"]

_LINE_S: Final = 10.0
_JSON_S: Final = 1.0
_RATE_S: Final = 30.0  # the rate is that of the last so many seconds


class ProgressForm(StrEnum):
    """Forms of progress."""

    auto = "auto"
    bar = "bar"
    lines = "lines"
    json = "json"
    none = "none"


class View(Protocol):
    """Shows progress."""

    def show(self, progress: Progress) -> None:
        """Show how far the run is; called several times a second."""
        ...

    def close(self) -> None:
        """Show the last state once more, and leave the terminal as it was."""
        ...


@contextmanager
def make_view(form: ProgressForm, total: int, *, clock: Callable[[], float] = time.monotonic) -> Generator[View]:
    """Yield what shows a run of so many transcripts; it is closed however the run ends."""
    view = _view(form, total, clock)
    try:
        yield view
    finally:
        view.close()


def _view(form: ProgressForm, total: int, clock: Callable[[], float]) -> View:
    if form is ProgressForm.auto:
        form = ProgressForm.bar if sys.stderr.isatty() else ProgressForm.lines
    match form:
        case ProgressForm.bar:
            return _Bar(total, clock)
        case ProgressForm.lines:
            return _Lines(total, clock)
        case ProgressForm.json:
            return _JsonLines(total, clock)
        case ProgressForm.none:
            return _Silence()


class _Pace:
    """How fast it goes, and how long it will take."""

    def __init__(self, total: int, clock: Callable[[], float]) -> None:
        self.total = total
        self._clock = clock
        self._began = clock()
        self._seen: list[tuple[float, int]] = [(self._began, 0)]

    def elapsed_s(self) -> float:
        return self._clock() - self._began

    def rate(self, done: int) -> float:
        """Return transcripts a second, of late."""
        now = self._clock()
        self._seen = [*(seen for seen in self._seen[:-1] if seen[0] >= now - _RATE_S), self._seen[-1], (now, done)]
        then, before = self._seen[0]
        return (done - before) / (now - then) if now > then else 0.0

    def left_s(self, done: int) -> float | None:
        rate = self.rate(done)
        return (self.total - done) / rate if rate > 0 else None


def _parts(progress: Progress, pace: _Pace) -> list[str]:
    done = progress.graded + progress.failed
    left = pace.left_s(done)
    cost = [f"{told_usd(progress.cost_usd)}{' and unpriced calls' if progress.unpriced else ''}"]
    return [
        f"{done:,} of {pace.total:,}",
        f"{pace.rate(done):.1f}/s",
        *([f"{told_duration(left)} left"] if left is not None and done < pace.total else []),
        *(cost if progress.requests else []),
        *([f"{progress.review:,} for review"] if progress.review else []),
        *([f"{progress.failed:,} failed"] if progress.failed else []),
    ]


class _Bar:
    def __init__(self, total: int, clock: Callable[[], float]) -> None:
        from rich.console import Console  # noqa: PLC0415
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn  # noqa: PLC0415
        from rich.progress import Progress as RichProgress  # noqa: PLC0415

        self._pace = _Pace(total, clock)
        self._bar = RichProgress(
            BarColumn(bar_width=30),
            TaskProgressColumn(),
            TextColumn("{task.description}", markup=False),
            console=Console(stderr=True),
            refresh_per_second=5,
        )
        self._task = self._bar.add_task("", total=total)
        self._bar.start()

    def show(self, progress: Progress) -> None:
        text = " · ".join(_parts(progress, self._pace))
        self._bar.update(self._task, completed=progress.graded + progress.failed, description=text)

    def close(self) -> None:
        self._bar.stop()


class _Lines:
    def __init__(self, total: int, clock: Callable[[], float]) -> None:
        self._pace = _Pace(total, clock)
        self._next = _LINE_S
        self._last: Progress | None = None

    def show(self, progress: Progress) -> None:
        self._last = progress
        if self._pace.elapsed_s() >= self._next:
            self._next = self._pace.elapsed_s() + _LINE_S
            note(", ".join(_parts(progress, self._pace)))

    def close(self) -> None:
        if self._last is not None:
            note(f"{', '.join(_parts(self._last, self._pace))}, in {told_duration(self._pace.elapsed_s())}")


class _JsonLines:
    def __init__(self, total: int, clock: Callable[[], float]) -> None:
        self._pace = _Pace(total, clock)
        self._next = 0.0
        self._last: Progress | None = None

    def show(self, progress: Progress) -> None:
        self._last = progress
        if self._pace.elapsed_s() >= self._next:
            self._next = self._pace.elapsed_s() + _JSON_S
            self._write("progress", progress)

    def close(self) -> None:
        if self._last is not None:
            self._write("end", self._last)

    def _write(self, event: str, progress: Progress) -> None:
        done = progress.graded + progress.failed
        left = self._pace.left_s(done)
        line = {
            "event": event,
            "elapsed_s": round(self._pace.elapsed_s(), 2),
            "total": self._pace.total,
            "rate": round(self._pace.rate(done), 3),
            "left_s": None if left is None else round(left, 1),
            **asdict(progress),
        }
        write_stdout(json.dumps(line) + "\n", exact=True)


class _Silence:
    def show(self, progress: Progress) -> None:
        del progress

    def close(self) -> None:
        pass


def told_usd(amount: float | None) -> str:
    """Return a price as people read it."""
    if amount is None:
        return "unpriced"
    return f"${amount:,.2f}" if amount >= 1 else f"${amount:.4f}"


def told_duration(seconds: float) -> str:
    """Return a duration as people read it."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
