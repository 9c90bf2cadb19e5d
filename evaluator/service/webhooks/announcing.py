"""What receivers are told of evaluations and batches: ids, status, score and band; never a word of a transcript."""

from __future__ import annotations

from collections.abc import Sequence

from evaluator.batch.database import Transaction
from evaluator.service.batches.store import Ended
from evaluator.service.jobs.job import Settled
from evaluator.service.webhooks.outbox import Outbox

__all__ = ["Announcer"]


class Announcer:
    """Writes the events of jobs, in the transactions that settle them."""

    def __init__(self, outbox: Outbox) -> None:
        """Hold where events go."""
        self._outbox = outbox

    def evaluations(self, transaction: Transaction, settled: Sequence[Settled]) -> None:
        """Tell of evaluations, but for items of batches: ten thousand of them are one event, that of their batch."""
        for one in settled:
            if one.batch is not None:
                continue
            self._outbox.add(
                transaction,
                tenant=one.tenant,
                type="evaluation.completed" if one.status == "completed" else "evaluation.failed",
                data={
                    "id": one.id,
                    "status": one.status,
                    "rubric": one.rubric,
                    "judge": one.judge,
                    "score": one.score,
                    "band": one.band,
                    "needs_review": None if one.evaluation is None else one.evaluation.scorecard.needs_review,
                    "code": one.code,
                },
            )

    def batches(self, transaction: Transaction, ended: Sequence[Ended]) -> None:
        """Tell of batches; one that was cancelled, or of which no item could be judged, has failed."""
        for one in ended:
            fruitless = one.counts.items > 0 and one.counts.completed == 0
            self._outbox.add(
                transaction,
                tenant=one.tenant,
                type="batch.failed" if one.status != "completed" or fruitless else "batch.completed",
                data={"id": one.id, "status": one.status, "counts": one.counts.model_dump(mode="json")},
            )
