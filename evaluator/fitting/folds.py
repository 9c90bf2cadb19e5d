"""What is held out together: labelled rows in, a fold for each row id out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from evaluator.agreement.labels import LabelledRow
from evaluator.errors import LabelsError

__all__ = ["folds_of"]

_MOST: Final = 8  # folds; more cost time and say little more
_USUAL: Final = 5


def folds_of(rows: Sequence[LabelledRow]) -> dict[str, str]:
    """Return the fold of each row, by its id; a fold is an author where that can be.

    Transcripts of one author resemble one another, so no author is ever split, unless there is but one: then rows are
    dealt out in turn, and figures flatter. More than eight authors share five folds.

    Raises:
        LabelsError: There are fewer than two rows.
    """
    if len(rows) < 2:  # noqa: PLR2004 - one row can't be held out from itself
        raise LabelsError("training needs at least two rows", remedy="label more transcripts")
    authors = sorted({row.author for row in rows})
    if len(authors) == 1:
        names = [str(number + 1) for number in range(min(_USUAL, len(rows)))]
        ordered = sorted(row.id for row in rows)
        return {row_id: names[place % len(names)] for place, row_id in enumerate(ordered)}
    if len(authors) <= _MOST:
        return {row.id: row.author for row in rows}
    shared = {author: str(place % _USUAL + 1) for place, author in enumerate(authors)}
    return {row.id: shared[row.author] for row in rows}
