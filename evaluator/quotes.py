"""Where the candidate said it: a judge's copy of some words in, the verified place in the transcript out.

Apart because two stages need it: a chat judge, to ask again for words that nobody said, and grounding, which trusts no
judge at all.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Final

from evaluator.cues import plain_marks
from evaluator.judging import Quote
from evaluator.unspoken import HIDDEN, other_labels, unspoken_in
from evaluator.values.finding import Evidence, MatchKind
from evaluator.values.transcript import Transcript, Turn

__all__ = ["evidence_at", "find_quote", "judged_view"]

_MIN_LETTERS: Final = 4  # letters and digits; "the" or "I'd" proves nothing, "churn" may
_MOST_TRIED: Final = 1000  # places where a quote may stand in one turn; "aaaa" stands a million times in as many a's
_MOST_SEARCHED: Final = 512  # transcripts: a batch has as many in hand between the two stages
_MOST_FOLDED: Final = 8  # transcripts; all quotes of one are looked for one after another
_MOST_KEPT: Final = 2000  # quotes of one transcript; a reply holds at most 50 for each criterion
_UNEVEN: Final = re.compile(r"\A\s|\s\s")  # white space that folding shortens
_SPACES: Final = dict.fromkeys((code for code in range(128) if chr(code).isspace()), " ")
_OUTER_MARKS: Final = " \"'.,;:!?-"  # what judges put around a copy, after folding


def find_quote(quote: Quote, transcript: Transcript, criteria: tuple[str, ...] | None = None) -> Evidence | None:
    """Return where the candidate said it: exactly, else but for space, case and typographic marks; else ``None``.

    Only whole words count: "able to measure" is not found in "unable to measure". The turn that the judge named is
    searched first, then the candidate's other turns: a wrong number is forgiven, words nobody said are not.

    Args:
        quote: What the judge claims.
        transcript: Where it should stand.
        criteria: The rubric's ids if the quote is to earn something: then what stands in a turn but is no answer (see
            `unspoken`) is passed over. ``None`` if it is to show a failure: whatever the candidate put there may.
    """
    return _searched(_Same(transcript)).find(quote, criteria)


def judged_view(text: str) -> str:
    """Return text as a judge should see it: compatibility forms composed, invisible characters gone.

    What looks like a plain word is one, so that look-alikes and hidden characters can't read differently to a judge
    and to a person. `find_quote` finds words copied from this view in the original.
    """
    if text.isascii():
        return text
    visible = "".join(char for char in text if unicodedata.category(char) not in HIDDEN)
    return unicodedata.normalize(
        "NFKC", visible.replace("\u00b4", "'")
    )  # an accent used as a mark would become a space


def evidence_at(transcript: Transcript, turn: int, start: int, end: int, match: MatchKind = "exact") -> Evidence:
    """Return the evidence for a span of a candidate turn; its time is interpolated by the share of characters before.

    Raises:
        ValueError: The turn is not the candidate's.
    """
    source = transcript.turns[turn]
    if source.role != "candidate":
        raise ValueError(f"turn {turn} is not the candidate's")
    return Evidence(
        turn=turn,
        speaker=source.role,
        start=start,
        end=end,
        quote=source.text[start:end],
        match=match,
        start_s=_time_at(source, start),
    )


class _Searched:
    """A transcript, and what was found in it: two stages ask for the same quotes. Safe to share between threads."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._texts = {number: turn.text for number, turn in enumerate(transcript.turns) if turn.role == "candidate"}
        self._labels = other_labels(transcript)
        self._found: dict[tuple[str, int, tuple[str, ...] | None], Evidence | None] = {}

    def find(self, quote: Quote, criteria: tuple[str, ...] | None) -> Evidence | None:
        key = (quote.text, quote.turn, criteria)
        if key in self._found:
            return self._found[key]
        place = next(self._places(quote, criteria), None)
        found = evidence_at(self._transcript, *place) if place else None
        if len(self._found) < _MOST_KEPT:
            self._found[key] = found
        return found

    def _places(self, quote: Quote, criteria: tuple[str, ...] | None) -> Iterator[tuple[int, int, int, MatchKind]]:
        """Yield turn, start and end of where the quote stands and counts, best first."""
        text = quote.text.strip()
        needle = _needle(text)
        if len(list(islice(filter(str.isalnum, needle), _MIN_LETTERS))) < _MIN_LETTERS:
            return
        numbers = sorted(self._texts, key=lambda number: number != quote.turn)
        for number in numbers:
            for start, end in _occurrences(text, self._texts[number]):
                if self._counts(number, start, end, criteria):
                    yield number, start, end, "exact"
        for number in numbers:
            hay, places = self._folded(number)
            for start, end in _occurrences(needle, hay):
                if not (_splits(places, start) or _splits(places, end)):
                    first, last = places[start], places[end - 1] + 1
                    if self._counts(number, first, last, criteria):
                        yield number, first, last, "normalised"

    def _folded(self, number: int) -> tuple[str, Sequence[int]]:
        """Fold a turn, once for all quotes that are looked for in it."""
        known = _folded_turns(_Same(self._transcript))
        if number not in known:
            known[number] = _folded(self._texts[number])
        return known[number]

    def _counts(self, number: int, start: int, end: int, criteria: tuple[str, ...] | None) -> bool:
        if criteria is None:
            return True
        text = self._texts[number]
        return not unspoken_in(text, self._labels, criteria).hides(text, start, end)


