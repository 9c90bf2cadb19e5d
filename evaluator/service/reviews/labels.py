"""From reviewed evaluations to labelled transcripts, as `evaluator agreement` and `evaluator fit` read them.

A row holds the criteria that people reviewed and no other. Speakers go by their parts, not by their names. A quote
is evidence where reviewers confirmed the judge's verdict: then a person has looked at it.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from evaluator.agreement.labels import Label, LabelledRow, Span
from evaluator.reports.characters import escape_json
from evaluator.rubric import Rubric
from evaluator.service.reviews.review import Reviewed, consensus
from evaluator.values.evaluation import Evaluation
from evaluator.values.finding import Evidence, Finding
from evaluator.values.transcript import Transcript, Turn

__all__ = ["label_line", "labelled_row", "row_id"]


@dataclass(frozen=True, slots=True)
class _Labels:
    """What a row says, whatever its form."""

    question_type: str | None
    labels: Mapping[str, Label]
    disputed: tuple[str, ...]
    evidence: Mapping[str, Evidence]


def row_id(reviewed: Reviewed) -> str:
    """Return the id of a row: the evaluation's, after a mark that the attempts of one candidate share.

    What stands before the first ``-`` is a row's author to whoever measures or trains: so nobody is trained on one
    attempt of a person and measured on another.
    """
    if reviewed.candidate is None:
        return reviewed.id
    return f"{hashlib.sha256(reviewed.candidate.encode('utf-8', 'replace')).hexdigest()[:12]}-{reviewed.id}"


def label_line(reviewed: Reviewed, rubric: Rubric) -> str | None:
    """Return a reviewed evaluation as a line of a file of labels; ``None`` if nothing of the rubric was reviewed."""
    said = _labels(reviewed, rubric)
    if not said.labels:
        return None
    evaluation = reviewed.evaluation
    row = {
        "id": row_id(reviewed),
        "question": evaluation.question,
        "question_type": said.question_type,
        "turns": list(_turns(evaluation.transcript.turns)),
        "labels": said.labels,
        "evidence": {criterion: item.quote for criterion, item in said.evidence.items()},
        "disputed": said.disputed,
    }
    return escape_json(json.dumps(row, ensure_ascii=False))


def labelled_row(reviewed: Reviewed, rubric: Rubric, line: int) -> LabelledRow | None:
    """Return a reviewed evaluation as the row that its `label_line` reads as; spans are the judge's own."""
    said = _labels(reviewed, rubric)
    if not said.labels:
        return None
    return LabelledRow(
        id=row_id(reviewed),
        line=line,
        question_type=said.question_type,
        transcript=_transcript(reviewed.evaluation),
        problem=None,
        labels=said.labels,
        evidence={criterion: Span(item.turn, item.start, item.end) for criterion, item in said.evidence.items()},
        lost_evidence=(),
        band=None,
        disputed=frozenset(said.disputed),
    )


def _labels(reviewed: Reviewed, rubric: Rubric) -> _Labels:
    findings = {finding.criterion: finding for finding in reviewed.evaluation.findings}
    said = {
        criterion: word
        for criterion, word in consensus(reviewed.reviews).items()
        if criterion in rubric.by_id and criterion in findings
    }
    kind = reviewed.evaluation.question_type
    known = kind.source != "default" and any(row.id == kind.value for row in rubric.question_types)
    return _Labels(
        question_type=kind.value if known else None,
        labels={criterion: word.verdict for criterion, word in said.items()},
        disputed=tuple(criterion for criterion, word in said.items() if word.disputed),
        evidence={
            criterion: findings[criterion].evidence[0]
            for criterion, word in said.items()
            if _confirmed(word.verdict, findings[criterion]) and not word.disputed
        },
    )


def _confirmed(label: Label, finding: Finding) -> bool:
    return label == finding.verdict and bool(finding.evidence)


def _turns(turns: Sequence[Turn]) -> Iterator[dict[str, object]]:
    """Yield turns by the part of their speaker, numbered where several play one, so that they are read as they were."""
    speakers: dict[tuple[str, str | None], str] = {}
    parts = Counter[str]()
    for turn in turns:
        key = (turn.role, turn.name)
        if key not in speakers:
            parts[turn.role] += 1
            word = {"candidate": "candidate", "interviewer": "interviewer", "other": "observer"}[turn.role]
            speakers[key] = word if parts[turn.role] == 1 else f"{word} {parts[turn.role]}"
        told = {"speaker": speakers[key], "text": turn.text, "start_s": turn.start_s, "end_s": turn.end_s}
        yield {name: value for name, value in told.items() if value is not None}


def _transcript(evaluation: Evaluation) -> Transcript:
    told = evaluation.transcript
    return Transcript(
        turns=told.turns,
        question=evaluation.question,
        question_type=evaluation.question_type.value,
        format=told.format,
        roles=told.roles,
        language=told.language,
    )
