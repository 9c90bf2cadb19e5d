"""What was answered and paid for, by content key: nothing is paid for twice.

Answers to one case stand together under its head, a hash of what was said and who judged; within, each opinion has a
key of its criterion too, so that an edited criterion is asked for alone. `AnswerFile` keeps them in SQLite (WAL; safe
for many threads and processes). The file holds candidates' words: only its owner may read it.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, TypeVar

from pydantic import TypeAdapter, ValidationError

from evaluator.judging import Opinion
from evaluator.store.sqlite_file import FileKind, SqliteFile
from evaluator.values.judge import Vote

__all__ = ["AnswerFile", "AnswerStore", "Answers", "KeptOpinion", "KeptTexts", "pack", "pieces", "unpack"]

_FILE: Final = FileKind(
    title="the result cache",
    application=0x49_45_4F_50,
    version=2,
    schema=(
        """CREATE TABLE IF NOT EXISTS answers
            (number INTEGER PRIMARY KEY, head TEXT NOT NULL, packed BLOB NOT NULL)""",
        "CREATE INDEX IF NOT EXISTS answers_by_head ON answers (head)",
    ),
    if_foreign="name another file with --cache FILE",
    if_failing="name another file with --cache FILE, or go without by --no-cache",
)
_CHUNK: Final = 500  # SQLite allows 999 parameters in its oldest builds
_LARGEST_PIECE: Final = 32  # rows
_Row = TypeVar("_Row")
_FAST: Final = 1  # zlib level: answers shrink to a third in a tenth of a millisecond


@dataclass(frozen=True, slots=True)
class KeptOpinion:
    """One criterion's answer.

    Attributes:
        opinion: The opinion.
        votes: What each of several answers said; empty if one was enough.
        confirmed: Whether the judge asks again where it is unsure, even if it didn't here.
    """

    opinion: Opinion
    votes: tuple[Vote, ...] = ()
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class KeptTexts:
    """What was written about a whole case; as in `Judgement`."""

    summary: str | None
    better_answer: str | None
    follow_ups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers to one case.

    Attributes:
        opinions: By key of the criterion.
        texts: By key of all the criteria that they were written about.
    """

    opinions: Mapping[str, KeptOpinion] = field(default_factory=dict[str, KeptOpinion])
    texts: Mapping[str, KeptTexts] = field(default_factory=dict[str, KeptTexts])


_ANSWERS: Final = TypeAdapter(Answers)


class AnswerStore(Protocol):
    """Where answers are kept."""

    async def read(self, head: str) -> Answers:
        """Return what is known of a case; what can't be read counts as unknown.

        Raises:
            OptionError: The store fails.
        """
        ...

    async def write(self, head: str, answers: Answers) -> None:
        """Keep answers beside those that a case has; a key that stands there already is replaced.

        Raises:
            OptionError: The store fails.
        """
        ...


def pack(answers: Answers) -> bytes:
    """Return answers as bytes: JSON, compressed."""
    return zlib.compress(_ANSWERS.dump_json(answers), _FAST)


def pieces(rows: Sequence[_Row]) -> Iterator[Sequence[_Row]]:
    """Divide rows into few pieces of few sizes, each to be written by one statement.

    After each statement a thread waits anew for its turn to run, and each size is a statement to be remembered.
    """
    first, size = 0, _LARGEST_PIECE
    while first < len(rows):
        while size > len(rows) - first:
            size //= 2
        yield rows[first : first + size]
        first += size


def unpack(packed: Iterable[bytes]) -> Answers:
    """Join what was packed, later ones before earlier ones; what is damaged counts as unknown."""
    joined = Answers({}, {})
    for one in packed:
        try:
            answers = _ANSWERS.validate_json(zlib.decompress(one))
        except (ValidationError, ValueError, TypeError, zlib.error):  # an opinion checks itself too
            continue
        joined = Answers({**joined.opinions, **answers.opinions}, {**joined.texts, **answers.texts})
    return joined


class AnswerFile:
    """An `AnswerStore` in a file of this machine."""

    def __init__(self, path: Path) -> None:
        """Open the file, and make it with its folder if there is none.

        Raises:
            OptionError: It can't be opened or written, isn't ours, or was written by another version.
        """
        self._file = SqliteFile(path, _FILE)

    async def read(self, head: str) -> Answers:
        """Return what is known of a case, without holding up the event loop; as `AnswerStore`."""
        return (await asyncio.to_thread(self.read_many, [head])).get(head, Answers())

    async def write(self, head: str, answers: Answers) -> None:
        """Keep answers, without holding up the event loop; as `AnswerStore`."""
        await asyncio.to_thread(self.write_many, [(head, answers)])

    def read_many(self, heads: Sequence[str]) -> dict[str, Answers]:
        """Return what is known of some cases, by head.

        Raises:
            OptionError: The file can't be read.
        """
        packed: dict[str, list[bytes]] = {}
        for first in range(0, len(heads), _CHUNK):
            chunk = heads[first : first + _CHUNK]
            query = f"SELECT head, packed FROM answers WHERE head IN ({','.join('?' * len(chunk))}) ORDER BY number"  # noqa: S608 - question marks
            with self._file.reading() as connection:
                for head, one in connection.execute(query, chunk):
                    packed.setdefault(head, []).append(one)
        return {head: unpack(all_of_it) for head, all_of_it in packed.items()}

    def write_many(self, answers: Iterable[tuple[str, Answers]]) -> None:
        """Keep answers to some cases, all or none.

        Raises:
            OptionError: The file can't be written.
        """
        rows = [(head, pack(one)) for head, one in answers]
        with self._file.writing() as connection:
            for some in pieces(rows):
                places = ", ".join(["(?, ?)"] * len(some))
                values = [value for row in some for value in row]
                connection.execute(f"INSERT INTO answers (head, packed) VALUES {places}", values)  # noqa: S608 - question marks

    def close(self) -> None:
        """Close the file."""
        self._file.close()