@dataclass(frozen=True, slots=True, eq=False)
class _Same:
    """A transcript, known by its turns being the same object: to hash its words for each quote would take longer."""

    transcript: Transcript

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.transcript.turns is other.transcript.turns

    def __hash__(self) -> int:
        return id(self.transcript.turns)


@lru_cache(maxsize=_MOST_SEARCHED)
def _searched(same: _Same) -> _Searched:
    return _Searched(same.transcript)


@lru_cache(maxsize=_MOST_FOLDED)
def _folded_turns(same: _Same) -> dict[int, tuple[str, Sequence[int]]]:  # noqa: ARG001 - the key, by which it is kept
    """Return where the folded turns of a transcript are kept: a judge may claim hundreds of quotes that nobody said."""
    return {}


def _occurrences(needle: str, hay: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of ``needle`` that cut no word of ``hay``, left to right."""
    start = -1
    for _ in range(_MOST_TRIED):
        start = hay.find(needle, start + 1)
        if start < 0:
            return
        end = start + len(needle)
        if not (_inside_word(hay, start) or _inside_word(hay, end)):
            yield start, end


def _inside_word(text: str, place: int) -> bool:
    """Return whether a cut at ``place`` would part letters, a letter and its accent, or a word and its ``'t``."""
    if not 0 < place < len(text):
        return False
    before, after = text[place - 1], text[place]
    if after == " " or (before == " " and after.isascii()):
        return False
    if unicodedata.category(after).startswith("M"):
        return True
    if plain_marks(after) == "'":
        after = text[place + 1 : place + 2]
    elif plain_marks(before) == "'":
        before = text[place - 2 : place - 1] if place > 1 else ""
    return _spelled(before) and _spelled(after)


def _spelled(char: str) -> bool:
    """Return whether it belongs to a word in a script that parts words: letters with case, their accents, digits."""
    return bool(char) and unicodedata.category(char) in {"Lu", "Ll", "Lt", "Lm", "Mn", "Nd"}


def _needle(text: str) -> str:
    """Return a quote without differences of space, case and typographic marks, and without the marks around it."""
    folded = " ".join(text.lower().split()) if text.isascii() else _folded(text)[0]
    return folded.strip(_OUTER_MARKS)


def _folded(text: str) -> tuple[str, Sequence[int]]:
    """Return text without differences of space, case and typographic marks, and where each code point came from.

    Compatibility decomposition makes one of a ligature and its letters, of an accented letter and its two code points.
    """
    if text.isascii() and not _UNEVEN.search(text):
        return text.lower().translate(_SPACES), range(len(text))
    out: list[str] = []
    places = array("I")
    for place, char in enumerate(text):
        for folded in char.lower() if char.isascii() else _fold(char):
            if folded.isspace():
                if not out or out[-1] == " ":
                    continue
                folded = " "  # noqa: PLW2901 - all white space is one space
            out.append(folded)
            places.append(place)
    return "".join(out), places


def _fold(char: str) -> str:
    if unicodedata.category(char) in HIDDEN:
        return ""  # zero-width and direction marks and the like: judges never saw them
    return plain_marks(unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", plain_marks(char)).casefold()))


def _splits(places: Sequence[int], cut: int) -> bool:
    """Return whether a cut parts what one character of the original unfolded to, such as the two letters of ``ß``."""
    return 0 < cut < len(places) and places[cut - 1] == places[cut]


def _time_at(turn: Turn, start: int) -> float | None:
    if turn.start_s is None or turn.end_s is None or turn.end_s < turn.start_s:
        return turn.start_s
    return round(turn.start_s + (turn.end_s - turn.start_s) * start / len(turn.text), 2)
