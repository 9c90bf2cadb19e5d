"""Plain text, with speaker labels or without any.

With labels: a labelled line opens a turn, every line after it belongs to that turn. Without: everything is the
candidate's, flagged ``no_speaker_labels``. The lines of a paragraph are joined, since they break where the page ends;
a new paragraph is a new line of the same turn.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from evaluator.errors import TranscriptError
from evaluator.transcripts.draft import Draft, Utterance
from evaluator.transcripts.labels import LabelledLine, accepted_labels, read_label, time_alone
from evaluator.transcripts.limits import MAX_LINES
from evaluator.transcripts.roles import role_of, same_label
from evaluator.values.transcript import Flag

__all__ = ["HEADING_IGNORED", "NO_LABELS", "lines_of", "paragraphs", "parse", "parse_lines", "sniff"]

NO_LABELS: Final = Flag(
    code="no_speaker_labels", message="The source names no speakers; all of it was taken for the candidate's words."
)
HEADING_IGNORED: Final = Flag(
    code="heading_ignored", message="Text before the first speaker label was taken for a heading."
)
_PREAMBLE_CHARS: Final = 400  # a title, a date, who took part; longer text before the first label is speech


def sniff(text: str) -> float:
    """Return the confidence that ``text`` is plain text: any text is, if it is nothing better."""
    return 0.1 if text.strip() else 0.0


def parse(text: str) -> Draft:
    """Split plain text into utterances."""
    return parse_lines(lines_of(text))


def lines_of(text: str) -> list[str]:
    """Return the lines of ``text``.

    Raises:
        TranscriptError: More than `MAX_LINES`.
    """
    lines = text.splitlines()
    if len(lines) > MAX_LINES:
        raise TranscriptError(
            f"there are more than {MAX_LINES:,} lines", where=f"line {MAX_LINES + 1}", remedy="cut it to one interview"
        )
    return lines


def parse_lines(lines: Sequence[str], listed: Collection[int] = ()) -> Draft:
    """Split lines of running text into utterances; `markdown` comes here too.

    Args:
        lines: The lines, without line ends.
        listed: Indexes of lines that are items of a list: only a word for a role makes one of them a label.
    """
    labels = [read_label(line) if line.strip() else None for line in lines]
    for at in listed:
        label = labels[at]
        labels[at] = label if label is not None and role_of(label.label) is not None else None
    accepted = accepted_labels(
        [label for line, label in zip(lines, labels, strict=True) if line.strip() and time_alone(line) is None]
    )
    utterances = list(_utterances(lines, labels, accepted))
    if all(utterance.speaker is None for utterance in utterances):
        return Draft(tuple(utterances), flags=(NO_LABELS,))
    if len(utterances) > 1 and utterances[0].speaker is None and len(utterances[0].text) <= _PREAMBLE_CHARS:
        return Draft(tuple(utterances[1:]), flags=(HEADING_IGNORED,))
    return Draft(tuple(utterances))


def _utterances(
    lines: Sequence[str], labels: Sequence[LabelledLine | None], accepted: frozenset[str]
) -> Iterator[Utterance]:
    speaker: str | None = None
    start: float | None = None
    clock: float | None = None
    words: list[str] = []
    for line, label in zip(lines, labels, strict=True):
        alone = time_alone(line)
        if alone is not None:
            clock = alone
        elif label is not None and same_label(label.label) in accepted:
            yield from _spoken(speaker, words, start)
            speaker, start = label.label, label.start_s if label.start_s is not None else clock
            words, clock = [label.rest], None
        else:
            words.append(line)
    yield from _spoken(speaker, words, start)


def _spoken(speaker: str | None, lines: Sequence[str], start_s: float | None) -> Iterator[Utterance]:
    text = paragraphs(lines)
    if text:
        yield Utterance(speaker, text, start_s)


def paragraphs(lines: Sequence[str]) -> str:
    """Return ``lines`` as one line a paragraph; an empty line parts two of them."""
    found: list[list[str]] = [[]]
    for line in lines:
        if line.strip():
            found[-1].append(line.strip())
        elif found[-1]:
            found.append([])
    return "\n".join(" ".join(paragraph) for paragraph in found if paragraph)
