"""Tests of how a body is written: valid JSON with the very same values, whatever text it holds."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from evaluator.backends.network import as_json

_TEXT = st.text(st.characters(codec="utf-8"))
_BODIES = st.dictionaries(
    _TEXT,
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
        max_leaves=12,
    ),
    max_size=4,
)


@given(_BODIES)
def test_a_body_is_read_as_it_was_meant(body: dict[str, object]) -> None:
    """Every value comes back the same, and text travels as it is, not escaped."""
    sent = as_json(body)
    assert json.loads(sent) == body
    assert sent.decode() == sent.decode().strip()


@given(_TEXT)
def test_text_is_written_as_the_standard_library_does(text: str) -> None:
    """The bytes are those of `json.dumps` with no more escapes than needed: what was recorded is still found."""
    assert as_json({"text": text}) == json.dumps({"text": text}, ensure_ascii=False, separators=(",", ":")).encode()


def test_half_a_surrogate_pair_is_a_question_mark() -> None:
    """What UTF-8 can't hold stops no request, and takes nothing else with it."""
    assert json.loads(as_json({"text": "half \ud800 é", "more": [1.5, None]})) == {
        "text": "half ? é",
        "more": [1.5, None],
    }
