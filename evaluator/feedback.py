"""What to say and practise next: findings, the rubric's own advice and a model's text, if any, in; `Feedback` out.

Words that a model wrote are marked ``origin: model``; everything else is the rubric's and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from evaluator.judging import Judgement
from evaluator.rubric import Rubric
from evaluator.types import SEVERITIES, Feedback, Finding, Scorecard, Strength

__all__ = ["compose", "find_strengths", "worst_first"]

_MOST_FIXES: Final = 3
_MOST_STRENGTHS: Final = 4
_MOST_QUESTIONS: Final = 4
_QUOTE_CHARS: Final = 110


def compose(rubric: Rubric, scorecard: Scorecard, findings: Sequence[Finding], judgement: Judgement) -> Feedback:
    """Return feedback: at most three fixes, most severe first, each tied to the words or the turn it concerns."""
    failures = worst_first([f for f in findings if f.verdict == "present"])
    written = judgement.summary is not None
    better = " ".join(judgement.better_answer) if judgement.better_answer else None
    return Feedback(
        origin="model" if written else "rubric",
        summary=judgement.summary or _summary(rubric, scorecard, failures),
        top_fixes=tuple(_fix(finding) for finding in failures[:_MOST_FIXES]),
        drills=tuple(finding.drill for finding in failures[:_MOST_FIXES]),
        three_sentence_answer=better or rubric.answer_frame,
        follow_up_questions=_questions(rubric, failures, findings, judgement),
    )


def find_strengths(rubric: Rubric, findings: Sequence[Finding]) -> tuple[Strength, ...]:
    """Return the failures that the candidate provably avoided, most severe first, at most four."""
    avoided = worst_first([f for f in findings if f.verdict == "absent" and f.kind == "omission" and f.evidence])
    return tuple(
        Strength(
            criterion=finding.criterion,
            note=rubric.criterion(finding.criterion).strength,
            evidence=finding.evidence,
        )
        for finding in avoided[:_MOST_STRENGTHS]
    )


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
    """Sort by severity, then by confidence; the rubric's order decides the rest."""
    return sorted(findings, key=lambda finding: (SEVERITIES.index(finding.severity), -(finding.confidence or 0.0)))


def _summary(rubric: Rubric, scorecard: Scorecard, failures: Sequence[Finding]) -> str:
    if scorecard.needs_review:
        return "A person must look first: " + "; ".join(scorecard.review_reasons) + "."
    title = next(band.title for band in rubric.scoring.bands if band.id == scorecard.band)
    decided = sum(count.of for count in scorecard.by_severity.values())
    if not failures:
        return f"{title}: none of the {decided} failure modes that could be decided was found."
    counts = [f"{count.present} {severity}" for severity, count in scorecard.by_severity.items() if count.present]
    worst = f"The one to mend first: {failures[0].title.lower()}."
    return f"{title}: {' and '.join(counts)} of {decided} decided failure modes found. {worst}"


def _fix(finding: Finding) -> str:
    if finding.evidence:
        return f"{finding.title}: you said “{_shortened(finding.evidence[0].quote)}”. {finding.fix}"
    if finding.due_turn is not None:
        return f"{finding.title}: missing from turn {finding.due_turn + 1}. {finding.fix}"
    return f"{finding.title}: {finding.fix}"


def _shortened(quote: str) -> str:
    if len(quote) <= _QUOTE_CHARS:
        return quote
    return quote[:_QUOTE_CHARS].rsplit(" ", 1)[0] + " …"


def _questions(
    rubric: Rubric, failures: Sequence[Finding], findings: Sequence[Finding], judgement: Judgement
) -> tuple[str, ...]:
    """A model's questions; else the first probe of each failure, then of what could not be told, then of the rest."""
    if judgement.follow_ups:
        return judgement.follow_ups[:_MOST_QUESTIONS]
    unclear = worst_first([f for f in findings if f.verdict == "unscored"])
    avoided = worst_first([f for f in findings if f.verdict == "absent"])
    probes = [rubric.criterion(f.criterion).probes for f in (*failures, *unclear)]
    if not probes:  # nothing failed: press on what was said, as an interviewer would
        probes = [rubric.criterion(f.criterion).probes for f in avoided]
    ordered = [pair[0] for pair in probes] + [pair[1] for pair in probes]
    return tuple(dict.fromkeys(ordered))[:_MOST_QUESTIONS]
