"""Who sent a request, and what they may do. Apart so that every part can name a caller without loading the web."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, get_args

from evaluator.errors import OptionError

__all__ = ["LOCAL_CALLER", "LOCAL_TENANT", "SCOPES", "Caller", "Scope", "known_scopes", "no_scope", "read_scopes"]

Scope = Literal[
    "evaluations:read",
    "evaluations:write",
    "batches:read",
    "batches:write",
    "rubrics:read",
    "rubrics:write",
    "webhooks:read",
    "webhooks:write",
    "agreement",
    "reviews:write",
    "metrics",
    "admin",
]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
LOCAL_TENANT: Final = "local"


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose request it is.

    Attributes:
        tenant: Id of the tenant that owns whatever the request makes, and sees only what is its own.
        key: Id of the key that was shown; ``None`` where no key is configured.
        scopes: What the key allows.
    """

    tenant: str
    key: str | None
    scopes: frozenset[Scope]

    def may(self, scope: Scope) -> bool:
        """Return whether the caller may do what a scope stands for; `admin` may do everything."""
        return scope in self.scopes or "admin" in self.scopes


def known_scopes(words: Iterable[str]) -> tuple[Scope, ...]:
    """Return the scopes among some words, in the order of `SCOPES`."""
    named = set(words)
    return tuple(scope for scope in SCOPES if scope in named)


def read_scopes(text: str) -> tuple[Scope, ...]:
    """Return the scopes of a list with commas or blanks between.

    Raises:
        OptionError: One is unknown, or there is none.
    """
    words = set(text.replace(",", " ").split())
    scopes = known_scopes(words)
    if not scopes or len(scopes) < len(words):
        raise no_scope()
    return scopes


def no_scope() -> OptionError:
    """Return what is wrong with a list that names no scope, or an unknown one."""
    return OptionError("a scope is unknown, or none is given", where="--scopes", remedy=", ".join(SCOPES))


LOCAL_CALLER: Final = Caller(LOCAL_TENANT, None, frozenset(SCOPES))
