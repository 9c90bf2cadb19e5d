"""``evaluator mcp``: the tools of this program for assistants, over standard input and output."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evaluator.cli.judge_options import JudgeFlags, judge_plan, takes_judge_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from evaluator.judges.building import JudgePlan
    from evaluator.judging import Judge
    from evaluator.rubric import Rubric

__all__ = ["mcp"]


@takes_judge_options
def mcp(
    *,
    rubric: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A rubric of your own beside the shipped ones; repeatable."),
    ] = None,
    also: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[:MODEL]", help="Another judge that may be asked by name; repeatable."),
    ] = None,
    flags: JudgeFlags,
) -> None:
    """Serve assistants that speak the Model Context Protocol: grade, explain a criterion, list rubrics.

    It speaks on standard input and output, so that the assistant starts it: give your assistant the command
    `evaluator mcp` with the options that you want. Only the judges and rubrics named here can be asked for.
    """
    from evaluator.mcp_server.desk import Desk  # noqa: PLC0415 - help must not load it
    from evaluator.mcp_server.server import build_server  # noqa: PLC0415 - help must not load it
    from evaluator.settings import load_settings  # noqa: PLC0415 - help must not load it

    settings = load_settings().model_copy(update=flags.given())
    plan = judge_plan(settings, flags, quiet=True)
    desk = Desk(_judges(plan, also or []), _rubrics(settings.rubric, rubric or []))
    desk.list()  # a rubric that can't be read is told before an assistant is kept waiting
    build_server(desk).run()


def _judges(plan: JudgePlan, also: list[str]) -> dict[str, Callable[[], Judge]]:
    from dataclasses import replace  # noqa: PLC0415 - help must not load it

    from evaluator.backends import find_backend  # noqa: PLC0415 - help must not load it
    from evaluator.backends.sharing import Sharing  # noqa: PLC0415 - help must not load it
    from evaluator.judges.building import build_judge  # noqa: PLC0415 - help must not load it

    plan = replace(plan, options=replace(plan.options, sharing=Sharing()))  # one budget for all that is asked here
    chat = replace(plan.options.chat, model=None, api_key=None, base_url=None)  # those belong to the first judge
    bare = replace(plan, committee=(), fallback=None, confirm=False, samples=None)
    bare = replace(bare, options=replace(plan.options, model=None, calibration=None, chat=chat))
    for name in also:
        find_backend(name.partition(":")[0])
    named = {name: partial(build_judge, replace(bare, backend=name)) for name in also}
    return {"+".join(plan.judges): partial(build_judge, plan), **named}


def _rubrics(first: str, files: list[Path]) -> dict[str, Callable[[], Rubric]]:
    from evaluator.rubric import load_rubric, rubric_paths  # noqa: PLC0415 - help must not load it

    known: dict[str, Callable[[], Rubric]] = {name: partial(load_rubric, name) for name in rubric_paths()}
    for file in files:
        known[load_rubric(file).id] = partial(load_rubric, file)
    chosen = load_rubric(first).id
    known.setdefault(chosen, partial(load_rubric, first))
    return {chosen: known.pop(chosen), **known}
