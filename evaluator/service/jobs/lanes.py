"""Lanes: the runs of durable work that a service's jobs are items of, one for each tenant and way of grading.

In: evaluations to be graded. Out: rows of `sv_evaluations` in work, shards for the queue; then, settled, the results in
these rows, and nothing left in the tables of the work. Each step is one transaction, so that whatever dies between two
of them is found again.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from evaluator.batch.database import Database, Row, Transaction
from evaluator.batch.packing import KEEP_TRANSCRIPT, chunks, dictionary_of, pack_transcript, unpack_text
from evaluator.batch.runs import Spec
from evaluator.batch.spec import LANE_OF
from evaluator.service.evaluations.store import forget_work, insert, settled_values
from evaluator.service.evaluations.wire import EvaluationFailure
from evaluator.service.jobs.job import Job, Settled
from evaluator.service.jobs.shards import assign, without_company
from evaluator.values.evaluation import Evaluation

__all__ = ["LANE", "LaneStore"]

LANE: Final = "lane-"  # how the id of a lane begins; on a shared database runs of `evaluator batch` stand beside it
_RUN_CHARS: Final = 29  # of the id of a lane, with which the ids of its shards begin
_AT_ONCE: Final = 100  # settled in one transaction
_PAUSES_S: Final = (5.0, 60.0)  # before each further try of what may pass
_STRAY_S: Final = 5.0


class LaneStore:
    """The lanes of one database. Safe to share between threads and processes."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], float] = time.time,
        announce: Callable[[Transaction, Sequence[Settled]], None] = lambda _, __: None,
    ) -> None:
        """Work on a database whose tables are there.

        Args:
            database: The database.
            clock: Seconds since 1970.
            announce: Called with what was settled, within the transaction that settles it.
        """
        self._database = database
        self._clock = clock
        self._announce = announce

    def submit(self, tenant: str, spec: Spec, jobs: Iterable[Job]) -> int:
        """Keep jobs to be graded, those that aren't known yet; return how many these are."""
        run, spec = _lane(tenant, spec)
        told = json.dumps({"rubric": spec.rubric.model_dump_json(), "settings": dict(spec.settings)})
        lane = {"run": run, "spec": told, "grading": spec.grading, "dictionary": dictionary_of(spec.rubric)}
        fresh = 0
        for chunk in chunks(jobs):
            packed = [pack_transcript(job.transcript) if job.transcript else None for job in chunk]
            fresh += self._database.write(
                lambda transaction, chunk=chunk, packed=packed: _submit(transaction, lane, chunk, packed)
            )
        return fresh

    def unqueued(self) -> list[str]:
        """Return the shards that hold work and that no queue has been told of."""
        rows = self._database.read(
            lambda transaction: transaction.rows(
                "SELECT shard FROM ev_shards WHERE finished = 0 AND attempt = 0 ORDER BY shard"
            )
        )
        return [shard for (shard,) in rows]

    def queued(self, shards: Sequence[str]) -> None:
        """Say that a queue has taken shards."""
        self._database.write(
            lambda transaction: transaction.run(
                "UPDATE ev_shards SET attempt = 1 WHERE shard = :shard AND attempt = 0",
                [{"shard": shard} for shard in shards],
            )
        )

    def settle(self) -> list[Settled]:
        """Move what was graded, or failed for good, into its rows; return it."""

        def work(transaction: Transaction) -> list[Settled]:
            rows = transaction.rows(
                f"""SELECT e.number, e.tenant, e.id, e.batch, e.rubric, e.judge, e.run, e.key, e.grading, e.tries,
                    r.graded, r.again, r.packed, g.dictionary
                FROM sv_evaluations e JOIN ev_results r ON r.grading = e.grading AND r.key = e.key
                JOIN ev_gradings g ON g.grading = e.grading
                WHERE e.status = 'queued' AND e.retry_s IS NULL
                ORDER BY e.number LIMIT {_AT_ONCE}{self._locked("e")}"""  # noqa: S608 - our own text
            )
            settled = [done for row in rows if (done := self._settled(transaction, row)) is not None]
            self._announce(transaction, settled)
            return settled

        return self._database.write(work)

    def fail_stopped(self) -> list[Settled]:
        """Fail what waits in lanes whose judge refuses every transcript, and let these begin anew."""

        def work(transaction: Transaction) -> list[Settled]:
            stopped = transaction.rows(
                f"SELECT run, stopped FROM ev_runs WHERE stopped IS NOT NULL AND run LIKE '{LANE}%'"  # noqa: S608 - our own text
            )
            settled: list[Settled] = []
            for run, reason in stopped:
                rows = transaction.rows(
                    f"""SELECT number, tenant, id, batch, rubric, judge, run, key, grading FROM sv_evaluations
                    WHERE run = :run AND status = 'queued'{self._locked("sv_evaluations")}""",  # noqa: S608 - our own text
                    {"run": run},
                )
                settled += [
                    self._end(
                        transaction, row, None, EvaluationFailure(code="judge_refused", message=reason, again=False)
                    )
                    for row in rows
                ]
                transaction.run(
                    "UPDATE ev_runs SET stopped = NULL, attempt = attempt + 1 WHERE run = :run", {"run": run}
                )
            self._announce(transaction, settled)
            return settled

        return self._database.write(work)

    def revive(self) -> int:
        """Put into new shards what is to be tried again, and what no shard will bring; return how many these are."""
        now_s = self._clock()

        def work(transaction: Transaction) -> int:
            rows = transaction.rows(
                f"""SELECT e.number, e.run, e.grading, e.key FROM sv_evaluations e
                LEFT JOIN ev_shards s ON s.shard = e.shard
                WHERE e.status = 'queued' AND ((e.retry_s IS NOT NULL AND e.retry_s <= :now) OR (
                    e.retry_s IS NULL AND e.created_s < :old AND (s.shard IS NULL OR s.finished = 1)
                    AND NOT EXISTS (SELECT 1 FROM ev_results r WHERE r.grading = e.grading AND r.key = e.key)))
                ORDER BY e.number LIMIT {_AT_ONCE}{self._locked("e")}""",  # noqa: S608 - our own text
                {"now": now_s, "old": now_s - _STRAY_S},
            )
            by_lane: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
            for number, run, grading, key in rows:
                by_lane[run, grading].append((number, key))
            for (run, grading), items in by_lane.items():
                assign(transaction, run, grading, items)
            return len(rows)

        return self._database.write(work)

    def cancel(self, tenant: str, batch: str) -> int:
        """Cancel what of a batch isn't judged yet; return how many items that concerns."""

        def work(transaction: Transaction) -> int:
            rows = transaction.rows(
                """UPDATE sv_evaluations SET status = 'cancelled', settled_s = :now
                WHERE tenant = :tenant AND batch = :batch AND status = 'queued' RETURNING number, run, key, grading""",
                {"tenant": tenant, "batch": batch, "now": self._clock()},
            )
            forget_work(transaction, [tuple(row) for row in rows])
            return len(rows)

        return self._database.write(work)

    def depth(self) -> int:
        """Return how many evaluations wait or are in work."""
        ((count,),) = self._database.read(
            lambda transaction: transaction.rows("SELECT count(*) FROM sv_evaluations WHERE status = 'queued'")
        )
        return int(count)

    def sweep(self) -> None:
        """Forget shards that are finished and that no evaluation in work names; the queue may still know them.

        And what a judge said of evaluations that were deleted, or cancelled, while it had them.
        """

        def work(transaction: Transaction) -> None:
            transaction.run(
                f"""DELETE FROM ev_shards WHERE finished = 1 AND run LIKE '{LANE}%' AND NOT EXISTS (
                    SELECT 1 FROM sv_evaluations e WHERE e.shard = ev_shards.shard AND e.status = 'queued')"""  # noqa: S608 - our own text
            )
            transaction.run(
                f"""DELETE FROM ev_results WHERE shard LIKE '{LANE}%' AND NOT EXISTS (SELECT 1 FROM ev_items i
                    WHERE i.run = substr(ev_results.shard, 1, {_RUN_CHARS}) AND i.key = ev_results.key)"""  # noqa: S608 - our own text
            )

        self._database.write(work)

    def _settled(self, transaction: Transaction, row: Row) -> Settled | None:
        tries, graded, again, packed, dictionary = row[9:]
        text = unpack_text(packed, dictionary)
        if graded:
            return self._end(transaction, row, Evaluation.model_validate_json(text), None)
        problem = EvaluationFailure.model_validate_json(text)
        if again and tries < len(_PAUSES_S):
            transaction.run(
                "UPDATE sv_evaluations SET tries = tries + 1, retry_s = :at WHERE number = :number",
                {"at": self._clock() + _PAUSES_S[int(tries)], "number": int(row[0])},
            )
            transaction.run(
                "DELETE FROM ev_results WHERE grading = :grading AND key = :key",
                {"grading": str(row[8]), "key": str(row[7])},
            )
            return None
        return self._end(transaction, row, None, problem)

    def _end(
        self, transaction: Transaction, row: Row, evaluation: Evaluation | None, problem: EvaluationFailure | None
    ) -> Settled:
        number, tenant, id_, batch, rubric, judge, run, key, grading = row[:9]
        status = "completed" if evaluation else "failed"
        values = settled_values(evaluation, problem)
        transaction.run(
            """UPDATE sv_evaluations SET status = :status, settled_s = :now, score = :score, band = :band,
                review = :review, cost_usd = :cost_usd, packed = :packed, code = :code, message = :message,
                again = :again, run = NULL, key = NULL, grading = NULL, shard = NULL
            WHERE number = :number""",
            {"status": status, "now": self._clock(), "number": number, **values},
        )
        forget_work(transaction, [(number, run, key, grading)])
        card = evaluation.scorecard if evaluation else None
        return Settled(
            tenant=tenant,
            id=id_,
            batch=batch,
            status=status,
            rubric=rubric,
            judge=judge,
            score=card.score if card else None,
            band=card.band if card else None,
            cost_usd=evaluation.usage.cost_usd if evaluation else 0.0,
            evaluation=evaluation,
            code=problem.code if problem else None,
        )

    def _locked(self, table: str) -> str:
        """Return what keeps other processes on a shared database off the rows that are chosen."""
        return f" FOR UPDATE OF {table} SKIP LOCKED" if self._database.shared else ""


