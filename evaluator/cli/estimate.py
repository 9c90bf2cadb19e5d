"""``evaluator estimate``: transcripts in; the tokens and the cost of judging them out, before anything is sent.

Each transcript goes the one path of grading, so that exactly the criteria are counted that would be asked about; only
the judge is one that notes what it would send and answers nothing.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evaluator.cli.judge_options import JudgeFlags, judge_plan, takes_judge_options

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evaluator.backends.estimates import Estimate
    from evaluator.judges.building import JudgePlan
    from evaluator.judging import Case
    from evaluator.rubric import Rubric

__all__ = ["EstimateFormat", "estimate"]

_NAME_CELLS = 28


class EstimateFormat(StrEnum):
    """Forms of the table."""

    text = "text"
    json = "json"


@dataclass(frozen=True, slots=True)
class _Row:
    """One transcript."""

    name: str
    estimate: Estimate


@takes_judge_options
def estimate(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Transcripts.")],
    *,
    rubric: Annotated[
        str | None, typer.Option(metavar="ID|FILE", help="Rubric, by id or file. [default: netflix_pm_metrics]")
    ] = None,
    flags: JudgeFlags,
    format: Annotated[EstimateFormat, typer.Option(help="Form of the table.")] = EstimateFormat.text,  # noqa: A002
) -> None:
    """Tell how many tokens grading would take and what they would cost. Nothing is sent and no key is needed.

    Tokens are estimated at four bytes each. A reply is taken to use six tenths of its limit; what a model thinks with
    comes on top, up to the column "at most". The price once the static part is cached holds from the second transcript
    on, as long as the provider keeps it. Unsure verdicts that are confirmed, replies that have to be repaired and a
    fallback that is asked are not in it.

    Exit codes: 0 told, 2 bad input.
    """
    from evaluator.cli.terminal import shown_path, write_stdout  # noqa: PLC0415
    from evaluator.judges.building import build_estimate  # noqa: PLC0415
    from evaluator.rubric import load_rubric  # noqa: PLC0415
    from evaluator.settings import load_settings  # noqa: PLC0415

    chosen = flags.given() | ({"rubric": rubric} if rubric is not None else {})
    settings = load_settings().model_copy(update={**chosen, "no_cache": True})
    plan = judge_plan(settings, flags, quiet=True)
    tell, loaded = build_estimate(plan), load_rubric(settings.rubric)
    rows = [_Row(shown_path(path), _weighed(path, loaded, tell)) for path in files]
    text = _json(plan, rows) if format is EstimateFormat.json else _table(plan, rows)
    write_stdout(text, exact=format is EstimateFormat.json)


def _weighed(path: Path, rubric: Rubric, tell: Callable[[Case], Estimate]) -> Estimate:
    """Return what judging a transcript takes: nothing if a person must look first, since no judge is asked then."""
    from evaluator.judges.weighing import Weighing  # noqa: PLC0415
    from evaluator.pipeline import evaluate  # noqa: PLC0415
    from evaluator.transcripts import parse_transcript  # noqa: PLC0415

    weighing = Weighing(tell)
    evaluate(parse_transcript(path), rubric, weighing)
    return weighing.total


def _total(rows: Sequence[_Row]) -> Estimate:
    from evaluator.backends.estimates import NOTHING  # noqa: PLC0415

    return sum((row.estimate for row in rows), NOTHING)


def _least_usd(rows: Sequence[_Row]) -> float | None:
    """Return the sum if the static part is cached from the second transcript on; ``None`` if unpriced."""
    first, *rest = [row.estimate for row in rows]
    prices = [first.cost_usd, *(estimate.cached_cost_usd for estimate in rest)]
    known = [price for price in prices if price is not None]
    return sum(known) if len(known) == len(prices) else None


def _json(plan: JudgePlan, rows: Sequence[_Row]) -> str:
    from evaluator.reports.characters import escape_json  # noqa: PLC0415

    total = _total(rows)
    told = {
        "judges": plan.judges,
        "transcripts": [{"name": row.name, **asdict(row.estimate)} for row in rows],
        "total": {**asdict(total), "least_usd": _least_usd(rows), "priced": total.cost_usd is not None},
    }
    return escape_json(json.dumps(told, indent=2, ensure_ascii=False)) + "\n"


def _table(plan: JudgePlan, rows: Sequence[_Row]) -> str:
    total, least = _total(rows), _least_usd(rows)
    head = ("transcript", "calls", "static", "own", "reply", "uncached", "cached", "at most")
    several = [("total", *_cells(total))] if len(rows) > 1 else []
    table = [head, *((_cut(row.name), *_cells(row.estimate)) for row in rows), *several]
    widths = [max(len(line[column]) for line in table) for column in range(len(head))]
    lines = [
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in table
    ]
    count = f"{len(rows)} transcript{'' if len(rows) == 1 else 's'}"
    judged = f"{count}, judged by {', '.join(plan.judges)}"
    if not total.requests:
        lines.append(f"{judged}: nothing is sent and nothing is paid.")
    elif total.cost_usd is None or least is None:
        lines.append(f"{judged}: the price of a model here is not known, so that no cost can be told.")
    else:
        lines.append(
            f"{judged}: {_usd(least)} if the static part is cached from the second on, {_usd(total.cost_usd)} if it "
            f"never is, at most {_usd(total.most_usd)}."
        )
    return "\n".join(lines) + "\n"


def _cells(estimate: Estimate) -> tuple[str, ...]:
    tokens = (estimate.static_tokens, estimate.transcript_tokens, estimate.reply_tokens)
    prices = (estimate.cost_usd, estimate.cached_cost_usd, estimate.most_usd)
    return (str(estimate.requests), *(f"{count:,}" for count in tokens), *(_usd(price) for price in prices))


def _usd(price: float | None) -> str:
    return "unpriced" if price is None else f"${price:.4f}"


def _cut(name: str) -> str:
    return name if len(name) <= _NAME_CELLS else "…" + name[1 - _NAME_CELLS :]
