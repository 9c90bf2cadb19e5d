"""Who sent a request, and what they may do. Apart so that every part can name a caller without loading the web."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

__all__ = ["LOCAL_CALLER", "LOCAL_TENANT", "SCOPES", "Caller", "Scope"]

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


LOCAL_CALLER: Final = Caller(LOCAL_TENANT, None, frozenset(SCOPES))
