"""What a durable run is to do: its items in their order, and the shards that they are graded in.

In: items and how they are graded. Out: counts for the plan, shards for the queue, progress for whoever watches.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Final

from evaluator.batch.database import Database, Transaction
from evaluator.batch.packing import (
    KEEP_TRANSCRIPT,
    chunks,
    dictionary_of,
    pack_transcript,
    read_transcripts,
    storable,
)
from evaluator.batch.progress import Counts, Progress
from evaluator.batch.records import Item
from evaluator.batch.schema import create_tables
from evaluator.rubric import Rubric
from evaluator.values.transcript import Transcript

__all__ = ["Round", "RunStore", "Spec"]

_OPEN: Final = """SELECT min(position) AS first, i.key FROM ev_items i
    LEFT JOIN ev_results r ON r.grading = :grading AND r.key = i.key
    WHERE i.run = :run AND i.key IS NOT NULL AND (r.key IS NULL OR (r.graded = 0 AND r.again >= :again))
    GROUP BY i.key ORDER BY first"""


@dataclass(frozen=True, slots=True)
class Spec:
    """How a run grades; the same words under the same spec need grading once.

    Attributes:
        rubric: The rubric, whole, so that a machine without its file can grade by it.
        settings: What chooses the judge, by the names of `Settings`; no key is among them.
        grading: Hash of rubric, judge and whatever else results depend on.
    """

    rubric: Rubric
    settings: Mapping[str, object]
    grading: str


@dataclass(frozen=True, slots=True)
class Round:
    """One turn of a run through what needs a result.

    Attributes:
        run: Id of the run.
        grading: As in `Spec`.
        attempt: How often the run was begun.
        number: From 0 in each attempt.
        again: Which failures it takes beside what has no result: 0 all, 1 those that may pass, 2 none.
    """

    run: str
    grading: str
    attempt: int
    number: int
    again: int = 0


class RunStore:
    """The runs of one database. Safe to share between threads."""

    def __init__(self, database: Database) -> None:
        """Make the tables if they aren't there.

        Raises:
            DatabaseFailed: They can't be made.
        """
        self._database = database
        create_tables(database)

    def begin(self, run: str, spec: Spec, items: Iterable[Item]) -> tuple[Counts, int]:
        """Set what a run grades, and how; return what it holds, and the number of this attempt.

        Items that it held before and that aren't among these are no longer its own; results stay.
        """
        settings = {
            "run": run,
            "spec": json.dumps({"rubric": spec.rubric.model_dump_json(), "settings": dict(spec.settings)}),
            "grading": spec.grading,
        }
        dictionary = {"grading": spec.grading, "dictionary": dictionary_of(spec.rubric)}

        def work(transaction: Transaction) -> int:
            transaction.run(
                """INSERT INTO ev_runs (run, spec, grading, attempt) VALUES (:run, :spec, :grading, 1)
                ON CONFLICT (run) DO UPDATE SET spec = :spec, grading = :grading, stopped = NULL,
                    attempt = ev_runs.attempt + 1, lost_usd = ev_runs.lost_usd + ev_runs.at_risk_usd,
                    at_risk_usd = 0""",
                settings,
            )
            transaction.run(
                "INSERT INTO ev_gradings VALUES (:grading, :dictionary) ON CONFLICT (grading) DO NOTHING", dictionary
            )
            transaction.run("DELETE FROM ev_items WHERE run = :run", settings)
            ((attempt,),) = transaction.rows("SELECT attempt FROM ev_runs WHERE run = :run", {"run": run})
            return attempt

        attempt = self._database.write(work)
        position = 0
        for chunk in chunks(items):
            self._add_items(run, position, chunk)
            position += len(chunk)
        return self.counts(run, spec.grading), attempt

    def _add_items(self, run: str, first: int, items: Sequence[Item]) -> None:
        packed = [pack_transcript(item.transcript) if item.transcript else (None, b"") for item in items]
        rows = [
            {
                "run": run,
                "position": first + offset,
                "name": storable(item.name),
                "columns": storable(json.dumps(dict(item.columns))),
                "key": key,
                "problem": storable(json.dumps(asdict(item.problem))) if item.problem else None,
            }
            for offset, (item, (key, _)) in enumerate(zip(items, packed, strict=True))
        ]
        transcripts = [{"key": key, "packed": one} for key, one in sorted(dict(packed).items(), key=str) if key]

        def work(transaction: Transaction) -> None:
            transaction.run(KEEP_TRANSCRIPT, transcripts)
            transaction.run(
                """INSERT INTO ev_items (run, position, name, columns, key, problem)
                VALUES (:run, :position, :name, :columns, :key, :problem)
                ON CONFLICT (run, position) DO NOTHING""",
                rows,
            )

        self._database.write(work)

    def counts(self, run: str, grading: str) -> Counts:
        """Return what a run holds."""

        def work(transaction: Transaction) -> Counts:
            ((items, readable, different),) = transaction.rows(
                "SELECT count(*), count(key), count(DISTINCT key) FROM ev_items WHERE run = :run", {"run": run}
            )
            still = _open_count(transaction, run, grading)
            return Counts(items, items - readable, readable - different, different - still, still)

        return self._database.read(work)

    def sample(self, run: str, grading: str, size: int) -> list[Transcript]:
        """Return some of the transcripts that need a result, spread evenly over the run."""

        def work(transaction: Transaction) -> list[Transcript]:
            step = max(1, _open_count(transaction, run, grading) // size)
            rows = transaction.each(_OPEN, {"run": run, "grading": grading, "again": 0})
            chosen = [key for _, key in islice(rows, 0, size * step, step)]
            return list(read_transcripts(transaction, chosen).values())

        return self._database.read(work)

    def make_shards(self, turn: Round, size: int) -> list[str]:
        """Divide what needs a result, and stands in no unfinished shard, into shards; return their ids."""
        run, grading = turn.run, turn.grading

        def work(transaction: Transaction) -> list[str]:
            values = {"run": run, "grading": grading}
            held = transaction.rows(
                "SELECT keys FROM ev_shards WHERE run = :run AND grading = :grading AND finished = 0", values
            )
            taken = {key for (keys,) in held for key in keys.split()}
            rows = transaction.each(_OPEN, {**values, "again": turn.again})
            shards = [
                {"shard": f"{run}-{turn.attempt}.{turn.number}-{_digest(' '.join(keys))[:20]}", "keys": " ".join(keys)}
                for keys in chunks((key for _, key in rows if key not in taken), size)
            ]
            transaction.run(
                """INSERT INTO ev_shards (shard, run, attempt, grading, keys)
                VALUES (:shard, :run, :attempt, :grading, :keys) ON CONFLICT (shard) DO NOTHING""",
                [{**values, "attempt": turn.attempt, **shard} for shard in shards],
            )
            return [shard["shard"] for shard in shards]

        return self._database.write(work)

    def unfinished(self, run: str) -> list[str]:
        """Return the ids of a run's shards that nobody finished."""
        rows = self._database.read(
            lambda transaction: transaction.rows(
                "SELECT shard FROM ev_shards WHERE run = :run AND finished = 0 ORDER BY shard", {"run": run}
            )
        )
        return [shard for (shard,) in rows]

    def still_open(self, turn: Round) -> bool:
        """Return whether a turn would find anything that needs a result."""
        values = {"run": turn.run, "grading": turn.grading, "again": turn.again}
        return bool(self._database.read(lambda transaction: transaction.rows(f"{_OPEN} LIMIT 1", values)))

    def in_work(self, run: str) -> bool:
        """Return whether a shard of a run isn't finished."""
        return bool(
            self._database.read(
                lambda transaction: transaction.rows(
                    "SELECT 1 FROM ev_shards WHERE run = :run AND finished = 0 LIMIT 1", {"run": run}
                )
            )
        )

    def risk(self, run: str, cost_usd: float) -> None:
        """Say what calls that are in flight may cost, should the process die before it learns what they did."""
        self._database.write(
            lambda transaction: transaction.run(
                "UPDATE ev_runs SET at_risk_usd = :cost WHERE run = :run", {"run": run, "cost": cost_usd}
            )
        )

    def spent_usd(self, run: str) -> float:
        """Return what a run cost in all its attempts, with what may have been billed for calls that a crash cut off."""
        ((lost,),) = self._database.read(
            lambda transaction: transaction.rows("SELECT lost_usd FROM ev_runs WHERE run = :run", {"run": run})
        )
        return self.progress(run).cost_usd + float(lost)

    def let_go(self, shards: Sequence[str]) -> None:
        """Say that shards are finished as they are: what is open of them goes into new ones."""
        self._database.write(
            lambda transaction: transaction.run(
                "UPDATE ev_shards SET finished = 1 WHERE shard = :shard", [{"shard": shard} for shard in shards]
            )
        )

    def spec(self, run: str) -> Spec:
        """Return how a run grades."""
        ((spec, grading),) = self._database.read(
            lambda transaction: transaction.rows("SELECT spec, grading FROM ev_runs WHERE run = :run", {"run": run})
        )
        kept = json.loads(spec)
        return Spec(Rubric.model_validate_json(kept["rubric"]), kept["settings"], grading)

    def stop(self, run: str, reason: str) -> None:
        """Say that nothing more of a run shall be asked, and why; the first reason stays until it begins again."""
        self._database.write(
            lambda transaction: transaction.run(
                "UPDATE ev_runs SET stopped = :reason WHERE run = :run AND stopped IS NULL",
                {"run": run, "reason": storable(reason)},
            )
        )

    def stopped(self, run: str) -> str | None:
        """Return why a run was stopped; ``None`` if it wasn't."""
        ((reason,),) = self._database.read(
            lambda transaction: transaction.rows("SELECT stopped FROM ev_runs WHERE run = :run", {"run": run})
        )
        return reason

    def progress(self, run: str, attempt: int | None = None) -> Progress:
        """Return what a run did, in one attempt or in all."""
        ((*sums,),) = self._database.read(
            lambda transaction: transaction.rows(
                """SELECT coalesce(sum(graded), 0), coalesce(sum(review), 0), coalesce(sum(failed), 0),
                    coalesce(sum(requests), 0), coalesce(sum(cost_usd), 0), coalesce(sum(unpriced), 0)
                FROM ev_progress WHERE run = :run AND attempt >= :least AND attempt <= :most""",
                {"run": run, "least": attempt or 0, "most": attempt or 2**31 - 1},
            )
        )
        graded, review, failed, requests, cost_usd, unpriced = sums
        return Progress(int(graded), int(review), int(failed), int(requests), float(cost_usd), int(unpriced))


def _open_count(transaction: Transaction, run: str, grading: str) -> int:
    """Return how many different transcripts need a result."""
    return sum(1 for _ in transaction.each(_OPEN, {"run": run, "grading": grading, "again": 0}))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
