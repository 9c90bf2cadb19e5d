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
from functools import partial
from typing import Final

from evaluator.batch.database_failures import DatabaseFailed
from evaluator.errors import InputError
from evaluator.service.idempotency.answers import Answer, pack_answer, unpack_answer, worth_keeping
from evaluator.service.idempotency.claims import Busy, Claim, ClaimStore, Other, Replay
from evaluator.service.idempotency.sealing import Asked
from evaluator.service.problems import Problem

__all__ = ["Answered", "Idempotency"]

_KEY: Final = re.compile(r"[\x20-\x7e]{1,255}", re.ASCII)
_RENEWALS: Final = 3  # within one lease, so that two may fail
_RETRY_S: Final = 1
_FAILED: Final = 500


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
            prefix: Of the id of what the work makes, as in ``eval``.
            work: Gets the id, the same whenever it runs for this request, and must bear being run again with it.

        Raises:
            Problem: 422, the key has a wrong form or was used for another request; 409, the work is being done.
            DatabaseFailed: The claim can't be written; nothing was done.
        """
        new_id = f"{prefix}_{secrets.token_hex(12)}"
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

    def purge(self) -> int:
        """Delete what is older than a day; return how many requests that were.

        Raises:
            DatabaseFailed: It can't be written.
        """
        return self._claims.purge()

    async def _claimed(self, tenant: str, key: str, asked: Asked, new_id: str) -> Claim | Replay | Busy | Other:
        claiming = asyncio.ensure_future(asyncio.to_thread(self._claims.claim, tenant, key, asked, new_id))
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            claiming.add_done_callback(self._let_go_late)
            raise

    async def _done(self, claim: Claim, work: Callable[[str], Awaitable[Answer]]) -> Answer:
        end: Callable[[Claim], object] = self._claims.let_go
        try:
            async with self._renewed(claim):
                answer = await work(claim.id)
        except (Problem, InputError) as error:
            if isinstance(error, InputError) or error.status < _FAILED:
                end = self._refused(claim)
            raise
        else:
            if worth_keeping(answer):
                end = partial(self._claims.keep, answer=pack_answer(answer))
            elif answer.status < _FAILED:
                end = self._refused(claim)
            return answer
        finally:
            await asyncio.shield(asyncio.to_thread(_end, claim, end))

    def _refused(self, claim: Claim) -> Callable[[Claim], object]:
        """Return how a claim ends whose work was refused; an earlier try of it may have made something."""
        return self._claims.let_go if claim.again else self._claims.forget

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
            await asyncio.wait([renewing])

    def _let_go_late(self, claiming: asyncio.Future[Claim | Replay | Busy | Other]) -> None:
        """Let go of a claim that came for someone who no longer waits for it."""
        if claiming.cancelled() or claiming.exception() is not None:
            return
        claim = claiming.result()
        if isinstance(claim, Claim):
            asyncio.get_running_loop().run_in_executor(None, _end, claim, self._claims.let_go)


def _end(claim: Claim, end: Callable[[Claim], object]) -> None:
    with suppress(DatabaseFailed):  # the claim lapses, and whoever comes then makes the same thing under the same id
        end(claim)


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
