"""Tests of the translation of every exception class that the two SDKs define."""

from __future__ import annotations

import importlib
import pkgutil
import traceback
import typing
import warnings
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, Final, Literal

import anthropic
import httpx2
import openai
import pydantic
import pytest

from evaluator.backends import anthropic_client, openai_client
from evaluator.backends.openai_client import Server
from evaluator.errors import EvaluatorError, JudgeMisuse, JudgeUnavailable, OptionError

Meaning = Literal["later", "never", "not ours"]

_REQUEST: Final = httpx2.Request("POST", "https://api.example/v1")
_UNTRUSTED: Final = "sk-live-secret and what the candidate said"
_LATER_STATUSES: Final = {408, 409, 429, 499, 500, 503, 504, 529}
_SPENT: Final = {"ContractSpendLimitReachedError", "EnforcedSpendLimitReachedError"}

# Classes without a status, by name. "not ours": raised by parts of the SDK that this package never calls (agents,
# browsers, tools, web sockets, webhooks, streams, other authentication), and outside the tree that its calls raise.
_OPENAI: Final[dict[str, Meaning]] = {
    "APIConnectionError": "later",
    "APIError": "later",
    "APIRemovedInV1": "never",
    "APIResponseValidationError": "later",
    "APITimeoutError": "later",
    "AgentFilePreparationError": "never",
    "AgentFileStagingError": "never",
    "AgentOutputParseError": "never",
    "AgentTurnResultError": "never",
    "BrowserCancelledError": "not ours",
    "BrowserError": "not ours",
    "ComputerUseError": "not ours",
    "ContentFilterFinishReasonError": "never",
    "DecisionsToolRunnerCancelledError": "not ours",
    "DecisionsToolRunnerError": "not ours",
    "InvalidWebhookSignatureError": "not ours",
    "LengthFinishReasonError": "never",
    "MissingDependencyError": "never",
    "MissingStreamClassError": "not ours",
    "MutuallyExclusiveAuthError": "never",
    "OpenAIError": "never",
    "ResponsesWebSocketBufferError": "not ours",
    "ResponsesWebSocketError": "not ours",
    "StreamAlreadyConsumed": "never",
    "SubjectTokenProviderError": "never",
    "ToolRunnerCancelledError": "not ours",
    "ToolRunnerError": "not ours",
    "WebSocketConnectionClosedError": "never",
    "WebSocketQueueFullError": "never",
    "_AmbiguousModuleClientUsageError": "never",
    "_TransientTokenExchangeError": "not ours",
}
_ANTHROPIC: Final[dict[str, Meaning]] = {
    "APIConnectionError": "later",
    "APIError": "later",
    "APIResponseValidationError": "later",
    "APITimeoutError": "later",
    "APIWebhookValidationError": "later",
    "AnthropicError": "never",
    "AsyncOnSyncToolsetError": "never",
    "BrowserStateError": "never",
    "ConfirmDeclinedError": "not ours",
    "ConfirmFailedError": "not ours",
    "CredentialsError": "never",
    "DisabledMemberError": "not ours",
    "FileStoreError": "not ours",
    "IdentityTokenFileError": "never",
    "InvalidMemberInputError": "not ours",
    "MissingDependencyError": "never",
    "MissingStreamClassError": "not ours",
    "MutuallyExclusiveAuthError": "never",
    "NestedCallError": "never",
    "RetryableError": "later",
    "SessionMemoryError": "not ours",
    "StreamAlreadyConsumed": "never",
    "SyncOnAsyncToolsetError": "never",
    "TabMissingError": "not ours",
    "ToolError": "not ours",
    "ToolsetClosedError": "never",
    "ToolsetConfigError": "never",
    "ToolsetContractError": "never",
    "ToolsetUsageError": "never",
    "ToolsetsFixedError": "never",
    "URLRefusedError": "not ours",
    "UnavailableMemberError": "not ours",
    "UnknownMemberError": "not ours",
    "UnsupportedMCPValueError": "not ours",
    "UploadNoRootsError": "not ours",
    "UploadOutsideRootsError": "not ours",
    "UploadRefusedError": "not ours",
    "WorkloadIdentityError": "never",
    "_NonObjectPayloadError": "not ours",
}


def _translate_openai(error: BaseException) -> EvaluatorError:
    server = Server(provider="openai", base_url="https://api.example/v1", key="k", key_env="OPENAI_API_KEY")
    return openai_client.translate(error, server)


