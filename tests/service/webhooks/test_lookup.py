"""Tests of look-ups of names, and of work in threads of its own."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest

from evaluator.service.webhooks.aside import aside
from evaluator.service.webhooks.lookup import SystemLookup

pytestmark = pytest.mark.loopback


class _Resolver:
    """A resolver that answers when it is let, and counts."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = threading.Event()

    def __call__(self, host: str, port: int, *, type: int) -> list[tuple[int, int, int, str, tuple[str, int]]]:  # noqa: A002 - the library's name
        del type
        self.asked += 1
        self.may_answer.wait(10)
        if host == "nowhere.example":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(0, 0, 0, "", ("192.0.2.1", port)), (0, 0, 0, "", ("2001:db8::1", port))] * 2


async def test_an_address_is_its_own_answer() -> None:
    """What is an address already needs no server, and comes out in its usual form."""
    assert await SystemLookup().addresses("127.1", 443) == ["127.0.0.1"]
    assert await SystemLookup().addresses("::1", 443) == ["::1"]


async def test_a_name_is_asked_for_once_at_a_time() -> None:
    """Whoever asks while a look-up is under way gets its answer; later ones ask anew."""
    resolver = _Resolver()
    lookup = SystemLookup(resolver)
    asking = [asyncio.create_task(lookup.addresses("a.example", 443)) for _ in range(5)]
    await asyncio.sleep(0.05)
    resolver.may_answer.set()
    assert await asyncio.gather(*asking) == [["192.0.2.1", "2001:db8::1"]] * 5
    assert resolver.asked == 1
    await lookup.addresses("a.example", 443)
    assert resolver.asked == 2


async def test_one_that_gives_up_takes_no_answer_from_the_others() -> None:
    """A look-up goes on for who still waits."""
    resolver = _Resolver()
    lookup = SystemLookup(resolver)
    hasty, patient = (asyncio.create_task(lookup.addresses("a.example", 443)) for _ in range(2))
    await asyncio.sleep(0.05)
    hasty.cancel()
    resolver.may_answer.set()
    assert len(await patient) == 2


async def test_names_that_never_answer_do_not_pile_up() -> None:
    """Beyond a limit further names fail at once, and threads don't grow without end."""
    resolver = _Resolver()
    lookup = SystemLookup(resolver)
    hanging = [asyncio.create_task(lookup.addresses(f"{number}.example", 443)) for number in range(64)]
    await asyncio.sleep(0.05)
    with pytest.raises(OSError, match="too many"):
        await lookup.addresses("more.example", 443)
    resolver.may_answer.set()
    await asyncio.gather(*hanging)
    assert await lookup.addresses("more.example", 443)


async def test_a_name_that_does_not_exist_is_an_error() -> None:
    """As is one that no server could be asked for."""
    resolver = _Resolver()
    resolver.may_answer.set()
    with pytest.raises(OSError, match="known"):
        await SystemLookup(resolver).addresses("nowhere.example", 443)
    with pytest.raises(OSError, match="can't be looked up"):
        await SystemLookup().addresses("a" * 64 + ".example", 443)


async def test_work_aside_returns_and_raises() -> None:
    """The result, or the error, comes to who waits; the thread is one that no exit waits for."""
    assert await aside(lambda: threading.current_thread().daemon)

    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await aside(fail)
