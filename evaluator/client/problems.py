"""What can go wrong between a program and the service, as one tree.

Branch by what can be done about it::

EvaluatorError
└── ServiceError
    ├── ServiceProblem      the service answered with a problem; branch by its `code`
    ├── ServiceUnreachable  no answer came, for as long as was waited
    ├── UnreadableAnswer    what came is no answer of such a service
    └── NotSettled          the work isn't done within the time that was given

"""

from __future__ import annotations

import math
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, ValidationError

from evaluator.errors import EvaluatorError

__all__ = ["NotSettled", "ServiceError", "ServiceProblem", "ServiceUnreachable", "UnreadableAnswer", "problem_in"]


class ServiceError(EvaluatorError):
    """Root of the tree."""


class ServiceProblem(ServiceError):
    """The service refused, as RFC 9457 puts it.

    Attributes:
        status: HTTP status.
        code: Stable name, to branch by.
        request_id: Id of the request, for the operator's logs; ``None`` if the service told none.
        retry_after_s: Seconds after which the same may go through; ``None`` if the service said nothing.
    """

    def __init__(  # noqa: PLR0913 - the members of a problem
        self,
        message: str,
        *,
        where: str | None = None,
        remedy: str | None = None,
        status: int = 500,
        code: str = "http",
        request_id: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        """Hold the parts."""
        super().__init__(message, where=where, remedy=remedy)
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after_s = retry_after_s


class ServiceUnreachable(ServiceError):
    """The service can't be reached, or the connection broke before its answer was whole."""


class UnreadableAnswer(ServiceError):
    """What answered is no such service, or a much newer one."""


class NotSettled(ServiceError):
    """A job or batch isn't done yet; it goes on, and can be waited for again."""


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    title: str
    code: str
    detail: str | None = None
    where: str | None = None
    remedy: str | None = None
    request_id: str | None = None


def problem_in(status: int, headers: Mapping[str, str], content: bytes) -> ServiceProblem:
    """Return the problem that an answer holds; of an answer of somebody else's (a proxy), the status alone."""
    retry_after_s = _seconds(headers.get("retry-after"))
    request_id = headers.get("x-request-id")
    try:
        body = _Body.model_validate_json(content)
    except ValidationError:
        return ServiceProblem(
            f"the answer has the status {status}",
            status=status,
            request_id=request_id,
            retry_after_s=retry_after_s,
        )
    return ServiceProblem(
        f"{body.title}: {body.detail}" if body.detail else body.title,
        where=body.where,
        remedy=body.remedy,
        status=status,
        code=body.code,
        request_id=body.request_id or request_id,
        retry_after_s=retry_after_s,
    )


def _seconds(value: str | None) -> float | None:
    """Return a Retry-After in seconds; ``None`` for dates, which this service doesn't send, and for nonsense."""
    try:
        seconds = float(value or "")
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
