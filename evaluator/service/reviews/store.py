"""Reviews of stored evaluations: who said what of which verdict, when and why.

Nothing here changes an evaluation. Of one reviewer and criterion the latest review counts; the earlier ones stay as
history. With an evaluation its reviews go: whoever deletes evaluations calls `forget_reviews` in the same transaction.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Final, cast

from evaluator.agreement.labels import Label
from evaluator.batch.database import Database, Row, Transaction
from evaluator.batch.packing import storable
from evaluator.service.problems import Problem
from evaluator.service.reviews.review import Review, Reviewed, latest
from evaluator.values.evaluation import Evaluation
from evaluator.values.judge import Verdict

__all__ = ["ReviewStore", "forget_reviews"]

_COLUMNS: Final = "number, criterion, judged, reviewer, verdict, reason, created_s"
_AT_ONCE: Final = 50  # evaluations that are read in one transaction
_MOST: Final = 2000  # reviews of one evaluation: nobody says so much


class ReviewStore:
    """The reviews of one database, whose tables are there. Safe to share between threads."""

    def __init__(self, database: Database) -> None:
        """Read and write that database."""
        self._database = database

    def put(  # noqa: PLR0913, PLR0917 - who says what of which, why and when
        self, tenant: str, evaluation_id: str, criterion: str, verdict: Label, reason: str, reviewer: str, now_s: float
    ) -> Review:
        """Keep a review, and return it; the same words of the same reviewer again change nothing.

        Raises:
            Problem: 404, the tenant has no such evaluation, or it no such criterion; 409, it isn't judged, or has more
                reviews than anybody reads.
        """
        said = (verdict, storable(reason), storable(reviewer))
        locked = " FOR SHARE" if self._database.shared else ""  # so that it isn't deleted meanwhile

        def work(transaction: Transaction) -> Review:
            rows = transaction.rows(
                f"SELECT packed, judge FROM sv_evaluations WHERE tenant = :tenant AND id = :evaluation{locked}",  # noqa: S608 - our own text
                {"tenant": tenant, "evaluation": evaluation_id},
            )
            if not rows:
                raise _unknown_evaluation()
            packed, judge = rows[0]
            if packed is None:
                raise _conflict("it isn't judged", "wait until its status is completed")
            evaluation = _unpacked(packed)
            judged = _verdict_of(evaluation, criterion)
            former = _reviews(_rows_of(transaction, tenant, evaluation_id))
            same = [r for r in former if r.current and (r.criterion, r.reviewer) == (criterion, said[2])]
            if same and (same[0].verdict, same[0].reason) == said[:2]:
                return same[0]
            if len(former) >= _MOST:
                raise _conflict(f"it has {_MOST} reviews already", "delete some")
            transaction.run(
                """INSERT INTO sv_reviews (tenant, evaluation, rubric, judge, criterion, judged, reviewer, verdict,
                    reason, created_s)
                VALUES (:tenant, :evaluation, :rubric, :judge, :criterion, :judged, :reviewer, :verdict, :reason,
                    :now)""",
                {
                    "tenant": tenant,
                    "evaluation": evaluation_id,
                    "rubric": evaluation.rubric.id,
                    "judge": judge,
                    "criterion": criterion,
                    "judged": judged,
                    "reviewer": said[2],
                    "verdict": verdict,
                    "reason": said[1],
                    "now": now_s,
                },
            )
            return Review(
                criterion=criterion,
                judged=judged,
                verdict=verdict,
                reason=said[1],
                reviewer=said[2],
                created_s=now_s,
            )

        return self._database.write(work)

    def of(self, tenant: str, evaluation_id: str) -> tuple[Review, ...]:
        """Return all reviews of an evaluation, oldest first, those that no longer count among them.

        Raises:
            Problem: 404; the tenant has no such evaluation.
        """

        def work(transaction: Transaction) -> tuple[Review, ...]:
            if not transaction.rows(
                "SELECT 1 FROM sv_evaluations WHERE tenant = :tenant AND id = :id",
                {"tenant": tenant, "id": evaluation_id},
            ):
                raise _unknown_evaluation()
            return _reviews(_rows_of(transaction, tenant, evaluation_id))

        return self._database.read(work)

    def withdraw(self, tenant: str, evaluation_id: str, criterion: str, reviewer: str) -> bool:
        """Delete what a reviewer said of a criterion, the history included; return whether there was anything."""
        return bool(
            self._database.write(
                lambda transaction: transaction.run(
                    """DELETE FROM sv_reviews WHERE tenant = :tenant AND evaluation = :evaluation
                        AND criterion = :criterion AND reviewer = :reviewer""",
                    {
                        "tenant": tenant,
                        "evaluation": evaluation_id,
                        "criterion": criterion,
                        "reviewer": storable(reviewer),
                    },
                )
            )
        )

    def count(self, tenant: str, rubric: str, judge: str | None = None) -> int:
        """Return how many evaluations by a rubric, and of a judge if one is named, have reviews."""
        statement = "SELECT count(DISTINCT evaluation) FROM sv_reviews WHERE tenant = :tenant AND rubric = :rubric"
        values = {"tenant": tenant, "rubric": rubric, "judge": judge}
        ((count,),) = self._database.read(lambda transaction: transaction.rows(statement + _of_judge(judge), values))
        return int(count)

    def each(self, tenant: str, rubric: str, judge: str | None = None) -> Iterator[Reviewed]:
        """Yield the evaluations by a rubric that have reviews, by id, never many in memory at once."""
        after = ""
        while found := self._some(tenant, rubric, judge, after):
            yield from found
            after = found[-1].id

    def _some(self, tenant: str, rubric: str, judge: str | None, after: str) -> list[Reviewed]:
        def work(transaction: Transaction) -> list[Reviewed]:
            rows = transaction.rows(
                f"""SELECT e.id, e.candidate, e.packed, e.settled_s FROM sv_evaluations e
                WHERE e.tenant = :tenant AND e.packed IS NOT NULL AND e.id > :after AND e.id IN (
                    SELECT evaluation FROM sv_reviews WHERE tenant = :tenant AND rubric = :rubric{_of_judge(judge)})
                ORDER BY e.id LIMIT {_AT_ONCE}""",  # noqa: S608 - our own text
                {"tenant": tenant, "rubric": rubric, "judge": judge, "after": after},
            )
            return [
                Reviewed(
                    id_,
                    candidate,
                    _unpacked(packed),
                    settled_s or 0.0,
                    latest(_reviews(_rows_of(transaction, tenant, id_))),
                )
                for id_, candidate, packed, settled_s in rows
            ]

        return self._database.read(work)


def forget_reviews(transaction: Transaction, evaluations: Sequence[tuple[str, str]]) -> None:
    """Delete the reviews of evaluations, (tenant, id) each, in the transaction that deletes these."""
    transaction.run(
        "DELETE FROM sv_reviews WHERE tenant = :tenant AND evaluation = :id",
        [{"tenant": tenant, "id": id_} for tenant, id_ in evaluations],
    )


def _of_judge(judge: str | None) -> str:
    return "" if judge is None else " AND judge = :judge"


def _rows_of(transaction: Transaction, tenant: str, evaluation_id: str) -> Sequence[Row]:
    return transaction.rows(
        f"SELECT {_COLUMNS} FROM sv_reviews WHERE tenant = :tenant AND evaluation = :evaluation ORDER BY number",  # noqa: S608 - our own text
        {"tenant": tenant, "evaluation": evaluation_id},
    )


def _reviews(rows: Sequence[Row]) -> tuple[Review, ...]:
    """Return rows, oldest first, as reviews."""
    last = {(criterion, reviewer): number for number, criterion, _, reviewer, *_ in rows}
    return tuple(
        Review(
            criterion=criterion,
            judged=cast("Verdict", judged),
            verdict=cast("Label", verdict),
            reason=reason,
            reviewer=reviewer,
            created_s=created_s,
            current=last[criterion, reviewer] == number,
        )
        for number, criterion, judged, reviewer, verdict, reason, created_s in rows
    )


def _unpacked(packed: bytes) -> Evaluation:
    return Evaluation.model_validate_json(zlib.decompress(packed))


def _verdict_of(evaluation: Evaluation, criterion: str) -> Verdict:
    for finding in evaluation.findings:
        if finding.criterion == criterion:
            return finding.verdict
    raise Problem(
        404,
        "not_found",
        "The evaluation has no such criterion",
        where="criterion",
        remedy="take one of its findings' `criterion`",
    )


def _unknown_evaluation() -> Problem:
    return Problem(404, "not_found", "There is no such evaluation", where="id")


def _conflict(detail: str, remedy: str) -> Problem:
    return Problem(
        409, "review_conflict", "The evaluation can't be reviewed now", detail=detail, where="id", remedy=remedy
    )
