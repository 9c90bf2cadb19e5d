"""A transcript with placeholders for names, e-mail addresses and phone numbers, and the way back.

In: a transcript. Out: the same with ``[NAME_1]``, ``[EMAIL_1]``, ``[PHONE_1]`` in it, one for each different word or
number wherever it stands; and what turns a judge's quotes and texts about it into the words that were said.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from evaluator.judges.redaction.contacts import find_emails, find_phones
from evaluator.judges.redaction.names import find_label_names, find_names
from evaluator.judging import Quote
from evaluator.quotes import find_quote
from evaluator.transcripts.roles import role_of
from evaluator.unspoken import HIDDEN
from evaluator.values.transcript import Transcript, Turn

__all__ = ["Kind", "Redaction", "redact"]

Kind = Literal["NAME", "EMAIL", "PHONE"]
_PLACEHOLDER: Final = re.compile(r"\[?\b((?:NAME|EMAIL|PHONE)_\d{1,5})\b\]?", re.IGNORECASE)
_POSSESSIVE: Final = re.compile(r"['’]\w+")


@dataclass(frozen=True, slots=True)
class _Span:
    """A part of a text that is taken out."""

    start: int
    end: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class _Text:
    """One redacted text, and where its placeholders stand.

    Attributes:
        original: As it was.
        redacted: As a judge sees it.
        old: Spans that were taken out, in order.
        new: Spans of their placeholders, in order.
    """

    original: str
    redacted: str
    old: tuple[tuple[int, int], ...]
    new: tuple[tuple[int, int], ...]

    def back(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the original that a span of the redacted text stands for.

        A placeholder that is cut counts whole: nobody can mean a part of it.
        """
        first = self._place(start, at_end=False)
        last = self._place(end, at_end=True)
        possessive = _POSSESSIVE.match(self.original, last) if self.redacted[end - 1] == "]" else None
        return first, possessive.end() if possessive else last  # no cut may part a name and its `'s`

    def _place(self, place: int, *, at_end: bool) -> int:
        number = bisect_right(self.new, (place, len(self.redacted) + 1)) - 1
        if number < 0:
            return place
        (old_start, old_end), (new_start, new_end) = self.old[number], self.new[number]
        if place >= new_end:
            return old_end + place - new_end
        if place == new_start:
            return old_start
        return old_end if at_end else old_start


@dataclass(frozen=True, slots=True)
class Redaction:
    """A transcript as a hosted judge sees it, and the way back.

    Attributes:
        original: As it was.
        transcript: With placeholders; turns, roles and times are the same.
        counts: How many different words of names, e-mail addresses and phone numbers were taken out of what was said.
    """

    original: Transcript
    transcript: Transcript
    counts: Mapping[Kind, int]
    _texts: tuple[_Text, ...]
    _words: dict[str, str]

    def quote(self, quote: Quote) -> Quote:
        """Return a quote from the redacted transcript in the candidate's own words.

        One that stands nowhere keeps its words, placeholders filled in: grounding refuses it.
        """
        found = find_quote(quote, self.transcript)
        if found is None:
            return Quote(quote.turn, self.text(quote.text))
        one = self._texts[found.turn]
        start, end = one.back(found.start, found.end)
        return Quote(found.turn, one.original[start:end])

    def text(self, text: str) -> str:
        """Return what a judge wrote with its placeholders filled in."""
        return _PLACEHOLDER.sub(lambda match: self._words.get(match[1].upper(), match[0]), text)


def redact(transcript: Transcript) -> Redaction:
    """Take names, e-mail addresses and phone numbers out of a transcript, its question and its labels."""
    texts = [turn.text for turn in transcript.turns]
    question = transcript.question or ""
    labels = {turn.name for turn in transcript.turns if turn.name} | {transcript.roles.candidate or ""}
    speakers = sorted(label for label in labels if label and role_of(label) is None)
    read = [_readable(text) for text in (*texts, question)]
    english = transcript.language in {"en", "und"}
    names = find_names([view for view, _ in read], [_readable(label)[0] for label in speakers], english=english)
    spans = [
        [_original(span, places) for span in _apart(view, found)]
        for (view, places), found in zip(read, names, strict=True)
    ]
    numbered = _Numbering(" ".join((*texts, question, *speakers)))
    done = [numbered.replaced(text, found) for text, found in zip((*texts, question), spans, strict=True)]
    counts = dict(numbered.count)  # a label that nobody says is nothing that a judge would have read
    relabelled = {label: numbered.label(label) for label in speakers}
    turns = tuple(_with(turn, one.redacted, relabelled) for turn, one in zip(transcript.turns, done, strict=False))
    roles = transcript.roles
    candidate = relabelled.get(roles.candidate or "", roles.candidate)
    return Redaction(
        original=transcript,
        transcript=transcript.model_copy(
            update={
                "turns": turns,
                "question": done[-1].redacted if transcript.question is not None else None,
                "roles": roles.model_copy(update={"candidate": candidate}),
            }
        ),
        counts={kind: counts.get(kind, 0) for kind in get_args(Kind)},
        _texts=tuple(done[: len(texts)]),
        _words=numbered.words,
    )


