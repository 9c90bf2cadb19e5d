"""Where messages may go: the check of an url when it is given, and of every address of its name at each attempt.

In: what a tenant wrote, what a name resolves to. Out: a `Target`, addresses to connect to, or a refusal. A name is
looked up once for each attempt and the connection goes to what was checked, so that a name which answers differently
the second time gains nothing.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import httpx2

from evaluator.errors import InputError, OptionError
from evaluator.service.webhooks.addresses import PRIVATE, Address, Network, parse_address, permitted

__all__ = ["Guard", "Target", "UrlRefused"]

_LONGEST: Final = 2048
_HOST: Final = re.compile(r"(?=.{1,253}\.?$)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_-]{1,63})*\.?", re.ASCII)
_PORTS: Final = {"https": 443, "http": 80}
_FIRST_FREE_PORT: Final = 1024  # below, other services listen: mail, shells, databases of names
_LAST_PORT: Final = 65_535
_REMEDY: Final = "give the address of a receiver on the public internet, such as https://example.com/webhooks"


class UrlRefused(InputError):
    """A webhook can't be sent to this url; the same one will be refused again."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a message goes.

    Attributes:
        url: As it is requested.
        host: Name or address, in lower case, without brackets.
        port: Never missing.
        secure: Whether it is https.
    """

    url: str
    host: str
    port: int
    secure: bool


class Guard:
    """Says where messages may go. Frozen, so safe to share."""

    def __init__(self, allowed: Sequence[Network] = ()) -> None:
        """Allow the public internet, and these networks.

        Args:
            allowed: Networks of the operator's; plain http is allowed to these alone.
        """
        self._allowed = tuple(allowed)

    @classmethod
    def of(cls, *, allow_private: bool = False, networks: Sequence[str] = ()) -> Guard:
        """Build the guard that an operator asks for.

        Args:
            allow_private: Allow this machine and every private network; never the addresses of metadata.
            networks: Networks to allow, such as ``10.20.0.0/16``.

        Raises:
            OptionError: One of them isn't a network.
        """
        allowed: list[Network] = list(PRIVATE) if allow_private else []
        for text in networks:
            try:
                allowed.append(ipaddress.ip_network(text.strip()))
            except ValueError as error:
                raise OptionError(
                    "this is no network", where="webhook_networks", remedy="write it as 10.20.0.0/16 or fd00:1::/64"
                ) from error
        return cls(allowed)

    def target(self, url: str) -> Target:
        """Return where an url leads, as far as it can be told without looking its name up.

        Raises:
            UrlRefused: It may not be called.
        """
        parsed = _parsed(url)
        host = parsed.raw_host.decode("ascii").lower()
        address = _literal(host)
        if address is None and not _HOST.fullmatch(host):
            raise _refused("its host is no name and no address")
        if parsed.userinfo:
            raise _refused("it holds a user or a password", "leave them out: every message is signed")
        if parsed.fragment:
            raise _refused("it holds a fragment, which is never sent", "leave out the # and what follows it")
        if parsed.scheme not in _PORTS:
            raise _refused("it doesn't begin with https://")
        if parsed.scheme == "http" and not self._allowed:
            raise _refused("it isn't encrypted", "use https")
        port = _PORTS[parsed.scheme] if parsed.port is None else parsed.port
        if port not in _PORTS.values() and not _FIRST_FREE_PORT <= port <= _LAST_PORT:
            raise _refused(f"its port {port} isn't one of a receiver", "use 443, 80, or one from 1024 to 65535")
        target = Target(str(parsed), host, port, secure=parsed.scheme == "https")
        own_name = host.removesuffix(".").rpartition(".")[2] == "localhost"
        if (own_name and not self._allowed) or (address is not None and not self._may(address, target)):
            raise _refused("its address isn't on the public internet")
        return target

    def addresses(self, found: Sequence[str], target: Target) -> list[str]:
        """Return what to connect to, out of what a name resolved to: all of it, or nothing if any may not be called.

        One bad address is enough to refuse: whoever answers with a public and a private one is trying something.
        """
        parsed = [parse_address(text) for text in found]
        checked = [address for address in parsed if address is not None and self._may(address, target)]
        return list(dict.fromkeys(map(str, checked))) if len(checked) == len(found) else []

    def _may(self, address: Address, target: Target) -> bool:
        if target.secure:
            return permitted(address, self._allowed)
        return permitted(address, self._allowed) and any(address in network for network in self._allowed)


def _parsed(url: str) -> httpx2.URL:
    if len(url) > _LONGEST:
        raise _refused(f"it is longer than {_LONGEST} characters")
    if not url.isprintable() or " " in url or "\\" in url:
        raise _refused("it holds a blank, a backslash or a character that can't be seen")
    try:
        return httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError, UnicodeError) as error:
        raise _refused("it is no address of the web") from error


def _literal(host: str) -> Address | None:
    """Return the address that a host is, in any of the forms that resolvers take: 127.1, 0x7f000001, 2130706433."""
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return parse_address(host)


def _refused(what: str, remedy: str = _REMEDY) -> UrlRefused:
    return UrlRefused(f"messages can't be sent to this url: {what}", where="url", remedy=remedy)
