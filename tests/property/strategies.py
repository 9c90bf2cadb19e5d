"""What property tests draw: rubrics, verdicts, texts that strain Unicode, transcripts, and what a judge may claim."""

from __future__ import annotations

from typing import Final, Literal

from hypothesis import strategies as st

from evaluator.judging import Judgement, Opinion, Quote
from evaluator.rubric import Rubric
from evaluator.values.criterion import SEVERITIES
from evaluator.values.judge import Verdict
from evaluator.values.transcript import SpeakerRoles, Transcript, Turn

__all__ = ["HARD_CHARS", "hard_texts", "judgements", "rubrics", "transcripts", "verdict_maps"]

# Letters that grow or shrink when folded, accents on their own, marks with several shapes, space of every width.
HARD_CHARS: Final = (
    "abesStT 0'-.\n\t\u00a0\u2003\u200b\u200d\u202e\u0301\u0307\u0323ßẞİ\u0131\u017fﬁﬃéÅŉςΣ가かﾞ留”“’…—–½👩🏽💻⚠\ufe0f"
)
_PROSE: Final[dict[str, object]] = {
    "source": "made up",
    "definition": "Something is wrong.",
    "why_it_matters": "It matters.",
    "strength": "You did well.",
    "fix": "Mend it.",
    "drill": "Practise it.",
    "probes": ["Why?", "What else?"],
}


def hard_texts(max_size: int = 40) -> st.SearchStrategy[str]:
    """Return texts of any characters, most of them hard."""
    anything = st.characters(exclude_categories=["Cs"])
    return st.text(st.one_of(st.sampled_from(HARD_CHARS), st.sampled_from(HARD_CHARS), anything), max_size=max_size)


@st.composite
def rubrics(draw: st.DrawFn) -> Rubric:
    """Return a rubric with up to nine criteria of every kind and severity, two to four bands, up to two vetoes."""
    ids = [f"c{number}" for number in range(draw(st.integers(1, 9)))]
    criteria: list[dict[str, object]] = []
    for criterion in ids:
        kind = draw(st.sampled_from(["commission", "omission", "measured"]))
        limits = {"longest_turn_over_s": "seconds", "longest_turn_over_words": "words"} if kind == "measured" else None
        severity = draw(st.sampled_from(SEVERITIES))
        criteria.append(
            {**_PROSE, "id": criterion, "title": criterion, "kind": kind, "severity": severity, "measured": limits}
        )
    bands = [f"band_{place}" for place in range(draw(st.integers(2, 4)))]
    most = min(3, len(ids))
    some = st.lists(st.sampled_from(ids), unique=True, max_size=most)
    quantity = {"unit": "each", "note": "made up"}
    return Rubric.model_validate(
        {
            "schema_version": 1,
            "id": "drawn",
            "version": "1.0.0",
            "title": "Drawn",
            "description": "Drawn.",
            "source": "made up",
            "answer_frame": "Say __ because __.",
            "quantities": {"seconds": quantity | {"value": 180}, "words": quantity | {"value": 450}},
            "question_types": [{"id": "any", "title": "Any", "example": "Any?", "cues": ["any"]}],
            "scoring": {
                "weights": {s: draw(st.sampled_from([0.1, 0.3, 1, 2.5, 3, 5, 99.9])) for s in SEVERITIES},
                "minimum_coverage": draw(st.sampled_from([0.0, 0.5, 0.85, 1.0])),
                "bands": [
                    {
                        "id": band,
                        "title": band.title(),
                        "meaning": "One outcome.",
                        "at_most": draw(st.dictionaries(st.sampled_from(SEVERITIES), st.integers(0, 3))),
                        "unless_all_present": draw(some),
                    }
                    for band in bands
                ],
                "vetoes": [
                    {
                        "id": f"veto_{number}",
                        "criteria": together,
                        "at_least": draw(st.integers(1, len(together))),
                        "best_band": draw(st.sampled_from(bands)),
                        "reason": "Too much at once.",
                    }
                    for number, together in enumerate(draw(st.lists(some, max_size=2)))
                    if together
                ],
            },
            "criteria": criteria,
        }
    )


def verdict_maps(rubric: Rubric) -> st.SearchStrategy[dict[str, Verdict]]:
    """Return one verdict for every criterion of the rubric."""
    verdicts: list[Verdict] = ["present", "absent", "na", "unscored"]
    return st.fixed_dictionaries({c.id: st.sampled_from(verdicts) for c in rubric.criteria})


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    """Return one to four turns of hard text; the candidate may say nothing; times may be missing or run backwards."""
    times = st.none() | st.floats(0, 1e5)
    turns = draw(
        st.lists(
            st.builds(
                Turn,
                role=st.sampled_from(["candidate", "candidate", "interviewer", "other"]),
                text=hard_texts().filter(bool),
                start_s=times,
                end_s=times,
            ),
            min_size=1,
            max_size=4,
        )
    )
    roles = SpeakerRoles(candidate="B", confidence=1.0, source="given")
    question = draw(st.none() | hard_texts())
    return Transcript(turns=tuple(turns), question=question, format="drawn", roles=roles, language="en")


@st.composite
def judgements(draw: st.DrawFn, rubric: Rubric, transcript: Transcript) -> Judgement:
    """Return what a careless or hostile judge may say: true, altered and invented quotes, criteria missing or twice."""
    ids = [criterion.id for criterion in rubric.criteria]
    opinion = st.builds(
        Opinion,
        criterion=st.sampled_from([*ids, "not_asked"]),
        verdict=st.sampled_from(["present", "absent", "unscored"]),
        confidence=st.none() | st.floats(0, 1),
        quotes=st.lists(_claims(transcript), max_size=3).map(tuple),
        reason=st.just("It seemed so."),
    )
    return Judgement(tuple(draw(st.lists(opinion, max_size=2 * len(ids)))))


@st.composite
def _claims(draw: st.DrawFn, transcript: Transcript) -> Quote:
    how: Literal["slice", "upper", "invented"] = draw(st.sampled_from(["slice", "upper", "invented"]))
    number = draw(st.integers(-2, len(transcript.turns) + 2))
    if how == "invented":
        return Quote(number, draw(hard_texts()))
    text = draw(st.sampled_from(transcript.turns)).text
    start = draw(st.integers(0, len(text)))
    piece = text[start : draw(st.integers(start, len(text)))]
    return Quote(number, piece.upper() if how == "upper" else piece)
