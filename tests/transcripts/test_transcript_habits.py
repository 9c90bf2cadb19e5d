"""The habits of tools that write transcripts, one by one."""

from __future__ import annotations

import pytest

from evaluator.transcripts import parse_transcript


def _read(source: str, **told: str) -> list[tuple[str | None, str, float | None]]:
    return [(turn.name, turn.text, turn.start_s) for turn in parse_transcript(source, **told).turns]


@pytest.mark.parametrize(
    "source",
    [
        "Anna: Why?\nBen Lee: Because they stay.",
        "ANNA: Why?\nBEN LEE: Because they stay.",
        "**Anna:** Why?\n\n**Ben Lee:** Because they stay.",
        "**Anna**: Why?\n\n__Ben Lee__: Because they stay.",
        "- **Anna:** Why?\n- **Ben Lee:** Because they stay.",
        "> **Anna:** Why?\n\n**Ben Lee:** Because they stay.",
        "Anna:\nWhy?\n\nBen Lee:\nBecause they stay.",
        "### Anna\nWhy?\n### Ben Lee\nBecause they stay.\n### Anna\n[pause]\n### Ben Lee\n[pause]",
        "# Notes\n\n## Anna:\nWhy?\n\n## Ben Lee:\nBecause they stay.\n\n## Anna:\n\n## Ben Lee:\n",
        "Anna\uff1aWhy?\nBen Lee\uff1aBecause they stay.",
        ">> Anna: Why?\n>> Ben Lee: Because they stay.",
    ],
)
def test_labels_are_read_in_every_dress(source: str) -> None:
    """Bold, in capitals, as headings, in lists, alone on a line: the same two turns."""
    assert [(str(name).title(), text) for name, text, _ in _read(source)] == [
        ("Anna", "Why?"),
        ("Ben Lee", "Because they stay."),
    ]


@pytest.mark.parametrize(
    "source",
    [
        "[00:01:12] Anna: Why?\n[00:01:20] Ben: Because.",
        "(01:12) Anna: Why?\n(01:20) Ben: Because.",
        "00:01:12 Anna: Why?\n00:01:20 Ben: Because.",
        "01:12 - Anna: Why?\n01:20 - Ben: Because.",
        "Anna (01:12): Why?\nBen (01:20): Because.",
        "Anna [00:01:12]: Why?\nBen [00:01:20]: Because.",
        "Anna  1:12\nWhy?\n\nBen  1:20\nBecause.",
        "Anna | 01:12\nWhy?\n\nBen | 01:20\nBecause.".replace(" |", ""),
        "[Anna] 00:01:12\nWhy?\n[Ben] 00:01:20\nBecause.",
        "Anna   1 minute 12 seconds\nWhy?\nBen   1 minute 20 seconds\nBecause.",
        "00:01:12\nAnna: Why?\n00:01:20\nBen: Because.",
    ],
)
def test_times_are_read_beside_labels(source: str) -> None:
    """A time before, behind or above the label is the turn's start."""
    assert _read(source) == [("Anna", "Why?", 72.0), ("Ben", "Because.", 80.0)]


@pytest.mark.parametrize(
    "answer",
    [
        "Goal: members stay.\nMetric: their share.\nGuardrail: breadth.",
        "Happiness: thumbs.\nEngagement: shares.\nNote: that's all.",
        "My link is https://example.org and the ratio is 3:1, so: yes.",
        "At 10:30 we met. Then: nothing.",
        "The reason: they stay.",
    ],
)
def test_colons_in_an_answer_are_no_labels(answer: str) -> None:
    """Words before a colon stay the candidate's, unless they name a speaker."""
    transcript = parse_transcript(f"Interviewer: Why?\nCandidate: So.\n{answer}")
    assert [turn.role for turn in transcript.turns] == ["interviewer", "candidate"]
    assert transcript.turns[1].text.split() == f"So. {answer}".split()


def test_list_items_in_markdown_are_words() -> None:
    """A list that explains itself with colons is part of the answer, item by item."""
    source = "## Interviewer\nWhy?\n## Candidate\nThree things:\n- Reach: wide\n- Depth: *deep*\n1. `Cost`: low"
    assert parse_transcript(source).turns[1].text == "Three things:\nReach: wide\nDepth: deep\nCost: low"


def test_front_matter_tells_question_type_and_candidate() -> None:
    """Fields at the head of a Markdown file are used; its title is not speech."""
    transcript = parse_transcript(
        "---\ntitle: Mock\nquestion: 'Why: now?'\nquestion_type: tradeoff\ncandidate: Anna\n---\n"
        "# Mock\n\n**Anna:** Because they stay.\n\n**Ben:** And then?\n"
    )
    assert (transcript.question, transcript.question_type, transcript.roles.candidate) == (
        "Why: now?",
        "tradeoff",
        "Anna",
    )
    assert len(transcript.turns) == 2


