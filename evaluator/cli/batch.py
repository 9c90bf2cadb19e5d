"""``evaluator batch``: many transcripts in; records, tables and a report out; stopped at any moment, it goes on.

What is said goes to the error stream; results go to the output folder. Heavy imports stand inside the functions, so
that ``evaluator batch --help`` stays quick.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from evaluator.cli.batch_progress import ProgressForm
from evaluator.cli.judge_options import JudgeFlags, judge_plan, takes_judge_options

__all__ = ["batch"]


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
    global_concurrency: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Most requests in flight of all workers together.")
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
    from evaluator.batch.choosing import choose  # noqa: PLC0415
    from evaluator.batch.inputs import ReadOptions, read_items  # noqa: PLC0415
    from evaluator.cli.batch_run import Wishes, run_batch  # noqa: PLC0415
    from evaluator.cli.terminal import note  # noqa: PLC0415
    from evaluator.settings import load_settings  # noqa: PLC0415

    given = {
        "rubric": rubric,
        "provider_batch": provider_batch,
        "requests_per_minute": requests_per_minute,
        "global_concurrency": global_concurrency,
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
    shown = ProgressForm.none if quiet else progress
    read = read_items(inputs, options, told=None if quiet else note, stdin=sys.stdin.buffer)
    run_batch(
        Wishes(output=output, yes=yes, dry_run=dry_run, progress=shown, strict=strict),
        settings,
        judge_plan(settings, flags, quiet=quiet),
        choose(read, limit=limit, sample=sample, seed=seed),
    )


def _secret(value: str | None) -> object:
    from pydantic import SecretStr  # noqa: PLC0415

    return None if value is None else SecretStr(value)
