"""The door of the service: a request comes to it with a key, and leaves it with a caller or a refusal.

Routes ask for ``Annotated[Caller, Depends(allowed("evaluations:write"))]``; the door stands at
``request.app.state.service.door``. A route that reads the body itself is refused before a byte of it is read.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Protocol, cast

from fastapi import Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from evaluator.service.problems import Problem
from evaluator.service.tenants.caller import Caller, Scope
from evaluator.service.tenants.keys import Refusal
from evaluator.service.tenants.limits import TenantStore
from evaluator.service.tenants.rates import Rates
from evaluator.service.tenants.usage import UsageCounts
from evaluator.service.tenants.window import WINDOW_S, Passage

__all__ = ["Admission", "Door", "Keys", "allowed", "rate_headers"]

_BEARER: Final = HTTPBearer(scheme_name="bearer", description="A key of `evaluator keys create`.", auto_error=False)
_HEADER: Final = APIKeyHeader(
    name="X-API-Key", scheme_name="header", description="The same key, for clients without bearer.", auto_error=False
)

_REFUSED: Final[dict[Refusal, str]] = {
    Refusal.UNKNOWN: "it is no key of this service",
    Refusal.EXPIRED: "it has expired, or was replaced",
    Refusal.REVOKED: "it was revoked",
}


class Keys(Protocol):
    """What the door asks about keys."""

    def caller(self, token: str | None) -> Caller | Refusal:
        """Return whose token it is; where no key was ever made, everybody is the local caller."""
        ...

    def recalls(self, token: str | None) -> bool:
        """Return whether `caller` needs no look into the database now."""
        ...


@dataclass(frozen=True, slots=True)
class Admission:
    """A request that was let in.

    Attributes:
        caller: Whose it is.
        headers: For the answer.
    """

    caller: Caller
    headers: Mapping[str, str]


class Door:
    """Lets requests in. Safe to share between threads."""

    def __init__(self, keys: Keys, tenants: TenantStore, rates: Rates, usage: UsageCounts) -> None:
        """Stand before a service with such keys and limits."""
        self._keys = keys
        self._tenants = tenants
        self._rates = rates
        self._usage = usage

    def admit(self, token: str | None, scope: Scope) -> Admission:
        """Let a request in, or refuse it.

        Raises:
            Problem: 401 without a valid key, 403 without the scope, 429 too often.
            DatabaseFailed: The keys or limits can't be read.
        """
        caller = self._keys.caller(token)
        if isinstance(caller, Refusal):
            raise _unknown(caller)
        headers = self._counted(caller.tenant)
        if not caller.may(scope):
            challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
            raise Problem(
                403,
                "scope_missing",
                "The key doesn't allow this",
                detail=f"it needs the scope {scope}",
                where="Authorization",
                remedy="use a key with this scope: evaluator keys create --scopes",
                headers={**headers, "WWW-Authenticate": challenge},
            )
        self._usage.add(caller.tenant, "requests")
        if self._usage.due():
            self._usage.flush()
        return Admission(caller, headers)

    async def admit_soon(self, token: str | None, scope: Scope) -> Admission:
        """Do as `admit`, without keeping other requests waiting while a database is looked into.

        Raises:
            Problem: As `admit`.
            DatabaseFailed: As `admit`.
        """
        if self._at_hand(token):
            return self.admit(token, scope)
        return await asyncio.to_thread(self.admit, token, scope)

    def _at_hand(self, token: str | None) -> bool:
        if self._rates.waits or self._usage.due() or not self._keys.recalls(token):
            return False
        caller = self._keys.caller(token)
        return isinstance(caller, Refusal) or self._tenants.recalls(caller.tenant)

    def _counted(self, tenant: str) -> Mapping[str, str]:
        limit = self._tenants.limits(tenant).rate_per_minute
        if limit is None:
            return {}
        passage = self._rates.add(tenant, limit)
        headers = rate_headers(passage)
        if passage.allowed:
            return headers
        raise Problem(
            429,
            "rate_limit",
            "Too many requests",
            detail=f"{limit} requests a minute are allowed",
            remedy="wait as long as Retry-After says",
            headers={**headers, "Retry-After": str(_whole(passage.reset_s))},
        )


def rate_headers(passage: Passage) -> dict[str, str]:
    """Return what a passage tells a client, in the fields of draft-ietf-httpapi-ratelimit-headers-10."""
    return {
        "RateLimit-Policy": f'"requests";q={passage.limit};w={WINDOW_S}',
        "RateLimit": f'"requests";r={passage.left};t={_whole(passage.reset_s)}',
    }


class _Guarded(Protocol):
    door: Door


def allowed(scope: Scope) -> Callable[..., Awaitable[Caller]]:
    """Return a dependency that lets in who may do what a scope stands for, and returns them."""

    async def admit(
        request: Request,
        bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
        header: Annotated[str | None, Security(_HEADER)],
    ) -> Caller:
        door = cast("_Guarded", request.app.state.service).door
        token = bearer.credentials if bearer is not None else header
        admission = await door.admit_soon(token, scope)
        request.state.limit_headers = admission.headers
        request.state.caller = admission.caller  # whom the request's line in the log names
        return admission.caller

    return admit


def _whole(seconds: float) -> int:
    return max(1, math.ceil(seconds))


def _unknown(refusal: Refusal) -> Problem:
    """Return the answer to someone who is nobody; only who held a key that was right learns what became of it."""
    if refusal is Refusal.MISSING:
        return Problem(
            401,
            "key_required",
            "A key is needed",
            where="Authorization",
            remedy="send `Authorization: Bearer KEY`, or `X-API-Key: KEY`",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return Problem(
        401,
        "key_refused",
        "The key isn't valid",
        detail=_REFUSED[refusal],
        where="Authorization",
        remedy="ask the operator for a new key: evaluator keys create",
        headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
    )
