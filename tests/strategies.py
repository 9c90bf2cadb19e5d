"""Hypothesis strategies for transcripts: dialogues that every format can hold, and text that none expects."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from tests.transcripts.writers import Line

__all__ = ["SAMPLES", "dialogues", "hostile_texts", "mutated_samples", "sentences"]

SAMPLES = tuple(sorted((Path(__file__).parent.parent / "fixtures" / "transcripts").glob("*.*")))

_WORDS = (
    *(
        "members",
        "stay",
        "because",
        "the",
        "number",
        "I'd",
        "watch",
        "is",
        "of",
        "a",
        "week",
        "we",
        "decide",
        "on",
        "it",
    ),
    *("don’t", "naïve", "Straße", "28", "percent", "and", "retention", "share", "titles", "cohort", "never", "twice"),
)
_FRAGMENTS = (
    *("WEBVTT\n\n", "-->", "00:00:01.000 --> 00:00:02.000\n", "1\n00:00:01,000 --> 00:00:02,000\n", "<v Anna>", "</v>"),
    *('{"turns":', '[{"speaker":"candidate","text":"', '"}]}', '{"segments":[', '"start":', "NaN", "1e999", "[", "]"),
    *("Anna:", "Q:", "A: ", "Interviewer", "Candidate:\n", "Anna Lee  0:12\n", "[00:01:12] Ben:", "**Ben:** ", "## "),
    *("---\nquestion: why\n---\n", "> ", "- ", "1. ", "(laughs)", "[inaudible]", "*coughs*", "[crosstalk 00:12]"),
    *("\n\n", "\r\n", "\r", "\t", " ", "\u2028", "\x00", "\x1b[31m", "\u202e", "\u200b", "\ufeff", "\ud800", "\udc00"),
    *(
        "<!--",
        "-->",
        "<b>",
        "&amp;",
        "{\\rtf1",
        "%PDF",
        "a,b\n1,2\n3,4\n",
        "👍🏽",
        "é",
        "e\u0301",
        "\uff1a",
        "\uff1f",
        "99:99:99",
    ),
)


def sentences(min_words: int = 4) -> st.SearchStrategy[str]:
    """Plain spoken sentences without anything that a format could take for a mark of its own."""
    words = st.lists(st.sampled_from(_WORDS), min_size=min_words, max_size=25)
    return words.map(lambda chosen: " ".join(chosen).capitalize() + ".")


@st.composite
def dialogues(draw: st.DrawFn) -> tuple[Line, ...]:
    """An interviewer and a candidate in turn, with times that run forward in tenths of a second."""
    count = draw(st.integers(min_value=1, max_value=4))
    lines: list[Line] = []
    moment = 0
    for index in range(2 * count):
        speaker = "Candidate" if index % 2 else "Interviewer"
        start = moment + draw(st.integers(min_value=0, max_value=30))
        moment = start + draw(st.integers(min_value=10, max_value=600))
        lines.append(Line(speaker, draw(sentences()), start / 10, moment / 10))
    return tuple(lines)


def hostile_texts(max_pieces: int = 40) -> st.SearchStrategy[str]:
    """Pieces of every format and of none, in any order."""
    piece = st.one_of(st.sampled_from(_FRAGMENTS), st.text(max_size=12), st.sampled_from(_WORDS))
    return st.lists(piece, max_size=max_pieces).map("".join)


@st.composite
def mutated_samples(draw: st.DrawFn) -> bytes:
    """A sample with bytes cut out, doubled, put in or flipped."""
    data = bytearray(draw(st.sampled_from(SAMPLES)).read_bytes())
    for _ in range(draw(st.integers(min_value=1, max_value=6))):
        at = draw(st.integers(min_value=0, max_value=max(0, len(data) - 1)))
        length = draw(st.integers(min_value=0, max_value=60))
        match draw(st.sampled_from(("cut", "double", "insert", "flip"))):
            case "cut":
                del data[at : at + length]
            case "double":
                data[at:at] = data[at : at + length]
            case "insert":
                data[at:at] = draw(st.sampled_from(_FRAGMENTS)).encode("utf-8", errors="surrogatepass")
            case _:
                data[at : at + 1] = bytes([draw(st.integers(min_value=0, max_value=255))])
    return bytes(data)
