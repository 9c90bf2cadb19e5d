"""Cues looked for at the words that may begin them: found where a search of the whole text finds them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator.backends.local.lexicon import lexicon_for
from evaluator.backends.local.phrases import PhraseFinder
from evaluator.backends.local.words import plain_cue, plain_words
from evaluator.cues import cue_matcher
from evaluator.rubric import load_rubric

_LEXICON = lexicon_for(load_rubric("netflix_pm_metrics"))
_CUES = tuple(plain_cue(cue) for cues in _LEXICON.groups.values() for cue in cues)
_SAID = st.one_of(
    st.sampled_from(_CUES).map(lambda cue: cue.replace("#", "forty two").replace("*", "ing").replace("...", "so")),
    st.sampled_from(
        ["a", "half", "a hundred", "1.5", "3k", "another two", "percent", "|", "an eight", "week 4", "ǅ", "Σ"]
    ),
    st.text(max_size=12),
)


@settings(max_examples=200)
@given(st.lists(_SAID, max_size=25).map(" ".join))
def test_phrases_are_found_where_a_search_of_the_whole_text_finds_them(said: str) -> None:
    """For each list of the shipped lexicon the spans are those of its own matcher."""
    text = plain_words(said)
    lists = tuple(_LEXICON.plain_groups.values())
    assert _LEXICON.phrases.spans(text) == [cue_matcher(cues).spans(text) for cues in lists]


@given(st.lists(_SAID, max_size=25).map(" ".join))
def test_every_form_of_cue_may_begin_a_phrase(said: str) -> None:
    """Numbers, percentages, whole words, beginnings and decimals at a cue's start are all looked for."""
    lists = (("# percent", "# members"), ("week #", "we*"), ("1.5 times", "1*"), ("a ... of", "half"), ())
    text = plain_words(said)
    assert PhraseFinder(lists).spans(text) == [cue_matcher(cues).spans(text) for cues in lists]


def test_the_longest_number_may_begin_a_phrase() -> None:
    """However many words a number takes, what follows it is looked at."""
    number = "one" + " and a half" * 4
    assert PhraseFinder((("# percent",),)).spans(f"{number} percent") == [[(0, len(number) + 8)]]


def test_unseen_words_are_not_kept_for_ever() -> None:
    """Words are the candidate's to choose, so what is remembered of them is bounded."""
    finder = PhraseFinder((("retain*",),))
    finder.spans(" ".join(f"w{number}" for number in range(30_000)))
    assert finder.spans("we retain them") == [[(3, 9)]]
    assert finder.words_known <= 20_000
