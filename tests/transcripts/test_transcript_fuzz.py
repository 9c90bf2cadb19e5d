"""Whatever comes in, either a sound transcript or a `TranscriptError` comes out."""

from __future__ import annotations

import contextlib
import json
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator.errors import TranscriptError
from evaluator.transcripts import format_names, parse_transcript, parse_turns_row
from evaluator.values.transcript import Transcript
from tests.strategies import hostile_texts, mutated_samples

_PLAIN_OUTSIDE = {"Cc", "Cs"}  # categories that no turn may hold, but for the line end
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                (
                    "turns",
                    "segments",
                    "speaker",
                    "text",
                    "start_s",
                    "end_s",
                    "start",
                    "end",
                    "question",
                    "question_type",
                )
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


def _check_sound(transcript: Transcript) -> None:
    assert any(turn.role == "candidate" for turn in transcript.turns)
    assert transcript.roles.candidate is None or transcript.roles.candidate in {turn.name for turn in transcript.turns}
    for turn in transcript.turns:
        assert turn.text == turn.text.strip() != ""
        assert not [
            at for at in turn.text + (turn.name or "") if unicodedata.category(at) in _PLAIN_OUTSIDE and at != "\n"
        ]
        assert turn.name is None or "\n" not in turn.name
        if turn.start_s is not None and turn.end_s is not None:
            assert turn.start_s <= turn.end_s
    assert transcript.question is None or "\n" not in transcript.question
    assert Transcript.model_validate_json(transcript.model_dump_json()) == transcript


def _parse_or_refuse(source: str | bytes, name: str | None = None) -> None:
    refusal: TranscriptError | None = None
    try:
        _check_sound(parse_transcript(source, format=name))
    except TranscriptError as error:
        refusal = error
    if refusal is not None:
        assert refusal.where
        assert str(refusal).isprintable()


@given(text=hostile_texts())
def test_any_text_is_read_or_refused(text: str) -> None:
    """Pieces of every format in any order never raise anything but the documented error."""
    _parse_or_refuse(text)


@pytest.mark.parametrize("name", format_names())
@settings(max_examples=60)
@given(text=hostile_texts(max_pieces=25))
def test_every_parser_reads_or_refuses_any_text(name: str, text: str) -> None:
    """A parser that is forced on text of another form refuses it cleanly."""
    _parse_or_refuse(text, name)


@given(data=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Random bytes never raise anything but the documented error."""
    _parse_or_refuse(data)


@given(data=mutated_samples())
def test_damaged_samples_are_read_or_refused(data: bytes) -> None:
    """Real files with bytes cut, doubled, put in or flipped never raise anything else."""
    _parse_or_refuse(data)


@pytest.mark.parametrize("name", ["turns", "whisper"])
@given(value=_JSON)
def test_any_json_is_read_or_refused(name: str, value: object) -> None:
    """Valid JSON of any shape, NaN included, never raises anything else."""
    _parse_or_refuse(json.dumps(value), name)


@given(row=st.dictionaries(st.sampled_from(("turns", "question", "question_type", "candidate")), _JSON))
def test_any_row_is_read_or_refused_at_its_place(row: dict[str, object]) -> None:
    """A row of a larger file is read, or refused with the place that the caller gave."""
    with contextlib.suppress(TranscriptError):
        _check_sound(parse_turns_row(row, "line 12"))
        return
    with pytest.raises(TranscriptError, match=r"^line 12"):
        parse_turns_row(row, "line 12")


@given(text=hostile_texts())
def test_turn_texts_are_stable(text: str) -> None:
    """A turn's words, read again as a turn, stay as they are: spans keep their place."""
    with contextlib.suppress(TranscriptError):
        transcript = parse_transcript(text)
        rows = [
            {"speaker": "candidate" if turn.role == "candidate" else "interviewer", "text": turn.text}
            for turn in transcript.turns
        ]
        again = parse_transcript(json.dumps({"turns": rows}))
        assert (
            "".join(turn.text for turn in again.turns).split()
            == "".join(turn.text for turn in transcript.turns).split()
        )
