"""What a provider's refusal means to us: try later, or give up.

In: the facts of a failed request (status, machine-readable code, request id, headers). Out: an error of our tree. The
provider's own message never passes: it may repeat the key or the judged text.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from evaluator.errors import EvaluatorError, JudgeError, JudgeMisuse, JudgeUnavailable

__all__ = [
    "FILTERED_CODES",
    "Failure",
    "ProviderFailure",
    "ProviderRefusal",
    "code_of",
    "moment_s",
    "own_cause",
    "retry_after_s",
]

FILTERED_CODES: Final = frozenset(
    {"bio_policy", "content_filter", "content_policy_violation", "invalid_prompt", "misalignment_policy_violation"}
)
"""Codes by which a provider says that it withholds an answer to this text; a reply, not a failure."""

_UNDERSTOOD: Final = frozenset({400, 422, 500, 501})  # statuses by which servers say that they lack a parameter
_TRY_LATER: Final = frozenset({408, 409, 425, 429, 499})
_NEVER: Final = frozenset({501, 505})
_OVERLOADED: Final = frozenset({503, 529})
_SPENT: Final = re.compile(r"quota|spend_limit|billing|budget")
_LIMIT_PASSES: Final = frozenset({"rate_limit_exceeded", "ramp_limit_exceeded"})
_SAFE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,79}")


class ProviderFailure(JudgeUnavailable):
    """A provider failed in a way that may pass; more exact than `JudgeUnavailable` for those who wait.

    Attributes:
        status: HTTP status; ``None`` if no answer came, so that the request may have been billed.
    """

    status: int | None = None

    @property
    def throttled(self) -> bool:
        """Whether the provider said: too many requests."""
        return self.status == 429  # noqa: PLR2004 - the status of RFC 6585

    @property
    def overloaded(self) -> bool:
        """Whether the provider has more work than it can do, whoever sent it."""
        return self.status in _OVERLOADED


class ProviderRefusal(JudgeMisuse):
    """A provider refused the request as it stands.

    Attributes:
        code: Machine-readable cause, as the provider sent it; a judge of text must not print it.
        named: Which of the parameters asked about the provider's message names.
    """

    code: str | None = None
    named: frozenset[str] = frozenset()

    @property
    def filtered(self) -> bool:
        """Whether the provider withholds an answer to this text, which is a reply rather than a failure."""
        return self.code in FILTERED_CODES


@dataclass(frozen=True, slots=True)
class Failure:
    """The facts of one failed request.

    Attributes:
        provider: Row of the BACKENDS table.
        key_env: Variable that holds the key, for remedies.
        status: HTTP status; ``None`` if no answer came.
        code: Machine-readable cause, as the provider sent it.
        request_id: Its id at the provider.
        headers: Headers of the answer.
        named: Parameters of the request that the provider's message names.
    """

    provider: str
    key_env: str
    status: int | None = None
    code: str | None = None
    request_id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    named: frozenset[str] = frozenset()

    def error(self) -> JudgeError:
        """Return the error that says whether the same request may succeed later."""
        status, code = self.status, self.code or ""
        if status is None:
            return self.unavailable("the provider can't be reached, or broke off")
        if status == 402 or _SPENT.search(code):  # noqa: PLR2004 - Payment Required
            return self.misuse(
                "the account's spending limit or quota is reached", "raise it, or wait for the next period"
            )
        if self.named and status in _UNDERSTOOD:
            named = " and ".join(sorted(self.named))
            return self.misuse(
                f"the provider refuses the request's {named}", "set max_output_tokens, or choose another model"
            )
        if status in _TRY_LATER or (status >= 500 and status not in _NEVER):  # noqa: PLR2004 - server errors
            if self.headers.get("x-should-retry") == "false" and code not in _LIMIT_PASSES and status < 500:  # noqa: PLR2004
                return self.misuse("the provider refuses the request and asks not to repeat it")
            return self.unavailable("the provider can't answer now")
        return self._refused(status, code)

    def _refused(self, status: int, code: str) -> JudgeMisuse:
        match status:
            case 401:
                return self.misuse("the provider doesn't accept the key", f"set {self.key_env} to a valid key")
            case 403:
                return self.misuse("the key may not do this", f"give the key of {self.key_env} access to the model")
            case 404:
                return self.misuse("no such model or address", "check the model's name and base_url")
            case 413:
                return self.misuse("the request is too large", "shorten the transcript", for_all=False)
            case _ if "context_length" in code:
                return self.misuse(
                    "the model can't hold a request of this length",
                    "shorten it, or choose another model",
                    for_all=False,
                )
            case _:
                return self.misuse(
                    "the provider refuses the request", "check model, effort and the other options", for_all=False
                )

    def unreadable(self) -> ProviderFailure:
        """Return the error for an answer that isn't in the form of the API."""
        return self.unavailable("the provider's answer can't be read")

    def unavailable(self, message: str) -> ProviderFailure:
        """Return the error for: try later."""
        error = ProviderFailure(self._told(message), where=self.provider, retry_after_s=retry_after_s(self.headers))
        error.status = self.status
        return error

    def misuse(self, message: str, remedy: str | None = None, *, for_all: bool = True) -> ProviderRefusal:
        """Return the error for: give up; with ``for_all``, on every other transcript too."""
        error = ProviderRefusal(self._told(message), where=self.provider, remedy=remedy)
        error.for_all = for_all
        error.code, error.named = self.code, self.named
        return error

    def _told(self, message: str) -> str:
        """Add status, code and request id, each only if it looks like one."""
        facts = [f"status {self.status}"] if self.status is not None else []
        facts += [f"code {self.code}"] if self.code and _SAFE.fullmatch(self.code) else []
        facts += [f"request {self.request_id}"] if self.request_id and _SAFE.fullmatch(self.request_id) else []
        return f"{message} [{', '.join(facts)}]" if facts else message


def code_of(*told: object) -> str | None:
    """Return the first code that a refusal tells: most servers write words, some gateways a number."""
    return next((str(code) for code in told if code and isinstance(code, str | int)), None)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Read ``retry-after-ms`` or ``retry-after`` (seconds or a date); ``None`` if neither says anything sensible."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if math.isfinite(seconds) and seconds >= 0:
            return seconds
    try:
        moment = email.utils.parsedate_to_datetime(headers.get("retry-after", "")).timestamp()
    except (ValueError, OverflowError):
        return None
    return max(0.0, moment - time.time())


def moment_s(text: str) -> float | None:
    """Return the seconds from now until a moment in ISO 8601; ``None`` if it isn't one."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    now = dt.datetime.now(moment.tzinfo or dt.UTC)
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or dt.UTC) - now).total_seconds())


def own_cause(error: BaseException) -> EvaluatorError | None:
    """Return the error of our own tree that an SDK wrapped, if one: a transport of ours raised it."""
    cause: BaseException | None = error
    for _ in range(8):
        if cause is None or isinstance(cause, EvaluatorError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None
