"""The shards of a lane: evaluations that a worker takes at once, those with the same words together."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from evaluator.batch.database import Transaction
from evaluator.batch.packing import chunks

__all__ = ["assign", "without_company"]

_SHARD: Final = 16  # items of a batch that a worker takes at once


def assign(transaction: Transaction, run: str, grading: str, items: Iterable[tuple[int, str]]) -> None:
    """Put evaluations, by number and key, into new shards, which no queue knows yet."""
    for piece in chunks(items, _SHARD):
        _assign(transaction, run, grading, piece)


def without_company(transaction: Transaction, run: str, items: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Yield the items whose words nobody in the lane has in work; the others join the shard that has them."""
    for number, key in items:
        held = transaction.rows(
            """SELECT e.shard FROM sv_evaluations e JOIN ev_shards s ON s.shard = e.shard AND s.finished = 0
            WHERE e.run = :run AND e.key = :key AND e.status = 'queued' LIMIT 1""",
            {"run": run, "key": key},
        )
        if held:
            transaction.run(
                "UPDATE sv_evaluations SET shard = :shard WHERE number = :number",
                {"shard": held[0][0], "number": number},
            )
        else:
            yield number, key


def _assign(transaction: Transaction, run: str, grading: str, items: Sequence[tuple[int, str]]) -> None:
    """Put items into a new shard, which no queue knows yet."""
    shard = f"{run}-{secrets.token_hex(8)}"
    transaction.run(
        """INSERT INTO ev_shards (shard, run, attempt, grading, keys) VALUES (:shard, :run, 0, :grading, :keys)""",
        {"shard": shard, "run": run, "grading": grading, "keys": " ".join(dict.fromkeys(key for _, key in items))},
    )
    transaction.run(
        "UPDATE sv_evaluations SET shard = :shard, retry_s = NULL WHERE number = :number",
        [{"shard": shard, "number": number} for number, _ in items],
    )
