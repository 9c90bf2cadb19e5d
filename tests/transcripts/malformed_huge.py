"""Megabytes of nonsense, built when asked for."""

from __future__ import annotations

import json
from collections.abc import Callable

from evaluator.transcripts.limits import MAX_BYTES
from tests.transcripts.malformed_rows import SECRET, Case, Parses, Refused, said

__all__ = ["HUGE"]

_LONG = "and so the members who come back on day twenty eight are the ones that we keep because "
_SIZE = 5_000_000
_CUE_HEAD = "WEBVTT\n\n00:01.000 --> 00:02.000\n"
_TOO_MUCH = Refused("400,000 characters", "turns")
_TOO_MANY_LINES = Refused("60,000 lines", "line 60001")


def _filled(piece: str, head: str = "", tail: str = "") -> Callable[[], bytes]:
    """Return a builder of 5 MB of ``piece`` between ``head`` and ``tail``."""

    def build() -> bytes:
        times = (_SIZE - len(head) - len(tail)) // len(piece.encode())
        return (head + piece * times + tail).encode()

    return build


def _moment(second: int, mark: str) -> str:
    return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}{mark}000"


def _vtt(count: int) -> Callable[[], bytes]:
    cues = (f"{_moment(n, '.')} --> {_moment(n + 1, '.')}\n<v Candidate>number {n}" for n in range(count))
    return lambda: ("WEBVTT\n\n" + "\n\n".join(cues)).encode()[:_SIZE]


def _srt(count: int, padding: str) -> Callable[[], bytes]:
    cues = (
        f"{n}\n{_moment(n, ',')} --> {_moment(n + 1, ',')}\nCandidate: {n} {padding}".rstrip() for n in range(count)
    )
    return lambda: "\n\n".join(cues).encode()[:_SIZE]


def _turns(count: int, text: str = "we keep them") -> Callable[[], bytes]:
    pair = ("candidate", "interviewer")
    return lambda: json.dumps({"turns": [said(text=text, speaker=pair[n % 2]) for n in range(count)]}).encode()


def _speakers(name: str, different: int = 14_000) -> Callable[[], bytes]:
    return lambda: json.dumps(
        {"turns": [said(text="we keep them", speaker=name.format(n % different)) for n in range(14_000)]}
    ).encode()


def _segments(count: int) -> Callable[[], bytes]:
    return lambda: json.dumps({"segments": [{"start": n, "end": n, "text": "a"} for n in range(count)]}).encode()


def _big(name: str, build: Callable[[], bytes], outcome: Refused | Parses) -> Case:
    return Case(name, build, outcome, big=True)


HUGE: tuple[Case, ...] = (
    _big("one byte too many", lambda: b"a" * (MAX_BYTES + 1), Refused("larger than 5 MiB", f"byte {MAX_BYTES}")),
    _big("5 MB in one line", _filled(_LONG), _TOO_MUCH),
    _big("5 MB in lines", _filled(f"{_LONG}\n"), _TOO_MUCH),
    _big("5 MB of newlines", _filled("\n", tail="a"), _TOO_MANY_LINES),
    _big("5 MB of spaces", _filled(" ", tail="we keep them"), Parses("plain", ("no_speaker_labels",))),
    _big("5 MB of two-letter turns", _filled("Q: x\nA: y\n"), _TOO_MANY_LINES),
    _big("5 MB of headings", _filled("# a\n"), _TOO_MANY_LINES),
    _big("5 MB of emphasis", _filled("**a ", head="# x\n"), _TOO_MUCH),
    _big("5 MB of comment marks", _filled("<!--", head="# x\n"), _TOO_MUCH),
    _big("5 MB of brackets", _filled("(laughs) "), _TOO_MUCH),
    _big("5 MB of another language", _filled("la casa de la familia tiene muchas ventanas "), _TOO_MUCH),
    _big("5 MB of zero-width characters", _filled("\u200b"), _TOO_MUCH),
    _big("5 MB WebVTT", _vtt(90_000), Refused("15,000 cues", "cues")),
    _big("WebVTT with 14,000 cues", _vtt(14_000), Parses("vtt", (), 1)),
    _big("WebVTT with one huge cue", _filled("<v a>", head=_CUE_HEAD), Refused("one cue", "cues[0]")),
    _big("SRT with 14,000 cues", _srt(14_000, ""), Parses("srt", (), 1)),
    _big("5 MB SRT", _srt(14_000, "x" * 310), _TOO_MUCH),
    _big(
        "SRT after 5 MB of newlines",
        _filled("\n", head="1\n00:00:01,000 --> 00:00:02,000\n", tail="we keep them"),
        Parses("srt", ("no_speaker_labels",)),
    ),
    _big("JSON nested 5 million deep", _filled("["), Refused("nested too deeply", "line 1")),
    _big("JSON objects nested deep", _filled('{"turns":'), Refused("nested too deeply", "line 1")),
    _big("JSON of a million lists", _filled("[],", head="[", tail="[]]"), Refused("15,000 turns", "turns")),
    _big("JSON of 600,000 objects", _filled('{"a":1},', head="[", tail="{}]"), Refused("15,000 turns", "turns")),
    _big("JSON with one huge text", _turns(1, SECRET * (_SIZE // 10)), _TOO_MUCH),
    _big("JSON with one huge key", _filled(SECRET, head='{"', tail='":1}'), Refused("`turns` is missing", "turns")),
    _big("JSON with 14,000 turns", _turns(14_000), Parses("turns", (), 14_000)),
    _big("JSON with 14,000 speakers", _speakers("Person {}"), Parses("turns", ("roles_uncertain",), 14_000)),
    _big(
        "JSON with 1,000 interviewers", _speakers("Interviewer {}", 1_000), Refused("belongs to a candidate", "turns")
    ),
    _big("Whisper JSON with 40,000 segments", _segments(40_000), Refused("15,000 segments", "segments")),
)
