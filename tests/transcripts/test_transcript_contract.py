"""One suite for every row of FORMATS: the same dialogue comes back the same, whatever it was written in."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path

import docx
import pytest
from hypothesis import given, settings

from evaluator.errors import EvaluatorError, MissingExtra, TranscriptError
from evaluator.transcripts import FORMATS, format_names, parse_transcript
from evaluator.values.transcript import Transcript
from tests.strategies import SAMPLES, dialogues
from tests.transcripts.writers import WRITERS, Line

DIALOGUE = (
    Line("Interviewer", "How would you measure it?", 0.5, 3.0),
    Line("Candidate", "I'd take the share of members who come back in the fourth week, because they stay.", 3.5, 12.0),
    Line("Interviewer", "And what could it break?", 12.5, 14.0),
    Line(
        "Candidate", "Breadth. I'd watch how many titles a member plays in a month, and stop if it falls.", 14.5, 22.0
    ),
)
SAMPLE_FORMATS = {
    "ab_test.otter.txt": "otter",
    "behavioural.md": "markdown",
    "launch.turns.json": "turns",
    "monologue.txt": "plain",
    "past_experience.txt": "plain",
    "reminder.vtt": "vtt",
    "sample.vtt": "vtt",
    "strong.srt": "srt",
    "tradeoff.whisperx.json": "whisper",
    "weak.md": "markdown",
}

every_format = pytest.mark.parametrize("name", format_names())


def _said(transcript: Transcript) -> list[tuple[str, list[str]]]:
    return [(turn.role, turn.text.split()) for turn in transcript.turns]


def _written(lines: Sequence[Line]) -> list[tuple[str, list[str]]]:
    return [(line.speaker.lower(), line.text.split()) for line in lines]


def test_every_row_of_the_table_is_written_by_this_suite() -> None:
    """A new format can't be added without passing this suite."""
    assert tuple(WRITERS) == format_names() == tuple(row.name for row in FORMATS)


@every_format
def test_dialogue_keeps_speakers_and_words(name: str) -> None:
    """Reading back what was written gives the same turns, told from the contents alone."""
    transcript = parse_transcript(WRITERS[name].write(DIALOGUE))
    assert transcript.format == name
    assert _said(transcript) == _written(DIALOGUE)
    assert (transcript.roles.source, transcript.roles.confidence) == ("labels", 1.0)
    assert transcript.question == DIALOGUE[0].text
    assert transcript.review_reasons == ()


@every_format
@settings(max_examples=25)
@given(lines=dialogues())
def test_any_dialogue_keeps_speakers_words_and_times(name: str, lines: tuple[Line, ...]) -> None:
    """Whatever is said in plain sentences, nothing is lost, added or given to another speaker."""
    writer = WRITERS[name]
    transcript = parse_transcript(writer.write(lines), format=name)
    assert _said(transcript) == _written(lines)
    if writer.keeps_start:
        assert [turn.start_s for turn in transcript.turns] == pytest.approx([line.start_s for line in lines])
    if writer.keeps_end:
        assert [turn.end_s for turn in transcript.turns] == pytest.approx([line.end_s for line in lines])


@every_format
def test_told_facts_win_over_the_source(name: str) -> None:
    """Candidate, question and type given by the caller are used, whatever the source says."""
    transcript = parse_transcript(
        WRITERS[name].write(DIALOGUE), candidate="INTERVIEWER", question="Why?", question_type="tradeoff"
    )
    assert [turn.role for turn in transcript.turns][:2] == ["candidate", "interviewer"]
    assert (transcript.question, transcript.question_type) == ("Why?", "tradeoff")
    assert (transcript.roles.candidate, transcript.roles.source) == ("Interviewer", "given")


@every_format
def test_unknown_candidate_is_refused_with_the_labels(name: str) -> None:
    """A candidate who doesn't speak is an error that lists who does, and none of what they say."""
    with pytest.raises(TranscriptError, match="'Interviewer', 'Candidate'") as caught:
        parse_transcript(WRITERS[name].write(DIALOGUE), candidate="Zoe")
    assert "members" not in str(caught.value)