_SDKS: Final[dict[str, tuple[ModuleType, Callable[[BaseException], EvaluatorError], dict[str, Meaning]]]] = {
    "openai": (openai, _translate_openai, _OPENAI),
    "anthropic": (anthropic, anthropic_client.translate, _ANTHROPIC),
}


def _all_exceptions(package: ModuleType) -> set[type[BaseException]]:
    """Import every module of a package and return the exception classes that it defines."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.endswith("__main__") or ".cli" in module.name:
                continue  # runs at import
            try:
                importlib.import_module(module.name)
            except ImportError:
                continue  # belongs to an extra that isn't installed
    return {found for found in _below(BaseException) if found.__module__.partition(".")[0] == package.__name__}


def _below(root: type[BaseException]) -> Iterator[type[BaseException]]:
    for child in root.__subclasses__():
        yield child
        yield from _below(child)


def _example(kind: type[BaseException]) -> BaseException:
    """Make an instance as the SDK would, holding text that must not travel on."""
    if not hasattr(kind, "status_code") and not issubclass(kind, openai.APIStatusError | anthropic.APIStatusError):
        return kind.__new__(kind, _UNTRUSTED)
    status = getattr(kind, "status_code", 500)
    hint = vars(kind).get("__annotations__", {}).get("error_code")
    code = typing.get_args(hint)[0] if typing.get_origin(hint) is Literal else None
    error: dict[str, Any] = {"type": "some_error", "message": _UNTRUSTED, "details": {"error_code": code}}
    arguments: dict[str, Any] = {"response": httpx2.Response(status, request=_REQUEST), "body": {"error": error}}
    return kind(**arguments) if kind.__name__ == "OAuthError" else kind(_UNTRUSTED, **arguments)


def _expected(kind: type[BaseException], table: dict[str, Meaning]) -> Meaning:
    if issubclass(kind, openai.APIStatusError | anthropic.APIStatusError):
        status = getattr(kind, "status_code", 500)
        return "later" if status in _LATER_STATUSES and kind.__name__ not in _SPENT else "never"
    return table[kind.__name__]


@pytest.mark.parametrize("sdk", list(_SDKS))
def test_every_exception_class_has_its_place_in_our_tree(sdk: str) -> None:
    """Each class that an SDK defines is translated as listed; one that a new version adds fails here."""
    package, translate, table = _SDKS[sdk]
    wrong: list[str] = []
    kinds = _all_exceptions(package)
    assert len(kinds) > 40
    for kind in kinds:
        try:
            expected = _expected(kind, table)
        except KeyError:
            wrong.append(f"{kind.__name__} is new")
            continue
        root = getattr(package, "OpenAIError" if sdk == "openai" else "AnthropicError")
        if expected == "not ours":
            wrong += [f"{kind.__name__} is ours after all"] if issubclass(kind, root) else []
            continue
        error = translate(_example(kind))
        wanted = JudgeUnavailable if expected == "later" else JudgeMisuse
        if type(error).__mro__[1] is not wanted or _UNTRUSTED in str(error):
            wrong.append(f"{kind.__name__}: {error!r}")
    assert wrong == []


@pytest.mark.parametrize("sdk", list(_SDKS))
@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (httpx2.ConnectError("secret"), JudgeUnavailable),
        (httpx2.ReadTimeout("secret"), JudgeUnavailable),
        (httpx2.RemoteProtocolError("secret"), JudgeUnavailable),
        (ConnectionResetError("secret"), JudgeUnavailable),
        (pydantic.ValidationError.from_exception_data("secret", []), JudgeUnavailable),
        (UnicodeEncodeError("ascii", "secret", 0, 1, "secret"), JudgeMisuse),
        (ValueError("secret"), JudgeMisuse),
        (TypeError("secret"), JudgeMisuse),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_what_lies_under_the_sdk_is_translated_too(sdk: str, error: Exception, wanted: type[EvaluatorError]) -> None:
    """Errors of sockets, HTTP framing, validation and encoding become ours, without their text."""
    translated = _SDKS[sdk][1](error)
    assert isinstance(translated, wanted)
    assert "secret" not in str(translated)


@pytest.mark.parametrize("sdk", list(_SDKS))
def test_an_error_of_our_own_transport_comes_back_as_it_was(sdk: str) -> None:
    """What a transport of ours raises on purpose isn't mistaken for a network failure, even if the SDK wraps it."""
    own = OptionError("no recording of this request", where="request")
    package, translate, _ = _SDKS[sdk]
    wrapped = package.APIConnectionError(request=_REQUEST)
    wrapped.__cause__ = own
    assert translate(wrapped) is own