class _Numbering:
    """Gives each different word its placeholder, none of which stands in the transcript already."""

    def __init__(self, said: str) -> None:
        self._taken = {match[1].upper() for match in _PLACEHOLDER.finditer(_readable(said)[0])}
        self._given: dict[tuple[Kind, str], str] = {}
        self._last = Counter[Kind]()
        self.count = Counter[Kind]()
        self.words: dict[str, str] = {}

    def replaced(self, text: str, spans: Sequence[_Span]) -> _Text:
        parts: list[str] = []
        old: list[tuple[int, int]] = []
        new: list[tuple[int, int]] = []
        length = end = 0
        for span in spans:
            placeholder = self._placeholder(span.kind, text[span.start : span.end])
            parts += [text[end : span.start], placeholder]
            length += span.start - end
            old.append((span.start, span.end))
            new.append((length, length := length + len(placeholder)))
            end = span.end
        return _Text(text, "".join((*parts, text[end:])), tuple(old), tuple(new))

    def label(self, label: str) -> str:
        return self.replaced(label, [_Span(*span, "NAME") for span in find_label_names(label)]).redacted

    def _placeholder(self, kind: Kind, words: str) -> str:
        key = kind, _same(kind, _readable(words)[0])
        if key not in self._given:
            number = self._last[kind] + 1
            while f"{kind}_{number}" in self._taken:
                number += 1
            self._last[kind] = number
            self.count[kind] += 1
            self._given[key] = f"{kind}_{number}"
            self.words[self._given[key]] = words
        return f"[{self._given[key]}]"


def _same(kind: Kind, words: str) -> str:
    """Return words in the form in which two ways to write the same are equal."""
    match kind:
        case "NAME":
            return words.casefold()
        case "EMAIL":
            return "".join(words.casefold().split())
        case "PHONE":
            return "".join(filter(str.isalnum, words.casefold()))


def _with(turn: Turn, text: str, labels: dict[str, str]) -> Turn:
    return turn.model_copy(update={"text": text, "name": labels.get(turn.name, turn.name) if turn.name else None})


def _apart(view: str, names: Sequence[tuple[int, int]]) -> Iterator[_Span]:
    """Yield all spans of a text in order, none over another: addresses go before numbers, both before names."""
    found = [_Span(*span, "EMAIL") for span in find_emails(view)]
    found += [_Span(*span, "PHONE") for span in find_phones(view)]
    found += [_Span(*span, "NAME") for span in names]
    covered = bytearray(len(view))
    taken: list[_Span] = []
    for span in found:
        if not any(covered[span.start : span.end]):
            covered[span.start : span.end] = b"\1" * (span.end - span.start)
            taken.append(span)
    return iter(sorted(taken, key=lambda span: span.start))


def _readable(text: str) -> tuple[str, Sequence[int]]:
    """Return text as a judge would see it, and where its characters begin in the original; one place more at the end.

    Characters that nobody sees are gone and compatibility forms composed, so that a name with one of them in it is
    found: what `judged_view` would undo later can't hide anything here.
    """
    if text.isascii():
        return text, range(len(text) + 1)
    out: list[str] = []
    places: list[int] = []
    place = 0
    while place < len(text):
        stop = place + 1
        while stop < len(text) and unicodedata.category(text[stop]) in {"Mn", "Mc", *HIDDEN}:
            stop += 1
        visible = "".join(char for char in text[place:stop] if unicodedata.category(char) not in HIDDEN)
        for char in unicodedata.normalize("NFKC", visible):
            out.append(char)
            places.append(place)
        place = stop
    return "".join(out), [*places, len(text)]


def _original(span: _Span, places: Sequence[int]) -> _Span:
    return _Span(places[span.start], places[span.end], span.kind)