@every_format
def test_file_reads_like_its_bytes(name: str, tmp_path: Path) -> None:
    """A path, its bytes and, for text, its text give one transcript."""
    data = WRITERS[name].write(DIALOGUE)
    suffix = next(row for row in FORMATS if row.name == name).suffixes[0]
    path = tmp_path / f"answer{suffix}"
    path.write_bytes(data)
    assert parse_transcript(path) == parse_transcript(data, name=path.name)
    if name != "docx":
        assert parse_transcript(data.decode()) == parse_transcript(data)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("name", [name for name in format_names() if name != "docx"])
def test_encodings_give_the_same_words(name: str, encoding: str) -> None:
    """UTF-8 and UTF-16, with or without byte order mark, and Windows-1252 read alike."""
    text = WRITERS[name].write(DIALOGUE).decode().replace("Breadth", "Café")
    assert _said(parse_transcript(text.encode(encoding))) == _said(parse_transcript(text))


@pytest.mark.parametrize("line_end", ["\r\n", "\r"])
@pytest.mark.parametrize("name", [name for name in format_names() if name not in {"docx", "turns", "whisper"}])
def test_line_ends_of_every_system_read_alike(name: str, line_end: str) -> None:
    """Line ends of Windows and of old Macs change nothing."""
    text = WRITERS[name].write(DIALOGUE).decode()
    assert _said(parse_transcript(text.replace("\n", line_end))) == _said(parse_transcript(text))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_samples_are_read_by_the_right_row_without_doubt(path: Path) -> None:
    """Every sample is recognised by its contents, is English, and needs nobody to look first."""
    transcript = parse_transcript(path.read_bytes())
    assert transcript.format == SAMPLE_FORMATS[path.name]
    assert transcript.language == "en"
    assert transcript.review_reasons == ()
    assert any(turn.role == "candidate" for turn in transcript.turns)
    assert parse_transcript(path).flags == transcript.flags


def test_format_can_be_told() -> None:
    """A told format wins over what the contents look like."""
    text = "Anna Lee  0:12\nWhy?\n\nBen Roe  0:14\nBecause.\n"
    assert parse_transcript(text).format == "otter"
    assert parse_transcript(text, format="plain").format == "plain"


def test_unknown_format_lists_the_known() -> None:
    """A format that doesn't exist is refused with the names that do."""
    with pytest.raises(TranscriptError, match="turns, whisper, vtt"):
        parse_transcript("Anna: hi", format="docm")


def test_name_that_promises_another_form_is_flagged() -> None:
    """Contents decide, and the user is told when the name says otherwise."""
    transcript = parse_transcript("Interviewer: Why?\nCandidate: Because members stay.", name="answer.vtt")
    assert transcript.format == "plain"
    assert "format_not_as_named" in {flag.code for flag in transcript.flags}


def test_missing_docx_package_names_the_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without python-docx a Word document gives the command that installs it."""
    data = WRITERS["docx"].write(DIALOGUE)
    monkeypatch.setitem(sys.modules, "docx", None)
    with pytest.raises(MissingExtra, match=r"pip install 'interview-evaluator\[docx\]'"):
        parse_transcript(data)


def test_docx_tables_are_turns() -> None:
    """A table of time, speaker and words reads like labelled lines."""
    document = docx.Document()
    table = document.add_table(rows=0, cols=3)
    for row in (("00:01", "Interviewer", "Why?"), ("00:05", "Candidate", "Because members stay."), ("", "", "")):
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    stream = io.BytesIO()
    document.save(stream)
    transcript = parse_transcript(stream.getvalue())
    assert [(turn.name, turn.text, turn.start_s) for turn in transcript.turns] == [
        ("Interviewer", "Why?", 1.0),
        ("Candidate", "Because members stay.", 5.0),
    ]


def test_errors_name_the_file(tmp_path: Path) -> None:
    """An error in a file starts with the file's name, then the place in it."""
    path = tmp_path / "broken.json"
    path.write_text('{"turns": [\n}')
    with pytest.raises(TranscriptError) as caught:
        parse_transcript(path)
    assert str(caught.value).startswith("broken.json, line 2")


@pytest.mark.parametrize("name", ["missing.txt", "."])
def test_unreadable_paths_are_transcript_errors(name: str, tmp_path: Path) -> None:
    """No file, or a folder: an error of this package, never one of the system."""
    with pytest.raises(EvaluatorError):
        parse_transcript(tmp_path / name)