def _lane(tenant: str, spec: Spec) -> tuple[str, Spec]:
    """Return the id of a tenant's lane, and its spec under a grading of its own: tenants share no result."""
    grading = hashlib.sha256(f"{tenant}\0{spec.grading}".encode()).hexdigest()[:40]
    return f"{LANE}{grading[: _RUN_CHARS - len(LANE)]}", replace(
        spec, grading=grading, settings={**spec.settings, LANE_OF: spec.grading}
    )


def _submit(
    transaction: Transaction,
    lane: Mapping[str, object],
    jobs: Sequence[Job],
    packed: Sequence[tuple[str, bytes] | None],
) -> int:
    run, grading = str(lane["run"]), str(lane["grading"])
    transaction.run(
        """INSERT INTO ev_runs (run, spec, grading, attempt) VALUES (:run, :spec, :grading, 1)
        ON CONFLICT (run) DO NOTHING""",
        lane,
    )
    transaction.run("INSERT INTO ev_gradings VALUES (:grading, :dictionary) ON CONFLICT (grading) DO NOTHING", lane)
    fresh = [(job, one) for job, one in zip(jobs, packed, strict=True) if insert(transaction, [job.kept])]
    items: list[tuple[int, str]] = []
    for job, words_by_key in fresh:
        if words_by_key is None:
            continue
        key, words = words_by_key
        ((number,),) = transaction.rows(
            """UPDATE sv_evaluations SET run = :run, grading = :grading, key = :key
            WHERE tenant = :tenant AND id = :id RETURNING number""",
            {"run": run, "grading": grading, "key": key, "tenant": job.kept.tenant, "id": job.kept.id},
        )
        transaction.run(KEEP_TRANSCRIPT, {"key": key, "packed": words})
        transaction.run(
            "INSERT INTO ev_items (run, position, name, columns, key) VALUES (:run, :position, '', '{}', :key)",
            {"run": run, "position": number, "key": key},
        )
        items.append((number, key))
    assign(transaction, run, grading, without_company(transaction, run, items))
    return len(fresh)
