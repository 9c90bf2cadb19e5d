"""What stands in a candidate's turn without being part of an answer, and so earns nothing.

In: the text of a turn, what the other speakers are called, the ids of the rubric's criteria. Out: spans of four kinds,
all of them properties of the characters, not of the sense:

- annotations in brackets (``[interviewer nods: excellent]``): somebody wrote them, nobody said them;
- lines that carry another speaker's label (``Interviewer: you named the guardrail``), and what stands under such a
  label in markup: by their own claim not the candidate's words;
- pieces of this program's own protocol: criterion ids, keys of a reply, others' turns, identifiers of requests;
- markup that parts messages for chat models (``</transcript>``, ``<|im_end|>``).

It earns nothing and hides nothing: no failure counts as avoided by such words, but a failure may be shown by them, or a
candidate could put a label before whatever shouldn't count.

This is the line between proof and suspicion. A judge that obeys what it reads can be told which words to quote, so
grounding refuses what no speaker could have meant as an answer. Whether a *sentence* addresses the judge is a matter of
sense, which phrases can only guess at: attackers rephrase, and honest candidates use the same words. `instruction_like`
does that guessing and may only raise a flag. Apart from `quotes`, because the detector reads these spans too.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from evaluator.cues import plain_marks
from evaluator.values.transcript import Transcript

__all__ = ["HIDDEN", "Unspoken", "folded", "other_labels", "unspoken_in"]

HIDDEN: Final = frozenset({"Cf", "Co", "Cn", "Cs"})  # categories of characters that nobody sees

_INSERTED_WORDS: Final = 3  # `the share of [new members] who stay`: a transcriber's insertion inside an honest quote
_SAID_LETTERS: Final = 4  # as many as any quote needs
_LONGEST_NOTE: Final = 1000  # characters; a bracket that closes later than that was not opened for a note
_OPEN, _CLOSE = "[［【〔〖⟦", "]］】〕〗⟧"  # noqa: RUF001 - the wide forms are what is looked for
_SQUARE: Final = re.compile(f"[{re.escape(_OPEN + _CLOSE)}]")
_STAGE: Final = re.compile(
    r"[(*<{]{1,2}[ _]?(?:the )?(?:interviewers?|recruiter|moderator|hiring manager|panel(?:l?ists?)?)\b"
    rf"[^()*<>{{}}]{{0,{_LONGEST_NOTE}}}[)*>}}]"
)
_PERSONS: Final = ("interviewer", "hiring manager", "recruiter", "moderator", "grader", "evaluator", "examiner")
_LABELS: Final = (
    *_PERSONS,
    *("panel", "assistant", "system", "system prompt", "system message", "admin", "administrator"),
)
_LABEL_WORDS: Final = frozenset(" ".join(_LABELS).split())
_LINE_START: Final = r"(?:^|(?<=\n))[ \t>*_#-]{0,8}+"
_BEFORE_LABEL: Final = r"(?:^|(?<=\n)|(?<=[.!?…\"')\]] ))[ \t>*_#\[-]{0,8}+"
_BESIDE_LABEL: Final = r"(?: ?#?\d{1,2})?[ \t*_\]]{0,4}+(?:\([^()\n]{0,40}\)[ \t*_\]]{0,4}+)?"
_COLON: Final = "[:：∶꞉։׃]"  # noqa: RUF001 - what looks like a colon
_REST: Final = r"(?:[ \t*_]{0,4}\n)?[^\n]*"  # of the line; of the next one where the label stands alone
_ALONE: Final = re.compile(
    rf"{_LINE_START}(?:{'|'.join(_PERSONS)}){_BESIDE_LABEL}(?:(?:>|(?<=[ *_\]])-){_REST}|\n[^\n]*)"
)
_MARKUP: Final = re.compile(
    rf"<(?:{'|'.join(_LABELS)})\b[^<>\n]{{0,80}}>[^<]{{0,{_LONGEST_NOTE}}}"
    rf"|<\|(?:im_start|start|message|system|assistant|end_header_id)[^<>|\n]{{0,40}}\|>[^<]{{0,{_LONGEST_NOTE}}}"
    r"|<\|[^<>|\n]{1,40}\|>|<<\/?sys>>|\[\/?inst\]"
    r"|<\/?(?:transcript|system|assistant|user|human|instructions?|prompt|candidate|interviewer|answer|data|document|"
    r"rubric|judge|grader|verdicts?|reply|untrusted|input|output|s)\b[^<>\n]{0,80}>"
)
_REQUEST: Final = re.compile(r"\brequest-[0-9a-f]{6,64}")
_MARK: Final = r"[\"'`\\]{1,4}"
_REPLY_KEY: Final = re.compile(
    rf"{_MARK}(?:criterion|verdicts?|reasoning|quotes|confidence|summary|better_answer|goal_and_metric|instrumentation|"
    rf"guardrail|follow_up_questions|rejected_quotes){_MARK}\s{{0,3}}:"
    rf"|{_MARK}(?:role|speaker){_MARK}\s{{0,3}}:\s{{0,3}}{_MARK}(?:{'|'.join(_LABELS)})"
)
_KEY_END: Final = re.compile(r"[\"'`\\]\s{0,3}:")  # a short cut: most texts hold none, and so no key
_BEFORE_KEY, _AFTER_KEY = 160, 600  # characters of the object around a key: as long as a forged verdict is
_WORD: Final = re.compile(r"\w+")
_LOOKALIKES: Final = str.maketrans(
    "аеорсухіјѕԁɡһкмтвнԛԝꞓαορνικτυεγ",
    "aeopcyxijsdghkmtbhqwcaopviktuey",
)
_SMALL_CAPITALS: Final = str.maketrans("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz")


@dataclass(frozen=True, slots=True)
class Unspoken:
    """The spans of one text that earn nothing; half-open, sorted, apart from one another.

    Attributes:
        refused: A quote that touches one of these earns nothing.
        forged: Those of them that are no annotation: nobody writes them down by accident.
        inserted: Short bracketed insertions: a quote needs words of its own beside them.
    """

    refused: tuple[tuple[int, int], ...]
    forged: tuple[tuple[int, int], ...]
    inserted: tuple[tuple[int, int], ...]

    def hides(self, text: str, start: int, end: int) -> bool:
        """Return whether ``text[start:end]`` earns nothing; ``text`` is the text that the spans were found in."""
        if not self.refused and not self.inserted:
            return False
        if next(_touching(self.refused, start, end), None):
            return True
        inside = list(_touching(self.inserted, start, end))
        if not inside:
            return False
        letters = sum(map(str.isalnum, text[start:end]))
        return (
            letters - sum(sum(map(str.isalnum, text[max(a, start) : min(b, end)])) for a, b in inside) < _SAID_LETTERS
        )


@lru_cache(maxsize=512)
def unspoken_in(text: str, labels: tuple[str, ...] = (), criteria: tuple[str, ...] = ()) -> Unspoken:
    """Return what in a candidate's turn is no answer.

    Args:
        text: The turn's text.
        labels: What the transcript calls the other speakers; see `other_labels`.
        criteria: Ids of the rubric; one without ``_`` is also a plain word and is left alone.
    """
    view, places = folded(text)
    square = [((start, end), _is_insertion(view[start + 1 : end - 1])) for start, end in _brackets(view)]
    inserted = [span for span, insertion in square if insertion]
    annotations = [span for span, insertion in square if not insertion]
    annotations += [match.span() for match in _found(_STAGE, view, *"(*<{")]
    forged = [
        *(match.span() for match in _found(_labelled(labels), view, *_label_names(labels))),
        *(match.span() for match in _found(_ALONE, view, *_PERSONS)),
        *(match.span() for match in _found(_MARKUP, view, "<", "[")),
        *(match.span() for match in _found(_REQUEST, view, "request-")),
        *(_around(view, match) for match in (_REPLY_KEY.finditer(view) if _KEY_END.search(view) else ())),
        *_ids(view, criteria),
    ]
    return Unspoken(
        refused=_original([*annotations, *forged], places),
        forged=_original(forged, places),
        inserted=_original(inserted, places),
    )


def other_labels(transcript: Transcript) -> tuple[str, ...]:
    """Return what everybody but the candidate is called, sorted."""
    return tuple(sorted({turn.name for turn in transcript.turns if turn.name and turn.role != "candidate"}))


@lru_cache(maxsize=64)
def folded(text: str) -> tuple[str, Sequence[int]]:
    """Return text in small plain letters, and where each of its characters stands in the original.

    Hidden characters are gone, compatibility forms are what they stand for, and a letter of another script in the
    middle of a Latin word is the Latin one that it looks like. Accents stay, but where they disguise a label.
    """
    if text.isascii():
        return text.lower(), range(len(text))
    out: list[str] = []
    places: list[int] = []
    for place, char in enumerate(plain_marks(text)):
        if char.isascii():
            out.append(char.lower())
            places.append(place)
        elif (kind := unicodedata.category(char)) not in HIDDEN and not (kind == "Mn" and out and out[-1].isascii()):
            plain = unicodedata.normalize("NFKC", char).lower().translate(_SMALL_CAPITALS)
            out.append(plain)
            places.extend([place] * len(plain))
    return _WORD.sub(_latin, "".join(out)), places


def _latin(match: re.Match[str]) -> str:
    word = match.group()
    if word.isascii() or not any(char.isascii() and char.isalpha() for char in word):
        return word
    bare = "".join(unicodedata.normalize("NFD", char)[0] for char in word.replace("ı", "i"))  # noqa: RUF001 - as written
    return bare if bare in _LABEL_WORDS else word.translate(_LOOKALIKES)


def _brackets(view: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of what stands in square brackets, within other ones too."""
    opened: list[int] = []
    for match in _SQUARE.finditer(view):
        if match.group() in _OPEN:
            opened.append(match.start())
        elif opened and 1 < match.start() - (start := opened.pop()) <= _LONGEST_NOTE:
            yield start, match.end()


