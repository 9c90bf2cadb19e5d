"""``evaluator agreement``: labelled transcripts in, a report on how far a judge agrees with the labels out.

The judge is asked now, or verdicts that were saved earlier are measured again. Heavy imports stand inside the
functions, so that ``evaluator agreement --help`` stays quick.
"""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, cast

import typer

from evaluator.cli.judge_options import JudgeFlags, judge_plan, takes_judge_options

if TYPE_CHECKING:
    from evaluator.agreement.labels import LabelledRow, LabelSet
    from evaluator.agreement.measure import Failure, Measurement
    from evaluator.agreement.report import AgreementReport
    from evaluator.judges.building import JudgePlan
    from evaluator.rubric import Rubric
    from evaluator.settings import Settings
    from evaluator.values.evaluation import Evaluation
    from evaluator.values.judge import JudgeInfo

__all__ = ["AgreementFormat", "Grouping", "agreement"]

_ALL_FAILED = 3
_NARROWEST, _WIDEST = 80, 120
_SUFFIXES = {".json": "json", ".html": "html", ".htm": "html"}


class AgreementFormat(StrEnum):
    """Forms of the report."""

    text = "text"
    json = "json"
    html = "html"


class Grouping(StrEnum):
    """What macro F1 is told apart by, in the text and on the page."""

    author = "author"
    none = "none"


