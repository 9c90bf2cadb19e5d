"""What a caller may choose about a chat model, checked before anything is sent.

One frozen value for all providers; each refuses what its models don't take. Nothing here reads the environment: keys
and addresses come from the settings, and a key is a `SecretStr`, so that no repr or traceback shows it.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

from pydantic import SecretStr

from evaluator.errors import JudgeMisuse, MissingExtra, OptionError

if TYPE_CHECKING:
    import httpx2

__all__ = ["HEADROOM", "ChatOptions", "Effort", "checked_base_url", "checked_key", "require_extra"]

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]

HEADROOM: Final[dict[Effort, int]] = {
    "none": 0,
    "minimal": 1_000,
    "low": 3_000,
    "medium": 8_000,
    "high": 16_000,
    "xhigh": 32_000,
    "max": 64_000,
}
"""Tokens left for reasoning on top of the reply: providers count both towards one limit, and bill what is used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatOptions:
    """Choices about one chat model.

    Attributes:
        model: Model name as the provider spells it; ``None`` takes the backend's default.
        effort: How long a reasoning model may think; ``None`` leaves it to the provider.
        temperature: Sent only where the model takes it, refused elsewhere; ``None`` sends nothing.
        base_url: Address of the API, http or https; ``None`` takes the provider's own.
        api_key: The key; ``None`` if there is none.
        api_key_env: Name of the variable that should have held the key, for the error's remedy.
        max_output_tokens: Replaces the limit that a request asks for, headroom for reasoning included.
        timeout_s: Longest silence of the provider within one request.
        connect_timeout_s: Longest wait for a connection.
        deadline_s: Longest time for one evaluation, retries included; counted from its first admitted request.
        attempts: Most requests for one evaluation's call, the first one included.
        concurrency: Most requests in flight at one provider.
        requests_per_minute: Most requests to one provider in a minute; ``None`` sends as many as it takes.
        global_concurrency: Most requests in flight at one provider from all machines that grade together; ``None``
            sets no limit.
        max_cost_usd: No request is sent that could take the sum above this; ``None`` sets no limit.
        transport: Builds what requests travel by (a recording, a proxy); ``None`` is the network. Called once per
            event loop.
    """

    model: str | None = None
    effort: Effort | None = None
    temperature: float | None = None
    base_url: str | None = None
    api_key: SecretStr | None = None
    api_key_env: str | None = None
    max_output_tokens: int | None = None
    timeout_s: float = 90.0
    connect_timeout_s: float = 5.0
    deadline_s: float = 120.0
    attempts: int = 5
    concurrency: int = 64
    requests_per_minute: float | None = None
    global_concurrency: int | None = None
    max_cost_usd: float | None = None
    transport: Callable[[], httpx2.AsyncBaseTransport] | None = None

    def __post_init__(self) -> None:
        """Refuse figures that have no meaning.

        Raises:
            OptionError: A time, a count or a sum is not above zero.
        """
        positive = {
            "max_output_tokens": self.max_output_tokens,
            "timeout_s": self.timeout_s,
            "connect_timeout_s": self.connect_timeout_s,
            "deadline_s": self.deadline_s,
            "attempts": self.attempts,
            "concurrency": self.concurrency,
            "requests_per_minute": self.requests_per_minute,
            "global_concurrency": self.global_concurrency,
            "max_cost_usd": self.max_cost_usd,
        }
        for name, value in positive.items():
            if value is not None and not value > 0:
                raise OptionError(f"must be above zero, not {value:g}", where=name)

    def output_tokens(self, wanted: int, *, unsaid: Effort) -> int:
        """Return the limit to send for a reply of ``wanted`` tokens: with headroom for reasoning, or as overridden.

        Args:
            wanted: Tokens of the reply alone.
            unsaid: The effort that the provider is taken to make if none is chosen.
        """
        return self.max_output_tokens or wanted + HEADROOM[self.effort or unsaid]


def checked_base_url(url: str) -> str:
    """Return the address without a trailing slash.

    Raises:
        OptionError: It isn't an http or https address of a server, or it holds a user, a query or a fragment.
    """
    try:
        parts = urlsplit(url.strip())
        port_ok = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_ok = urlsplit(""), False
    plain = not (parts.username or parts.password or parts.query or parts.fragment)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_ok or not plain:
        raise OptionError(
            "not the address of an API",
            where="base_url",
            remedy="give scheme, host and path alone, such as http://127.0.0.1:11434/v1",
        )
    return url.strip().rstrip("/")


def checked_key(options: ChatOptions, *, default_env: str) -> str:
    """Return the key as it may stand in a header.

    A transport of the caller's own (a replay) may need none; then a placeholder is returned.

    Raises:
        JudgeMisuse: There is no key, or it holds what no key holds.
    """
    env = options.api_key_env or default_env
    key = options.api_key.get_secret_value().strip() if options.api_key else ""
    if not key:
        if options.transport is not None:
            return "no-key"
        raise JudgeMisuse("no key was given", where="api_key", remedy=f"set {env}")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise JudgeMisuse("the key holds characters that no key holds", where="api_key", remedy=f"set {env} again")
    return key


def require_extra(package: str, extra: str) -> None:
    """Check that an extra is installed, without importing its package.

    Raises:
        MissingExtra: It isn't.
    """
    if importlib.util.find_spec(package) is None:
        raise MissingExtra(
            f"the package {package!r} isn't installed", remedy=f"pip install 'interview-evaluator[{extra}]'"
        )
