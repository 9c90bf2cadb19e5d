"""``evaluator diff``: two batches in, what changed from one to the other out.

Heavy imports stand inside the functions, so that ``evaluator diff --help`` stays quick.
"""

from __future__ import annotations

import shutil
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from evaluator.batch.comparison import Comparison

__all__ = ["DiffFormat", "diff"]

_NARROWEST, _WIDEST = 80, 120


class DiffFormat(StrEnum):
    """Forms of the comparison."""

    text = "text"
    json = "json"


def diff(
    a: Annotated[Path, typer.Argument(metavar="A", help="Output folder of a batch, or its evaluations.jsonl.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="The batch to compare it with.")],
    *,
    format: Annotated[  # noqa: A002 - the name of the option
        DiffFormat | None,
        typer.Option(help="Form of the comparison; told from the name of the output file if not given, else text."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the comparison to this file.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but the result and errors.")] = False,
) -> None:
    """Show what changed from batch A to batch B: flips per criterion, scores, bands, and what judged them.

    Items are matched by their words, then by name, so that batches by different judges, rubrics or prompts can be
    compared.

    Exit codes: 0 compared, whatever was found; 2 bad input.
    """
    from evaluator.batch.comparing import compare_batches  # noqa: PLC0415
    from evaluator.cli.terminal import check_output, note, write_file, write_stdout  # noqa: PLC0415

    output = None if output == Path("-") else output
    if output is not None:
        check_output(output, *(side for side in (a, b) if side.is_file()))
    comparison = compare_batches(a, b)
    told = DiffFormat.json if output is not None and output.suffix.lower() == ".json" else DiffFormat.text
    form = format or told
    text = _render(comparison, form, color=output is None and _colored())
    if output is None:
        write_stdout(text, exact=form is not DiffFormat.text)
    else:
        write_file(output, text)
        if not quiet:
            note(f"wrote {output}")


def _render(comparison: Comparison, form: DiffFormat, *, color: bool) -> str:
    match form:
        case DiffFormat.text:
            from evaluator.batch.comparison_text import render_text  # noqa: PLC0415

            width = max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size(fallback=(100, 24)).columns))
            return render_text(comparison, width=width, color=color)
        case DiffFormat.json:
            from evaluator.reports.characters import escape_json  # noqa: PLC0415

            return escape_json(comparison.model_dump_json(indent=2)) + "\n"


def _colored() -> bool:
    from evaluator.settings import load_settings  # noqa: PLC0415

    settings = load_settings()
    if settings.color != "auto":
        return settings.color == "always"
    return sys.stdout.isatty() and settings.no_color is None
