"""Speech without what was only written down: annotations, hidden characters, fragments, times."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.transcripts import parse_transcript
from evaluator.transcripts.draft import Utterance
from evaluator.transcripts.garble import garble_reasons
from evaluator.transcripts.joining import join
from evaluator.transcripts.language import language_of
from evaluator.transcripts.speech import hear
from tests.strategies import sentences

_ANSWER = "I'd take the share of members who come back in the fourth week because they stay with us."


@pytest.mark.parametrize(
    "note",
    [
        "[applause]",
        "(laughs)",
        "*coughs*",
        "[inaudible]",
        "[crosstalk 00:12]",
        "[00:01:12]",
        "(long pause)",
        "[MUSIC]",
        "♪",
    ],
)
def test_annotations_are_no_speech(note: str) -> None:
    """Sounds, times and music in brackets are taken out, whatever the brackets."""
    assert hear(f"so we {note} keep them").text == "so we keep them"


@pytest.mark.parametrize(
    "words",
    ["(about 3%)", "(music streaming)", "[retention]", "2 * 3 * 4", "*really* good", "(or churn)", "f(x)", "[12]"],
)
def test_words_in_brackets_stay(words: str) -> None:
    """What somebody said stays, though it stands in brackets or between stars."""
    assert hear(f"so we {words} keep them").text == f"so we {words} keep them"


@given(text=sentences())
def test_plain_speech_is_left_alone(text: str) -> None:
    """Words without annotations come out as they went in."""
    assert hear(text).text == text


@given(text=st.text())
def test_hearing_twice_changes_nothing_hidden(text: str) -> None:
    """After one pass no hidden character and no white space but single spaces and line ends are left."""
    once = hear(text).text
    assert hear(once).hidden == 0
    assert "  " not in once
    assert not set("\t\r\x0b\x0c\u2028\x85") & set(once)


def test_hidden_characters_are_counted() -> None:
    """The flag says how many characters were taken out."""
    transcript = parse_transcript("Candidate: we\u202e keep\u200b\u200b them")
    assert transcript.turns[0].text == "we keep them"
    assert [flag.message for flag in transcript.flags] == ["Characters that can't be seen were taken out: 3."]


def test_composed_and_decomposed_letters_stay_as_written() -> None:
    """Unicode is not normalised, so that offsets refer to what is stored."""
    assert hear("cafe\u0301 café").text == "cafe\u0301 café"


def test_fragments_of_one_speaker_become_one_turn() -> None:
    """A turn runs from the start of its first fragment to the end of its last."""
    joined = join(
        [
            Utterance("Anna", "we keep", 1.0, 2.0),
            Utterance(" anna ", "them", 2.0, 3.5),
            Utterance("Ben", "why", 3.5, 4.0),
            Utterance("Ben", "[pause]", 4.0, 9.0),
            Utterance("Anna", "because", None, None),
        ]
    )
    assert [(turn.label, turn.text, turn.start_s, turn.end_s) for turn in joined.turns] == [
        ("Anna", "we keep them", 1.0, 3.5),
        ("Ben", "why", 3.5, 4.0),
        ("Anna", "because", None, None),
    ]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("A", "B", None)), sentences(1), st.floats(allow_nan=False), st.floats(allow_nan=False)
        )
    )
)
def test_joining_keeps_every_word_and_only_true_times(rows: list[tuple[str | None, str, float, float]]) -> None:
    """No word is lost or moved; times that are kept run forward."""
    joined = join(Utterance(*row) for row in rows)
    assert " ".join(turn.text for turn in joined.turns).split() == " ".join(row[1] for row in rows).split()
    assert all(first.label != second.label for first, second in zip(joined.turns, joined.turns[1:], strict=False))
    assert all(turn.start_s is None or turn.end_s is None or 0 <= turn.start_s <= turn.end_s for turn in joined.turns)


def test_overlapping_speech_keeps_its_times() -> None:
    """Two people at once are no broken clock."""
    joined = join([Utterance("A", "so", 1.0, 9.0), Utterance("B", "wait", 5.0, 6.0), Utterance("A", "yes", 5.5, 12.0)])
    assert joined.flags == ()
    assert [turn.start_s for turn in joined.turns] == [1.0, 5.0, 5.5]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("um so I'd like take the share of members who uh come back in week four you know because they stay", "en"),
        ("ich würde den Anteil der Mitglieder nehmen die nach vier Wochen noch da sind weil sie dann bleiben", "de"),
        ("je prendrais la part des membres qui reviennent après quatre semaines parce que ils restent avec nous", "fr"),
        (
            "yo tomaría la parte de los miembros que vuelven después de cuatro semanas porque se quedan con nosotros",
            "es",
        ),
        ("我会看四周之后还会回来的会员比例 因为他们找到了值得付费的内容。", "zh"),
        ("yes I would", "und"),
        ("", "und"),
    ],
)
def test_language_is_told_from_a_sentence(text: str, language: str) -> None:
    """Spoken English with fillers is English; other languages are named; too little is undetermined."""
    assert language_of(text) == language


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("thank you for watching " * 30, 0),
        (" ".join(f"xk{n}vbq" for n in range(50)), 0),
        ("so we then", 3),
        ("revenue growth churn cohort north star funnel " * 8, 0),
        ("we \ufffd\ufffd keep \ufffd", 0),
    ],
)
def test_garbled_text_is_told(text: str, lost: int) -> None:
    """Loops, non-words, lost words, word lists and lost characters ask for a person."""
    assert all(reason.startswith("text_garbled: ") for reason in garble_reasons([text], "en", lost))
    assert garble_reasons([text], "en", lost)


def test_good_text_is_not_garbled() -> None:
    """Ordinary speech, also with abbreviations, stutter and one lost word, is fine."""
    text = f"I I mean, um, the KPI is DAU over MAU per TV, p95 in ms, for HDR and 4K. {_ANSWER}"
    assert garble_reasons([text], "en", 1) == ()
