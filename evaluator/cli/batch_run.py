"""How `evaluator batch` runs: plan told, price agreed to, progress shown, interrupts obeyed, results written."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from evaluator.cli.batch_progress import ProgressForm, make_view
from evaluator.cli.batch_text import plan_lines, summary_lines

if TYPE_CHECKING:
    from evaluator.batch.forecast import Forecast
    from evaluator.batch.records import Item
    from evaluator.batch.run import BatchRun, Work
    from evaluator.batch.runs import Counts, Spec
    from evaluator.judges.building import JudgePlan
    from evaluator.judging import Judge
    from evaluator.settings import Settings
    from evaluator.store.answers import AnswerStore

__all__ = ["Wishes", "run_batch"]

_STOPPED: Final = 3
_LACKING: Final = 4
_INTERRUPTED: Final = 130
_LOCAL_AT_ONCE: Final = 32  # transcripts whose sentences are embedded together
_BY_HAND: Final = "interrupted by hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What was asked for beside the judge.

    Attributes:
        output: Folder for results and state.
        yes: Spend without asking.
        dry_run: Tell what would be done, and stop.
        progress: How to show what is done.
        strict: Tell by the exit code if an item failed or needs a person.
    """

    output: Path
    yes: bool
    dry_run: bool
    progress: ProgressForm
    strict: bool


def run_batch(wishes: Wishes, settings: Settings, plan: JudgePlan, items: Iterable[Item]) -> None:
    """Run a batch to its end, or as far as it goes.

    Raises:
        Exit: With the code that says how it ended, if not well.
        EvaluatorError: It can't begin, or can't go on.
    """
    from evaluator.batch.run import BatchRun  # noqa: PLC0415
    from evaluator.cli.terminal import note  # noqa: PLC0415

    quiet = wishes.progress is ProgressForm.none
    with _folder(wishes) as folder, BatchRun(_work(wishes, settings, plan, folder)) as run:
        counts = run.plan(items)
        told = None
        if counts.open:
            told = _forecast(run, counts, settings, plan)
        if not quiet or wishes.dry_run:
            for line in plan_lines(counts, told, plan, run.concurrency):
                note(line)
        if wishes.dry_run:
            return
        if counts.open and told is not None and told.requests:
            _ask(wishes, told)
        stopped = _grade(run, wishes, counts) if counts.open else None
        _publish(run, wishes, stopped)


def _work(wishes: Wishes, settings: Settings, plan: JudgePlan, folder: Path) -> Work:
    from evaluator.backends.sharing import Sharing  # noqa: PLC0415
    from evaluator.batch.run import Work  # noqa: PLC0415
    from evaluator.batch.spec import make_spec  # noqa: PLC0415
    from evaluator.cli.batch_judge import fit_plan, portable, run_judge, run_plan  # noqa: PLC0415
    from evaluator.cli.work import machine_name  # noqa: PLC0415
    from evaluator.judges.building import build_judge  # noqa: PLC0415
    from evaluator.rubric import load_rubric  # noqa: PLC0415

    asked = _without_keys(plan) if wishes.dry_run else plan
    judge = build_judge(replace(asked, cache=None))
    sharing = Sharing()
    own = make_spec(load_rubric(settings.rubric), judge, portable(settings))

    def build(spec: Spec, store: AnswerStore, spent_usd: float) -> Judge:
        planned = run_plan if spec.grading == own.grading else fit_plan  # this worker helps with other runs too
        return run_judge(planned(settings, spec), store, spent_usd, sharing)

    return Work(
        folder=folder,
        spec=own,
        judge=build,
        concurrency=settings.concurrency if plan.asks_hosted else _LOCAL_AT_ONCE,
        answers=plan.cache,
        database_url=settings.database_url.get_secret_value() if settings.database_url else None,
        base=machine_name(),
        sharers=sharing.share,
    )


