"""What `evaluator batch` says before and after: counts and forecasts in, lines for a person out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from evaluator.cli.batch_progress import told_duration, told_usd

if TYPE_CHECKING:
    from evaluator.batch.forecast import Forecast
    from evaluator.batch.progress import Counts, Progress
    from evaluator.batch.summary import Summary
    from evaluator.judges.building import JudgePlan

__all__ = ["plan_lines", "summary_lines"]

_LOCAL_S: Final = 0.1  # a transcript on two cores


def plan_lines(counts: Counts, told: Forecast | None, plan: JudgePlan, in_flight: int) -> list[str]:
    """Return what a run will do, and what that will take."""
    parts = [
        f"{counts.items:,} item{'' if counts.items == 1 else 's'}",
        *([f"{counts.unreadable:,} can't be read"] if counts.unreadable else []),
        *([f"{counts.duplicates:,} with the words of an earlier one"] if counts.duplicates else []),
        *([f"{counts.done:,} done already"] if counts.done else []),
        f"{counts.open:,} to grade by {', '.join(plan.judges)}",
    ]
    lines = [", ".join(parts)]
    if told is None:
        return lines
    if not told.requests:
        took = told_duration(plan.loads_s + counts.open * _LOCAL_S)
        loading = f", {told_duration(plan.loads_s)} of them to load the model" if plan.loads_s else ""
        return [*lines, f"nothing is sent and nothing is paid; about {took}{loading}"]
    tokens = f"{told.requests:,} calls, {told.input_tokens:,} tokens in, {told.reply_tokens:,} out"
    price = "the price of a model here is not known"
    if told.cost_usd is not None:
        cached = "" if told.least_usd is None else f"{told_usd(told.least_usd)} with what is alike cached, "
        price = f"{cached}{told_usd(told.cost_usd)} without, at most {told_usd(told.most_usd)}"
    took = told_duration(plan.loads_s + told.duration_s(in_flight))
    return [*lines, f"about {tokens}: {price}; about {took} at {in_flight} in flight, if a call takes 6 s"]


def summary_lines(summary: Summary, progress: Progress, output: Path) -> list[str]:
    """Return what a run did."""
    from evaluator.cli.terminal import shown_path  # noqa: PLC0415

    bands = ", ".join(f"{band.count:,} {band.title}" for band in summary.bands if band.count)
    failed = ", ".join(f"{count:,} {code}" for code, count in summary.failed_by_code.items())
    paid = f", {progress.requests:,} calls, {told_usd(progress.cost_usd)} now" if progress.requests else ""
    graded = f"{summary.graded:,} graded{f' ({bands})' if bands else ''}, {summary.needs_review:,} for review"
    return [
        f"{graded}, {summary.failed:,} failed{f' ({failed})' if failed else ''}{paid}",
        f"read {shown_path(output / 'report.html')}; records and tables are beside it",
    ]
