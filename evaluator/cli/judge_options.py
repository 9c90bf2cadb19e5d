"""The options that choose a judge, declared once for every command that asks one.

A command that is decorated with `takes_judge_options` shows them all, and gets them as one value, `JudgeFlags`. What
was not given comes from the settings.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, get_type_hints

import typer

if TYPE_CHECKING:
    from evaluator.judges.building import JudgePlan
    from evaluator.settings import Settings

__all__ = ["EffortWish", "JudgeFlags", "judge_plan", "takes_judge_options"]

_HOSTED_ONLY: Final = (
    *("effort", "temperature", "base_url", "max_output_tokens", "timeout_s", "deadline_s", "attempts", "concurrency"),
    *("split", "max_cost_usd", "cache", "record", "replay", "redact"),
)


class EffortWish(StrEnum):
    """How long a hosted model may think."""

    none = "none"
    minimal = "minimal"
    low = "low"
    medium = "medium"
    high = "high"
    xhigh = "xhigh"
    max = "max"


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeFlags:
    """What was given on the command line; ``None`` where nothing was. Each is the setting of the same name."""

    backend: Annotated[str | None, typer.Option(metavar="NAME[:MODEL]", help="Who judges. [default: local]")] = None
    model: Annotated[str | None, typer.Option(metavar="NAME|PATH", help="Model; the backend's own if not given.")] = (
        None
    )
    calibration: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Trained heads; the rubric's own if not given.")
    ] = None
    committee: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="These backends judge, each by itself; the majority counts.")
    ] = None
    fallback: Annotated[
        str | None, typer.Option(metavar="NAME[:MODEL]", help="Who judges if the first gives no answer.")
    ] = None
    effort: Annotated[EffortWish | None, typer.Option(help="How long a hosted model may think.")] = None
    temperature: Annotated[float | None, typer.Option(min=0, help="Sent only where the model takes it.")] = None
    base_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Address of the API; the provider's own if not given.")
    ] = None
    max_output_tokens: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Limit of a reply, thinking included.")
    ] = None
    timeout_s: Annotated[
        float | None, typer.Option(min=0.1, metavar="S", help="Longest silence in a request. [default: 90]")
    ] = None
    deadline_s: Annotated[
        float | None, typer.Option(min=0.1, metavar="S", help="Longest time for one transcript. [default: 120]")
    ] = None
    attempts: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Most requests for one call. [default: 5]")
    ] = None
    concurrency: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Most requests in flight at a provider. [default: 64]")
    ] = None
    split: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Most criteria in one call; all if not given.")
    ] = None
    confirm: Annotated[bool | None, typer.Option("--confirm/--no-confirm", help="Ask again about unsure verdicts.")] = (
        None
    )
    samples: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Ask for everything so often; the majority counts.")
    ] = None
    redact: Annotated[
        bool | None,
        typer.Option("--redact/--no-redact", help="Hide names, e-mail addresses and phone numbers from hosted models."),
    ] = None
    max_cost_usd: Annotated[
        float | None, typer.Option(min=0, metavar="X", help="Send nothing that could take the run's cost above this.")
    ] = None
    cache: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep paid answers here. [default: in the cache folder]")
    ] = None
    no_cache: Annotated[
        bool | None, typer.Option("--no-cache", help="Keep no answers and read none.", show_default=False)
    ] = None
    record: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Record what is said to and by providers here.")
    ] = None
    replay: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Answer from these recordings; nothing is sent.")
    ] = None

    def given(self) -> dict[str, object]:
        """Return what was given, by name."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in named.items() if value is not None}


def takes_judge_options(command: Callable[..., None]) -> Callable[..., None]:
    """Show the options of `JudgeFlags` where ``command`` takes its parameter ``flags``, and pass them as that value."""
    hints = get_type_hints(JudgeFlags, include_extras=True)
    options = [
        inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=hints[field.name])
        for field in fields(JudgeFlags)
    ]
    shown: list[inspect.Parameter] = []
    for parameter in inspect.signature(command, eval_str=True).parameters.values():
        shown += options if parameter.name == "flags" else [parameter]

    def run(**values: object) -> None:
        mine = {field.name: values.pop(field.name) for field in fields(JudgeFlags)}
        command(**values, flags=JudgeFlags(**mine))  # pyright: ignore[reportArgumentType] - typer has checked each

    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in shown}
    run.__signature__ = inspect.Signature(shown)  # pyright: ignore[reportFunctionMemberAccess] - what typer reads
    return run


def judge_plan(settings: Settings, flags: JudgeFlags, *, quiet: bool) -> JudgePlan:
    """Return who judges; a cache that nobody named and that can't be used is gone without, and that is said.

    Raises:
        OptionError: Options that no judge here knows, or that can't be combined.
    """
    from dataclasses import replace  # noqa: PLC0415

    from evaluator.cli.terminal import note  # noqa: PLC0415
    from evaluator.errors import OptionError  # noqa: PLC0415
    from evaluator.store.answers import AnswerFile  # noqa: PLC0415

    plan = _with_command(settings.plan())
    if not plan.asks_hosted:
        _refuse_hosted(flags)
        return replace(plan, cache=None, confirm=flags.confirm or False, samples=flags.samples)
    if plan.cache is not None and settings.cache is None:
        try:
            AnswerFile(plan.cache).close()
        except OptionError as error:
            if not quiet:
                note(f"answers are not kept: {error}")
            return replace(plan, cache=None)
    return plan


def _with_command(plan: JudgePlan) -> JudgePlan:
    """Let a replay that misses a recording name the command that records it: this very one."""
    from dataclasses import replace  # noqa: PLC0415

    from evaluator.backends.recordings import recording_command  # noqa: PLC0415

    recording = plan.options.recording
    if recording is None or recording.mode != "replay" or recording.folder is None:
        return plan
    told = replace(recording, command=recording_command(sys.argv[1:], recording.folder))
    return replace(plan, options=replace(plan.options, recording=told))


def _refuse_hosted(flags: JudgeFlags) -> None:
    from evaluator.errors import OptionError  # noqa: PLC0415

    given = flags.given()
    for name in _HOSTED_ONLY:
        if given.get(name, False) is not False:
            raise OptionError(
                "no judge that was chosen is a hosted model",
                where=f"--{name.replace('_', '-')}",
                remedy="leave it out, or choose a hosted backend",
            )
