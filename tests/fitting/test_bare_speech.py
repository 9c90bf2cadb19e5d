"""Bare speech: the same words without case and marks, and the evidence still on them."""

from __future__ import annotations

from hypothesis import given

from evaluator.agreement.labels import parse_labels
from evaluator.fitting.bare_speech import bare_row, bare_text
from tests.fakes import make_rubric
from tests.fitting.cases import label_bytes
from tests.property.strategies import hard_texts


@given(hard_texts())
def test_bare_text_is_already_bare(text: str) -> None:
    """Nothing is left to take away a second time."""
    once = bare_text(text)
    assert bare_text(once) == once


def test_evidence_moves_with_its_words() -> None:
    """A labelled quote stays on the same words once case and punctuation are gone."""
    for row in parse_labels(label_bytes(each=4), make_rubric()).rows:
        bare = bare_row(row)
        assert row.transcript is not None
        assert bare.transcript is not None
        assert set(bare.evidence) == set(row.evidence)
        for key, span in row.evidence.items():
            moved = bare.evidence[key]
            before = row.transcript.turns[span.turn].text[span.start : span.end]
            assert bare.transcript.turns[moved.turn].text[moved.start : moved.end] == bare_text(before)


def test_labels_and_question_are_kept() -> None:
    """Only how words are written changes."""
    row = parse_labels(label_bytes(each=1), make_rubric()).rows[0]
    bare = bare_row(row)
    assert (bare.id, bare.labels, bare.band) == (row.id, row.labels, row.band)
    assert bare.transcript is not None
    assert bare.transcript.question == "how would you measure success of the new row"
