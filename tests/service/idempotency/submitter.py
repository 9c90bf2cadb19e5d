"""A process that sends requests until it is killed: ``python -m tests.service.idempotency.submitter FILE COUNT``.

Each is sent with a key of its own, again as long as it is told to wait; what is acknowledged is printed as key and id.
The work writes what it makes first, and only then takes its time, so that a kill often falls between the two.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from evaluator.batch.database import Database
from evaluator.service.idempotency.answers import Answer
from evaluator.service.idempotency.claims import ClaimStore
from evaluator.service.idempotency.replays import Idempotency
from evaluator.service.idempotency.sealing import Asked
from evaluator.service.problems import Problem

_LEASE_S = 0.4
_AT_ONCE = 8


async def _submit(path: Path, count: int) -> None:
    database = Database(path)
    idempotency, places = Idempotency(ClaimStore(database, lease_s=_LEASE_S)), asyncio.Semaphore(_AT_ONCE)

    async def work(made_id: str) -> Answer:
        await asyncio.to_thread(_make, database, made_id)
        await asyncio.sleep(0.02)
        return Answer(202, (), made_id.encode())

    async def send(number: int) -> None:
        async with places:
            while True:
                try:
                    done = await idempotency.once("tn_a", f"k{number}", Asked("POST", "/", b"x"), "eval", work)
                    break
                except Problem:
                    await asyncio.sleep(0.05)
        print(number, done.answer.body.decode(), flush=True)  # noqa: T201 - what its parent reads

    await asyncio.gather(*(send(number) for number in range(count)))
    database.close()


def _make(database: Database, made_id: str) -> None:
    database.write(
        lambda transaction: transaction.run("INSERT INTO made VALUES (:id) ON CONFLICT DO NOTHING", {"id": made_id})
    )


if __name__ == "__main__":
    asyncio.run(_submit(Path(sys.argv[1]), int(sys.argv[2])))
