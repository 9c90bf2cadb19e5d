"""What every report shows, in the order of reading: an `Evaluation` in, numbered and harmless words out.

Apart so that the terminal, Markdown and HTML say the same and only lay it out differently.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from evaluator.feedback import worst_first
from evaluator.reports.characters import one_line, visible
from evaluator.reports.debrief import debated, debrief_lines
from evaluator.reports.parts import Failure, Line, Plain, Quoted, ReportView, Strong, TurnView
from evaluator.reports.segments import Mark, cut
from evaluator.reports.wording import (
    clock,
    cost_line,
    delivery_line,
    delivery_measures,
    judge_line,
    nothing_failed,
    question_type_line,
    range_line,
    score_sum,
    spoken,
    verdict_title,
    without_code,
)
from evaluator.values.evaluation import Evaluation
from evaluator.values.finding import Evidence, Finding
from evaluator.values.transcript import Turn

__all__ = ["view"]

_NAME_CHARS: Final = 40
_ALERTS: Final = frozenset({"committee_member_absent", "fallback_judge", "not_confirmed", "samples_missing"})
"""Flags about who judged: they stand beside the judge's name, not at the end."""


def view(evaluation: Evaluation) -> ReportView:
    """Number the findings, place their evidence and put every sentence of a report into words."""
    card, feedback = evaluation.scorecard, evaluation.feedback
    question = one_line(evaluation.question) if evaluation.question else None
    turns = evaluation.transcript.turns
    found = worst_first([finding for finding in evaluation.findings if finding.verdict == "present"])
    failures = tuple(_failure(finding, number, turns) for number, finding in enumerate(found, start=1))
    titles = {finding.criterion: one_line(finding.title) for finding in evaluation.findings}
    strengths = tuple(
        Strong(
            label=f"+{number}",
            anchor=f"s{number}",
            title=titles.get(strength.criterion, one_line(strength.criterion)),
            note=one_line(strength.note),
            quotes=_quotes(strength.evidence, f"s{number}", turns),
            criterion=strength.criterion,
        )
        for number, strength in enumerate(evaluation.strengths, start=1)
    )
    praised = {strength.criterion for strength in evaluation.strengths}
    absent = [f for f in evaluation.findings if f.verdict == "absent" and f.criterion not in praised]
    marks = [
        *(m for card, f in zip(failures, found, strict=True) for m in _marks(card, card.severity, f.evidence)),
        *(
            m
            for card, s in zip(strengths, evaluation.strengths, strict=True)
            for m in _marks(card, "strength", s.evidence)
        ),
    ]
    unscored = _plain(evaluation, "unscored")
    return ReportView(
        title=verdict_title(evaluation),
        band=card.band,
        score=card.score,
        score_range=card.score_range,
        spread=range_line(card.score_range, len(unscored)),
        coverage=f"{card.coverage:.0%} of the criteria that apply decided",
        needs_review=card.needs_review,
        review_reasons=tuple(without_code(reason) for reason in card.review_reasons),
        summary="" if card.needs_review else one_line(feedback.summary),
        question=question,
        question_in_transcript=any(one_line(turn.text) == question for turn in turns),
        question_type=question_type_line(evaluation.question_type),
        rubric=one_line(f"{evaluation.rubric.title} {evaluation.rubric.version}"),
        judge=judge_line(evaluation.judge),
        alerts=tuple(one_line(flag.message) for flag in evaluation.flags if flag.code in _ALERTS),
        turns=tuple(_turn(turn, number, marks, failures) for number, turn in enumerate(turns)),
        failures=failures,
        nothing_failed="" if failures else nothing_failed(card),
        strengths=strengths,
        unscored=unscored,
        not_applicable=_plain(evaluation, "na"),
        avoided=tuple(Plain(titles[f.criterion], f.severity, one_line(f.reason), f.criterion) for f in absent),
        fixes=_fixes(evaluation),
        answer=one_line(feedback.three_sentence_answer) if feedback.three_sentence_answer else None,
        answer_title="A better answer, by a model" if feedback.origin == "model" else "The frame of a strong answer",
        questions=tuple(one_line(question) for question in feedback.follow_up_questions),
        measures=delivery_measures(evaluation.delivery),
        delivery=delivery_line(evaluation.delivery),
        score_sum=score_sum(card),
        lines=tuple(
            Line(
                titles.get(line.criterion, one_line(line.criterion)),
                line.severity,
                spoken(line.verdict),
                f"{line.weight:g}" if line.verdict in {"present", "absent"} else "",
                f"{line.lost:g}" if line.lost else "",
            )
            for line in card.lines
        ),
        band_lines=_band_lines(evaluation),
        debrief=debrief_lines(evaluation),
        debated=debated(evaluation),
        cost=cost_line(evaluation.usage),
        notes=tuple(one_line(flag.message) for flag in evaluation.flags if flag.code not in _ALERTS),
        evaluation_id=one_line(evaluation.id),
        version=one_line(evaluation.evaluator_version),
    )