def _without_keys(plan: JudgePlan) -> JudgePlan:
    """Return the plan with a stand-in for each key that is missing: nothing is sent."""
    from pydantic import SecretStr  # noqa: PLC0415

    from evaluator.backends import BACKENDS  # noqa: PLC0415

    keys = {name: SecretStr("nothing-is-sent") for name in BACKENDS} | dict(plan.options.api_keys)
    return replace(plan, options=replace(plan.options, api_keys=keys))


@contextmanager
def _folder(wishes: Wishes) -> Generator[Path]:
    """Yield the output folder; for a dry run that finds none, one that is gone afterwards."""
    if not wishes.dry_run or wishes.output.exists():
        yield wishes.output
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def _forecast(run: BatchRun, counts: Counts, settings: Settings, plan: JudgePlan) -> Forecast:
    from evaluator.batch.forecast import SAMPLE, forecast  # noqa: PLC0415
    from evaluator.judges.building import build_estimate  # noqa: PLC0415
    from evaluator.rubric import load_rubric  # noqa: PLC0415

    sample = run.sample(SAMPLE) if plan.asks_hosted else []
    return forecast(sample, counts.open, load_rubric(settings.rubric), build_estimate(plan))


def _ask(wishes: Wishes, told: Forecast) -> None:
    """Let a person agree to the price.

    Raises:
        OptionError: Nobody is there to ask.
        Abort: They don't.
    """
    from evaluator.errors import OptionError  # noqa: PLC0415

    if wishes.yes or (not told.cost_usd and told.cost_usd is not None):
        return
    if not sys.stdin.isatty():
        raise OptionError(
            "this run asks a hosted model, and nobody is here to agree to it",
            remedy="look at --dry-run, then add --yes, and --max-cost-usd if you like",
        )
    typer.confirm("Go on?", abort=True, err=True)


def _grade(run: BatchRun, wishes: Wishes, counts: Counts) -> str | None:
    """Grade to the end or until somebody interrupts; return why it stopped early, if it did."""
    view = make_view(wishes.progress, counts.open)
    with _interruptible(run):
        run.start()
        while run.going_on():
            view.show(run.progress())
        view.close(run.progress())
    return run.stopped()


@contextmanager
def _interruptible(run: BatchRun) -> Generator[None]:
    """Let the first interrupt finish what is in flight, and the second end the process at once."""
    from evaluator.cli.terminal import note  # noqa: PLC0415

    def interrupt(number: int, _: object) -> None:
        signal.signal(number, _leave)
        run.drain(_BY_HAND)
        note("finishing what is being graded; once more stops at once, and loses nothing either")

    former = signal.signal(signal.SIGINT, interrupt), signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former[0])
        signal.signal(signal.SIGTERM, former[1])


def _leave(number: int, _: object) -> None:
    """End now: whatever was kept is on the disk, and the rest is graded next time."""
    del number
    os._exit(_INTERRUPTED)


def _publish(run: BatchRun, wishes: Wishes, stopped: str | None) -> None:
    """Write the results, and say what they are."""
    from evaluator.batch.outputs import write_outputs  # noqa: PLC0415
    from evaluator.cli.terminal import note, progress  # noqa: PLC0415

    quiet = wishes.progress is ProgressForm.none
    if stopped == _BY_HAND:
        note("stopped; nothing is lost: run the same command to go on")
        raise typer.Exit(_INTERRUPTED)
    with progress("Writing the tables and the report ...", quiet=quiet):
        summary = write_outputs(wishes.output, run.records(), run.rubric)
    if not quiet:
        for line in summary_lines(summary, run.progress(), wishes.output):
            note(line)
    if stopped is not None:
        note(f"stopped before the end: {stopped}")
        note("what is graded is kept: run the same command to go on")
        raise typer.Exit(_STOPPED)
    if wishes.strict and (summary.failed or summary.needs_review):
        raise typer.Exit(_LACKING)
