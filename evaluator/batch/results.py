"""What became of each transcript of a durable run.

A result is written once: a graded one stands for good, a failure yields to whatever comes later. A shard that was taken
over has a new epoch, and results that come under an old one are dropped: a worker that was thought dead can't write.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from evaluator.batch.database import Database, Row, Transaction
from evaluator.batch.packing import pack_text, read_transcripts, unpack_text
from evaluator.batch.records import FailedItem, GradedItem, Problem
from evaluator.errors import EvaluatorError
from evaluator.store.answers import Answers, pack, pieces, unpack
from evaluator.values.evaluation import Evaluation
from evaluator.values.transcript import Transcript
from evaluator.values.usage import Usage

__all__ = ["Claim", "ClaimLost", "Result", "ResultStore", "ShardGone"]

_COLUMNS: Final = ("grading", "key", "graded", "review", "again", "shard", "packed")
_MOST_DICTIONARIES: Final = 64  # of 32 kB each; a service has one for each rubric
_Party: TypeAlias = tuple[str, int, str, str]
_NOT_GRADED: Final = Problem(
    "not_graded", "The run ended before it was this item's turn; run the same command.", again=True
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A shard in the hands of one worker.

    Attributes:
        shard: Its id.
        run: Id of the run.
        grading: As in `Spec`.
        attempt: How often its run was begun, this time included; what is done counts for this time.
        owner: Name of the worker.
        epoch: How often it was claimed; writing under an older one has no effect.
        open: Transcripts that still need a result, by content key.
    """

    shard: str
    run: str
    grading: str
    attempt: int
    owner: str
    epoch: int
    open: Mapping[str, Transcript]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one transcript; exactly one of evaluation and problem is set."""

    claim: Claim
    key: str
    evaluation: Evaluation | None
    problem: Problem | None
    usage: Usage


class ClaimLost(EvaluatorError):
    """Somebody else has taken the shard, as if this worker were dead; what it grades of it can't be kept."""


class ShardGone(EvaluatorError):
    """There is no such shard any more: nothing of it needs a result."""


