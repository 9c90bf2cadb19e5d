"""``evaluator batch``: many transcripts in; records, tables and a report out; stopped at any moment, it goes on.

What is said goes to the error stream; results go to the output folder. Heavy imports stand inside the functions, so
that ``evaluator batch --help`` stays quick.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from evaluator.cli.batch_progress import ProgressForm, make_view, told_duration, told_usd
from evaluator.cli.judge_options import JudgeFlags, judge_plan, takes_judge_options

if TYPE_CHECKING:
    from evaluator.batch.forecast import Forecast
    from evaluator.batch.records import Item
    from evaluator.batch.run import BatchRun, Work
    from evaluator.batch.runs import Counts, Progress
    from evaluator.batch.summary import Summary
    from evaluator.judges.building import JudgePlan
    from evaluator.settings import Settings

__all__ = ["batch"]

_STOPPED: Final = 3
_LACKING: Final = 4
_INTERRUPTED: Final = 130
_LOCAL_AT_ONCE: Final = 32  # transcripts whose sentences are embedded together
_LOCAL_S: Final = 0.1  # a transcript, on two cores; said with the forecast
_ASKED_AT: Final = 0.0  # US dollars above which a run asks before it begins


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wishes:
    """What was asked for beside the judge."""

    inputs: tuple[str, ...]
    output: Path
    yes: bool
    dry_run: bool
    limit: int | None
    sample: int | None
    seed: int
    progress: ProgressForm
    strict: bool


@takes_judge_options
def batch(  # noqa: PLR0913 - one parameter per option of the command
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="INPUT...", help="Files, folders, 'patterns', .jsonl, .csv, .parquet, .zip; '-'."),
    ],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for results and state.")],
    rubric: Annotated[
        str | None, typer.Option(metavar="ID|FILE", help="Rubric, by id or file. [default: netflix_pm_metrics]")
    ] = None,
    flags: JudgeFlags,
    text_column: Annotated[str | None, typer.Option(metavar="NAME", help="Column with the transcript.")] = None,
    name_column: Annotated[str | None, typer.Option(metavar="NAME", help="Column that names the item.")] = None,
    question_column: Annotated[str | None, typer.Option(metavar="NAME", help="Column with the question.")] = None,
    question_type_column: Annotated[str | None, typer.Option(metavar="NAME", help="Column with its type.")] = None,
    candidate_column: Annotated[str | None, typer.Option(metavar="NAME", help="Column with who answers.")] = None,
    keep_columns: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="Columns to keep for tables and slices. [default: all short]")
    ] = None,
    question: Annotated[str | None, typer.Option(help="Question asked of all.")] = None,
    question_type: Annotated[str | None, typer.Option(metavar="ID", help="Question type of all.")] = None,
    candidate: Annotated[str | None, typer.Option(metavar="LABEL", help="Who answers, in all.")] = None,
    input_format: Annotated[str | None, typer.Option(metavar="NAME", help="Form of all transcripts.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Take the first N items only.")] = None,
    sample: Annotated[int | None, typer.Option(min=1, metavar="N", help="Take N items by lot.")] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Of the lot.")] = 1,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Spend without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be done and paid, and stop.")] = False,
    progress: Annotated[ProgressForm, typer.Option(help="How to show what is done.")] = ProgressForm.auto,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 4 if an item failed or a person must look at one.")
    ] = False,
    provider_batch: Annotated[
        bool | None, typer.Option("--provider-batch", help="Half the price, within a day.", show_default=False)
    ] = None,
    requests_per_minute: Annotated[
        float | None, typer.Option(min=0.01, metavar="N", help="Most requests a minute to one provider.")
    ] = None,
    database_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Postgres shared with `evaluator work` elsewhere.")
    ] = None,
) -> None:
    """Grade many transcripts into a folder: records, tables and a report to read.

    Run the same command again after a crash, an interrupt or an edit: what has a result isn't paid for twice, an edited
    rubric asks about the edited criteria alone. Ctrl-C finishes what is being graded and stops; a second one stops at
    once; both lose nothing.

    Exit codes: 0 graded (failed items are listed in failures.jsonl), 2 bad input, 3 stopped before the end, 4 an item
    failed or a person must look first (with --strict only), 130 interrupted.
    """
    from evaluator.batch.inputs import ReadOptions  # noqa: PLC0415
    from evaluator.settings import load_settings  # noqa: PLC0415

    given = {
        "rubric": rubric,
        "provider_batch": provider_batch,
        "requests_per_minute": requests_per_minute,
        "database_url": _secret(database_url),
    }
    settings = load_settings().model_copy(
        update={**flags.given(), **{name: value for name, value in given.items() if value is not None}}
    )
    options = ReadOptions(
        candidate=candidate,
        question=question,
        question_type=question_type,
        format=input_format,
        text_column=text_column,
        question_column=question_column,
        question_type_column=question_type_column,
        candidate_column=candidate_column,
        name_column=name_column,
        keep=tuple(name.strip() for name in keep_columns.split(",")) if keep_columns else None,
        leave_out=(output,),
    )
    wishes = _Wishes(
        inputs=tuple(inputs),
        output=output,
        yes=yes,
        dry_run=dry_run,
        limit=limit,
        sample=sample,
        seed=seed,
        progress=ProgressForm.none if quiet else progress,
        strict=strict,
    )
    _run(wishes, settings, judge_plan(settings, flags, quiet=quiet), _items(wishes, options))


def _items(wishes: _Wishes, options: object) -> Callable[[], Iterator[Item]]:
    from evaluator.batch.choosing import choose  # noqa: PLC0415
    from evaluator.batch.inputs import ReadOptions, read_items  # noqa: PLC0415
    from evaluator.cli.terminal import note  # noqa: PLC0415

    if not isinstance(options, ReadOptions):
        raise TypeError
    told = None if wishes.progress is ProgressForm.none else note
    read = read_items(wishes.inputs, options, told=told, stdin=sys.stdin.buffer)
    return lambda: choose(read, limit=wishes.limit, sample=wishes.sample, seed=wishes.seed)


def _run(wishes: _Wishes, settings: Settings, plan: JudgePlan, items: Callable[[], Iterator[Item]]) -> None:
    from evaluator.batch.run import BatchRun  # noqa: PLC0415
    from evaluator.cli.terminal import note  # noqa: PLC0415

    quiet = wishes.progress is ProgressForm.none
    with _folder(wishes) as folder, BatchRun(_work(wishes, settings, plan, folder)) as run:
        counts = run.plan(items())
        told = None
        if counts.open:
            told = _forecast(run, counts, settings, plan)
        if not quiet or wishes.dry_run:
            for line in _plan_lines(counts, told, plan, run.concurrency):
                note(line)
        if wishes.dry_run:
            return
        if counts.open and told is not None and told.requests:
            _ask(wishes, told)
        stopped = _grade(run, wishes, counts) if counts.open else None
        _publish(run, wishes, stopped)


def _work(wishes: _Wishes, settings: Settings, plan: JudgePlan, folder: Path) -> Work:
    from evaluator.backends.sharing import Sharing  # noqa: PLC0415
    from evaluator.batch.run import Work  # noqa: PLC0415
    from evaluator.batch.spec import make_spec  # noqa: PLC0415
    from evaluator.cli.batch_judge import portable, run_judge, run_plan  # noqa: PLC0415
    from evaluator.cli.work import machine_name  # noqa: PLC0415
    from evaluator.judges.building import build_judge  # noqa: PLC0415
    from evaluator.rubric import load_rubric  # noqa: PLC0415

    asked = _without_keys(plan) if wishes.dry_run else plan
    judge = build_judge(replace(asked, cache=None))
    sharing = Sharing()
    return Work(
        folder=folder,
        spec=make_spec(load_rubric(settings.rubric), judge, portable(settings)),
        judge=lambda spec, store, spent_usd: run_judge(run_plan(settings, spec), store, spent_usd, sharing),
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
def _folder(wishes: _Wishes) -> Generator[Path]:
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


def _plan_lines(counts: Counts, told: Forecast | None, plan: JudgePlan, in_flight: int) -> list[str]:
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
        return [*lines, f"nothing is sent and nothing is paid; about {told_duration(counts.open * _LOCAL_S)}"]
    tokens = f"{told.requests:,} calls, {told.input_tokens:,} tokens in, {told.reply_tokens:,} out"
    price = "the price of a model here is not known"
    if told.cost_usd is not None:
        cached = "" if told.least_usd is None else f"{told_usd(told.least_usd)} with what is alike cached, "
        price = f"{cached}{told_usd(told.cost_usd)} without, at most {told_usd(told.most_usd)}"
    time = f"about {told_duration(told.duration_s(in_flight))} at {in_flight} in flight, if a call takes 6 s"
    return [*lines, f"about {tokens}: {price}; {time}"]


def _ask(wishes: _Wishes, told: Forecast) -> None:
    """Let a person agree to the price.

    Raises:
        OptionError: Nobody is there to ask.
        Abort: They don't.
    """
    from evaluator.errors import OptionError  # noqa: PLC0415

    if wishes.yes or told.cost_usd == _ASKED_AT:
        return
    if not sys.stdin.isatty():
        raise OptionError(
            "this run asks a hosted model, and nobody is here to agree to it",
            remedy="look at --dry-run, then add --yes, and --max-cost-usd if you like",
        )
    typer.confirm("Go on?", abort=True, err=True)


def _grade(run: BatchRun, wishes: _Wishes, counts: Counts) -> str | None:
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

    former = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


_BY_HAND: Final = "interrupted by hand"


def _leave(number: int, _: object) -> None:
    """End now: whatever was kept is on the disk, and the rest is graded next time."""
    del number
    os._exit(_INTERRUPTED)


def _publish(run: BatchRun, wishes: _Wishes, stopped: str | None) -> None:
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
        for line in _summary_lines(summary, run.progress(), wishes.output):
            note(line)
    if stopped is not None:
        note(f"stopped before the end: {stopped}")
        note("what is graded is kept: run the same command to go on")
        raise typer.Exit(_STOPPED)
    if wishes.strict and (summary.failed or summary.needs_review):
        raise typer.Exit(_LACKING)


def _summary_lines(summary: Summary, progress: Progress, output: Path) -> list[str]:
    from evaluator.cli.terminal import shown_path  # noqa: PLC0415

    bands = ", ".join(f"{band.count:,} {band.title}" for band in summary.bands if band.count)
    failed = ", ".join(f"{count:,} {code}" for code, count in summary.failed_by_code.items())
    paid = f", {progress.requests:,} calls, {told_usd(progress.cost_usd)} now" if progress.requests else ""
    graded = f"{summary.graded:,} graded{f' ({bands})' if bands else ''}, {summary.needs_review:,} for review"
    return [
        f"{graded}, {summary.failed:,} failed{f' ({failed})' if failed else ''}{paid}",
        f"read {shown_path(output / 'report.html')}; records and tables are beside it",
    ]


def _secret(value: str | None) -> object:
    from pydantic import SecretStr  # noqa: PLC0415

    return None if value is None else SecretStr(value)
