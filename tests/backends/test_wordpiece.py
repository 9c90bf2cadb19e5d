"""Word pieces: the ids that the models' own tokenizer gives, whatever the text."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from evaluator.backends.bert import read_form
from evaluator.backends.model_folder import find_model
from evaluator.backends.wordpiece import WordPieces
from tests.property.strategies import HARD_CHARS

_FOLDER: Final = find_model(None).path
_FORM: Final = read_form(_FOLDER)
_PIECES: Final = WordPieces(_FORM.vocabulary, 10_000)
_THEIRS: Final = Tokenizer.from_file(str(_FOLDER / "tokenizer.json"))
_THEIRS.no_padding()
_THEIRS.no_truncation()
# Later blocks hold characters that one of the two takes for unassigned, as their versions of Unicode differ.
_CHARS: Final = st.one_of(st.sampled_from(HARD_CHARS), st.characters(max_codepoint=0x52F))
_WORDS: Final = st.sampled_from(
    [
        "retention",
        "unhappiness",
        "DAU/MAU",
        "3.5%",
        "naïve",
        "x" * 100,
        "x" * 101,
        "don’t",
        "日本語",
        "한국",
        "≠",
        "ﬁne",
        "İ",
    ]
)


@settings(max_examples=500)
@given(st.lists(st.one_of(st.text(_CHARS, max_size=12), _WORDS), max_size=20).map(" ".join))
def test_ids_are_those_of_the_models_own_tokenizer(text: str) -> None:
    """Case, accents, marks, controls, ideographs, unknown and endless words: all are cut as training cut them."""
    assert _PIECES.encode(text) == _THEIRS.encode(text).ids


def test_a_long_text_is_cut_at_what_the_model_reads() -> None:
    """The rest is left out, and the closing token kept."""
    text = "So I would look at retention. " * 100
    ids = WordPieces(_FORM.vocabulary, _FORM.longest).encode(text)
    assert len(ids) == _FORM.longest
    whole = _THEIRS.encode(text).ids
    assert ids == [*whole[: _FORM.longest - 1], whole[-1]]


@pytest.mark.parametrize("name", ["[MASK]", "[SEP]", "[CLS]", "[PAD]", "[UNK]"])
def test_names_of_special_tokens_are_words(name: str) -> None:
    """What is judged can't end its own sentence, or hide a word."""
    assert len(_PIECES.encode(f"we ship {name} now")) > len(_PIECES.encode("we ship now")) + 2


def test_a_lone_surrogate_is_nothing() -> None:
    """Half a character, as broken files hold them, is left out."""
    assert _PIECES.encode("we\ud800 ship") == _PIECES.encode("we ship")


def test_a_vocabulary_without_special_tokens_is_refused() -> None:
    """It can't be the one of a BERT."""
    with pytest.raises(KeyError):
        WordPieces(["a", "b"], 8)
