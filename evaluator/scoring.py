"""From verdicts to score and band, by the rubric's data alone: pure arithmetic that anyone can redo by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import fsum

from evaluator.rubric import Band, Rubric
from evaluator.values.criterion import SEVERITIES, Severity
from evaluator.values.judge import Verdict
from evaluator.values.scorecard import BandLine, Scorecard, ScoreLine, SeverityCount, Veto

__all__ = ["score"]


def score(
    rubric: Rubric,
    verdicts: Mapping[str, Verdict],
    review_reasons: Sequence[str] = (),
    flagged: Mapping[str, frozenset[str]] | None = None,
) -> Scorecard:
    """Add up one evaluation.

    Args:
        rubric: Gives weights, bands, vetoes and the least coverage.
        verdicts: One per criterion of the rubric.
        review_reasons: Reasons, known already, for a person to look; any of them withholds the band, and then low
            coverage, which follows from them, is not told as a reason of its own.
        flagged: By criterion, the members of a committee who found it present: a veto also fires if as many members
            as it asks criteria flag any of what it lists.
    """
    lines = tuple(_line(rubric, c.id, verdicts[c.id]) for c in rubric.criteria)
    decided = [line for line in lines if line.verdict in {"present", "absent"}]
    unscored = [line for line in lines if line.verdict == "unscored"]
    applicable = len(decided) + len(unscored)
    reasons = tuple(review_reasons) or _shortfall(len(decided), applicable, rubric.scoring.minimum_coverage)
    present = {line.criterion for line in decided if line.verdict == "present"}
    at_worst = present | {line.criterion for line in unscored}
    vetoes = _vetoes(rubric, present, flagged or {})
    bands = _bands(rubric, present, vetoes)
    worst = _bands(rubric, at_worst, _vetoes(rubric, at_worst, flagged or {})) if unscored else bands
    return Scorecard(
        score=_percent(decided),
        score_range=_score_range(decided, unscored),
        band=None if reasons else _first_met(bands),
        band_range=(_first_met(worst), _first_met(bands)) if decided else None,
        coverage=round(len(decided) / applicable, 4) if applicable else 0.0,
        needs_review=bool(reasons),
        review_reasons=reasons,
        vetoes=vetoes,
        by_severity={severity: _count(decided, severity) for severity in SEVERITIES},
        bands=bands,
        lines=lines,
    )


def _line(rubric: Rubric, criterion_id: str, verdict: Verdict) -> ScoreLine:
    severity = rubric.criterion(criterion_id).severity
    weight = rubric.scoring.weights[severity]
    return _weighed(criterion_id, severity, verdict, weight)


@lru_cache(maxsize=1024)
def _weighed(criterion_id: str, severity: Severity, verdict: Verdict, weight: float) -> ScoreLine:
    return ScoreLine(
        criterion=criterion_id,
        severity=severity,
        verdict=verdict,
        weight=weight,
        lost=weight if verdict == "present" else 0.0,
    )


def _shortfall(decided: int, applicable: int, asked: float) -> tuple[str, ...]:
    if not decided:
        return ("nothing_decided: no criterion that applies could be decided.",)
    if decided / applicable >= asked:
        return ()
    told = f"only {decided} of the {applicable} criteria that apply could be decided"
    return (f"low_coverage: {told}; the rubric asks for {asked:.0%}.",)


def _percent(lines: Sequence[ScoreLine]) -> float | None:
    """Return ``100 * (1 - lost / weight)``; sums are exact (`fsum`), so that the order of criteria can't show."""
    total = fsum(line.weight for line in lines)
    return round(100 * (1 - fsum(line.lost for line in lines) / total), 1) if lines else None


def _score_range(decided: Sequence[ScoreLine], unscored: Sequence[ScoreLine]) -> tuple[float, float] | None:
    failed = [line.model_copy(update={"lost": line.weight}) for line in unscored]
    low, high = _percent([*decided, *failed]), _percent([*decided, *unscored])
    return None if low is None or high is None or not decided else (low, high)


def _count(decided: Sequence[ScoreLine], severity: Severity) -> SeverityCount:
    lines = [line for line in decided if line.severity == severity]
    return SeverityCount(present=sum(line.verdict == "present" for line in lines), of=len(lines))


def _vetoes(rubric: Rubric, present: set[str], flagged: Mapping[str, frozenset[str]]) -> tuple[Veto, ...]:
    vetoes: list[Veto] = []
    for rule in rubric.scoring.vetoes:
        found = tuple(criterion for criterion in rule.criteria if criterion in present)
        members = frozenset[str]().union(*(flagged.get(criterion, frozenset()) for criterion in rule.criteria))
        if len(found) < rule.at_least <= len(members):
            found = tuple(criterion for criterion in rule.criteria if criterion in present or flagged.get(criterion))
        elif len(found) < rule.at_least:
            continue
        vetoes.append(Veto(id=rule.id, reason=rule.reason, criteria=found, best_band=rule.best_band))
    return tuple(vetoes)


def _first_met(bands: Sequence[BandLine]) -> str:
    return next(line.band for line in bands if line.met)


def _bands(rubric: Rubric, present: set[str], vetoes: Sequence[Veto]) -> tuple[BandLine, ...]:
    """Return every band with what it asks; the last is met always, so that every answer has one."""
    order = [band.id for band in rubric.scoring.bands]
    counts: dict[Severity, int] = {s: sum(rubric.criterion(c).severity == s for c in present) for s in SEVERITIES}
    lines: list[BandLine] = []
    for place, band in enumerate(rubric.scoring.bands):
        obstacles = _obstacles(band, counts, present)
        obstacles += [
            f"veto {veto.id}: {veto.reason.rstrip('.')}" for veto in vetoes if order.index(veto.best_band) > place
        ]
        last = place == len(order) - 1
        lines.append(BandLine(band=band.id, met=last or not obstacles, reason=_reason(band, obstacles, last=last)))
    return tuple(lines)


def _obstacles(band: Band, counts: Mapping[Severity, int], present: set[str]) -> list[str]:
    found = [
        f"{counts[severity]} {severity} instead of {f'at most {limit}' if limit else 'none'}"
        for severity, limit in band.at_most.items()
        if counts[severity] > limit
    ]
    if band.unless_all_present and present.issuperset(band.unless_all_present):
        found.append(f"present together: {', '.join(band.unless_all_present)}")
    return found


def _reason(band: Band, obstacles: list[str], *, last: bool) -> str:
    if last:
        return "Open to every answer."
    if obstacles:
        return f"Kept out: {'; '.join(obstacles)}."
    limits = [f"at most {limit} {severity}" if limit else f"no {severity}" for severity, limit in band.at_most.items()]
    return f"Met: {', '.join(limits)}." if limits else "Met."
