"""What is judged by, who judges, and how far they agree with people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from evaluator.client.call import JsonValue
from evaluator.client.operations import rubrics as calls
from evaluator.client.resources.rubrics import JudgeResource, RubricCheck, RubricResource, RubricSummary
from evaluator.client.synchronous.connection import Connection
from evaluator.rubric import Rubric

if TYPE_CHECKING:
    from evaluator.agreement.report import AgreementReport

__all__ = ["Agreement", "Judges", "Rubrics"]


class Rubrics:
    """Rubrics of one service: the shipped ones and your own."""

    def __init__(self, connection: Connection) -> None:
        """Ask over a connection."""
        self._connection = connection

    def list(self) -> Iterator[RubricSummary]:
        """Yield the latest version of each rubric."""
        return self._connection.pages(lambda _: calls.list_rubrics())

    def versions(self, id_: str) -> Iterator[RubricSummary]:
        """Yield every version of a rubric, latest first."""
        return self._connection.pages(lambda _: calls.list_versions(id_))

    def get(self, id_: str, *, version: str | None = None) -> RubricResource:
        """Return a rubric, the latest version if none is named."""
        return self._connection.send(calls.get_rubric(id_, version))

    def yaml(self, id_: str, *, version: str | None = None) -> str:
        """Return the document of a rubric."""
        return self._connection.send(calls.get_rubric_yaml(id_, version))

    def create(self, rubric: str | Rubric, *, idempotency_key: str | None = None) -> RubricSummary:
        """Add a rubric, or a version of one, by its YAML or as it was read; a version never changes."""
        return self._connection.send(calls.create_rubric(rubric, key=idempotency_key))

    def validate(self, rubric: str | Rubric) -> RubricCheck:
        """Return all faults of a document, or what a valid one could do better; nothing is kept."""
        return self._connection.send(calls.validate_rubric(rubric))

    def delete(self, id_: str, version: str) -> None:
        """Delete one of your own versions that no stored evaluation names."""
        self._connection.send(calls.delete_version(id_, version))


class Judges:
    """Judges of one service."""

    def __init__(self, connection: Connection) -> None:
        """Ask over a connection."""
        self._connection = connection

    def list(self, *, rubric: str | None = None) -> Iterator[JudgeResource]:
        """Yield the judges that can be asked for, the default one first, with their figures on a rubric."""
        return self._connection.pages(lambda _: calls.list_judges(rubric))


class Agreement:
    """How far a judge agrees with people."""

    def __init__(self, connection: Connection) -> None:
        """Ask over a connection."""
        self._connection = connection

    def of_labels(
        self, labels: Path | Iterable[Mapping[str, JsonValue]], *, rubric: str | None = None, judge: str | None = None
    ) -> AgreementReport:
        """Return the report on a judge that is asked about labelled transcripts, from a file or as rows."""
        return self._connection.send(calls.measure_labels(labels, rubric, judge))

    def of_reviews(self, *, rubric: str | None = None, judge: str | None = None) -> AgreementReport:
        """Return the report on stored verdicts, by what people said of them."""
        return self._connection.send(calls.measure_reviews(rubric, judge))
