"""Calls about rubrics, judges and agreement."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from evaluator.client.call import Body, Call, JsonValue, as_json, nothing, reader
from evaluator.client.resources.rubrics import JudgeResource, RubricCheck, RubricResource, RubricSummary
from evaluator.client.resources.shared import Page
from evaluator.errors import OptionError
from evaluator.rubric import Rubric

if TYPE_CHECKING:
    from evaluator.agreement.report import AgreementReport

__all__ = [
    "create_rubric",
    "delete_version",
    "get_rubric",
    "get_rubric_yaml",
    "list_judges",
    "list_rubrics",
    "list_versions",
    "measure_labels",
    "measure_reviews",
    "validate_rubric",
]

_ALL: Final = "/v1/rubrics"
_ONE: Final = "/v1/rubrics/{id}"
_AGREEMENT: Final = "/v1/agreement"
_YAML: Final = "application/yaml"


def list_rubrics() -> Call[Page[RubricSummary]]:
    """List rubrics."""
    return Call(method="GET", path=_ALL, read=reader(Page[RubricSummary]))


def get_rubric(id_: str, version: str | None) -> Call[RubricResource]:
    """Fetch a rubric."""
    return Call(method="GET", path=_ONE, names={"id": id_}, query={"version": version}, read=reader(RubricResource))


def get_rubric_yaml(id_: str, version: str | None) -> Call[str]:
    """Fetch the document of a rubric."""
    return Call(
        method="GET",
        path=_ONE,
        names={"id": id_},
        query={"version": version},
        headers={"Accept": _YAML},
        read=lambda content: content.decode("utf-8", "replace"),
    )


def list_versions(id_: str) -> Call[Page[RubricSummary]]:
    """List the versions of a rubric."""
    return Call(method="GET", path=f"{_ONE}/versions", names={"id": id_}, read=reader(Page[RubricSummary]))


def create_rubric(rubric: str | Rubric, *, key: str | None = None) -> Call[RubricSummary]:
    """Add a rubric, by its YAML or as it was read."""
    return Call(method="POST", path=_ALL, body=_document(rubric), read=reader(RubricSummary), key=key)


def validate_rubric(rubric: str | Rubric) -> Call[RubricCheck]:
    """Check a rubric without keeping it."""
    return Call(method="POST", path=f"{_ALL}/validate", body=_document(rubric), read=reader(RubricCheck))


def delete_version(id_: str, version: str) -> Call[None]:
    """Delete a version of a rubric."""
    return Call(
        method="DELETE", path=f"{_ONE}/versions/{{version}}", names={"id": id_, "version": version}, read=nothing
    )


def list_judges(rubric: str | None) -> Call[Page[JudgeResource]]:
    """List judges."""
    return Call(method="GET", path="/v1/judges", query={"rubric": rubric}, read=reader(Page[JudgeResource]))


def measure_labels(
    labels: Path | Iterable[Mapping[str, JsonValue]], rubric: str | None, judge: str | None
) -> Call[AgreementReport]:
    """Measure a judge by labels, from a file or as rows.

    Raises:
        OptionError: The file can't be read.
    """
    if isinstance(labels, Path):
        try:
            content = labels.read_bytes()
        except OSError as error:
            raise OptionError(f"the file can't be read: {error.strerror}", where=labels.name) from error
    else:
        lines = (json.dumps(dict(row), ensure_ascii=False, allow_nan=False) for row in labels)
        content = "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
    return Call(
        method="POST",
        path=_AGREEMENT,
        query={"rubric": rubric, "judge": judge},
        body=Body(content, "application/jsonl"),
        read=_report(),
    )


def measure_reviews(rubric: str | None, judge: str | None) -> Call[AgreementReport]:
    """Measure stored verdicts by what people said of them."""
    return Call(
        method="POST",
        path=_AGREEMENT,
        query={"rubric": rubric, "judge": judge},
        body=as_json({"source": "reviews"}),
        read=_report(),
    )


def _document(rubric: str | Rubric) -> Body:
    if isinstance(rubric, str):
        return Body(rubric.encode("utf-8", "replace"), _YAML)
    return Body(rubric.model_dump_json().encode(), "application/json")


def _report() -> Callable[[bytes], AgreementReport]:
    from evaluator.agreement.report import AgreementReport  # noqa: PLC0415 - numpy, which other calls don't need

    return reader(AgreementReport)
