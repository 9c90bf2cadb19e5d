"""``evaluator record check``: whether a folder of recordings is whole, clean, up to date and all of it in use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(
    help="Check recordings of what was said to a provider.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

_BAD_INPUT = 2  # exit code, as of every command


@app.callback()
def _record() -> None:  # pyright: ignore[reportUnusedFunction] - keeps `check` a sub-command, since it is the only one
    """Check recordings of what was said to a provider."""


@app.command()
def check(  # noqa: PLR0913 - one argument for each option of the command
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of recordings.")],
    *,
    rubric: Annotated[
        list[str] | None, typer.Option("--rubric", "-r", help="Rubric asked by, besides the shipped ones.")
    ] = None,
    inputs: Annotated[
        list[Path] | None, typer.Option("--inputs", "-i", help="Transcript that is replayed; may be repeated.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option("--labels", "-l", help="Labels whose transcripts are replayed.")
    ] = None,
    split: Annotated[int | None, typer.Option("--split", min=1, help="As it was recorded.")] = None,
    max_output_tokens: Annotated[
        int | None, typer.Option("--max-output-tokens", min=1, help="As it was recorded.")
    ] = None,
) -> None:
    """Check a folder: exit 0, or exit 2 with every file that is damaged, foreign, stale, a duplicate or holds a secret.

    With inputs or labels they are replayed by every model of the folder and by each rubric named (the first shipped one
    if none is), and what none of them asks for is listed as left over.
    """
    from evaluator.backends.recording_check import check_folder  # noqa: PLC0415 - help must not load it
    from evaluator.backends.recordings import Recordings  # noqa: PLC0415 - help must not load it
    from evaluator.cli import record_use  # noqa: PLC0415 - help must not load it
    from evaluator.cli.terminal import note, shown_path, write_stdout  # noqa: PLC0415 - help must not load it
    from evaluator.errors import OptionError  # noqa: PLC0415 - help must not load it
    from evaluator.rubric import load_rubric, rubric_paths  # noqa: PLC0415 - help must not load it

    if not folder.is_dir():
        raise OptionError("there is no such folder", where=shown_path(folder), remedy="name a folder of recordings")
    recordings = Recordings(folder)
    chosen = [load_rubric(name) for name in rubric or ()]
    shipped = [load_rubric(rubric_id) for rubric_id in rubric_paths()]
    faults = check_folder(recordings, record_use.system_prompts([*chosen, *shipped]))
    if inputs or labels:
        how = record_use.How(tuple(chosen), split, max_output_tokens)
        faults += record_use.find_leftovers(recordings, record_use.read_inputs(inputs or [], labels, how), how)
    for fault in faults:
        note(f"{fault.kind}: {fault.file}: {fault.message}")
    total = len(list(recordings.files()))
    count = f"{total} recording{'' if total == 1 else 's'}"
    if faults:
        note(f"{shown_path(folder)}: {count}, {len(faults)} fault{'' if len(faults) == 1 else 's'}")
        raise typer.Exit(_BAD_INPUT)
    write_stdout(f"{shown_path(folder)}: {count}, no faults\n", exact=False)
