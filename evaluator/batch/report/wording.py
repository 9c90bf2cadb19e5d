"""The sentences and figures of the batch's page: values of a `Summary` in, plain English out; no escaping."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from evaluator.batch.summary import CriterionSummary, Difference, JudgeCount, Slice, Spent
from evaluator.reports.characters import one_line
from evaluator.reports.wording import judge_line, spoken

__all__ = [
    "cost",
    "difference_line",
    "failure_code",
    "figure",
    "join_judges",
    "marks",
    "percent",
    "points",
    "shade",
    "slice_title",
    "slice_value",
    "teaching_reason",
]

_SHADES: Final = 10
_LEAST_P: Final = 0.001


def percent(share: float | None) -> str:
    """Return a share in whole percent; an unknown one as a dash."""
    return "–" if share is None else f"{share:.0%}"


def points(score: float | None) -> str:
    """Return a score with one decimal; an unknown one as a dash."""
    return "–" if score is None else f"{score:.1f}"


def figure(count: int) -> str:
    """Return a count with thousands parted."""
    return f"{count:,}"


def shade(share: float | None) -> int:
    """Return which of eleven shades stands for a share."""
    return 0 if share is None else round(share * _SHADES)


def cost(spent: Spent) -> str:
    """Say what judging took."""
    if not spent.requests:
        return "$0: no model was called"
    tokens = f"{spent.requests:,} calls, {spent.input_tokens:,} tokens read, {spent.output_tokens:,} written"
    if spent.priced:
        return f"${spent.cost_usd:,.2f} for {tokens}"
    return f"at least ${spent.cost_usd:,.2f} for {tokens}; not every price is known"


def join_judges(judges: Iterable[JudgeCount]) -> str:
    """Say who judged; with counts if there are several."""
    told = list(judges)
    if len(told) == 1:
        return judge_line(told[0].judge)
    return " · ".join(f"{count.items:,} by {judge_line(count.judge)}" for count in told)


def failure_code(code: str) -> str:
    """Return a code as words."""
    return spoken(code)


def slice_title(cut: Slice) -> str:
    """Return the name of a column as a heading."""
    return one_line(cut.column, 60)


def teaching_reason(line: CriterionSummary) -> str:
    """Say why a criterion is worth teaching."""
    low, high = line.interval or (0.0, 0.0)
    decided = line.present + line.absent
    return f"{line.present:,} of {decided:,} decided answers ({percent(line.rate)}, likely {low:.0%} to {high:.0%})"


def slice_value(value: str, cut: Slice, limit: int = 120) -> str:
    """Return a value of a column for people: ids as words, what the input told as it came."""
    return one_line(spoken(value) if cut.source == "question_type" else value, limit)


def difference_line(difference: Difference, cut: Slice, titles: Mapping[str, str]) -> str:
    """Say how one value differs from the others."""
    chance = "p < 0.001" if difference.p < _LEAST_P else f"p = {difference.p:.3f}"
    value = slice_value(difference.value, cut, 80)
    if difference.criterion is None:
        higher = "higher" if difference.here > difference.elsewhere else "lower"
        return (
            f"{value} scores {higher}: {difference.here:.1f} against {difference.elsewhere:.1f} on average ({chance})"
        )
    often = "more" if difference.here > difference.elsewhere else "less"
    title = one_line(titles.get(difference.criterion, difference.criterion))
    shares = f"{difference.here:.0%} against {difference.elsewhere:.0%}"
    return f"{value} fails {often} often by “{title}”: {shares} ({chance})"


def marks(differences: Iterable[Difference]) -> Mapping[tuple[str, str | None], str]:
    """Return by value and criterion a sign for more or less than elsewhere; nothing for all others."""
    signs = defaultdict[tuple[str, str | None], str](str)
    for difference in differences:
        signs[difference.value, difference.criterion] = "▲ " if difference.here > difference.elsewhere else "▼ "
    return signs