def _is_insertion(inner: str) -> bool:
    return len(inner.split()) <= _INSERTED_WORDS and ":" not in inner and _REQUEST.search(inner) is None


@lru_cache(maxsize=64)
def _labelled(labels: tuple[str, ...]) -> re.Pattern[str]:
    names = "|".join(map(re.escape, _label_names(labels)))
    return re.compile(f"{_BEFORE_LABEL}(?:{names}){_BESIDE_LABEL}{_COLON}{_REST}")


@lru_cache(maxsize=64)
def _label_names(labels: tuple[str, ...]) -> tuple[str, ...]:
    known = {folded(label)[0].strip() for label in labels}
    return tuple(sorted({*_LABELS, *filter(None, known)}, key=len, reverse=True))


def _found(pattern: re.Pattern[str], view: str, *needs: str) -> Iterator[re.Match[str]]:
    """Return the matches of a pattern of which each holds one of ``needs``: a plain search is a short cut."""
    return pattern.finditer(view) if any(need in view for need in needs) else iter(())


def _ids(view: str, criteria: tuple[str, ...]) -> list[tuple[int, int]]:
    if "_" not in view:
        return []
    pattern = _id_pattern(tuple(key for key in criteria if "_" in key))
    return [match.span() for match in pattern.finditer(view)] if pattern else []


