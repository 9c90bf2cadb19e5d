"""What both ways of sending share: the options of the HTTP client, and what its failures mean."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypedDict

from evaluator.client.problems import ServiceProblem, ServiceUnreachable
from evaluator.errors import OptionError
from evaluator.version import __version__

if TYPE_CHECKING:
    import httpx2

__all__ = ["client_options", "found_gone", "unreachable"]

_NOT_FOUND: Final = 404
_CONNECT_S: Final = 5.0


class _Options(TypedDict):
    base_url: httpx2.URL
    headers: dict[str, str]
    timeout: httpx2.Timeout
    follow_redirects: bool


def client_options(base_url: str, key: str | None, timeout_s: float) -> _Options:
    """Return how the HTTP client is to be built.

    Raises:
        OptionError: The address is none, or the key holds what no header may.
    """
    import httpx2  # noqa: PLC0415 - 0.2 s that only those who ask a service pay

    try:
        url = httpx2.URL(base_url)
    except (httpx2.InvalidURL, TypeError) as error:
        raise OptionError("this is no address", where="base_url", remedy="write http://127.0.0.1:8000") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise OptionError("this is no address", where="base_url", remedy="write http://127.0.0.1:8000")
    headers = {"User-Agent": f"interview-evaluator/{__version__}"}
    if key is not None:
        if not (key.isascii() and key.isprintable() and key):
            raise OptionError("this is no key", where="key", remedy="take one of `evaluator keys create`")
        headers["Authorization"] = f"Bearer {key}"
    return {
        "base_url": url,
        "headers": headers,
        "timeout": httpx2.Timeout(timeout_s, connect=_CONNECT_S),
        "follow_redirects": False,
    }


@contextmanager
def unreachable() -> Generator[None]:
    """Turn what the HTTP client says about the network into an error of ours."""
    import httpx2  # noqa: PLC0415 - as above

    try:
        yield
    except (httpx2.TransportError, httpx2.DecodingError) as error:
        raise ServiceUnreachable(
            f"no whole answer came: {type(error).__name__}", remedy="check the address, and that the service runs"
        ) from error


def found_gone(method: str, problem: ServiceProblem) -> bool:
    """Whether a repeated call finds done what it was to do: the try whose answer was lost has deleted it."""
    return method == "DELETE" and problem.status == _NOT_FOUND
