"""Sentences that nobody said: read strictly, made the same way every time, and at no place in an answer."""

from __future__ import annotations

import numpy as np
import pytest

from evaluator.backends.local.features import OWN_PLACE_COLUMNS
from evaluator.backends.local.lexicon import lexicon_for
from evaluator.errors import RubricError
from evaluator.fitting.made_sentences import (
    hollow_sentences,
    made_rows,
    made_sentences_for,
    parse_made_sentences,
)
from evaluator.rubric import load_rubric
from tests.encoders import DIMENSIONS, WordEncoder
from tests.fakes import make_rubric

_TEXT = """\
schema_version: 1
rubric: small
criteria:
  vanity: {commits: [I would count clicks.], avoids: [Clicks tell us nothing.]}
empty: [Guardrails are important.]
"""


def _text() -> str:
    return _TEXT.replace("rubric: small", f"rubric: {make_rubric().id}")


def test_a_file_is_read() -> None:
    """Both sides of a criterion and empty sentences come out as they stand."""
    made = parse_made_sentences(_text(), make_rubric(), name="small.sentences.yaml")
    assert made.criteria["vanity"].commits == ("I would count clicks.",)
    assert made.empty == ("Guardrails are important.",)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("rubric: ", "rubric: other_", "it is made for the rubric"),
        ("vanity:", "vanitas:", "no criterion 'vanitas'"),
        ("commits:", "commit:", "Extra inputs"),
        ("schema_version: 1", "schema_version: 2", "Input should be 1"),
    ],
)
def test_a_fault_is_named_with_its_file(old: str, new: str, says: str) -> None:
    """A misspelt key or criterion is refused rather than ignored."""
    with pytest.raises(RubricError, match=says) as caught:
        parse_made_sentences(_text().replace(old, new), make_rubric(), name="small.sentences.yaml")
    assert str(caught.value).startswith("small.sentences.yaml")


def test_a_rubric_without_a_file_has_its_own_words_alone() -> None:
    """What the rubric says of its criteria is hollow when recited, whether or not somebody wrote sentences."""
    rubric = make_rubric()
    made = made_sentences_for(rubric)
    assert not made.criteria
    hollow = hollow_sentences(rubric, lexicon_for(rubric), made)
    assert set(hollow) >= {criterion.title for criterion in rubric.criteria}
    assert hollow == hollow_sentences(rubric, lexicon_for(rubric), made)


def test_a_made_sentence_stands_nowhere() -> None:
    """The columns of its place are an average row's, in both its written and its bare form."""
    rubric = make_rubric()
    made = parse_made_sentences(_text(), rubric, name="x")
    place = np.arange(OWN_PLACE_COLUMNS, dtype=np.float32)
    rows = made_rows(made, rubric, lexicon_for(rubric), WordEncoder(), place)
    assert all(np.array_equal(row.row[-OWN_PLACE_COLUMNS:], place) for row in rows)
    assert [row.commits for row in rows if row.criterion == "vanity"] == [True, True, False, False]
    assert all(len(row.row) > 2 * DIMENSIONS for row in rows)


def test_the_shipped_sentences_are_about_the_shipped_rubric() -> None:
    """Every criterion that is decided by words has some, and none is said twice."""
    rubric = load_rubric("netflix_pm_metrics")
    made = made_sentences_for(rubric)
    assert set(made.criteria) == {criterion.id for criterion in rubric.criteria if not criterion.measured}
    texts = [*made.empty, *(text for part in made.criteria.values() for text in (*part.commits, *part.avoids))]
    assert len(texts) == len(set(texts))
