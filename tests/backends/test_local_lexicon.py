"""The lexicon: data that a stranger may edit, refused with its line where it makes no sense."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.backends.local.counting import count_phrases
from evaluator.backends.local.lexicon import Lexicon, lexicon_for, parse_lexicon
from evaluator.errors import RubricError
from evaluator.rubric import load_rubric, rubric_paths
from tests.fakes import RUBRIC_YAML, make_rubric

_TEXT = """\
schema_version: 1
rubric: small
groups:
  retention: [retention, come* back, "week # retention"]
  threshold: ["at least #", don't ship]
pairs:
  - [retention, threshold]
distinct: [retention]
listed: retention
people: [members]
not_people: [weeks]
small_group: {at_least: 4, below: 3000}
large_group_from: 10000
"""


def _lexicon() -> Lexicon:
    return parse_lexicon(_TEXT, name="small.lexicon.yaml")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("retention, come* back", "retention, ...", r"line 4, `groups`|must start and end with a word|line 1"),
        ("  retention: [", "  number: [", "`number` is built in"),
        ("[retention, threshold]", "[retention, treshold]", "no group is called 'treshold'"),
        ("listed: retention", "listed: none_such", "no group is called 'none_such'"),
        ("schema_version: 1", "schema_version: 2", "line 1, `schema_version`"),
        ("people: [members]", "poeple: [members]", "line 10, `poeple`"),
        ("people: [members]", "people: [Members!]", "line 10, `people.0`"),
        ("at_least: 4", "at_least: four", "line 12, `small_group.at_least`"),
        ("rubric: small", "rubric: &a small", "line 2"),
    ],
)
def test_a_fault_is_told_with_its_place(old: str, new: str, says: str) -> None:
    """A lexicon that breaks a rule is refused with file, line and key."""
    with pytest.raises(RubricError, match=says) as caught:
        parse_lexicon(_TEXT.replace(old, new), name="small.lexicon.yaml")
    assert str(caught.value).startswith("small.lexicon.yaml, line ")


def test_a_rubric_without_a_lexicon_has_its_own_cues_counted() -> None:
    """No file beside the rubric is no error: its cue groups stand in, one column each after the numbers."""
    rubric = make_rubric()
    assert lexicon_for(rubric).names == ("number", *rubric.cues)


@pytest.mark.parametrize("rubric_id", rubric_paths())
def test_shipped_rubrics_have_a_lexicon_that_counts(rubric_id: str) -> None:
    """Every cue of every shipped rubric's lexicon is readable, and names only criteria that exist."""
    rubric = load_rubric(rubric_id)
    lexicon = lexicon_for(rubric)
    assert count_phrases(["if retention rises we ship"], lexicon).phrases.shape == (1, len(lexicon.names))


def test_a_lexicon_is_not_listed_as_a_rubric() -> None:
    """``rubric list`` shows rubrics, not what lies beside them."""
    assert not any("lexicon" in name for name in rubric_paths())


def test_groups_pairs_and_people_are_counted() -> None:
    """Phrases per group, different phrases in all, and numbers of people are told sentence by sentence."""
    counts = count_phrases(
        [
            "Retention, retention: week 4 retention at least 2.",
            "They come back; 300 members, not 20000 members in 3 weeks?",
            "DONT SHIP",
        ],
        _lexicon(),
    )
    assert counts.phrases.tolist() == [[2, 3, 1], [3, 1, 0], [0, 0, 1]]
    assert counts.distinct.tolist() == [3]
    assert counts.numeric.tolist() == [[0, 0, 1 / 3, 0, 2 / 3], [1, 1, 1 / 3, 1, 1 / 3], [0, 0, 0, 0, 0]]
    assert counts.words.tolist() == [8, 11, 2]


@given(
    st.lists(st.sampled_from(["retention at", "least 3 come", "back. ", "don't", "ship", "", "4 members"]), max_size=8)
)
def test_sentences_are_counted_as_if_each_stood_alone(sentences: list[str]) -> None:
    """No phrase reaches across a border, so counts don't depend on the sentences around."""
    lexicon = _lexicon()
    together = count_phrases(sentences, lexicon)
    alone = [count_phrases([sentence], lexicon) for sentence in sentences]
    for row, counts in enumerate(alone):
        np.testing.assert_array_equal(together.phrases[row], counts.phrases[0])
        np.testing.assert_array_equal(together.numeric[row], counts.numeric[0])


@given(
    st.lists(st.sampled_from(["retention at", "come back, retained", "4 members", "we ship"]), max_size=8), st.data()
)
def test_counts_of_some_sentences_are_those_without_the_others(sentences: list[str], data: st.DataObject) -> None:
    """To leave sentences out counts as if they had not been said, different phrases of the whole included."""
    places = [place for place in range(len(sentences)) if data.draw(st.booleans())]
    lexicon = lexicon_for(load_rubric("netflix_pm_metrics"))
    some = count_phrases(sentences, lexicon).of(places)
    alone = count_phrases([sentences[place] for place in places], lexicon)
    for name in ("phrases", "distinct", "numeric", "words", "binding"):
        np.testing.assert_array_equal(getattr(some, name), getattr(alone, name))
    assert some.named == alone.named


def test_a_rubric_may_call_its_own_group_number() -> None:
    """The built-in group wins without an error."""
    rubric = make_rubric(
        RUBRIC_YAML.replace("  experiment: [experiment, test]", "  number: [one]\n  experiment: [test]")
    )
    assert lexicon_for(rubric).names == ("number", "metrics", "experiment")
