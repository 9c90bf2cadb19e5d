"""Text that reads like an instruction to whoever judges: transcript in, flags for a person out.

A flag is all that comes of it. Verdicts, evidence and score are the same with this stage taken out, for two reasons:
phrases can always be put otherwise, so nothing may rely on them being found, and honest candidates say them too ("I'd
ignore the average"), so nothing may be lost to them. What can be refused for certain is refused by `unspoken`, whether
or not it is found here.

Patterns are read on a folded view (small plain letters, look-alikes resolved); some also on the view turned around, in
rot13 and with digits read as letters. Every repetition is bounded, so that the time grows with the text alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from evaluator.instruction_needs import kinds_in
from evaluator.instruction_phrases import KINDS, LABELS_OF_EXAMPLES
from evaluator.unspoken import folded, other_labels, unspoken_in
from evaluator.values.finding import Evidence
from evaluator.values.transcript import Flag, Transcript

__all__ = ["find_instruction_like", "proof_in_doubt"]

_CODE: Final = "instruction_like_text"
_MOST_FLAGS: Final = 20  # a transcript full of them needs no longer list to be looked at
_DISGUISED: Final = ("override", "verdict", "addressed to a judge")
_DISGUISED_NEEDS: Final = (
    *("instruct", "rubric", "directive", "prompt", "criteri", "absent", "full", "score", "marks", "grader"),
)
_BASE64: Final = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{40,4000}={0,2}")
_FEWEST_SHOTS: Final = 6  # three questions with their answers
_ROT13: Final = str.maketrans("abcdefghijklmnopqrstuvwxyz", "nopqrstuvwxyzabcdefghijklm")
_DIGITS: Final = str.maketrans("013457@$", "oieastas")


@dataclass(frozen=True, slots=True)
class _Hit:
    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class _Tried:
    """What is worth trying out on the texts of one transcript.

    Attributes:
        kinds: Of `KINDS`.
        ways: To read a text otherwise.
    """

    kinds: frozenset[str]
    ways: tuple[Callable[[str], str], ...]


def find_instruction_like(transcript: Transcript, criteria: Sequence[str] = ()) -> tuple[Flag, ...]:
    """Return one flag for each span that reads like an instruction, with turn, start and end; at most twenty.

    Args:
        transcript: All turns are read, and the question, whose flag has no turn.
        criteria: Ids of the rubric, which nobody knows who hasn't read it.
    """
    ids, labels = tuple(criteria), other_labels(transcript)
    asked = transcript.question or ""
    apart = [asked] if not any(asked in turn.text for turn in transcript.turns) else []
    tried = _worth_trying("\n".join(folded(text)[0] for text in (*(turn.text for turn in transcript.turns), *apart)))
    flags = [
        _flag(hit, number)
        for number, turn in enumerate(transcript.turns)
        for hit in _hits(turn.text, labels if turn.role == "candidate" else (), ids, tried)
    ]
    flags += [_flag(hit, None) for text in apart for hit in _hits(text, (), ids, tried)[:1]]
    return tuple(flags[:_MOST_FLAGS])


def proof_in_doubt(flags: Sequence[Flag], evidence: Sequence[Evidence]) -> bool:
    """Return whether every piece of evidence touches text that was flagged here; ``False`` without evidence."""
    if not flags:
        return False
    spans = [(flag.turn, flag.start or 0, flag.end or 0) for flag in flags if flag.code == _CODE]
    return bool(evidence) and all(
        any(turn == item.turn and start < item.end and item.start < end for turn, start, end in spans)
        for item in evidence
    )


def _flag(hit: _Hit, turn: int | None) -> Flag:
    told = f"holds text that reads like an instruction to a judge ({hit.kind}); it changes no verdict."
    if turn is None:
        return Flag(code=_CODE, message=f"The question {told}")
    return Flag(code=_CODE, message=f"Turn {turn + 1} {told}", turn=turn, start=hit.start, end=hit.end)


def _worth_trying(views: str) -> _Tried:
    """Return what may be found in any part of a folded text: nearly always nothing, and that is cheap to see."""
    ways = [way for way in (_from_rot13, _from_digits, _turned) if _needed(way(views))]
    return _Tried(kinds_in(views), tuple(ways))


def _hits(text: str, labels: tuple[str, ...], criteria: tuple[str, ...], tried: _Tried) -> list[_Hit]:
    """Return the spans of one text, left to right; of those that overlap one is made, named after the first."""
    view, places = folded(text)
    found = [
        *(_Hit(start, end, "forged reply or marker") for start, end in unspoken_in(text, labels, criteria).forged),
        *(
            _Hit(places[start], places[end - 1] + 1, kind)
            for start, end, kind in (*_plain(view, tried.kinds), *_disguised(view, tried.ways), *_shots(view))
            if start < end
        ),
        *(
            _Hit(*match.span(), "encoded")
            for match in (_BASE64.finditer(text) if "encoded" in tried.kinds else ())
            if all(any(map(test, match.group())) for test in (str.islower, str.isupper, str.isdigit))
        ),
    ]
    merged: list[_Hit] = []
    for hit in sorted(found, key=lambda hit: (hit.start, -hit.end)):
        if merged and hit.start < merged[-1].end:
            merged[-1] = _Hit(merged[-1].start, max(hit.end, merged[-1].end), merged[-1].kind)
        else:
            merged.append(hit)
    return merged


def _plain(view: str, kinds: frozenset[str]) -> Iterator[tuple[int, int, str]]:
    for kind, pattern in KINDS.items():
        if kind in kinds:
            for match in pattern.finditer(view):
                yield *match.span(), kind


def _from_rot13(view: str) -> str:
    return view.translate(_ROT13)


def _from_digits(view: str) -> str:
    return view.translate(_DIGITS)


def _turned(view: str) -> str:
    return view[::-1]


def _disguised(view: str, ways: Sequence[Callable[[str], str]]) -> Iterator[tuple[int, int, str]]:
    """Yield what is found only when the text is turned around, or its letters or digits are exchanged."""
    for way in ways:
        other = way(view)
        if other == view or not _needed(other):
            continue
        for kind in _DISGUISED:
            for match in KINDS[kind].finditer(other):
                start, end = match.span()
                yield (len(view) - end, len(view) - start, "encoded") if way is _turned else (start, end, "encoded")


def _needed(other: str) -> bool:
    return any(need in other for need in _DISGUISED_NEEDS)


def _shots(view: str) -> Iterator[tuple[int, int, str]]:
    """Yield the stretch of a made-up series of questions and answers."""
    if view.count(":") + view.count("：") < _FEWEST_SHOTS:  # noqa: RUF001 - the wide colon
        return
    labels = [match.span() for match in LABELS_OF_EXAMPLES.finditer(view)]
    if len(labels) >= _FEWEST_SHOTS:
        yield labels[0][0], labels[-1][1], "made-up examples"