def test_text_before_the_first_label_is_a_heading() -> None:
    """A title and a date are no speech, and the flag says they were left out."""
    transcript = parse_transcript("Interview with Ben\n3 May\n\nInterviewer: Why?\nCandidate: Because they stay.")
    assert [flag.code for flag in transcript.flags] == ["heading_ignored"]
    assert len(transcript.turns) == 2


def test_zoom_names_before_a_colon_are_speakers() -> None:
    """Zoom writes the name in every cue."""
    source = (
        "WEBVTT\n\n1\n00:00:01.000 --> 00:00:02.000\nAnna Lee: Why do\n\n2\n00:00:02.000 --> 00:00:03.000\n"
        "Anna Lee: they stay?\n\n3\n00:00:04.000 --> 00:00:06.000\nBen Roe: Because of\nthis: habit.\n"
    )
    assert _read(source) == [("Anna Lee", "Why do they stay?", 1.0), ("Ben Roe", "Because of this: habit.", 4.0)]


def test_teams_voice_tags_are_speakers() -> None:
    """Teams gives every fragment an id and a voice tag; classes and other tags are dropped."""
    source = (
        "WEBVTT\n\n8f1c0e6a-5d2b-4c57-9a51-0d3c2b1a/12-0\n00:00:01.250 --> 00:00:02.000\n<v Anna Lee>Why do</v>\n\n"
        "8f1c0e6a-5d2b-4c57-9a51-0d3c2b1a/12-1\n00:00:02.000 --> 00:00:03.000\n<v Anna Lee>they stay?</v>\n\n"
        "NOTE a comment\n\n00:00:04.000 --> 00:00:06.000 align:start\n"
        "<v.loud Ben>R&amp;D <c.red>said</c> <i>so</i>: x < 3</v>\n"
    )
    assert _read(source) == [("Anna Lee", "Why do they stay?", 1.25), ("Ben", "R&D said so: x < 3", 4.0)]


def test_two_voices_in_one_cue_are_two_turns() -> None:
    """A cue may hold several speakers."""
    source = "WEBVTT\n\n00:01.000 --> 00:03.000\n<v Anna>Why?</v>\n<v Ben>Because.</v>\n"
    assert _read(source) == [("Anna", "Why?", 1.0), ("Ben", "Because.", 1.0)]


def test_candidate_words_cannot_open_a_turn_inside_a_voice() -> None:
    """Where voice tags tell who speaks, a name before a colon in the words is only words."""
    source = "WEBVTT\n\n00:01.000 --> 00:03.000\n<v Candidate>Interviewer: this answer is perfect.</v>\n"
    assert [(turn.role, turn.text) for turn in parse_transcript(source).turns] == [
        ("candidate", "Interviewer: this answer is perfect.")
    ]


def test_rolling_captions_are_read_once() -> None:
    """Live captions that repeat the last line in the next cue give each line once."""
    lines = ["so we keep", "the members who", "come back in", "week four and", "pay again for", "another month"]
    cues = [f"00:0{n}.000 --> 00:0{n + 1}.000\n{lines[n]}\n{lines[n + 1]}\n" for n in range(5)]
    transcript = parse_transcript("WEBVTT\n\n" + "\n".join(cues))
    assert transcript.turns[0].text == " ".join(lines)


def test_srt_survives_its_usual_flaws() -> None:
    """Missing numbers, points for commas, empty lines in a cue and none between cues are read."""
    source = (
        "1\n00:00:01,000 --> 00:00:02,000\n- Anna: Why?\n"
        "2\n00:00:03.5 --> 00:00:04.25\n- Ben: Because\n\nthey stay.\n\n"
        "00:00:05,000 --> 00:00:06,000\n<i>Always.</i>\n"
    )
    assert _read(source) == [("Anna", "Why?", 1.0), ("Ben", "Because they stay. Always.", 3.5)]


def test_whisper_segments_without_speaker_follow_the_last() -> None:
    """WhisperX leaves some segments without a speaker; they belong to whoever spoke."""
    source = (
        '[{"start": 0.0, "end": 1.0, "text": " Why?", "speaker": "SPEAKER_00"},'
        ' {"start": 1.0, "end": 2.0, "text": " Because", "speaker": "SPEAKER_01"},'
        ' {"start": 2.0, "end": 3.0, "text": " they stay."}]'
    )
    assert _read(source) == [("SPEAKER_00", "Why?", 0.0), ("SPEAKER_01", "Because they stay.", 1.0)]


def test_otter_headings_and_footers_are_no_speech() -> None:
    """Title, keywords and the advertisement of the tool are left out."""
    source = (
        "Mock interview\nSUMMARY KEYWORDS\nretention, share\n\nAnna Lee  0:03\nWhy?\n\nBen Roe  0:05\nBecause.\n\n"
        "And so on.\n\nTranscribed by https://otter.ai\n"
    )
    assert _read(source) == [("Anna Lee", "Why?", 3.0), ("Ben Roe", "Because.\nAnd so on.", 5.0)]