@takes_judge_options
def agreement(  # noqa: PLR0913 - one parameter per option of the command
    labels: Annotated[
        Path, typer.Argument(metavar="LABELS.jsonl", help="Labelled transcripts, one JSON object a line.")
    ],
    *,
    flags: JudgeFlags,
    rubric: Annotated[
        str | None, typer.Option(metavar="ID|FILE", help="Rubric, by id or file. [default: netflix_pm_metrics]")
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(metavar="FILE.jsonl", help="Measure these saved evaluations, matched by id, and ask no judge."),
    ] = None,
    write_predictions: Annotated[
        Path | None,
        typer.Option(metavar="FILE.jsonl", help="Save each evaluation to this new file as soon as it is there."),
    ] = None,
    leave_one_author_out: Annotated[
        bool,
        typer.Option(
            "--leave-one-author-out",
            help="Train the local judge without each author in turn and measure it on that one; takes minutes.",
        ),
    ] = False,
    also: Annotated[
        list[Path] | None,
        typer.Option(metavar="MORE.jsonl", help="With --leave-one-author-out: learn from these too; repeatable."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Measure the first N rows only.")] = None,
    by: Annotated[Grouping, typer.Option(help="What to tell macro F1 apart by.")] = Grouping.author,
    labels_note: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Who labelled; printed with the figures. [default: NAME.note.txt]"),
    ] = None,
    format: Annotated[  # noqa: A002 - the name of the option
        AgreementFormat | None,
        typer.Option(help="Form of the report; told from the name of the output file if not given, else text."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the report to this file.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but the result and errors.")] = False,
) -> None:
    """Measure how far a judge agrees with labels: per criterion, over all, by author and by band.

    A row whose transcript can't be read, or on which the judge fails, stands in the report as failed. Needs the extra
    `stats`.

    Exit codes: 0 measured, 2 bad input, 3 every row failed.
    """
    from evaluator.agreement.labels import read_labels  # noqa: PLC0415
    from evaluator.agreement.scikit import check_installed  # noqa: PLC0415
    from evaluator.cli.held_out import held_out_report, read_more, refuse_beside  # noqa: PLC0415
    from evaluator.cli.terminal import check_output, note, write_file, write_stdout  # noqa: PLC0415
    from evaluator.rubric import find_rubric_file, load_rubric  # noqa: PLC0415
    from evaluator.settings import load_settings  # noqa: PLC0415

    chosen = flags.given() | ({"rubric": rubric} if rubric is not None else {})
    settings = load_settings().model_copy(update=chosen)
    output = None if output == Path("-") else output
    rubric_file = find_rubric_file(settings.rubric)
    if output is not None:
        check_output(output, labels, rubric_file, predictions, settings.calibration, *(also or ()))
        _refuse_one_file(output, write_predictions)
    if predictions is not None:
        _refuse_both(**flags.given(), write_predictions=write_predictions)
    if leave_one_author_out:
        refuse_beside(settings, flags.given(), predictions=predictions, save_to=write_predictions)
    check_installed()
    loaded = load_rubric(settings.rubric)
    labelled = read_labels(labels, loaded)
    labelled = labelled.head(limit) if limit else labelled
    labelled = labelled.noted(labels_note) if labels_note else labelled
    more = read_more(also or (), loaded, training=leave_one_author_out)
    if leave_one_author_out:
        report = held_out_report(labelled, settings.rubric, also=more, model=settings.model, quiet=quiet)
    elif predictions is not None:
        report = _report(labelled, loaded, *_saved(predictions, labelled, loaded))
    else:
        plan = judge_plan(settings, flags, quiet=quiet)
        judged = _asked(plan, labelled, loaded, write_predictions, quiet=quiet)
        report = _report(labelled, loaded, *judged, calibration=plan.options.calibration)
    form = format or AgreementFormat(_SUFFIXES.get(output.suffix.lower(), "text") if output else "text")
    color = output is None and _colored(settings)
    text = _render(report, form, color=color, by_author=by is Grouping.author)
    if output is None:
        write_stdout(text, exact=form is not AgreementFormat.text)
    else:
        write_file(output, text)
        if not quiet:
            note(f"wrote {output}")
            for warning in report.warnings:
                note(f"warning: {warning}")
    if len(report.failures) == len(labelled.rows):
        note(f"all {len(labelled.rows)} rows failed; the first: {report.failures[0].message}")
        raise typer.Exit(_ALL_FAILED)


def _refuse_both(**options: object) -> None:
    from evaluator.errors import OptionError  # noqa: PLC0415

    for name, value in options.items():
        if value is not None:
            raise OptionError(
                "saved evaluations have their judge already",
                where=f"--{name.replace('_', '-')}",
                remedy="leave it out, or leave out --predictions",
            )


def _refuse_one_file(output: Path, save_to: Path | None) -> None:
    from evaluator.errors import OptionError  # noqa: PLC0415

    if save_to is not None and save_to.resolve() == output.resolve():
        raise OptionError("the report would replace them", where="--write-predictions", remedy="name two files")


def _saved(path: Path, labelled: LabelSet, rubric: Rubric) -> tuple[JudgeInfo, Measurement]:
    """Return saved evaluations and who made them.

    Raises:
        LabelsError: The file breaks its form, or its evaluations come from several judges.
    """
    from evaluator.agreement.measure import match  # noqa: PLC0415
    from evaluator.agreement.predictions import read_evaluations  # noqa: PLC0415
    from evaluator.errors import LabelsError  # noqa: PLC0415

    evaluations = read_evaluations(path)
    judges = list(dict.fromkeys(evaluation.judge for evaluation in evaluations.values()))
    if len(judges) > 1:
        raise LabelsError(
            f"the evaluations come from {len(judges)} judges", where=path.name, remedy="measure one judge at a time"
        )
    return judges[0], match(labelled.rows, rubric, evaluations)


def _asked(
    plan: JudgePlan, labelled: LabelSet, rubric: Rubric, save_to: Path | None, *, quiet: bool
) -> tuple[JudgeInfo, Measurement]:
    """Ask the judge about every row and return what it said."""
    import asyncio  # noqa: PLC0415

    from evaluator.agreement.measure import Failure, measure  # noqa: PLC0415
    from evaluator.agreement.predictions import EvaluatedRow  # noqa: PLC0415
    from evaluator.judges.building import build_judge  # noqa: PLC0415

    judge = build_judge(plan)
    info = judge.info(rubric)
    with _new_file(save_to) as file, _counter(len(labelled.rows), quiet=quiet) as count:

        def on_done(row: LabelledRow, outcome: Evaluation | Failure) -> None:
            if file is not None and not isinstance(outcome, Failure):
                file.write(EvaluatedRow(id=row.id, evaluation=outcome).model_dump_json() + "\n")
                file.flush()
            next(count)

        return info, asyncio.run(measure(labelled.rows, rubric, judge, on_done=on_done))


@contextmanager
def _new_file(path: Path | None) -> Generator[IO[str] | None]:
    """Open a file that must not exist yet: evaluations may have cost money, so none is written over."""
    from evaluator.cli.terminal import shown_path  # noqa: PLC0415
    from evaluator.errors import OptionError  # noqa: PLC0415

    if path is None:
        yield None
        return
    where = f"--write-predictions {shown_path(path)}"
    try:
        file = path.open("x", encoding="utf-8", newline="\n")
    except FileExistsError as error:
        raise OptionError("the file exists", where=where, remedy="name a new file, or remove this one") from error
    except OSError as error:
        raise OptionError(f"can't be written: {error.strerror}", where=where, remedy="name another file") from error
    with file:
        yield file


@contextmanager
def _counter(total: int, *, quiet: bool) -> Generator[Iterator[None]]:
    """Show how many rows are through, on the error stream and only if that is a terminal; then wipe the line."""
    shown = sys.stderr.isatty() and not quiet

    def steps() -> Iterator[None]:
        for done in range(1, total + 1):
            if shown:
                sys.stderr.write(f"\rJudged {done} of {total} transcripts")
                sys.stderr.flush()
            yield

    try:
        yield steps()
    finally:
        if shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def _report(
    labelled: LabelSet, rubric: Rubric, info: JudgeInfo, measurement: Measurement, *, calibration: Path | None = None
) -> AgreementReport:
    from evaluator.agreement.report import calibration_warnings, report_of  # noqa: PLC0415

    warnings = calibration_warnings(info, _trained_on(info, calibration), labelled)
    return report_of(labelled, rubric, info, measurement, warnings=warnings)


def _trained_on(info: JudgeInfo, calibration: Path | None) -> Collection[str] | None:
    """Return the SHA-256 of each file of labels that the judge's calibration learned from, if its backend can tell.

    A backend that is trained tells it by a function ``trained_on(calibration id, file that was given)`` in its module.
    """
    from evaluator.backends import BACKENDS  # noqa: PLC0415

    if info.calibration is None or info.backend not in BACKENDS:
        return None
    module = importlib.import_module(BACKENDS[info.backend].module)
    look_up = cast("Callable[[str, Path | None], Collection[str] | None] | None", getattr(module, "trained_on", None))
    return look_up(info.calibration, calibration) if look_up else None


def _render(report: AgreementReport, form: AgreementFormat, *, color: bool, by_author: bool) -> str:
    match form:
        case AgreementFormat.text:
            from evaluator.agreement.report_text import render_text  # noqa: PLC0415

            width = max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size(fallback=(100, 24)).columns))
            return render_text(report, width=width, color=color, by_author=by_author)
        case AgreementFormat.json:
            from evaluator.reports.characters import escape_json  # noqa: PLC0415

            return escape_json(report.model_dump_json(indent=2)) + "\n"
        case AgreementFormat.html:
            from evaluator.agreement.report_page import render_page  # noqa: PLC0415

            return render_page(report, by_author=by_author)


def _colored(settings: Settings) -> bool:
    if settings.color != "auto":
        return settings.color == "always"
    return sys.stdout.isatty() and settings.no_color is None