@pytest.mark.parametrize(
    ("status", "code", "headers", "wanted", "told"),
    [
        (401, "invalid_api_key", {}, JudgeMisuse, "set OPENAI_API_KEY"),
        (403, None, {}, JudgeMisuse, "OPENAI_API_KEY"),
        (404, "model_not_found", {}, JudgeMisuse, "model"),
        (400, "context_length_exceeded", {}, JudgeMisuse, "length"),
        (413, None, {}, JudgeMisuse, "too large"),
        (429, "insufficient_quota", {}, JudgeMisuse, "quota"),
        (429, "billing_hard_limit_reached", {}, JudgeMisuse, "quota"),
        (429, "rate_limit_exceeded", {"retry-after": "7"}, JudgeUnavailable, "429"),
        (429, None, {"x-should-retry": "false"}, JudgeMisuse, "not to repeat"),
        (500, None, {"x-should-retry": "false"}, JudgeUnavailable, "500"),
        (501, None, {}, JudgeMisuse, "refuses"),
    ],
)
def test_status_and_code_decide_what_to_do(
    status: int, code: str | None, headers: dict[str, str], wanted: type[EvaluatorError], told: str
) -> None:
    """Spending limits, keys and unknown models are for giving up at once; overload and failures for trying later."""
    response = httpx2.Response(status, request=_REQUEST, headers={**headers, "x-request-id": "req_17"})
    error = openai.APIStatusError(_UNTRUSTED, response=response, body={"code": code, "message": _UNTRUSTED})
    translated = _translate_openai(error)
    assert isinstance(translated, wanted)
    assert told in str(translated)
    assert f"status {status}" in str(translated)
    assert "request req_17" in str(translated)
    if isinstance(translated, JudgeUnavailable):
        assert translated.retry_after_s == (7.0 if headers.get("retry-after") else None)


@pytest.mark.parametrize("sdk", ["openai", "anthropic"])
@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ({"code": 429, "type": None}, "code 429"),
        ({"code": None, "type": "overloaded_error"}, "code overloaded_error"),
        ({"code": {"is": "an object"}, "type": ["a list"]}, "request req_17"),
        (["no object"], "request req_17"),
    ],
)
def test_a_code_of_any_kind_is_no_reason_to_fail(sdk: str, told: dict[str, object] | list[str], shown: str) -> None:
    """Gateways and local servers write numbers, or anything, where the providers have words."""
    response = httpx2.Response(429, request=_REQUEST, headers={"x-request-id": "req_17", "request-id": "req_17"})
    kind = openai.RateLimitError if sdk == "openai" else anthropic.RateLimitError
    if isinstance(told, dict) and sdk == "anthropic":
        told = {"type": told["code"] or told["type"], "details": {"error_code": told["code"]}}
    body = {"error": told} if sdk == "anthropic" else told
    translated = _SDKS[sdk][1](kind(_UNTRUSTED, response=response, body=body))
    assert isinstance(translated, JudgeUnavailable)
    assert shown in str(translated)


def test_codes_and_request_ids_are_shown_only_if_they_look_like_such() -> None:
    """A server can't smuggle text, such as the judged answer or terminal sequences, through its identifiers."""
    response = httpx2.Response(400, request=_REQUEST, headers={"x-request-id": "req 1; the candidate said"})
    error = openai.BadRequestError("m", response=response, body={"code": "\x1b[31m I said that"})
    assert str(_translate_openai(error)).count("[") == 1
    assert "said" not in str(_translate_openai(error))


async def test_the_sdks_words_are_not_chained_to_our_error() -> None:
    """A traceback of our error shows nothing of the provider's message, which may repeat the key or the answer."""
    from pydantic import SecretStr  # noqa: PLC0415 - used here alone

    from evaluator.backends import openai as backend  # noqa: PLC0415 - likewise
    from evaluator.backends.chat_model import ChatRequest  # noqa: PLC0415 - likewise
    from evaluator.backends.chat_options import ChatOptions  # noqa: PLC0415 - likewise

    def refuse(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(401, json={"error": {"message": _UNTRUSTED, "code": "invalid_api_key"}})

    options = ChatOptions(api_key=SecretStr("sk-live"), transport=lambda: httpx2.MockTransport(refuse))
    with pytest.raises(JudgeMisuse) as caught:
        await backend.build_model(options).complete(ChatRequest("s", ("t",), {"type": "object"}, 10))
    assert _UNTRUSTED not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
