"""From verdicts to score and band, by the rubric's data alone: pure arithmetic that anyone can redo by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluator.rubric import Band, Rubric, VetoRule
from evaluator.types import SEVERITIES, BandLine, Scorecard, ScoreLine, Severity, SeverityCount, Verdict, Veto

__all__ = ["score"]


def score(rubric: Rubric, verdicts: Mapping[str, Verdict], review_reasons: Sequence[str] = ()) -> Scorecard:
    """Add up one evaluation.

    Args:
        rubric: Gives weights, bands, vetoes and the least coverage.
        verdicts: One per criterion of the rubric.
        review_reasons: Reasons, known already, for a person to look; any of them withholds the band.
    """
    lines = tuple(_line(rubric, c.id, verdicts[c.id]) for c in rubric.criteria)
    decided = [line for line in lines if line.verdict in {"present", "absent"}]
    unscored = [line for line in lines if line.verdict == "unscored"]
    applicable = len(decided) + len(unscored)
    coverage = len(decided) / applicable if applicable else 0.0
    reasons = list(review_reasons)
    if coverage < rubric.scoring.minimum_coverage and not reasons:
        reasons.append(
            f"low_coverage: only {len(decided)} of {applicable} criteria that apply could be decided; "
            f"the rubric asks for {rubric.scoring.minimum_coverage:.0%}"
        )
    present = {line.criterion for line in decided if line.verdict == "present"}
    vetoes = tuple(veto for rule in rubric.scoring.vetoes if (veto := _veto(rule, present)))
    bands = _bands(rubric, present, vetoes)
    return Scorecard(
        score=_percent(decided, 0.0),
        score_range=_score_range(decided, unscored),
        band=None if reasons else next(line.band for line in bands if line.met),
        coverage=round(coverage, 4),
        needs_review=bool(reasons),
        review_reasons=tuple(reasons),
        vetoes=vetoes,
        by_severity={severity: _count(decided, severity) for severity in SEVERITIES},
        bands=bands,
        lines=lines,
    )


def _line(rubric: Rubric, criterion_id: str, verdict: Verdict) -> ScoreLine:
    severity = rubric.criterion(criterion_id).severity
    weight = rubric.scoring.weights[severity]
    return ScoreLine(
        criterion=criterion_id,
        severity=severity,
        verdict=verdict,
        weight=weight,
        lost=weight if verdict == "present" else 0.0,
    )


def _percent(lines: Sequence[ScoreLine], extra_lost: float) -> float | None:
    total = sum(line.weight for line in lines)
    if total == 0:
        return None
    return round(100 * (1 - (sum(line.lost for line in lines) + extra_lost) / total), 1)


def _score_range(decided: Sequence[ScoreLine], unscored: Sequence[ScoreLine]) -> tuple[float, float] | None:
    both = [*decided, *unscored]
    low, high = _percent(both, sum(line.weight for line in unscored)), _percent(both, 0.0)
    return None if low is None or high is None or not decided else (low, high)


def _count(decided: Sequence[ScoreLine], severity: Severity) -> SeverityCount:
    lines = [line for line in decided if line.severity == severity]
    return SeverityCount(present=sum(line.verdict == "present" for line in lines), of=len(lines))


def _veto(rule: VetoRule, present: set[str]) -> Veto | None:
    fired = tuple(criterion for criterion in rule.criteria if criterion in present)
    if len(fired) < rule.at_least:
        return None
    return Veto(id=rule.id, reason=rule.reason, criteria=fired, best_band=rule.best_band)


def _bands(rubric: Rubric, present: set[str], vetoes: Sequence[Veto]) -> tuple[BandLine, ...]:
    """Return every band with what it asks; the last is met always, so that every answer has one."""
    order = [band.id for band in rubric.scoring.bands]
    counts: dict[Severity, int] = {s: sum(rubric.criterion(c).severity == s for c in present) for s in SEVERITIES}
    lines: list[BandLine] = []
    for place, band in enumerate(rubric.scoring.bands):
        obstacles = _obstacles(band, counts, present)
        obstacles += [f"veto {veto.id}: {veto.reason}" for veto in vetoes if order.index(veto.best_band) > place]
        last = place == len(order) - 1
        lines.append(BandLine(band=band.id, met=last or not obstacles, reason=_reason(band, obstacles, last=last)))
    return tuple(lines)


def _obstacles(band: Band, counts: Mapping[Severity, int], present: set[str]) -> list[str]:
    found = [
        f"{counts[severity]} {severity} present, at most {limit} allowed"
        for severity, limit in band.at_most.items()
        if counts[severity] > limit
    ]
    if band.unless_all_present and present.issuperset(band.unless_all_present):
        found.append(f"{', '.join(band.unless_all_present)} are all present")
    return found


def _reason(band: Band, obstacles: list[str], *, last: bool) -> str:
    if last:
        return "The rest."
    if obstacles:
        return f"Kept out: {'; '.join(obstacles)}."
    limits = ", ".join(f"at most {limit} {severity}" for severity, limit in band.at_most.items())
    return f"Met: {limits}." if limits else "Met."
