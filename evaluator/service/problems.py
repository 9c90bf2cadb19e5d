"""What went wrong with a request, in the form of RFC 9457."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["Problem"]


class Problem(Exception):
    """A refusal, or a failure, that the client is told of.

    Attributes:
        status: The HTTP status.
        code: Stable name that programs branch by.
        title: The same for every problem of this code.
        detail: What is wrong this time; ``None`` if the title says it all.
        where: The place in the request; ``None`` if it has none.
        remedy: What would put it right; ``None`` if nothing would.
        headers: Sent with it.
    """

    def __init__(  # noqa: PLR0913 - the members of a problem
        self,
        status: int,
        code: str,
        title: str,
        *,
        detail: str | None = None,
        where: str | None = None,
        remedy: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Hold the parts."""
        super().__init__(title)
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.where = where
        self.remedy = remedy
        self.headers = dict(headers or {})
