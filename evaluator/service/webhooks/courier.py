"""The courier: delivers what is due, in the background, as long as the service runs.

It has a thread and an event loop of its own, so that slow receivers and slow name servers cost the requests of the
service nothing. Each endpoint and each tenant has a share of what may be in flight, so that none keeps the others
waiting. Whatever is cut off (the end of the service, a crash, a database that is away) is delivered later, by this
process or another: at least once, always under the same id.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from evaluator.errors import EvaluatorError
from evaluator.service.webhooks.aside import aside
from evaluator.service.webhooks.ledger import Claim, Ledger
from evaluator.service.webhooks.sending import Outcome, Sender
from evaluator.service.webhooks.signing import signed_headers

__all__ = ["Courier", "Limits", "shares"]

_LOG: Final = logging.getLogger(__name__)
_PRUNE_S: Final = 3600.0
_RELEASE_S: Final = 1.0
_PENS: Final = 2  # writers at a time: the connections to the database are the whole service's


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a courier does at a time.

    Attributes:
        in_flight: Attempts in all.
        per_tenant: Attempts for one tenant.
        per_endpoint: Attempts at one endpoint.
        poll_s: How long it waits before it looks again whether something is due.
        drain_s: How long attempts that are under way may take to finish once it is closed.
    """

    in_flight: int = 64
    per_tenant: int = 16
    per_endpoint: int = 8
    poll_s: float = 1.0
    drain_s: float = 3.0


class Courier:
    """Delivers messages. Started once, closed once."""

    def __init__(
        self,
        ledger: Ledger,
        sender: Callable[[], Sender],
        *,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Hold what is needed; nothing runs before `start`.

        Args:
            ledger: Says what is due, and keeps what became of it.
            sender: Makes the sender of the courier's event loop.
            limits: How much is done at a time.
            clock: Seconds of the epoch: what messages are signed with.
        """
        self._ledger = ledger
        self._make_sender = sender
        self._limits = limits or Limits()
        self._clock = clock
        self._flying: dict[asyncio.Task[None], Claim] = {}
        self._ending = threading.Event()
        self._pens = asyncio.Semaphore(_PENS)
        self._wake: Callable[[], object] | None = None
        self._thread = threading.Thread(target=self._live, name="courier", daemon=True)

    def start(self) -> None:
        """Begin to deliver, in the background."""
        self._thread.start()

    def end(self) -> None:
        """Say that nothing more shall begin; what is under way may finish for a moment."""
        self._ending.set()
        if (wake := self._wake) is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended already
                wake()

    def close(self, within_s: float = 5.0) -> None:
        """Let what is under way finish for a moment, give back the rest, and end; returns after so long at most."""
        self.end()
        if self._thread.ident is not None:
            self._thread.join(within_s)

    def _live(self) -> None:
        with asyncio.Runner() as runner:
            runner.run(self._run())

    async def _run(self) -> None:
        loop, news = asyncio.get_running_loop(), asyncio.Event()
        self._wake = lambda: loop.call_soon_threadsafe(news.set)
        sender = self._make_sender()
        prune_s = 0.0
        while not self._ending.is_set():
            news.clear()
            claims = await self._claims()
            for claim in claims:
                task = asyncio.create_task(self._deliver(sender, claim))
                self._flying[task] = claim
                task.add_done_callback(lambda done: (self._landed(done), news.set()))
            if not claims:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(news.wait(), self._limits.poll_s)
            if (now_s := time.monotonic()) >= prune_s:
                prune_s = now_s + _PRUNE_S
                await self._patiently(self._ledger.prune)
        await self._drain()

    async def _claims(self) -> list[Claim]:
        """Take what is due and has room, unless the database is away."""
        if len(self._flying) >= self._limits.in_flight:
            return []
        try:
            due = await aside(lambda: self._ledger.due(self._limits.in_flight * 4))
            flying = [(claim.tenant, claim.endpoint) for claim in self._flying.values()]
            dealt = shares(due, flying, self._limits)
            return await aside(lambda: self._ledger.claim(dealt)) if dealt else []
        except EvaluatorError as error:
            _LOG.warning("webhooks_unread", extra={"code": type(error).__name__})
            return []

    async def _deliver(self, sender: Sender, claim: Claim) -> None:
        outcome = Outcome(None, "secret_unreadable", 0.0)
        if claim.secrets:
            headers = signed_headers(claim.message, claim.body, self._clock(), claim.secrets)
            outcome = await sender.send(claim.url, headers, claim.body)
        _LOG.info(
            "webhook_attempted",
            extra={
                "delivery": claim.delivery,
                "tenant": claim.tenant,
                "status": outcome.code,
                "code": outcome.error,
                "duration_ms": round(outcome.duration_s * 1000, 1),
            },
        )
        await self._patiently(lambda: self._ledger.settle(claim, outcome))

    async def _patiently(self, work: Callable[[], None]) -> None:
        """Do something with the ledger; if it can't be done, the lease runs out and the message is sent again."""
        try:
            async with self._pens:
                await aside(work)
        except EvaluatorError as error:
            _LOG.warning("webhooks_unwritten", extra={"code": type(error).__name__})

    def _landed(self, done: asyncio.Task[None]) -> None:
        del self._flying[done]
        if not done.cancelled() and (error := done.exception()) is not None:
            _LOG.error("webhook_broken", extra={"code": type(error).__name__})  # a trace may hold values

    async def _drain(self) -> None:
        """Wait for what is under way, then break it off and give it back."""
        if not self._flying:
            return
        _, late = await asyncio.wait(list(self._flying), timeout=self._limits.drain_s)
        cut = [self._flying[task] for task in late]
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        if cut:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._patiently(lambda: self._ledger.release(cut)), _RELEASE_S)


def shares(due: Sequence[tuple[str, str]], flying: Sequence[tuple[str, str]], limits: Limits) -> dict[str, int]:
    """Deal out what may begin: one to each endpoint by turns, as far as it, its tenant and the whole have room.

    Args:
        due: Tenant and id of each endpoint with something due, whoever shall come first before the others.
        flying: Tenant and id of the endpoint of each attempt that is under way.
        limits: How much may be.

    Returns:
        How many of each endpoint's; none that gets nothing.
    """
    at_endpoint = Counter(endpoint for _, endpoint in flying)
    at_tenant = Counter(tenant for tenant, _ in flying)
    room = limits.in_flight - len(flying)
    dealt = Counter[str]()
    waiting = list(due)
    while waiting and room > 0:
        still: list[tuple[str, str]] = []
        for tenant, endpoint in waiting:
            full = at_endpoint[endpoint] >= limits.per_endpoint or at_tenant[tenant] >= limits.per_tenant
            if full or room <= 0:
                continue
            at_endpoint[endpoint] += 1
            at_tenant[tenant] += 1
            dealt[endpoint] += 1
            room -= 1
            still.append((tenant, endpoint))
        waiting = still
    return dict(dealt)
