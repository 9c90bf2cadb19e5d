"""Speaker labels in running text: `Anna:`, `[00:01:12] Anna:`, `Anna (00:12):`, `**Q:**`, a role alone on its line.

In: the lines of a source. Out: which lines open a turn, whose, and when. A colon alone proves nothing ("Goal: keep
members"), so a name counts as a label only if it comes back or if the text is written in labels from its first line;
words for a role always count.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from evaluator.transcripts.limits import MAX_LABELS
from evaluator.transcripts.roles import role_of, same_label

__all__ = ["CLOCK", "LabelledLine", "accepted_labels", "is_name", "read_label", "seconds_of", "time_alone"]

CLOCK: Final = r"(?:\d{1,3}:)?\d{1,3}:\d{2}(?:[.,]\d{1,3})?"

_HEAD_CHARS: Final = 200  # a label with its time is far shorter; no regular expression sees more of a line
_EMPHASIS: Final = r"(?:\*{1,3}|_{1,3})?"
_LABEL: Final = re.compile(
    rf"(?:>> ?)?{_EMPHASIS}(?:[\[(]?(?P<before>{CLOCK})[\])]? ?(?:[-–—] ?)?)?{_EMPHASIS}"
    rf"(?P<label>[^\W_][^:\uff1a\[\]()<>*?!;\"|]{{0,59}}?)(?P<note> \([^():\d][^():]{{0,39}}\))?{_EMPHASIS}"
    rf"(?: ?[\[(] ?(?P<after>{CLOCK})(?: ?[-–—]+>? ?{CLOCK})? ?[\])])? ?{_EMPHASIS} ?[:\uff1a] ?{_EMPHASIS}(?= |$|\S)"
)
_TIME_ALONE: Final = re.compile(rf"[\[(]?({CLOCK})(?: ?[-–—]+>? ?{CLOCK})?[\])]?")
_WORD_COUNT: Final = 5
_SIDES: Final = 2
_PARTICLE_WORDS: Final = "van von de der den da di du la le el al bin ibn dos del y e and of the"
_PARTICLES: Final = frozenset(_PARTICLE_WORDS.split())
_ANSWER_WORDS: Final = (
    "goal goals metric metrics primary secondary guardrail guardrails hypothesis note notes result results context "
    "situation task action first second third step steps summary example pros cons risk risks decision conclusion "
    "background tldr http https date time title subject re topic agenda duration location recording attendees "
    "participants transcript interview outcome success failure problem solution assumption assumptions north input "
    "output pro con remember finally so but because also meaning point one two three option week day month phase "
    "source key main big next number retention engagement churn kpi okr objective why what how when where who "
    "the my our his her this that these those i we they you it and or if then well okay ok yes no"
)
_NOT_NAMES: Final = frozenset(_ANSWER_WORDS.split())


@dataclass(frozen=True, slots=True)
class LabelledLine:
    """A line that may open a turn.

    Attributes:
        label: The label as written.
        start_s: The time beside it, seconds.
        rest: What follows on the line; may be empty.
    """

    label: str
    start_s: float | None
    rest: str


def read_label(line: str) -> LabelledLine | None:
    """Read ``line`` as label and words; ``None`` if it can't be one. Whether it is one, `accepted_labels` says."""
    head = " ".join(line[:_HEAD_CHARS].split())
    match = _LABEL.match(head) if ":" in head or "\uff1a" in head else None
    if match is None:
        return _role_alone(line)
    label = (match["label"].strip() + (match["note"] or "")).strip()
    if not is_name(match["label"].strip()) and role_of(label) is None:
        return None
    colon = _colon_of(line, match)
    if colon < 0:
        return None
    rest = line[colon + 1 :].strip()
    if rest.startswith("//") or (rest[:1].isdigit() and match["label"][-1:].isdigit()):  # an address; a clock time
        return None
    clock = match["before"] or match["after"]
    return LabelledLine(label, seconds_of(clock) if clock else None, _drop_emphasis(rest, match.group()))


def accepted_labels(lines: Sequence[LabelledLine | None]) -> frozenset[str]:
    """Return which labels name speakers, in the form of `same_label`.

    Words for a role do, and so does any name that comes back or has a time beside it. A name that stands there once
    does only if it is one of the two that a dialogue needs: "Happiness: thumbs up" is part of an answer.

    Args:
        lines: Every line with words, in order; ``None`` where it can't be a label.
    """
    counts = Counter(same_label(line.label) for line in lines if line is not None)
    if not counts:
        return frozenset()
    capital = {same_label(line.label) for line in lines if line is not None and not line.label[0].islower()}
    sure = (
        capital
        | {label for label, count in counts.items() if count > 1}
        | set(islice(counts, int(lines[0] is not None)))
    )
    roles = {label for label in counts if role_of(label) is not None and label in sure}
    letters = counts.keys() & {"a", "q"}
    timed = {same_label(line.label) for line in lines if line is not None and line.start_s is not None}
    accepted = roles | timed | {label for label, count in counts.items() if count > 1}
    if len(letters) > 1:
        accepted |= letters
    if roles or (lines[0] is not None and (len(counts) > 1 or " " in next(iter(counts)))):
        sides = {role_of(label) for label in roles} & {"candidate", "interviewer"}
        accepted.update(islice((label for label in counts if label not in roles), _SIDES - len(sides)))
    return frozenset(accepted) if len(accepted) <= MAX_LABELS else frozenset(roles)


def time_alone(line: str) -> float | None:
    """Return the seconds of a line that holds nothing but a time; ``None`` for any other line."""
    head = line.strip()
    match = _TIME_ALONE.fullmatch(head) if len(head) < _HEAD_CHARS else None
    return seconds_of(match.group(1)) if match else None


def seconds_of(clock: str) -> float:
    """Return the seconds of ``m:ss``, ``h:mm:ss``, either with a fraction after ``.`` or ``,``."""
    total = 0.0
    for part in clock.replace(",", ".").split(":"):
        total = total * 60 + float(part)
    return total


def _role_alone(line: str) -> LabelledLine | None:
    """Read a line that is nothing but a word for a role, such as ``Interviewer`` or ``**CANDIDATE**``."""
    word = line.strip().strip("*_ ") if len(line) < _HEAD_CHARS else ""
    if len(word) > 1 and len(word.split()) <= 2 and role_of(word) in {"candidate", "interviewer"}:  # noqa: PLR2004
        return LabelledLine(word, None, "") if word[0].isupper() else None
    return None


def is_name(label: str) -> bool:
    """Return whether ``label`` could be a name: at most five words, none in small letters, none a part of an answer."""
    words = label.replace(",", " ").split()
    if not 1 <= len(words) <= _WORD_COUNT or words[0].casefold().strip(".,'’") in _NOT_NAMES:
        return False
    if any(word.casefold().strip(".,") in _NOT_NAMES - _PARTICLES for word in words):
        return False
    return all(not word[0].islower() or word in _PARTICLES for word in words)


def _colon_of(line: str, match: re.Match[str]) -> int:
    """Return where in ``line`` the colon stands that ends the label of ``match``, found in the spaced-out copy."""
    inner = match.group().count(":") + match.group().count("\uff1a")
    place = -1
    for _ in range(inner):
        place = min((at for mark in ":\uff1a" if (at := line.find(mark, place + 1)) >= 0), default=-1)
    return place


def _drop_emphasis(rest: str, head: str) -> str:
    """Drop the closing half of emphasis that the label opened: ``**Anna:** text``."""
    if head.lstrip("> [(").startswith(("*", "_")):
        return re.sub(r"^[*_]{1,3}(?:\s|$)", "", rest, count=1)
    return rest