def _failure(finding: Finding, number: int, turns: Sequence[Turn]) -> Failure:
    return Failure(
        label=str(number),
        anchor=f"f{number}",
        title=one_line(finding.title),
        severity=finding.severity,
        confidence="" if finding.confidence is None else f"{finding.confidence:.0%} sure",
        quotes=_quotes(finding.evidence, f"f{number}", turns),
        due=None if finding.due_turn is None else finding.due_turn + 1,
        reason=one_line(finding.reason),
        why_it_matters=one_line(finding.why_it_matters),
        fix=one_line(finding.fix),
        drill=one_line(finding.drill),
        source=one_line(finding.source),
        criterion=finding.criterion,
    )


def _marks(card: Failure | Strong, tone: str, evidence: Sequence[Evidence]) -> list[Mark]:
    return [
        Mark(card.label, tone, f"{card.anchor}-{place}", card.anchor, card.title, item.turn, item.start, item.end)
        for place, item in enumerate(evidence, start=1)
    ]


def _quotes(evidence: Sequence[Evidence], card: str, turns: Sequence[Turn]) -> tuple[Quoted, ...]:
    several = len(turns) > 1
    return tuple(
        Quoted(
            text=one_line(item.quote),
            place=", ".join(part for part in (f"turn {item.turn + 1}" if several else "", clock(item.start_s)) if part),
            anchor=f"{card}-{place}",
        )
        for place, item in enumerate(evidence, start=1)
    )


def _turn(turn: Turn, number: int, marks: Sequence[Mark], failures: Sequence[Failure]) -> TurnView:
    return TurnView(
        number=number + 1,
        role=turn.role,
        speaker=one_line(turn.name or "", _NAME_CHARS) or turn.role.capitalize(),
        time=clock(turn.start_s),
        segments=cut(visible(turn.text), [mark for mark in marks if mark.turn == number]),
        missing=tuple(failure for failure in failures if failure.due == number + 1),
    )


def _plain(evaluation: Evaluation, verdict: str) -> tuple[Plain, ...]:
    return tuple(
        Plain(one_line(finding.title), finding.severity, one_line(finding.reason), finding.criterion)
        for finding in evaluation.findings
        if finding.verdict == verdict
    )


def _fixes(evaluation: Evaluation) -> tuple[tuple[str, str], ...]:
    fixes, drills = evaluation.feedback.top_fixes, evaluation.feedback.drills
    padded = (*drills, *("" for _ in fixes))
    return tuple((one_line(fix), one_line(drill)) for fix, drill in zip(fixes, padded, strict=False))


def _band_lines(evaluation: Evaluation) -> tuple[str, ...]:
    """Say what kept the answer out of the band just above, and which vetoes fired; nothing if no band was given."""
    card = evaluation.scorecard
    places = [place for place, line in enumerate(card.bands) if line.band == card.band]
    if not places:
        return ()
    lines: list[str] = []
    if places[0] > 0:
        above = card.bands[places[0] - 1]
        reason = one_line(above.reason.removeprefix("Kept out: ")).rstrip(".")
        lines.append(f"Kept out of {spoken(above.band)}: {reason}.")
    fired = [one_line(veto.reason) for veto in card.vetoes]
    return (*lines, *(f"Veto: {reason}" for reason in fired if not any(reason.rstrip(".") in line for line in lines)))
