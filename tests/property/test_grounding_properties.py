"""Whatever a judge claims, evidence is the candidate's words at their offsets."""

from __future__ import annotations

import random
import unicodedata

from hypothesis import assume, given
from hypothesis import strategies as st

from evaluator.grounding import ground
from evaluator.judging import Opinion, Quote
from evaluator.quotes import find_quote
from evaluator.rubric import Rubric
from evaluator.values.finding import Evidence
from evaluator.values.transcript import Transcript
from tests.fakes import make_rubric, make_transcript
from tests.property.strategies import HARD_CHARS, hard_texts, judgements, rubrics, transcripts

_WORDS = (
    *(
        "measure",
        "retention",
        "weekly",
        "Straße",
        "café",
        "cafe\u0301s",
        "ﬁnished",
        "İstanbul",
        "don’t",
        "we'd",
        "Σίσυφος",
    ),
    *(
        "naïve",
        "day—28",
        "2–3",
        "…maybe…",
        "“so”",
        "97%",
        "ōkami",
        "\u017fhip",
        "👍🏽",
        "留存",
        "a",
        "I",
        "to",
        "x²",
    ),
)
_MARKS = {"’": "'", "'": "’", "—": "-", "–": "-", "…": "...", "“": '"', "”": '"'}


def _holds(evidence: Evidence, transcript: Transcript) -> bool:
    turn = transcript.turns[evidence.turn]
    return turn.role == "candidate" == evidence.speaker and turn.text[evidence.start : evidence.end] == evidence.quote


@given(data=st.data(), rubric=rubrics(), transcript=transcripts())
def test_evidence_is_always_the_candidates_words(data: st.DataObject, rubric: Rubric, transcript: Transcript) -> None:
    """Any claim of any judge on any text yields exact spans of candidate turns, or nothing."""
    for opinion in data.draw(judgements(rubric, transcript)).opinions:
        if opinion.criterion in rubric.by_id:
            grounded = ground(opinion, rubric.criterion(opinion.criterion), transcript)
            assert all(_holds(item, transcript) for item in grounded.evidence)


def test_evidence_is_exact_on_five_thousand_random_texts() -> None:
    """Of 5,000 random texts, each asked for random pieces of itself, no quote differs from its span."""
    rng, found = random.Random(5), 0
    for _ in range(5_000):
        text = "".join(
            rng.choice(HARD_CHARS) if rng.random() < 0.8 else chr(rng.randrange(1, 0xD800))
            for _ in range(rng.randint(1, 60))
        )
        start = rng.randrange(len(text))
        piece = text[start : start + rng.randint(1, 30)]
        claim = rng.choice([piece, piece.upper(), piece.casefold(), unicodedata.normalize("NFC", piece)])
        transcript = make_transcript(("interviewer", text), text)
        evidence = find_quote(Quote(rng.randrange(3), claim), transcript)
        if evidence is not None:
            found += 1
            assert _holds(evidence, transcript)
            assert evidence.quote == evidence.quote.strip()
            assert not unicodedata.category(evidence.quote[0]).startswith("M") or evidence.start == 0
    assert found > 500, "the test asks for too little that is there"


@given(
    words=st.lists(st.sampled_from(_WORDS), min_size=1, max_size=12, unique=True),
    spaces=st.lists(st.sampled_from([" ", "  ", "\n", "\u00a0", " \t "]), min_size=12, max_size=12),
    data=st.data(),
)
def test_altered_copies_lead_back_to_the_original_words(
    words: list[str], spaces: list[str], data: st.DataObject
) -> None:
    """A copy that differs in case, space, typographic marks or Unicode form is found as exactly the words it copies."""
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, len(words) - 1))
    text = "".join(word + space for word, space in zip(words, spaces, strict=False))
    start = sum(len(word) + len(space) for word, space in zip(words[:first], spaces, strict=False))
    end = start + sum(len(words[i]) + len(spaces[i]) for i in range(first, last)) + len(words[last])
    copy = data.draw(st.sampled_from([" ", "\n ", "  "])).join(words[first : last + 1])
    copy = data.draw(st.sampled_from([str, str.upper, str.lower, str.swapcase]))(copy)
    if data.draw(st.booleans()):
        copy = "".join(_MARKS.get(char, char) for char in copy)
    copy = unicodedata.normalize(data.draw(st.sampled_from(["NFC", "NFD"])), copy)
    assume(sum(map(str.isalnum, copy)) >= 4)
    evidence = find_quote(Quote(0, copy), make_transcript(text))
    assert evidence is not None
    outer = "“”…’'\".,;:!?—–-"
    lead = len(text[start:end]) - len(text[start:end].lstrip(outer))
    assert start <= evidence.start <= start + lead
    assert evidence.quote.strip(outer) == text[start:end].strip(outer)


@given(
    text=st.text(st.sampled_from("abAB .,'-\n\t\x1c "), max_size=60),
    claim=st.text(st.sampled_from("abAB .,'-\n"), min_size=4, max_size=16),
)
def test_a_letter_at_the_end_changes_nothing_before_it(text: str, claim: str) -> None:
    """Plain text is folded in a shorter way than other text, to the same places."""
    alone, accented = (find_quote(Quote(0, claim), make_transcript(said)) for said in (f"{text} .", f"{text} . é"))
    assert alone == accented


@given(text=hard_texts(), invented=st.text("qxzj ", min_size=1, max_size=30))
def test_words_nobody_said_are_rejected(text: str, invented: str) -> None:
    """A quote of letters that the candidate never used is not found, whoever else used them."""
    assume(not set("qxzj") & set(unicodedata.normalize("NFKD", text.casefold()).casefold()))
    transcript = make_transcript(("interviewer", f"{invented}."), text or "nothing")
    assert find_quote(Quote(0, invented), transcript) is None


@given(quotes=st.lists(hard_texts(6), max_size=3))
def test_unproved_verdicts_become_unscored(quotes: list[str]) -> None:
    """A commission said present, or an omission said absent, without the candidate's words decides nothing."""
    rubric, transcript = make_rubric(), make_transcript("We would look at the numbers.")
    claims = tuple(Quote(0, quote) for quote in quotes)
    said_present = Opinion("vanity", "present", 0.9, claims, "It seemed so.")
    said_absent = Opinion("no_goal", "absent", 0.9, claims, "It seemed so.")
    for opinion in (said_present, said_absent):
        grounded = ground(opinion, rubric.criterion(opinion.criterion), transcript)
        if not grounded.evidence:
            assert (grounded.opinion.verdict, grounded.opinion.confidence) == ("unscored", None)
