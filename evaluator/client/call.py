"""One call of the service as a value: what is sent, and how its answer is read. Both clients send the same calls."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from evaluator.client.problems import UnreadableAnswer, problem_in

if TYPE_CHECKING:
    import httpx2

__all__ = [
    "Body",
    "Call",
    "Form",
    "JsonValue",
    "Value",
    "as_json",
    "keyed",
    "nothing",
    "reader",
    "request_of",
    "result_of",
]

_Result = TypeVar("_Result")
_Model = TypeVar("_Model", bound=BaseModel)
Value: TypeAlias = "str | int | float | bool | None"
JsonValue: TypeAlias = "Value | Sequence[JsonValue] | Mapping[str, JsonValue]"
_JSON: Final = "application/json"
_REFUSED: Final = 300  # the service redirects nobody


@dataclass(frozen=True, slots=True)
class Body:
    """What is sent as it is."""

    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Form:
    """A file, and what else is told about it."""

    name: str
    content: bytes
    options: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[_Result]):
    """One operation of the API with its arguments.

    Attributes:
        method: HTTP method.
        path: As in the OpenAPI, with names in braces.
        read: Makes the result of the answer's content.
        names: What stands for the names in the path.
        query: Parameters; those that are ``None`` aren't sent.
        body: What is sent.
        headers: Beside those that every call has.
        key: Idempotency-Key of a POST, as `keyed` gives one.
    """

    method: str
    path: str
    read: Callable[[bytes], _Result]
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    query: Mapping[str, Value] = field(default_factory=dict[str, Value])
    body: Body | Form | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    key: str | None = None


def as_json(members: Mapping[str, JsonValue]) -> Body:
    """Return an object as a body; members that are ``None`` are left out."""
    told = {name: value for name, value in members.items() if value is not None}
    return Body(json.dumps(told, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace"), _JSON)


def reader(model: type[_Model]) -> Callable[[bytes], _Model]:
    """Return what reads a model out of an answer."""

    def read(content: bytes) -> _Model:
        try:
            return model.model_validate_json(content)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            place = ".".join(str(part)[:60] for part in first["loc"])
            raise UnreadableAnswer(
                f"this is no {model.__name__}: {first['msg']}",
                where=place or None,
                remedy="check the address, and that client and service are of one version",
            ) from None

    return read


def nothing(content: bytes) -> None:
    """Read an answer that holds nothing."""
    del content


def keyed(call: Call[_Result]) -> Call[_Result]:
    """Return a call that is known again when it is repeated: a POST without a key gets one."""
    return replace(call, key=uuid.uuid4().hex) if call.method == "POST" and call.key is None else call


def request_of(client: httpx2.Client | httpx2.AsyncClient, call: Call[_Result]) -> httpx2.Request:
    """Return the request of a call."""
    headers = {"Accept": _JSON, **call.headers}
    if call.key is not None:
        headers["Idempotency-Key"] = call.key
    path = call.path
    for name, value in call.names.items():
        path = path.replace(f"{{{name}}}", quote(value, safe="").replace(".", "%2E"))  # `..` would lead elsewhere
    query = {name: _told(value) for name, value in call.query.items() if value is not None}
    if isinstance(call.body, Form):
        files = {"file": (call.body.name, call.body.content)}
        told = {name: value for name, value in call.body.options.items() if value is not None}
        data = {"options": json.dumps(told)} if told else None
        return client.build_request(call.method, path, params=query, headers=headers, files=files, data=data)
    if call.body is not None:
        headers["Content-Type"] = call.body.media_type
    content = call.body.content if call.body is not None else None
    return client.build_request(call.method, path, params=query, headers=headers, content=content)


def result_of(call: Call[_Result], status: int, headers: Mapping[str, str], content: bytes) -> _Result:
    """Return the result of a call.

    Raises:
        ServiceProblem: The service refused.
        UnreadableAnswer: The answer isn't what the call expects.
    """
    if status >= _REFUSED:
        raise problem_in(status, headers, content)
    return call.read(content)


def _told(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
