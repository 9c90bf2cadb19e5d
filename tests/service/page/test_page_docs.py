"""Tests of the description of the API as a page."""

from __future__ import annotations

import html
from pathlib import Path

import pytest

from evaluator.service.page.reference import reference_of
from tests.service.serving import config_in, in_memory

pytestmark = pytest.mark.loopback


async def test_every_operation_and_model_is_described(tmp_path: Path) -> None:
    """What OpenAPI tells is on the page: each method of each path, each parameter, each model, each answer."""
    async with in_memory(config_in(tmp_path)) as (client, _):
        told = (await client.get("/openapi.json")).json()
        page = html.unescape((await client.get("/docs")).text)
    for path, methods in told["paths"].items():
        for operation in methods.values():
            assert f"<code>{path}</code>" in page
            assert operation["summary"] in page
            assert all(f"<code>{one['name']}</code>" in page for one in operation.get("parameters", ()))
    assert all(f'id="model-{name}"' in page for name in told["components"]["schemas"])
    assert not any(path.startswith(("/docs", "/login", "/practice")) for path in told["paths"])


def test_a_small_description_is_read() -> None:
    """Types are put into words, and references lead to their models."""
    reference = reference_of(
        {
            "info": {"title": "T", "version": "1"},
            "paths": {
                "/a/{id}": {
                    "get": {
                        "summary": "Get",
                        "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                        "responses": {"200": {"content": {"application/json": {"schema": {"$ref": _A}}}}},
                    }
                }
            },
            "components": {
                "schemas": {
                    "A": {
                        "required": ["many"],
                        "properties": {
                            "many": {"type": "array", "items": {"$ref": _A}},
                            "maybe": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]},
                            "word": {"enum": ["x", "y"]},
                        },
                        "example": {"many": []},
                    }
                }
            },
        }
    )
    ((tag, (operation,)),) = reference.groups
    assert (tag, operation.anchor, operation.method) == ("other", "get-a-id", "GET")
    assert operation.answers[0].model == "A"
    (model,) = reference.models
    assert [(one.kind, one.model, one.required) for one in model.fields] == [
        ("list of A", "A", True),
        ("string (date-time) | null", None, False),
        ('"x" | "y"', None, False),
    ]
    assert model.example == '{\n  "many": []\n}'


_A = "#/components/schemas/A"
