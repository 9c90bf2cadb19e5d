"""Odd captions and odd running text."""

from __future__ import annotations

from tests.transcripts.malformed_rows import SECRET, SPEECH, Case, Parses, Refused, raw

__all__ = ["CAPTIONS", "TEXT"]

_CUE = f"00:00:01.000 --> 00:00:04.000\n<v Candidate>{SPEECH}</v>\n"

CAPTIONS: tuple[Case, ...] = (
    Case("WebVTT header alone", raw("WEBVTT"), Refused("no cues", "line 1")),
    Case(
        "WebVTT with notes alone", raw(f"WEBVTT\n\nNOTE {SECRET}\n\nSTYLE\n::cue {{}}\n"), Refused("no cues", "line 1")
    ),
    Case(
        "WebVTT with broken times",
        raw(f"WEBVTT\n\n00:xx --> 00:02\n{SECRET}\n"),
        Refused("times that can be read", "line 1"),
    ),
    Case(
        "WebVTT with one broken cue",
        raw(f"WEBVTT\n\n{_CUE}\n9:9 --> 9\nlost words\n"),
        Parses("vtt", ("cues_skipped",)),
    ),
    Case(
        "WebVTT with empty cues",
        raw("WEBVTT\n\n00:01.000 --> 00:02.000\n\n00:03.000 --> 00:04.000\n\n"),
        Refused("no words", "turns"),
    ),
    Case(
        "WebVTT without voices",
        raw("WEBVTT\n\n00:01.000 --> 00:02.000\nso we keep them\n"),
        Parses("vtt", ("no_speaker_labels",), 1),
    ),
    Case(
        "WebVTT with open tags",
        raw("WEBVTT\n\n00:01.000 --> 00:02.000\n<v Candidate><b>so <i.x>we <c keep"),
        Parses("vtt", (), 1),
    ),
    Case(
        "WebVTT backwards",
        raw(
            "WEBVTT\n\n01:00:00.000 --> 01:00:02.000\n<v Candidate>first\n\n"
            "00:01.000 --> 00:02.000\n<v Interviewer>why?\n"
        ),
        Parses("vtt", ("times_out_of_order",), 2),
    ),
    Case(
        "WebVTT overlapping",
        raw("WEBVTT\n\n00:01.000 --> 00:09.000\n<v Candidate>first\n\n00:03.000 --> 00:05.000\n<v Interviewer>why?\n"),
        Parses("vtt", (), 2),
    ),
    Case(
        "WebVTT that rolls",
        raw("WEBVTT\n\n" + "".join(f"00:0{n}.000 --> 00:0{n + 1}.000\nline {n}\nline {n + 1}\n\n" for n in range(8))),
        Parses("vtt", ("rolling_captions",), 1),
    ),
    Case(
        "SRT without text",
        raw("1\n00:00:01,000 --> 00:00:02,000\n\n2\n00:00:03,000 --> 00:00:04,000\n"),
        Refused("no words", "turns"),
    ),
    Case(
        "SRT with points and no numbers",
        raw(
            "00:00:01.000 --> 00:00:02.000\nCandidate: we keep them\n\n00:00:03.5 --> 00:00:04.25\nInterviewer: why?\n"
        ),
        Parses("srt", (), 2),
    ),
    Case(
        "SRT with absurd hours",
        raw("1\n99:59:59,000 --> 999:59:59,000\nCandidate: we keep them\n"),
        Parses("srt", ("times_out_of_order",), 1),
    ),
)
TEXT: tuple[Case, ...] = (
    Case("no labels", raw(SPEECH), Parses("plain", ("no_speaker_labels",), 1)),
    Case("one speaker only", raw(f"Anna Lee: {SPEECH}\nAnna Lee: {SPEECH}"), Parses("plain", (), 1)),
    Case(
        "interviewer only",
        raw("Interviewer: Why?\nInterviewer: How?"),
        Refused("no turn belongs to a candidate", "turns"),
    ),
    Case(
        "colons without labels",
        raw("Goal: members stay.\nMetric: the share of them in week four.\nRisk: breadth."),
        Parses("plain", ("no_speaker_labels",), 1),
    ),
    Case(
        "swapped labels",
        raw(
            f"Candidate: How would you measure it?\nInterviewer: {SPEECH} {SPEECH} {SPEECH}\n"
            f"Candidate: Why is that?\nInterviewer: {SPEECH}"
        ),
        Parses("plain", ("roles_look_swapped",)),
    ),
    Case(
        "candidate only asks",
        raw("Candidate: What is it for? Who would use it? How many of them are there?"),
        Parses("plain", ("candidate_only_asks",)),
    ),
    Case(
        "two candidates",
        raw(f"Candidate 1: {SPEECH}\nCandidate 2: {SPEECH}\nInterviewer: Why?"),
        Parses("plain", ("several_candidates",)),
    ),
    Case(
        "all inaudible",
        raw("Candidate: so [inaudible] the [inaudible] and [unintelligible] then (inaudible) yes"),
        Parses("plain", ("text_garbled",)),
    ),
    Case(
        "recogniser in a loop", raw("Candidate: " + "thank you for watching " * 40), Parses("plain", ("text_garbled",))
    ),
    Case(
        "no words at all",
        raw("Candidate: " + " ".join(f"x{n}kcvbq" for n in range(60))),
        Parses("plain", ("text_garbled",)),
    ),
    Case(
        "front matter without an end",
        raw(f"---\nquestion: why\n\nCandidate: {SPEECH}"),
        Parses("plain", ("heading_ignored",)),
    ),
    Case(
        "thousand speakers",
        lambda: "\n".join(f"Person{n}: hi\nPerson{n}: ho" for n in range(1000)).encode(),
        Parses("plain", ("no_speaker_labels",), 1),
    ),
    Case("label of a thousand letters", raw(f"{'A' * 1000}: {SPEECH}"), Parses("plain", ("no_speaker_labels",), 1)),
)
