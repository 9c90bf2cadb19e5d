"""The command ``evaluator``: finds the sub-command, runs it, and turns what went wrong into a line and an exit code.

Exit codes: 0 done; 1 a defect of the program; 2 bad input; 3 the judge gave no answer; 4 a person must look first
(``grade --strict`` only); 130 interrupted; 141 the reader of the output went away.
Sub-commands load on use: ``--help`` imports none of them, and neither the types nor a judge.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Protocol, cast

import typer
from typer.core import TyperCommand, TyperGroup

from evaluator.errors import EvaluatorError, InputError
from evaluator.version import __version__

__all__ = ["COMMANDS", "CommandRow", "main", "run"]

_DEFECT: Final = 1
_BAD_INPUT: Final = 2
_NO_ANSWER: Final = 3
_INTERRUPTED: Final = 130
_READER_GONE: Final = 141
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True)
class CommandRow:
    """One row of the table of sub-commands.

    Attributes:
        module: Module that holds it.
        attribute: Name in that module: a function, or a typer app with sub-commands of its own.
        help: One line for ``evaluator --help``.
    """

    module: str
    attribute: str
    help: str


COMMANDS: Final[dict[str, CommandRow]] = {
    "grade": CommandRow("evaluator.cli.grade", "grade", "Judge one transcript and show what failed, with proof."),
    "batch": CommandRow("evaluator.cli.batch", "batch", "Grade many transcripts, whatever happens on the way."),
    "work": CommandRow("evaluator.cli.work", "work", "Grade what runs on a shared Postgres have queued."),
    "serve": CommandRow("evaluator.cli.serve", "serve", "Serve the HTTP endpoint and the page."),
    "keys": CommandRow("evaluator.cli.keys", "app", "Make, list, change and revoke the keys of the service."),
    "diff": CommandRow("evaluator.cli.diff", "diff", "Show what changed from one batch to another."),
    "rubric": CommandRow("evaluator.cli.rubric", "app", "List, show, check or start a rubric."),
    "agreement": CommandRow("evaluator.cli.agreement", "agreement", "Measure a judge against labelled transcripts."),
    "fit": CommandRow("evaluator.cli.fit", "fit", "Train the local judge on labelled transcripts."),
    "estimate": CommandRow("evaluator.cli.estimate", "estimate", "Tell tokens and cost before anything is sent."),
    "record": CommandRow("evaluator.cli.record", "app", "Check recordings of what was said to a provider."),
    "mcp": CommandRow("evaluator.cli.mcp", "mcp", "Serve assistants: tools by the Model Context Protocol."),
    "schema": CommandRow("evaluator.cli.schema", "schema", "Print the JSON Schema of a result."),
}


@dataclass(slots=True)
class _Asked:
    """What the options before the sub-command asked for; outlives the context that parsed them."""

    debug: bool = False


class _Section(Protocol):
    def section(self, name: str) -> contextlib.AbstractContextManager[None]: ...

    def write_dl(self, rows: Sequence[tuple[str, str]]) -> None: ...


class _LazyGroup(TyperGroup):
    """A group whose commands are imported when they are run."""

    def get_command(self, ctx: object, cmd_name: str) -> TyperCommand | TyperGroup | None:
        del ctx
        row = COMMANDS.get(cmd_name)
        return None if row is None else _load(cmd_name, row)

    def format_commands(self, ctx: object, formatter: _Section) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, row.help) for name, row in COMMANDS.items()])


def _load(name: str, row: CommandRow) -> TyperCommand | TyperGroup:
    target = getattr(importlib.import_module(row.module), row.attribute)
    if isinstance(target, typer.Typer):
        app = target
    else:
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(name)(cast("Callable[..., None]", target))
    return cast("TyperCommand | TyperGroup", typer.main.get_command(app))


_app = typer.Typer(
    name="evaluator",
    cls=_LazyGroup,
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(value: bool) -> None:  # noqa: FBT001 - the form that typer calls
    if value:
        typer.echo(f"evaluator {__version__}")
        raise typer.Exit


@_app.callback()
def _root(
    ctx: typer.Context,
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of a defect.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Judge interview answers against a rubric of failure modes, and prove every verdict with the candidate's words.

    Exit codes: 0 done, 1 a defect of the program, 2 bad input, 3 the judge gave no answer, 4 a person must look first
    (grade --strict only), 130 interrupted, 141 the reader of the output went away.
    """
    del version
    cast("_Asked", ctx.obj).debug = debug


def _group() -> TyperGroup:
    """Return the command with an empty stand-in for each sub-command, so that their names can be listed and guessed."""
    group = cast("TyperGroup", typer.main.get_command(_app))
    for name, row in COMMANDS.items():
        group.add_command(TyperCommand(name, help=row.help))
    return group


def main() -> None:
    """Run the command line of this process and exit."""
    _open_closed_streams()
    sys.exit(run(sys.argv[1:]))


def _open_closed_streams() -> None:
    """Let the streams that whoever started this process closed lead nowhere.

    Else the next files that are opened, such as a database, would get their numbers and what is written to them.
    """
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8"))


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; nothing is raised, and no traceback shown unless asked for."""
    command = _group()
    asked = _Asked()
    try:
        with command.make_context("evaluator", list(arguments), obj=asked) as context:
            command.invoke(context)
        sys.stdout.flush()
    except (typer.Exit, typer.TyperException) as stop:
        if isinstance(stop, typer.TyperException):  # what the parser of arguments refuses
            cast("_Shown", stop).show()
        return stop.exit_code
    except EvaluatorError as error:
        return _failed(error)
    except (KeyboardInterrupt, typer.Abort):
        return _INTERRUPTED
    except BrokenPipeError:
        _silence_stdout()
        return _READER_GONE
    except Exception as error:  # noqa: BLE001 - the last line of defence; a defect must not spill a transcript
        return _broken(error, debug=asked.debug)
    return 0


class _Shown(Protocol):
    def show(self) -> None: ...


def _failed(error: EvaluatorError) -> int:
    from evaluator.cli.terminal import note  # noqa: PLC0415 - only needed when something failed

    for line in str(error).splitlines():
        note(line)
    return _BAD_INPUT if isinstance(error, InputError) else _NO_ANSWER


def _broken(error: Exception, *, debug: bool) -> int:
    """Tell of a defect; a disk that is full is none."""
    from evaluator.cli.terminal import cannot_write, note  # noqa: PLC0415 - only needed when something failed

    if isinstance(error, OSError) and error.errno in _FULL:
        _silence_stdout()
        note(cannot_write(error))
        return _BAD_INPUT
    if debug:
        traceback.print_exception(error)
    else:
        note(f"a defect: {type(error).__name__}; run `evaluator --debug …` to see where, and please report it")
    return _DEFECT


def _silence_stdout() -> None:
    """Let the output stream end in nothing, so that closing it at exit doesn't complain a second time."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
