"""The items inside the page: rows and details in, text chunks for its script out, within a budget of bytes.

Details are packed a few dozen together and kept on the disk until all are seen. If they don't fit, those that are worth
opening first go in: what a person must look at, then the lowest scores. Every item has its row in any case.
"""

from __future__ import annotations

import json
import zlib
from array import array
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, Final

from evaluator.batch.report.details import Json, as_text, pack, pack_texts
from evaluator.batch.rows import Row
from evaluator.reports.characters import one_line

__all__ = ["BUDGET", "DetailSpool", "row_chunks"]

BUDGET: Final = 40_000_000
"""Bytes of packed details in one page; a browser opens that in about a second."""
_TOGETHER: Final = 24  # details in a chunk: more packs little better and opens slower
_MARGIN: Final = 0.95  # some details pack worse than others
_ROWS: Final = 2000
_NAME_CHARS: Final = 300
_UNSCORED_RANK: Final = -1.0
_REVIEW_BONUS: Final = 1000.0


class DetailSpool:
    """Packed details on the disk, in the order of the items.

    Attributes:
        count: Details held.
    """

    def __init__(self, file: IO[bytes], budget: int = BUDGET) -> None:
        """Take a file that can be read back, and the most bytes that `chunks` may return together."""
        self._file = file
        self._budget = budget
        self._waiting: list[str] = []
        self._sizes = array("L")  # of each detail before it is packed
        self._lengths: list[int] = []  # of each chunk in the file
        self._ranks = array("d")  # by item: the lower, the sooner it is worth opening
        self.count = 0

    def append(self, detail: Json, row: Row) -> None:
        """Add the detail of an item that is not failed."""
        rank = _UNSCORED_RANK if row.score is None else row.score
        self._ranks.append(rank - _REVIEW_BONUS if row.status == "needs_review" else rank)
        text = as_text(detail)
        self._sizes.append(len(text))
        self._waiting.append(text)
        self.count += 1
        if len(self._waiting) == _TOGETHER:
            self._flush()

    def choose(self) -> bytearray:
        """Return 1 for each detail that fits the budget, 0 for the others; nothing may be appended after."""
        self._flush()
        if sum(self._lengths) <= self._budget:
            return bytearray(b"\x01") * self.count
        room = _MARGIN * self._budget * sum(self._sizes) / sum(self._lengths)  # in bytes before packing
        chosen = bytearray(self.count)
        for number in sorted(range(self.count), key=self._ranks.__getitem__):
            room -= self._sizes[number]
            if room < 0:
                break
            chosen[number] = 1
        return chosen

    def chunks(self, chosen: Sequence[int]) -> Iterator[str]:
        """Return the chosen details in order, `_TOGETHER` in each chunk but the last."""
        if all(chosen):
            yield from self._packed()
            return
        together: list[Json] = []
        for start, chunk in zip(range(0, self.count, _TOGETHER), self._packed(), strict=True):
            here = chosen[start : start + _TOGETHER]
            if not any(here):
                continue
            details: list[Json] = json.loads(zlib.decompress(b64decode(chunk)))
            together += [detail for detail, wanted in zip(details, here, strict=True) if wanted]
            while len(together) >= _TOGETHER:
                yield pack(together[:_TOGETHER])
                del together[:_TOGETHER]
        if together:
            yield pack(together)

    @property
    def together(self) -> int:
        """How many details each chunk holds, but for the last."""
        return _TOGETHER

    def _packed(self) -> Iterator[str]:
        self._file.seek(0)
        for length in self._lengths:
            yield self._file.read(length).decode("ascii")

    def _flush(self) -> None:
        if self._waiting:
            chunk = pack_texts(self._waiting).encode("ascii")
            self._file.write(chunk)
            self._lengths.append(len(chunk))
            self._waiting.clear()


def row_chunks(
    rows: Iterable[Row], chosen: Sequence[int], bands: Mapping[str, int], columns: Sequence[str]
) -> Iterator[str]:
    """Return the rows of the page's table in packed chunks.

    Each row is ``[item, status, score, band, verdicts, embedded, message, values of the columns]``: status 0 graded,
    1 for review, 2 failed; band as its number or -1; ``embedded`` whether its detail is in the page.

    Args:
        rows: In the order of the items.
        chosen: By item that is not failed, whether its detail is embedded.
        bands: Number of each band.
        columns: Input columns that the table shows and filters by.
    """
    waiting: list[Json] = []
    place = 0
    for row in rows:
        failed = row.status == "failed"
        embedded = 0 if failed else chosen[place]
        place += not failed
        waiting.append(
            [
                one_line(row.item, _NAME_CHARS),
                ("graded", "needs_review", "failed").index(row.status),
                row.score,
                bands.get(row.band or "", -1),
                row.verdicts,
                embedded,
                one_line(f"{row.code}: {row.message}", _NAME_CHARS) if failed else "",
                [one_line(row.columns.get(name, ""), _NAME_CHARS) for name in columns],
            ]
        )
        if len(waiting) == _ROWS:
            yield pack(waiting)
            waiting.clear()
    if waiting:
        yield pack(waiting)
