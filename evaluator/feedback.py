"""What to say and practise next: findings, the rubric's own advice and a model's text, if any, in; `Feedback` out.

Fixes, drills and strengths are the rubric's words beside the candidate's. Only the summary, the three sentences and
the questions may be a model's, and then ``origin`` says so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from evaluator.judging import Judgement
from evaluator.rubric import Rubric
from evaluator.values.criterion import SEVERITIES
from evaluator.values.evaluation import Feedback
from evaluator.values.finding import Finding, Strength
from evaluator.values.scorecard import Scorecard

__all__ = ["compose", "find_strengths", "worst_first"]

_MOST_FIXES: Final = 3
_MOST_STRENGTHS: Final = 4
_MOST_QUESTIONS: Final = 4
_QUOTE_CHARS: Final = 110
_CODE: Final = re.compile(r"^[a-z][a-z0-9_]*: ")


def compose(rubric: Rubric, scorecard: Scorecard, findings: Sequence[Finding], judgement: Judgement) -> Feedback:
    """Return feedback: at most three fixes, most severe first, each tied to the words or the turn it concerns.

    A model's summary is left out where a person must look first: it may claim what the scorecard doesn't.
    """
    failures = worst_first([f for f in findings if f.verdict == "present"])
    summary = None if scorecard.needs_review else judgement.summary
    written = summary or judgement.better_answer or judgement.follow_ups
    return Feedback(
        origin="model" if written else "rubric",
        summary=summary or _summary(rubric, scorecard, failures),
        top_fixes=tuple(_fix(finding) for finding in failures[:_MOST_FIXES]),
        drills=tuple(finding.drill for finding in failures[:_MOST_FIXES]),
        three_sentence_answer=judgement.better_answer or rubric.answer_frame,
        follow_up_questions=(judgement.follow_ups or _probes(rubric, findings))[:_MOST_QUESTIONS],
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
    """Sort by severity, then by confidence; the given order decides the rest."""
    return sorted(findings, key=lambda finding: (SEVERITIES.index(finding.severity), -(finding.confidence or 0.0)))


def _summary(rubric: Rubric, scorecard: Scorecard, failures: Sequence[Finding]) -> str:
    if scorecard.needs_review:
        return " ".join(["No band yet: a person should look first.", *map(_sentence, scorecard.review_reasons)])
    title = next(band.title for band in rubric.scoring.bands if band.id == scorecard.band)
    decided = sum(count.of for count in scorecard.by_severity.values())
    unscored = sum(line.verdict == "unscored" for line in scorecard.lines)
    counts = [f"{count.present} {severity}" for severity, count in scorecard.by_severity.items() if count.present]
    listed = f" ({', '.join(counts)})" if counts else ""
    parts = [f"{title}: {len(failures) or 'none'} of {decided} failure modes found{listed}."]
    if unscored:
        parts.append(f"{unscored} more could not be decided.")
    parts += [_sentence(veto.reason) for veto in scorecard.vetoes if veto.best_band == scorecard.band]
    if failures:
        parts.append(f"Mend first: “{failures[0].title}”.")
    return " ".join(parts)


def _sentence(reason: str) -> str:
    """Return a reason as a person would read it: without its code, with a capital and a full stop."""
    text = _CODE.sub("", reason)
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _fix(finding: Finding) -> str:
    if finding.evidence:
        return f"{finding.title}: you said “{_shortened(finding.evidence[0].quote)}”. {finding.fix}"
    if finding.due_turn is not None:
        return f"{finding.title}: mend it in turn {finding.due_turn + 1}. {finding.fix}"
    return f"{finding.title}: {finding.fix}"


def _shortened(quote: str) -> str:
    """Return the quote on one line, cut at a word if it is long, ready to stand before a closing mark."""
    line = " ".join(quote.split())
    if len(line) > _QUOTE_CHARS:
        line = f"{line[:_QUOTE_CHARS].rsplit(' ', 1)[0].rstrip('.,;:')} …"
    return line.rstrip(".,;:")


def _probes(rubric: Rubric, findings: Sequence[Finding]) -> tuple[str, ...]:
    """Return what an interviewer would ask next: about failures, then about what couldn't be told, else about the rest.

    The first probe of each criterion comes before any second one. Where nothing was decided there is nothing to ask.
    """
    failed, unclear, avoided = (
        worst_first([f for f in findings if f.verdict == verdict]) for verdict in ("present", "unscored", "absent")
    )
    if not failed and not avoided:
        return ()
    pairs = [rubric.criterion(finding.criterion).probes for finding in [*failed, *unclear] or avoided]
    return tuple(dict.fromkeys([first for first, _ in pairs] + [second for _, second in pairs]))
