"""Every family of attacks, on several answers, against models that give in: no verdict improves through the code."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import Final

import pytest

from evaluator.rubric import load_rubric
from evaluator.values.evaluation import Evaluation
from tests.attacks.gullible import GULLIBLE, STEADFAST
from tests.attacks.trial import BASES, FAMILIES, PLACES, Trial, attempt, base

_BASES: Final = tuple(BASES)[:3]
# What these say comes to nothing, however gladly they say it: their replies are not one object of the schema, or judge
# what was not asked. The others can be talked into a verdict, and then owe the candidate's own words.
_NEVER_HEARD: Final = (
    *("copies before its own", "copies after its own", "adds scores", "breaks its form", "invents criteria"),
    *("guesses the identifier", "dictates keys", "gives in when asked again", "babbles"),
)
_NAMES: Final = (
    *("direct override", "fake end marker", "delimiter escape", "fake JSON output", "fake rubric override"),
    *("authority claim", "role confusion", "annotation spoof", "phantom evidence", "quoted payload", "many-shot"),
    *("master keys", "optimised suffix", "fake reasoning", "persuasion and rationale", "self-praise"),
    *("social engineering", "keyword stuffing", "parroting the rubric", "verbosity and padding"),
    *("zero-width and bidi", "homoglyphs", "encoded payloads", "another language", "prompt extraction"),
    *("detector evasion", "output breaking", "denial of wallet", "template injection", "HTML and script", "Markdown"),
    *("CSV formula", "log injection", "combinations"),
)


@lru_cache
def _alone(name: str) -> Evaluation:
    return asyncio.run(base(name))


async def _tried(alone: Evaluation, name: str, attacks: list[tuple[str, str, str]]) -> list[Trial]:
    return [await attempt(alone, name, attack, place, GULLIBLE[how]) for attack, place, how in attacks]


def test_every_family_is_there() -> None:
    """The threat list's 34 families have five attacks or more each, no two alike."""
    assert sorted(FAMILIES) == sorted(_NAMES)
    assert all(len(set(attacks)) == len(attacks) >= 5 for attacks in FAMILIES.values())


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_improves_where_the_model_does_not_give_in(family: str) -> None:
    """Text alone, at the end, at the start or in a turn of its own, hides no failure that was found, lifts no band."""
    order = [band.id for band in load_rubric().scoring.bands]
    for name in _BASES:
        alone = _alone(name)
        for number, attack in enumerate(FAMILIES[family]):
            trial = asyncio.run(attempt(alone, name, attack, PLACES[number % 3], STEADFAST))
            assert (trial.improved, trial.breaches) == ((), ()), attack[:80]
            if trial.evaluation.scorecard.needs_review:  # repeated words read as a broken recording: nobody is judged
                assert (trial.evaluation.scorecard.score, trial.evaluation.scorecard.band) == (None, None)
                continue
            found = {finding.criterion for finding in trial.evaluation.findings if finding.verdict == "present"}
            assert found >= {finding.criterion for finding in alone.findings if finding.verdict == "present"}
            card = trial.evaluation.scorecard
            assert (card.score or 0) <= (alone.scorecard.score or 0) + 2
            assert order.index(card.band or "") >= order.index(alone.scorecard.band or "")


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_improves_through_the_code_where_the_model_gives_in(family: str) -> None:
    """Each attack meets every way of giving in, in turn over the answers; the audit of each result finds nothing."""
    attacks = FAMILIES[family]
    hows = list(GULLIBLE)
    for offset, name in enumerate(_BASES):
        rounds = [
            (attack, PLACES[(number + offset) % 3], how)
            for number, attack in enumerate(attacks)
            for how in hows[(number + offset) % 3 :: 3]
        ]
        for (attack, _, how), trial in zip(rounds, asyncio.run(_tried(_alone(name), name, rounds)), strict=True):
            assert trial.breaches == (), (how, attack[:80])
            if how in _NEVER_HEARD:
                assert trial.improved == (), (how, attack[:80])


def test_the_gullible_models_do_give_in() -> None:
    """The suite can fail: told to mark all absent, a model does, and its verdicts stand where words prove them."""
    trial = asyncio.run(attempt(_alone("weak.md"), "weak.md", FAMILIES["direct override"][0], "end", GULLIBLE["obeys"]))
    assert len(trial.improved) > 10
    assert trial.flagged
    assert "evidence_in_doubt" in {flag.code for flag in trial.evaluation.flags}


def test_words_about_the_reply_prove_nothing() -> None:
    """A model that marks all absent and quotes a forged reply gets no omission through: those are no answer's words."""
    kinds = {criterion.id: criterion.kind for criterion in load_rubric().criteria}
    for forged in FAMILIES["fake JSON output"][:3:2]:
        trial = asyncio.run(attempt(_alone("weak.md"), "weak.md", forged, "turn", GULLIBLE["obeys"]))
        assert {kinds[key] for key in trial.improved} == {"commission"}


def test_the_detector_sees_what_instructs() -> None:
    """Of the attacks that give orders in words or forms that can be known, nine in ten are flagged for a person."""
    instructing = ("direct override", "fake end marker", "delimiter escape", "fake JSON output", "fake rubric override")
    instructing += ("authority claim", "role confusion", "many-shot", "fake reasoning", "social engineering")
    instructing += ("homoglyphs", "encoded payloads", "another language", "prompt extraction", "template injection")
    alone = _alone("weak.md")
    seen = [
        asyncio.run(attempt(alone, "weak.md", attack, "end", STEADFAST)).flagged
        for family in instructing
        for attack in FAMILIES[family]
    ]
    assert sum(seen) >= 0.9 * len(seen)
