"""Whether a calibration still fits: digests of everything that its heads were trained for.

Apart because training writes these digests and judging compares them; both must take them from one place.
"""

from __future__ import annotations

import hashlib
import json

from evaluator.backends.local.calibration import Calibration
from evaluator.backends.local.features import FEATURES_VERSION, SCALES
from evaluator.backends.local.heads import SCORE_SCALES, CriterionForm
from evaluator.backends.local.lexicon import Lexicon
from evaluator.rubric import Criterion, Rubric

__all__ = ["criterion_digest", "criterion_form", "features_digest", "fresh_criteria"]


def criterion_form(criterion: Criterion, rubric: Rubric) -> CriterionForm:
    """Return what of a criterion decides the shape of its heads."""
    limit = rubric.quantities[criterion.measured.longest_turn_over_words].value if criterion.measured else None
    return CriterionForm(criterion.id, criterion.applies.interviewer_follows_up, limit)


def criterion_digest(criterion: Criterion, rubric: Rubric) -> str:
    """Hash what a criterion's labels mean; its advice, exemplars and severity may change without harm."""
    form = criterion_form(criterion, rubric)
    return _digest(
        {
            "id": criterion.id,
            "kind": criterion.kind,
            "definition": criterion.definition,
            "clarification": criterion.clarification,
            "answers_follow_up": form.answers_follow_up,
            "word_limit": form.word_limit,
        }
    )


def features_digest(rubric: Rubric, lexicon: Lexicon) -> str:
    """Hash what the numbers of a case depend on, encoder aside."""
    return _digest(
        {
            "version": FEATURES_VERSION,
            "scales": SCALES,
            "score_scales": SCORE_SCALES,
            "lexicon": lexicon.sha256,
            "question_types": [kind.id for kind in rubric.question_types],
        }
    )


def fresh_criteria(calibration: Calibration, rubric: Rubric, lexicon: Lexicon) -> frozenset[str]:
    """Return the criteria whose trained heads still fit rubric and lexicon; the encoder is the caller's to compare."""
    if calibration.features != features_digest(rubric, lexicon):
        return frozenset()
    return frozenset(
        part.id
        for part in calibration.criteria
        if part.id in rubric.by_id and part.depends_on == criterion_digest(rubric.by_id[part.id], rubric)
    )


def _digest(content: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
