"""``evaluator rubric list | show | check | new``: rubrics read, checked and started from a terminal."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(
    help="Read, check and start rubrics.", no_args_is_help=True, add_completion=False, rich_markup_mode=None
)

_BAD_INPUT = 2  # exit code, as of every command
_ID = re.compile(r"[a-z][a-z0-9_]{1,63}")


class Format(StrEnum):
    """How `show` writes."""

    TEXT = "text"
    YAML = "yaml"
    JSON = "json"


@app.command("list")
def list_rubrics() -> None:
    """List the rubrics that are shipped."""
    from evaluator.cli.rubric_text import print_list  # noqa: PLC0415 - help must not load it
    from evaluator.rubric import load_rubric, rubric_paths  # noqa: PLC0415 - help must not load it

    print_list([load_rubric(rubric_id) for rubric_id in rubric_paths()])


@app.command()
def show(
    rubric: Annotated[str, typer.Argument(metavar="ID|FILE", help="A shipped rubric's id, or a .yaml file.")],
    criterion: Annotated[str | None, typer.Option("--criterion", "-c", help="Only this criterion, in full.")] = None,
    output_format: Annotated[Format, typer.Option("--format", "-f", help="How to write it.")] = Format.TEXT,
) -> None:
    """Show a rubric, or one of its criteria with everything that is said about it."""
    from evaluator.cli import rubric_text  # noqa: PLC0415 - help must not load it
    from evaluator.cli.terminal import write_stdout  # noqa: PLC0415 - help must not load it
    from evaluator.rubric import load_rubric  # noqa: PLC0415 - help must not load it

    loaded = load_rubric(rubric)
    part = loaded.criterion(criterion) if criterion else loaded
    if output_format is Format.TEXT:
        rubric_text.print_part(part)
    elif output_format is Format.JSON:
        write_stdout(rubric_text.as_json(part), exact=True)
    else:
        write_stdout(rubric_text.as_yaml(part), exact=True)


@app.command()
def check(
    file: Annotated[str, typer.Argument(metavar="FILE|ID", help="A rubric file, or a shipped rubric's id.")],
) -> None:
    """Check a rubric: exit 0 with a summary and advice, or exit 2 with every fault, its line and its remedy."""
    from evaluator.cli.rubric_text import summarise  # noqa: PLC0415 - help must not load it
    from evaluator.cli.terminal import note, shown_path, write_stdout  # noqa: PLC0415 - help must not load it
    from evaluator.rubric import (  # noqa: PLC0415 - help must not load it
        find_rubric_faults,
        find_rubric_file,
        parse_rubric,
        read_rubric_file,
    )
    from evaluator.rubric_advice import advise  # noqa: PLC0415 - help must not load it

    path = find_rubric_file(file)
    text = read_rubric_file(path)
    name = shown_path(Path(path.name))
    faults = find_rubric_faults(text)
    if faults:
        for fault in faults:
            note(f"{name}, {fault}")
        note(f"{name}: {len(faults)} fault{'s' if len(faults) > 1 else ''}")
        raise typer.Exit(_BAD_INPUT)
    rubric = parse_rubric(text, name=name)
    advice = advise(rubric)
    lines = [f"{name}: {summarise(rubric)}", *(f"advice: {sentence}" for sentence in advice)]
    lines += [] if advice else ["advice: none, every criterion is complete"]
    write_stdout("".join(f"{line}\n" for line in lines), exact=False)


@app.command()
def new(
    rubric_id: Annotated[str, typer.Argument(metavar="ID", help="Lower-case letters, digits and underscores.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; ID.yaml if not given.")] = None,
) -> None:
    """Write a commented rubric to start from; it passes `check`. A file that exists is left alone."""
    from evaluator.cli.terminal import note, shown_path  # noqa: PLC0415 - help must not load it
    from evaluator.errors import OptionError  # noqa: PLC0415 - help must not load it
    from evaluator.resources import resource_dir  # noqa: PLC0415 - help must not load it

    if not _ID.fullmatch(rubric_id):
        raise OptionError(
            "an id starts with a lower-case letter and holds 2 to 64 lower-case letters, digits and underscores",
            where="ID",
            remedy="for example sales_discovery",
        )
    target = output or Path(f"{rubric_id}.yaml")
    text = (resource_dir("rubrics") / "starter" / "starter.yaml").read_text(encoding="utf-8")
    text = text.replace("\nid: my_rubric\n", f"\nid: {rubric_id}\n", 1)
    text = text.replace("\ntitle: My rubric\n", f"\ntitle: {rubric_id.replace('_', ' ').capitalize()}\n", 1)
    where = f"--output {shown_path(target)}"
    try:
        with target.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except FileExistsError as error:
        raise OptionError("it exists already, and is left alone", where=where, remedy="name another file") from error
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise OptionError(f"can't be written: {reason}", where=where, remedy="name another file") from error
    shown = shown_path(target)
    note(f"wrote {shown}; edit it, then run `evaluator rubric check {shown}`")
