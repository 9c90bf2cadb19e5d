"""Work that is done once however often it is asked for.

In: a request with its Idempotency-Key, and the work that answers it. Out: the answer, fresh or kept. Knows requests and
answers as values, so that it can be driven without a server.
"""

from __future__ import annotations

import asyncio
import math
import re
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from evaluator.batch.database import DatabaseFailed
from evaluator.service.idempotency.answers import Answer, pack_answer, unpack_answer, worth_keeping
from evaluator.service.idempotency.claims import Busy, Claim, ClaimStore, Other, Replay
from evaluator.service.idempotency.sealing import Asked
from evaluator.service.problems import Problem

__all__ = ["Answered", "Idempotency"]

_KEY: Final = re.compile(r"[\x20-\x7e]{1,255}", re.ASCII)
_RENEWALS: Final = 3  # within one lease, so that two may fail
_RETRY_S: Final = 1


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, and whether it is a kept one."""

    answer: Answer
    replayed: bool


class Idempotency:
    """Does work once. Shared by all requests."""

    def __init__(self, claims: ClaimStore) -> None:
        """Keep claims there."""
        self._claims = claims

    async def once(
        self, tenant: str, key: str | None, asked: Asked, prefix: str, work: Callable[[str], Awaitable[Answer]]
    ) -> Answered:
        """Do some work, unless the same request was answered already: then return that answer.

        Args:
            tenant: Whose request.
            key: Its Idempotency-Key; without one the work is always done.
            asked: The rest of it.
            prefix: Of the id of what the work makes, as in ``ev_``.
            work: Gets the id, the same whenever it runs for this request, and must bear being run again with it.

        Raises:
            Problem: 422, the key has a wrong form or was used for another request; 409, the work is being done.
            DatabaseFailed: The claim can't be written; nothing was done.
        """
        new_id = f"{prefix}{secrets.token_hex(12)}"
        if key is None:
            return Answered(await work(new_id), replayed=False)
        _check(key)
        match await self._claimed(tenant, key, asked, new_id):
            case Replay(packed):
                return Answered(unpack_answer(packed), replayed=True)
            case Busy(lapses_after_s):
                raise _busy(lapses_after_s)
            case Other():
                raise _other()
            case claim:
                return Answered(await self._done(claim, work), replayed=False)

    async def _claimed(self, tenant: str, key: str, asked: Asked, new_id: str) -> Claim | Replay | Busy | Other:
        claiming = asyncio.ensure_future(asyncio.to_thread(self._claims.claim, tenant, key, asked, new_id))
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            claiming.add_done_callback(self._let_go_late)
            raise

    async def _done(self, claim: Claim, work: Callable[[str], Awaitable[Answer]]) -> Answer:
        kept = False
        try:
            async with self._renewed(claim):
                answer = await work(claim.id)
            if worth_keeping(answer):
                await asyncio.shield(asyncio.to_thread(self._claims.keep, claim, pack_answer(answer)))
                kept = True
            return answer
        finally:
            if not kept:
                await asyncio.shield(asyncio.to_thread(self._let_go, claim))

    @asynccontextmanager
    async def _renewed(self, claim: Claim) -> AsyncGenerator[None]:
        """Hold a claim while the block runs."""

        async def renew() -> None:
            while True:
                await asyncio.sleep(self._claims.lease_s / _RENEWALS)
                with suppress(DatabaseFailed):
                    await asyncio.to_thread(self._claims.renew, claim)

        renewing = asyncio.create_task(renew())
        try:
            yield
        finally:
            renewing.cancel()
            with suppress(asyncio.CancelledError):
                await renewing

    def _let_go(self, claim: Claim) -> None:
        with suppress(DatabaseFailed):  # it lapses
            self._claims.let_go(claim)

    def _let_go_late(self, claiming: asyncio.Future[Claim | Replay | Busy | Other]) -> None:
        """Let go of a claim that came for someone who no longer waits for it."""
        if claiming.cancelled() or claiming.exception() is not None:
            return
        claim = claiming.result()
        if isinstance(claim, Claim):
            asyncio.get_running_loop().run_in_executor(None, self._let_go, claim)


def _check(key: str) -> None:
    if not _KEY.fullmatch(key):
        raise Problem(
            422,
            "idempotency_key",
            "The Idempotency-Key has a wrong form",
            where="Idempotency-Key",
            remedy="send 1 to 255 printable ASCII characters, such as a new UUID",
        )


def _busy(lapses_after_s: float) -> Problem:
    return Problem(
        409,
        "idempotency_in_progress",
        "The same request is being worked on",
        detail=f"if nobody works on it any more, it can be sent again within {math.ceil(lapses_after_s)} s",
        where="Idempotency-Key",
        remedy="wait as long as Retry-After says, then send it again",
        headers={"Retry-After": str(_RETRY_S)},
    )


def _other() -> Problem:
    return Problem(
        422,
        "idempotency_mismatch",
        "The Idempotency-Key was used for another request",
        where="Idempotency-Key",
        remedy="send the very same request, or another key",
    )
