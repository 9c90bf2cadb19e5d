"""The door of the service: a request comes to it with a key, and leaves it with a caller or a refusal.

Routes ask for ``Annotated[Caller, Depends(allowed("evaluations:write"))]``; the door stands at
``request.app.state.service.door``. A route that reads the body itself is refused before a byte of it is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final, Protocol, cast

from fastapi import Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from evaluator.service.problems import Problem
from evaluator.service.tenants.caller import LOCAL_CALLER, Caller, Scope

__all__ = ["Admission", "Door", "Gate", "Keys", "allowed"]

_BEARER: Final = HTTPBearer(scheme_name="bearer", description="A key of `evaluator keys create`.", auto_error=False)
_HEADER: Final = APIKeyHeader(
    name="X-API-Key", scheme_name="header", description="The same key, for clients without bearer.", auto_error=False
)


class Keys(Protocol):
    """What the door asks about keys."""

    def any(self) -> bool:
        """Return whether a key was ever made, so that every request needs one."""
        ...

    def caller(self, token: str) -> Caller:
        """Return whose token it is.

        Raises:
            Problem: 401; it is nobody's, or no longer valid.
        """
        ...


class Gate(Protocol):
    """What the door asks about how often a tenant may call."""

    def pass_through(self, tenant: str) -> Mapping[str, str]:
        """Count one request; return headers that tell what is left.

        Raises:
            Problem: 429; the tenant called too often.
        """
        ...


@dataclass(frozen=True, slots=True)
class Admission:
    """A request that was let in.

    Attributes:
        caller: Whose it is.
        headers: For the answer.
    """

    caller: Caller
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class Door:
    """Lets requests in. Safe to share between threads."""

    def __init__(self, keys: Keys, gate: Gate) -> None:
        """Stand before a service with such keys and limits."""
        self._keys = keys
        self._gate = gate

    def admit(self, token: str | None, scope: Scope) -> Admission:
        """Let a request in, or refuse it.

        Raises:
            Problem: 401 without a valid key, 403 without the scope, 429 too often.
            DatabaseFailed: The keys can't be read.
        """
        caller = self._caller(token)
        headers = self._gate.pass_through(caller.tenant)
        if not caller.may(scope):
            raise Problem(
                403,
                "scope_missing",
                "The key doesn't allow this",
                detail=f"it needs the scope {scope}",
                where="Authorization",
                remedy="use a key with this scope: evaluator keys create --scopes",
                headers={**headers, "WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'},
            )
        return Admission(caller, headers)

    def _caller(self, token: str | None) -> Caller:
        if not self._keys.any():
            return LOCAL_CALLER
        if token is None:
            raise Problem(
                401,
                "key_required",
                "A key is needed",
                where="Authorization",
                remedy="send `Authorization: Bearer KEY`, or `X-API-Key: KEY`",
                headers={"WWW-Authenticate": "Bearer"},
            )
        return self._keys.caller(token)


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
        admission = await asyncio.to_thread(door.admit, token, scope)
        request.state.limit_headers = admission.headers
        return admission.caller

    return admit
