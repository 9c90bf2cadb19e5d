"""The description of the API as a page: OpenAPI in, plain rows out, so that it is read without another's script."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["Field", "Model", "Operation", "Reference", "reference_of"]

_METHODS: Final = ("get", "post", "put", "patch", "delete")
_REFERENCE: Final = "#/components/schemas/"


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter, or a member of a model; ``model`` names the model that it leads to, if one."""

    name: str
    kind: str
    model: str | None
    required: bool
    place: str
    description: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What one status brings."""

    status: str
    description: str
    media: str
    model: str | None
    example: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    anchor: str
    method: str
    path: str
    title: str
    description: str
    parameters: tuple[Field, ...]
    bodies: tuple[Answer, ...]
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """One model, with its members and an example if it has one."""

    name: str
    description: str
    fields: tuple[Field, ...]
    example: str


@dataclass(frozen=True, slots=True)
class Reference:
    """The whole description; operations by tag."""

    title: str
    version: str
    description: str
    groups: tuple[tuple[str, tuple[Operation, ...]], ...]
    models: tuple[Model, ...]


def reference_of(openapi: Mapping[str, Any]) -> Reference:
    """Return what the page shows of a description by OpenAPI 3.1."""
    schemas = openapi.get("components", {}).get("schemas", {})
    groups: dict[str, list[Operation]] = {}
    for path, methods in openapi.get("paths", {}).items():
        for method in _METHODS:
            if method in methods:
                tag = (methods[method].get("tags") or ["other"])[0]
                groups.setdefault(tag, []).append(_operation(method, path, methods[method], schemas))
    models = {name: _model(name, schema) for name, schema in sorted(schemas.items())}
    return Reference(
        title=openapi["info"]["title"],
        version=openapi["info"]["version"],
        description=openapi["info"].get("description", ""),
        groups=tuple((tag, tuple(operations)) for tag, operations in groups.items()),
        models=tuple(models.values()),
    )


def _operation(method: str, path: str, told: Mapping[str, Any], schemas: Mapping[str, Any]) -> Operation:
    parameters = tuple(
        _field(one["name"], one.get("schema", {}), bool(one.get("required")), one["in"], one.get("description"))
        for one in told.get("parameters", ())
    )
    body = told.get("requestBody", {})
    return Operation(
        anchor=f"{method}-{path.strip('/').replace('/', '-').replace('{', '').replace('}', '')}",
        method=method.upper(),
        path=path,
        title=told.get("summary", ""),
        description=told.get("description", ""),
        parameters=parameters,
        bodies=_contents("", body.get("description", ""), body.get("content", {}), schemas),
        answers=tuple(
            answer
            for status, one in told.get("responses", {}).items()
            for answer in _contents(status, one.get("description", ""), one.get("content", {}))
            or (Answer(status, one.get("description", ""), "", None),)
        ),
    )


def _contents(
    status: str, description: str, content: Mapping[str, Any], schemas: Mapping[str, Any] | None = None
) -> tuple[Answer, ...]:
    """Return what may be sent or comes back; with ``schemas``, each with an example if its model has one."""
    found: list[Answer] = []
    for media, one in content.items():
        model = _leads(one.get("schema", {}))
        found.append(Answer(status, description, media, model, _example((schemas or {}).get(model or "", {}))))
    return tuple(found)


def _example(schema: Mapping[str, Any]) -> str:
    examples = schema.get("examples") or ([schema["example"]] if "example" in schema else [])
    return json.dumps(examples[0], indent=2, ensure_ascii=False) if examples else ""


def _model(name: str, schema: Mapping[str, Any]) -> Model:
    required = set(schema.get("required", ()))
    return Model(
        name=name,
        description=schema.get("description", ""),
        fields=tuple(
            _field(key, member, key in required, "", None) for key, member in schema.get("properties", {}).items()
        ),
        example=_example(schema),
    )


def _field(name: str, schema: Mapping[str, Any], required: bool, place: str, description: str | None) -> Field:  # noqa: FBT001 - a column
    told = description or schema.get("description", "")
    return Field(name, _kind(schema), _leads(schema), required, place, told)


def _kind(schema: Mapping[str, Any]) -> str:
    """Return a schema's type in words."""
    if "$ref" in schema:
        return schema["$ref"].removeprefix(_REFERENCE)
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " | ".join(dict.fromkeys(_kind(one) for one in schema[several]))
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return f"{kind} ({schema['format']})" if "format" in schema else str(kind)


def _leads(schema: Mapping[str, Any]) -> str | None:
    """Return the name of the model that a schema is, or holds."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(_REFERENCE)
    inner = [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())]
    if "items" in schema:
        inner.append(schema["items"])
    return next((name for one in inner if (name := _leads(one)) is not None), None)
