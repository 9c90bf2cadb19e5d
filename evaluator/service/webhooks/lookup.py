"""What a name resolves to: one look-up at a time for a name, a limit on all, and none that blocks the event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import Any, Final, Protocol

from evaluator.service.webhooks.aside import aside

__all__ = ["Lookup", "SystemLookup"]

_MOST: Final = 64  # threads that may hang in look-ups of names whose servers don't answer


class Resolve(Protocol):
    """`socket.getaddrinfo`, as far as it is used."""

    def __call__(self, host: str, port: int, *, type: int) -> Sequence[tuple[Any, Any, Any, Any, Sequence[Any]]]:  # noqa: A002 - the library's name
        """Return a row for each address, whose last member begins with it."""
        ...


class Lookup(Protocol):
    """Looks names up."""

    async def addresses(self, host: str, port: int) -> list[str]:
        """Return every address of a name, or an address itself in its usual form.

        Raises:
            OSError: There is none, or the servers of the name don't answer.
        """
        ...


class SystemLookup:
    """Asks the machine's resolver. Belongs to one event loop."""

    def __init__(self, resolve: Resolve | None = None) -> None:
        """Begin with nothing asked.

        Args:
            resolve: Blocks until it knows; `socket.getaddrinfo` if ``None``.
        """
        self._resolve = resolve or socket.getaddrinfo
        self._asked: dict[tuple[str, int], asyncio.Task[list[str]]] = {}

    async def addresses(self, host: str, port: int) -> list[str]:
        """Return every address of a name; whoever asks for a name that is being looked up waits for the same answer.

        Raises:
            OSError: There is none, or too many look-ups hang already.
        """
        asked = self._asked.get((host, port))
        if asked is None:
            if len(self._asked) >= _MOST:
                raise OSError("too many names are being looked up")
            asked = asyncio.create_task(aside(lambda: _resolved(self._resolve, host, port)))
            self._asked[host, port] = asked
            asked.add_done_callback(lambda done: self._forget(host, port, done))
        return await asyncio.shield(asked)  # one that gives up waiting doesn't take the answer from the others

    def _forget(self, host: str, port: int, done: asyncio.Task[list[str]]) -> None:
        del self._asked[host, port]
        if not done.cancelled():
            done.exception()  # seen, even if whoever asked has gone


def _resolved(resolve: Resolve, host: str, port: int) -> list[str]:
    try:
        found = resolve(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label that is empty or too long
        raise OSError("the name can't be looked up") from error
    return list(dict.fromkeys(str(place[0]) for *_, place in found))
