"""What went wrong with a request, in the form of RFC 9457."""

from __future__ import annotations

import http
from collections.abc import Mapping

__all__ = ["Problem"]


class Problem(Exception):
    """A refusal, or a failure, that the client is told of.

    Attributes:
        status: The HTTP status.
        code: Stable name that programs branch by.
        detail: What is wrong this time, in one sentence.
        where: The place in the request; ``None`` if it has none.
        remedy: What would put it right; ``None`` if nothing would.
        title: The kind of problem.
        headers: Sent with it.
    """

    def __init__(  # noqa: PLR0913 - the members of a problem
        self,
        status: int,
        code: str,
        detail: str,
        *,
        where: str | None = None,
        remedy: str | None = None,
        title: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Hold the parts."""
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.title = title or http.HTTPStatus(status).phrase
        self.where = where
        self.remedy = remedy
        self.headers = dict(headers or {})