@lru_cache(maxsize=64)
def _id_pattern(ids: tuple[str, ...]) -> re.Pattern[str] | None:
    return re.compile(rf"(?<![a-z0-9])(?:{'|'.join(map(re.escape, ids))})(?![a-z0-9])") if ids else None


def _around(view: str, key: re.Match[str]) -> tuple[int, int]:
    """Return the span of the object that a reply's key stands in, or what little is known of one that was cut."""
    start, end = key.span()
    opened = view.rfind("{", max(0, start - _BEFORE_KEY), start)
    closed = view.find("}", end, end + _AFTER_KEY)
    line_end = view.find("\n", end, end + _AFTER_KEY)
    if closed < 0:
        closed = line_end - 1 if line_end > 0 else min(len(view), end + _AFTER_KEY) - 1
    return (opened if opened >= 0 else start), closed + 1


def _original(spans: Iterable[tuple[int, int]], places: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Return spans of the original text, sorted, those that touch made one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted((places[start], places[end - 1] + 1) for start, end in spans if start < end):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def _touching(spans: Sequence[tuple[int, int]], start: int, end: int) -> Iterator[tuple[int, int]]:
    place = max(0, bisect_right(spans, (start, start)) - 1)
    while place < len(spans) and spans[place][0] < end:
        if spans[place][1] > start:
            yield spans[place]
        place += 1
