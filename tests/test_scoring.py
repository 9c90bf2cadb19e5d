"""Scoring by hand: each figure here can be checked against the small rubric on paper."""

from __future__ import annotations

from evaluator.scoring import score
from evaluator.values.judge import Verdict
from evaluator.values.scorecard import Scorecard
from tests.fakes import make_rubric

_IDS = ("vanity", "no_goal", "no_guardrail", "vague", "misread_test", "rambling")  # weights 5 5 3 3 3 1


def _score(letters: str, *reasons: str) -> Scorecard:
    names: dict[str, Verdict] = {"p": "present", "a": "absent", "n": "na", "u": "unscored"}
    return score(make_rubric(), dict(zip(_IDS, (names[letter] for letter in letters), strict=True)), reasons)


def test_weights_are_lost_by_what_is_present() -> None:
    """One critical of 5 out of 20 leaves 75."""
    card = _score("paaaaa")
    assert (card.score, card.score_range, card.coverage, card.band) == (75.0, (75.0, 75.0), 1.0, "hire")
    assert [line.lost for line in card.lines] == [5, 0, 0, 0, 0, 0]


def test_inapplicable_criteria_weigh_nothing() -> None:
    """5 of the 17 that apply are lost."""
    card = _score("paaana")
    assert (card.score, card.coverage) == (70.6, 1.0)


def test_unscored_criteria_open_a_range() -> None:
    """A critical and a major one that couldn't be told: 3 of 12 lost now, 11 of 20 at worst, 3 of 20 at best."""
    card = _score("uapuaa")
    assert (card.score, card.score_range) == (75.0, (45.0, 85.0))
    assert (card.band, card.band_range) == ("hire", ("no_hire", "hire"))
    assert card.coverage == 0.6667


def test_low_coverage_withholds_the_band() -> None:
    """Below the rubric's half of the criteria there is a reason in place of a band; the figures stay."""
    card = _score("auuuua")
    assert (card.band, card.needs_review, card.score) == (None, True, 100.0)
    assert card.review_reasons == (
        "low_coverage: only 2 of the 6 criteria that apply could be decided; the rubric asks for 50%.",
    )


def test_nothing_decided_gives_neither_score_nor_band() -> None:
    """All inapplicable or all unscored is never the best band, even if the rubric asks for no coverage."""
    rubric = make_rubric()
    lax = rubric.model_copy(update={"scoring": rubric.scoring.model_copy(update={"minimum_coverage": 0.0})})
    for verdict in ("na", "unscored"):
        card = score(lax, dict.fromkeys(_IDS, verdict))
        assert (card.score, card.score_range, card.band, card.band_range) == (None, None, None, None)
        assert card.review_reasons == ("nothing_decided: no criterion that applies could be decided.",)


def test_a_veto_names_what_fired_it_and_lowers_the_band() -> None:
    """One critical and one major are a hire, were it not for the veto on these two together."""
    card = _score("paapaa")
    assert (card.band, card.score) == ("no_hire", 60.0)
    assert [(veto.id, veto.criteria, veto.best_band) for veto in card.vetoes] == [
        ("rigour", ("vanity", "vague"), "no_hire")
    ]


def test_a_veto_leaves_its_best_band_open() -> None:
    """With a veto that allows a hire, an answer that would be a strong hire becomes a hire and no less."""
    rubric = make_rubric()
    veto = rubric.scoring.vetoes[0].model_copy(update={"criteria": ("rambling",), "at_least": 1, "best_band": "hire"})
    mild = rubric.model_copy(update={"scoring": rubric.scoring.model_copy(update={"vetoes": (veto,)})})
    absent: dict[str, Verdict] = dict.fromkeys(_IDS, "absent")
    verdicts: dict[str, Verdict] = {**absent, "rambling": "present"}
    assert score(rubric, verdicts).band == "strong_hire"
    assert score(mild, verdicts).band == "hire"


def test_every_band_says_what_it_asks() -> None:
    """Each line tells what kept the answer out, or what it kept to."""
    assert [line.reason for line in _score("paapaa").bands] == [
        "Kept out: 1 critical instead of none; 1 major instead of none; veto rigour: Two signs of lacking rigour.",
        "Kept out: veto rigour: Two signs of lacking rigour.",
        "Open to every answer.",
    ]
    assert [line.reason for line in _score("aaaaaa").bands] == [
        "Met: no critical, no major.",
        "Met: at most 1 critical, at most 1 major.",
        "Open to every answer.",
    ]


def test_a_band_may_be_closed_to_a_combination() -> None:
    """`unless_all_present` closes a band only if every one of its criteria is present."""
    rubric = make_rubric()
    best = rubric.scoring.bands[0].model_copy(update={"at_most": {}, "unless_all_present": ("no_goal", "rambling")})
    scoring = rubric.scoring.model_copy(update={"bands": (best, *rubric.scoring.bands[1:])})
    closed = rubric.model_copy(update={"scoring": scoring})
    absent: dict[str, Verdict] = dict.fromkeys(_IDS, "absent")
    assert score(closed, {**absent, "no_goal": "present"}).band == "strong_hire"
    both = score(closed, {**absent, "no_goal": "present", "rambling": "present"})
    assert (both.band, both.bands[0].reason) == ("hire", "Kept out: present together: no_goal, rambling.")
    assert score(closed, absent).bands[0].reason == "Met."
