"""Tests of the detector's short cut: it leaves out no kind that the kind's pattern finds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.instruction_needs import kinds_in
from evaluator.instruction_phrases import KINDS


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_no_kind_is_left_out_that_its_pattern_finds(kind: str, data: st.DataObject) -> None:
    """A text made from a pattern, whatever stands around it, leads to trying that pattern."""
    text = data.draw(st.from_regex(KINDS[kind]))
    assert KINDS[kind].search(text) is None or kind in kinds_in(text)
    assert KINDS[kind].search(text) is None or kind in kinds_in(f"We keep members.\n{text}\nYes.")
