"""How `evaluator batch` runs: plan told, price agreed to, progress shown, interrupts obeyed, results written."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Generator, Iterable
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import typer

from evaluator.cli.batch_progress import ProgressForm, make_view
from evaluator.cli.batch_text import plan_lines, summary_lines

if TYPE_CHECKING:
    from evaluator.batch.allotment import Purse
    from evaluator.batch.forecast import Forecast
    from evaluator.batch.progress import Counts
    from evaluator.batch.records import Item
    from evaluator.batch.run import BatchRun, Work
    from evaluator.batch.runs import Spec
    from evaluator.judges.building import JudgePlan
    from evaluator.judging import Judge
    from evaluator.settings import Settings
    from evaluator.store.answers import AnswerStore

__all__ = ["Wishes", "run_batch"]

_STOPPED: Final = 3
_LACKING: Final = 4
_INTERRUPTED: Final = 130
_LOCAL_AT_ONCE: Final = 32  # transcripts whose sentences are embedded together
_BATCHED_AT_ONCE: Final = 5000  # that wait for a provider's batch: 22 kB each
_BY_HAND: Final = "interrupted by hand"
_SHOW_CURSOR: Final = b"\x1b[?25h\n"  # which the bar hides


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


def run_batch(wishes: Wishes, settings: Settings, chosen: JudgePlan, items: Iterable[Item]) -> None:
    """Run a batch to its end, or as far as it goes.

    Raises:
        Exit: With the code that says how it ended, if not well.
        EvaluatorError: It can't begin, or can't go on.
    """
    from evaluator.batch.loop import rare_collections  # noqa: PLC0415
    from evaluator.batch.run import BatchRun  # noqa: PLC0415
    from evaluator.cli.terminal import note  # noqa: PLC0415

    quiet = wishes.progress is ProgressForm.none
    with (
        rare_collections(),
        _folder(wishes) as folder,
        _batching(settings, chosen, folder) as plan,
        BatchRun(_work(wishes, settings, plan, folder)) as run,
    ):
        counts = run.plan(items)
        told = None
        if counts.open:
            told = _forecast(run, counts, plan)
        if not quiet or wishes.dry_run:
            for line in plan_lines(counts, told, plan, run.concurrency):
                note(line)
        if wishes.dry_run:
            return
        if counts.open and told is not None and told.requests:
            _ask(wishes, told)
        each_usd = (told.each_usd if told else None) or 0.0
        stopped = _grade(run, wishes, counts, each_usd) if counts.open else None
        _publish(run, wishes, stopped)


def _work(wishes: Wishes, settings: Settings, plan: JudgePlan, folder: Path) -> Work:
    from evaluator.backends.sharing import Sharing  # noqa: PLC0415
    from evaluator.batch.run import Work  # noqa: PLC0415
    from evaluator.batch.spec import make_spec  # noqa: PLC0415
    from evaluator.cli.work import machine_name  # noqa: PLC0415
    from evaluator.judges.building import build_judge  # noqa: PLC0415
    from evaluator.rubric import load_rubric  # noqa: PLC0415
    from evaluator.run_judge import fit_plan, portable, run_judge, run_plan  # noqa: PLC0415

    asked = _without_keys(plan) if wishes.dry_run else plan
    judge = build_judge(replace(asked, cache=None))
    sharing = Sharing()
    own = make_spec(load_rubric(settings.rubric), judge, portable(settings))

    def build(spec: Spec, store: AnswerStore, purse: Purse) -> Judge:
        planned = run_plan if spec.grading == own.grading else fit_plan  # this worker helps with other runs too
        return run_judge(_batched_as(planned(settings, spec), plan), store, purse, sharing)

    return Work(
        folder=folder,
        spec=own,
        judge=build,
        concurrency=_at_once(settings, plan),
        answers=plan.cache,
        database_url=settings.database_url.get_secret_value() if settings.database_url else None,
        base=machine_name(),
        sharers=sharing.share,
        spent=lambda: sharing.spent_usd,
    )


def _at_once(settings: Settings, plan: JudgePlan) -> int:
    """Return how many transcripts are graded at once."""
    if not plan.asks_hosted:
        return _LOCAL_AT_ONCE
    return _BATCHED_AT_ONCE if settings.provider_batch else settings.concurrency


@contextmanager
def _batching(settings: Settings, plan: JudgePlan, folder: Path) -> Generator[JudgePlan]:
    """Yield the plan; if provider batches were asked for, with the file that knows what was sent in them.

    Raises:
        OptionError: Nobody here has such batches, or workers share the run.
    """
    from evaluator.backends.batch_options import BatchOptions  # noqa: PLC0415
    from evaluator.batch.folder import batches_file  # noqa: PLC0415
    from evaluator.errors import OptionError  # noqa: PLC0415
    from evaluator.store.batches import BatchLedger  # noqa: PLC0415

    if not settings.provider_batch:
        yield plan
        return
    for where, wrong in (("database_url", settings.database_url), ("backend", not plan.asks_hosted)):
        if wrong:
            raise OptionError("can't be combined with it", where=f"provider_batch, {where}", remedy="leave one out")
    with closing(BatchLedger(batches_file(folder))) as ledger:
        yield replace(plan, options=replace(plan.options, batching=BatchOptions(ledger=ledger)))


def _batched_as(plan: JudgePlan, other: JudgePlan) -> JudgePlan:
    """Return a plan that sends its requests as another one does."""
    return replace(plan, options=replace(plan.options, batching=other.options.batching))


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


def _forecast(run: BatchRun, counts: Counts, plan: JudgePlan) -> Forecast:
    from evaluator.batch.forecast import SAMPLE, Known, forecast  # noqa: PLC0415
    from evaluator.judges.building import build_estimate, build_judge  # noqa: PLC0415

    sample = run.sample(SAMPLE) if plan.asks_hosted else []
    known = None
    if sample and not plan.committee and (answers := run.answers()) is not None:
        known = Known(answers, build_judge(replace(_without_keys(plan), cache=None)).info(run.rubric))
    return forecast(sample, counts.open, run.rubric, build_estimate(plan), known)


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


def _grade(run: BatchRun, wishes: Wishes, counts: Counts, each_usd: float) -> str | None:
    """Grade to the end or until somebody interrupts; return why it stopped early, if it did."""
    from evaluator.cli.terminal import note  # noqa: PLC0415

    draining = False
    with _interruptible() as interrupted, make_view(wishes.progress, counts.open) as view:
        run.start(each_usd)
        while run.going_on():
            view.show(run.progress())
            if interrupted.yet and not draining:
                draining = True
                run.drain(_BY_HAND)
                note("finishing what is being graded; once more stops at once, and loses nothing either")
        view.show(run.progress())
    run.settle()
    return run.stopped()


@dataclass(slots=True)
class _Interrupted:
    """Whether somebody wished the run to stop. The handler does no more than say so: it may come in mid-statement."""

    yet: bool = False


@contextmanager
def _interruptible() -> Generator[_Interrupted]:
    """Tell of the first interrupt, and let the second end the process at once."""
    interrupted = _Interrupted()

    def interrupt(_: int, __: object) -> None:
        if interrupted.yet:
            _leave()
        interrupted.yet = True

    former = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupted
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _leave() -> NoReturn:
    """End now: whatever was kept is on the disk, and the rest is graded next time."""
    if sys.stderr.isatty():
        os.write(sys.stderr.fileno(), _SHOW_CURSOR)
    os._exit(_INTERRUPTED)


def _publish(run: BatchRun, wishes: Wishes, stopped: str | None) -> None:
    """Write the results, and say what they are."""
    from evaluator.batch.outputs import OUTPUTS, write_outputs  # noqa: PLC0415
    from evaluator.cli.terminal import note, progress, shown_path  # noqa: PLC0415

    quiet = wishes.progress is ProgressForm.none
    if stopped == _BY_HAND:
        note("stopped; nothing is lost: run the same command to go on")
        raise typer.Exit(_INTERRUPTED)
    aside = run.set_aside(OUTPUTS)
    with progress("Writing the tables and the report ...", quiet=quiet):
        summary = write_outputs(wishes.output, run.records(), run.rubric)
    if not quiet:
        for line in summary_lines(summary, run.progress(), wishes.output):
            note(line)
        if aside is not None:
            former, latter = shown_path(aside), shown_path(wishes.output)
            note(f"what was graded otherwise is kept; compare by: evaluator diff {former} {latter}")
    if stopped is not None:
        note(f"stopped before the end: {stopped}")
        note("what is graded is kept: run the same command to go on")
        raise typer.Exit(_STOPPED)
    if wishes.strict and (summary.failed or summary.needs_review):
        raise typer.Exit(_LACKING)
