"""``evaluator schema``: the JSON Schema of an `Evaluation`, as published in the package.

The command computes it from the types, and writes the packaged file too; a test keeps the two equal.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["schema", "schema_text"]


def schema(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file instead of stdout.")] = None,
) -> None:
    """Print the JSON Schema (draft 2020-12) of the result that every interface returns."""
    from evaluator.cli.terminal import check_output, write_file, write_stdout  # noqa: PLC0415 - keeps --help light

    if output is None:
        write_stdout(schema_text(), exact=True)
    else:
        check_output(output)
        write_file(output, schema_text())


def schema_text() -> str:
    """Return the schema as text, of what is written: every key is always there, so every key is required."""
    from evaluator.values.evaluation import SCHEMA_VERSION, Evaluation  # noqa: PLC0415 - keeps --help light

    body = Evaluation.model_json_schema(mode="serialization")
    for part in (body, *body["$defs"].values()):
        if "properties" in part:
            part["required"] = list(part["properties"])
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:interview-evaluator:evaluation:{SCHEMA_VERSION}",
        "title": f"Evaluation {SCHEMA_VERSION}",
    }
    return json.dumps({**head, **{key: value for key, value in body.items() if key not in head}}, indent=2) + "\n"
