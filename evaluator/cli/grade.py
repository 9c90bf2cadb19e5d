"""``evaluator grade``: one transcript in, one report out.

The result goes to the output stream or a file; whatever else is said goes to the error stream. Heavy imports stand
inside the functions, so that ``evaluator grade --help`` stays quick.
"""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evaluator.cli.judge_options import JudgeFlags, judge_plan, takes_judge_options

if TYPE_CHECKING:
    from evaluator.judges.building import JudgePlan
    from evaluator.settings import Settings
    from evaluator.values.evaluation import Evaluation
    from evaluator.values.transcript import Transcript

__all__ = ["ColorWish", "ReportFormat", "grade"]

_NEEDS_REVIEW = 4
_NARROWEST, _WIDEST = 60, 120
_SUFFIXES = {".json": "json", ".md": "markdown", ".markdown": "markdown", ".html": "html", ".htm": "html"}


class ReportFormat(StrEnum):
    """Forms of the report."""

    text = "text"
    json = "json"
    markdown = "markdown"
    html = "html"


class ColorWish(StrEnum):
    """When to colour text."""

    auto = "auto"
    always = "always"
    never = "never"


@takes_judge_options
def grade(  # noqa: PLR0913 - one parameter per option of the command
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE|-]", help="Transcript; '-', or none with a pipe, reads stdin.")
    ] = None,
    *,
    question: Annotated[str | None, typer.Option(help="Question asked; wins over the transcript's.")] = None,
    question_type: Annotated[
        str | None, typer.Option(metavar="ID", help="Question type of the rubric; inferred if not given.")
    ] = None,
    rubric: Annotated[
        str | None, typer.Option(metavar="ID|FILE", help="Rubric, by id or file. [default: netflix_pm_metrics]")
    ] = None,
    flags: JudgeFlags,
    candidate: Annotated[
        str | None, typer.Option(metavar="NAME", help="Label of the candidate; told from the talk if not given.")
    ] = None,
    input_format: Annotated[
        str | None, typer.Option(metavar="NAME", help="Format of the transcript; told from its contents if not given.")
    ] = None,
    format: Annotated[  # noqa: A002 - the name of the option
        ReportFormat | None,
        typer.Option(help="Form of the report; told from the name of the output file if not given, else text."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the report to this file.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 4 if a person must look first.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but the result and errors.")] = False,
    width: Annotated[
        int | None, typer.Option(min=_NARROWEST, max=_WIDEST, help="Width of text; the terminal's if not given.")
    ] = None,
    color: Annotated[ColorWish | None, typer.Option(help="Colour of text. [default: auto]")] = None,
) -> None:
    """Judge one transcript and show what failed, with the candidate's own words as proof.

    FILE may be plain text, Markdown, WebVTT, SRT, JSON and more; what it is, and who is the candidate, is told from
    the contents. A default can be set by a variable: EVALUATOR_BACKEND for --backend, and so on for each option that
    chooses the judge, the rubric or the colour. Keys are read from OPENAI_API_KEY, ANTHROPIC_API_KEY and, for
    compatible servers, EVALUATOR_API_KEY.

    Exit codes: 0 graded, 2 bad input, 3 the judge gave no answer, 4 a person must look first (with --strict only).
    """
    from evaluator.cli.terminal import check_output, note, write_file, write_stdout  # noqa: PLC0415
    from evaluator.settings import load_settings  # noqa: PLC0415

    settings = load_settings().model_copy(update={**flags.given(), **_given(rubric=rubric, color=color)})
    output = None if output == Path("-") else output
    form = format or _form_of(output)
    if output is not None:
        check_output(output, file)
    if not quiet:
        _warn_of_settings()
    plan = judge_plan(settings, flags, quiet=quiet)
    transcript = _read(file, question, question_type, candidate, input_format)
    evaluation = _evaluate(transcript, settings.rubric, plan, quiet=quiet)
    if not quiet and (form is ReportFormat.json or output is not None):
        for flag in evaluation.flags:
            note(f"{flag.code}: {flag.message}")
    text = _render(evaluation, form, width=_width(width), color=output is None and _colored(settings))
    if output is None:
        write_stdout(text, exact=form is not ReportFormat.text)
    else:
        write_file(output, text)
        if not quiet:
            note(f"wrote {output}")
    if evaluation.scorecard.needs_review and strict:
        raise typer.Exit(_NEEDS_REVIEW)


def _given(**options: object) -> dict[str, object]:
    """Return the options that were given: they win over the environment."""
    return {name: value for name, value in options.items() if value is not None}


def _form_of(output: Path | None) -> ReportFormat:
    return ReportFormat(_SUFFIXES.get(output.suffix.lower(), "text")) if output else ReportFormat.text


def _warn_of_settings() -> None:
    from evaluator.cli.terminal import note  # noqa: PLC0415
    from evaluator.settings import unknown_variables  # noqa: PLC0415

    for name, near in unknown_variables().items():
        note(f"the variable {name} is no setting{f'; did you mean {near}?' if near else ' and is ignored'}")


def _read(
    file: Path | None, question: str | None, question_type: str | None, candidate: str | None, input_format: str | None
) -> Transcript:
    from evaluator.errors import OptionError  # noqa: PLC0415
    from evaluator.transcripts import parse_transcript  # noqa: PLC0415
    from evaluator.transcripts.limits import MAX_BYTES  # noqa: PLC0415

    source: Path | bytes
    if file is not None and file != Path("-"):
        source, name = file, None
    elif file is None and sys.stdin.isatty():
        raise OptionError("no transcript was given", remedy="name a FILE, or pipe one in")
    else:
        source, name = sys.stdin.buffer.read(MAX_BYTES + 1), "stdin"  # one more than may be, to be refused as too large
    return parse_transcript(
        source, format=input_format, candidate=candidate, question=question, question_type=question_type, name=name
    )


def _evaluate(transcript: Transcript, rubric: str, plan: JudgePlan, *, quiet: bool) -> Evaluation:
    from evaluator.cli.terminal import progress  # noqa: PLC0415
    from evaluator.judges.building import build_judge  # noqa: PLC0415
    from evaluator.pipeline import evaluate  # noqa: PLC0415
    from evaluator.rubric import load_rubric  # noqa: PLC0415

    loaded = load_rubric(rubric)
    judge = build_judge(plan)
    doing = "asking" if plan.asks_hosted else "loading the model, then reading"
    with progress(f"Judging with backend {', '.join(plan.judges)}: {doing} ...", quiet=quiet):
        return evaluate(transcript, loaded, judge)


def _render(evaluation: Evaluation, form: ReportFormat, *, width: int, color: bool) -> str:
    match form:
        case ReportFormat.text:
            from evaluator.reports.text import render_text  # noqa: PLC0415

            return render_text(evaluation, width=width, color=color)
        case ReportFormat.json:
            from evaluator.reports.characters import escape_json  # noqa: PLC0415

            return escape_json(evaluation.model_dump_json(indent=2)) + "\n"
        case ReportFormat.markdown:
            from evaluator.reports.markdown import render_markdown  # noqa: PLC0415

            return render_markdown(evaluation)
        case ReportFormat.html:
            from evaluator.reports.html import render_html  # noqa: PLC0415

            return render_html(evaluation)


def _width(given: int | None) -> int:
    if given is not None:
        return given
    import shutil  # noqa: PLC0415

    return max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size(fallback=(100, 24)).columns))


def _colored(settings: Settings) -> bool:
    match settings.color:
        case "always":
            return True
        case "never":
            return False
        case "auto":
            return sys.stdout.isatty() and settings.no_color is None