class ResultStore:
    """The results of one database, whose tables are there. Safe to share between threads."""

    def __init__(self, database: Database) -> None:
        """Write to a database that `RunStore` has prepared."""
        self._database = database
        self._dictionaries: dict[str, bytes] = {}

    def claim(self, shard: str, owner: str) -> Claim:
        """Take a shard, whoever had it before, with what of it still needs a result and belongs to the run now.

        Raises:
            ShardGone: It was finished and forgotten; the queue died before it heard of it.
        """
        values = {"shard": shard, "owner": owner}

        def work(transaction: Transaction) -> Claim:
            taken = transaction.rows(
                """UPDATE ev_shards SET epoch = epoch + 1, owner = :owner,
                    attempt = (SELECT u.attempt FROM ev_runs u WHERE u.run = ev_shards.run)
                WHERE shard = :shard RETURNING run, grading, attempt, epoch, keys""",
                values,
            )
            if not taken:
                raise ShardGone("the shard is no longer there", where=shard)
            run, grading, attempt, epoch, keys = taken[0]
            wanted = transaction.rows(
                """SELECT DISTINCT i.key FROM ev_items i JOIN ev_runs u ON u.run = i.run
                LEFT JOIN ev_results r ON r.grading = :grading AND r.key = i.key
                WHERE i.run = :run AND i.key IN :keys AND u.grading = :grading
                    AND (r.key IS NULL OR (r.graded = 0 AND r.shard <> :shard))""",
                {"run": run, "grading": grading, "shard": shard, "keys": keys.split()},
            )
            known = {key for (key,) in wanted}
            found = read_transcripts(transaction, [key for key in keys.split() if key in known])
            return Claim(shard, run, grading, attempt, owner, epoch, found)

        return self._database.write(work)

    def release(self, claim: Claim) -> None:
        """Say that a shard is finished, unless somebody else has taken it."""
        self._database.write(
            lambda transaction: transaction.run(
                "UPDATE ev_shards SET finished = 1 WHERE shard = :shard AND epoch = :epoch",
                {"shard": claim.shard, "epoch": claim.epoch},
            )
        )

    def answers(self, heads: Sequence[str]) -> dict[str, Answers]:
        """Return what is known of some cases, by head."""
        rows = self._database.read(
            lambda transaction: transaction.rows(
                "SELECT head, packed FROM ev_answers WHERE head IN :heads ORDER BY number", {"heads": list(heads)}
            )
        )
        packed: dict[str, list[bytes]] = {}
        for head, one in rows:
            packed.setdefault(head, []).append(one)
        return {head: unpack(all_of_it) for head, all_of_it in packed.items()}

    def keep_answers(self, answers: Iterable[tuple[str, Answers]]) -> None:
        """Keep answers to some cases, by head, all or none."""
        rows = [{"head": head, "packed": pack(one)} for head, one in answers]
        self._database.write(
            lambda transaction: transaction.run("INSERT INTO ev_answers (head, packed) VALUES (:head, :packed)", rows)
        )

    def write(self, results: Sequence[Result]) -> set[str]:
        """Keep results in one transaction; return the shards of which nothing was kept.

        These were taken by somebody else: the results come under a claim that is lost.
        """
        rows = [(result, self._packed(result)) for result in results]

        def work(transaction: Transaction) -> set[str]:
            claims = {result.claim.shard: result.claim for result in results}
            holding = self._holding(transaction, claims)
            held = [(result, one) for result, one in rows if holding.get(result.claim.shard) == result.claim.epoch]
            by_party: dict[_Party, dict[str, tuple[Result, bytes]]] = {}
            for result, one in held:
                by_party.setdefault(_party(result), {})[result.key] = (result, one)
            for party, mine in by_party.items():
                self._put(transaction, party, mine)
            return {claim.shard for claim in claims.values() if holding.get(claim.shard) != claim.epoch}

        return self._database.write(work)

    def _holding(self, transaction: Transaction, claims: Mapping[str, Claim]) -> dict[str, int]:
        """Return the epochs of shards, which nobody can take before the transaction ends."""
        if not claims:
            return {}
        lock = " FOR SHARE" if self._database.shared else ""
        statement = f"SELECT shard, epoch FROM ev_shards WHERE shard IN :shards ORDER BY shard{lock}"  # noqa: S608 - our own text
        return {str(shard): int(epoch) for shard, epoch in transaction.rows(statement, {"shards": list(claims)})}

    def _put(self, transaction: Transaction, party: _Party, mine: Mapping[str, tuple[Result, bytes]]) -> None:
        """Put results in the place of nothing or of a failure, and count them."""
        run, attempt, grading, _ = party
        before = transaction.rows(
            """SELECT r.key, r.graded, s.run, s.attempt FROM ev_results r LEFT JOIN ev_shards s ON s.shard = r.shard
            WHERE r.grading = :grading AND r.key IN :keys""",
            {"grading": grading, "keys": list(mine)},
        )
        standing = {key for key, graded, _, _ in before if graded}
        fresh = [pair for key, pair in mine.items() if key not in standing]
        if not fresh:
            return
        for piece in pieces(fresh):
            values = {
                f"{name}_{number}": value
                for number, (result, packed) in enumerate(piece)
                for name, value in _result_row(result, packed).items()
            }
            transaction.run(_upsert(len(piece)), values)
        mended = sum(not graded and (told, begun) == (run, attempt) for _, graded, told, begun in before)
        self._count(transaction, [result for result, _ in fresh], mended)

    @staticmethod
    def _count(transaction: Transaction, results: Sequence[Result], mended: int) -> None:
        claim = results[0].claim
        graded = [result.evaluation for result in results if result.evaluation]
        transaction.run(
            """INSERT INTO ev_progress
            VALUES (:run, :attempt, :owner, :graded, :review, :failed, :requests, :cost_usd, :unpriced)
            ON CONFLICT (run, attempt, owner) DO UPDATE SET graded = ev_progress.graded + :graded,
                review = ev_progress.review + :review, failed = ev_progress.failed + :failed,
                requests = ev_progress.requests + :requests, cost_usd = ev_progress.cost_usd + :cost_usd,
                unpriced = ev_progress.unpriced + :unpriced""",
            {
                "run": claim.run,
                "attempt": claim.attempt,
                "owner": claim.owner,
                "graded": len(graded),
                "review": sum(evaluation.scorecard.needs_review for evaluation in graded),
                "failed": len(results) - len(graded) - mended,
                "requests": sum(result.usage.requests for result in results),
                "cost_usd": sum(result.usage.cost_usd for result in results),
                "unpriced": sum(not result.usage.priced for result in results),
            },
        )

    def records(
        self, run: str, grading: str, *, after: int = -1, settled: bool = False
    ) -> Iterator[GradedItem | FailedItem]:
        """Yield a record for each item of a run, in order; one without a result is a failure that says so.

        Args:
            run: Id of the run.
            grading: As in `Spec`.
            after: Position of the item behind which to begin.
            settled: End before the first item whose record may still change.
        """
        statement = """SELECT i.position, i.name, i.columns, i.problem, r.graded, r.packed,
                (SELECT f.name FROM ev_items f WHERE f.run = i.run AND f.key = i.key ORDER BY f.position LIMIT 1),
                i.problem IS NOT NULL OR r.graded = 1 OR (r.again = 0 AND s.attempt = u.attempt)
            FROM ev_items i JOIN ev_runs u ON u.run = i.run
            LEFT JOIN ev_results r ON r.grading = :grading AND r.key = i.key
            LEFT JOIN ev_shards s ON s.shard = r.shard
            WHERE i.run = :run AND i.position > :after ORDER BY i.position LIMIT :chunk"""
        for row in self._database.stream(statement, {"run": run, "grading": grading}, after=after):
            if settled and not row[-1]:
                return
            yield self._record(row, grading)

    def _record(self, row: Row, grading: str) -> GradedItem | FailedItem:
        _, name, columns, problem, graded, packed, first, _ = row
        told = json.loads(columns)
        if graded:
            evaluation = Evaluation.model_validate_json(self._unpacked(grading, packed))
            return GradedItem(item=name, columns=told, same_as=None if first == name else first, evaluation=evaluation)
        if problem is not None:
            return FailedItem(item=name, columns=told, **json.loads(problem))
        if packed is not None:
            return FailedItem(item=name, columns=told, **json.loads(self._unpacked(grading, packed)))
        return FailedItem(item=name, columns=told, **asdict(_NOT_GRADED))

    def _packed(self, result: Result) -> bytes:
        told = asdict(result.problem or _NOT_GRADED)
        text = json.dumps(told) if result.evaluation is None else result.evaluation.model_dump_json()
        return pack_text(text, self._dictionary_of(result.claim.grading))

    def _unpacked(self, grading: str, packed: bytes) -> bytes:
        return unpack_text(packed, self._dictionary_of(grading))

    def _dictionary_of(self, grading: str) -> bytes:
        dictionary = self._dictionaries.get(grading)
        if dictionary is None:
            ((dictionary,),) = self._database.read(
                lambda transaction: transaction.rows(
                    "SELECT dictionary FROM ev_gradings WHERE grading = :grading", {"grading": grading}
                )
            )
            if len(self._dictionaries) >= _MOST_DICTIONARIES:
                self._dictionaries.clear()
            self._dictionaries[grading] = dictionary
        return dictionary


@lru_cache(maxsize=8)
def _upsert(count: int) -> str:
    """Return the statement that puts so many results in the place of nothing or of a failure."""
    rows = ", ".join(f"({', '.join(f':{name}_{number}' for name in _COLUMNS)})" for number in range(count))
    changed = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[2:])
    return f"""INSERT INTO ev_results ({", ".join(_COLUMNS)}) VALUES {rows}
        ON CONFLICT (grading, key) DO UPDATE SET {changed} WHERE ev_results.graded = 0"""  # noqa: S608 - our own text


def _party(result: Result) -> _Party:
    """Return whose result it is: its run, how often that was begun, its grading and its worker."""
    claim = result.claim
    return claim.run, claim.attempt, claim.grading, claim.owner


def _result_row(result: Result, packed: bytes) -> dict[str, object]:
    return {
        "grading": result.claim.grading,
        "key": result.key,
        "graded": int(result.evaluation is not None),
        "review": int(result.evaluation is not None and result.evaluation.scorecard.needs_review),
        "again": int(result.problem is not None and result.problem.again),
        "shard": result.claim.shard,
        "packed": packed,
    }
