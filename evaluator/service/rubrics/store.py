"""The rubrics of a tenant: the shipped ones and their own, each own version once and for good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from evaluator.batch.database import Database, Row
from evaluator.rubric import Rubric, load_rubric, parse_rubric, rubric_paths
from evaluator.service.problems import Problem

__all__ = ["KeptRubric", "RubricShelf"]

_MOST: Final = 500  # versions of a tenant's
_COLUMNS: Final = "number, id, version, sha256, title, text, created_s"


@dataclass(frozen=True, slots=True)
class KeptRubric:
    """A rubric as it lies on the shelf.

    Attributes:
        rubric: The rubric.
        text: Its YAML; ``None`` for a shipped one.
        created_s: When it was put there; ``None`` for a shipped one.
    """

    rubric: Rubric
    text: str | None = None
    created_s: float | None = None


class RubricShelf:
    """The rubrics of one database. Safe to share between threads."""

    def __init__(self, database: Database) -> None:
        """Read and write that database, whose tables are there."""
        self._database = database

    def get(self, tenant: str, name: str) -> KeptRubric:
        """Return a rubric by ``ID``, the latest of it, or ``ID@VERSION``.

        Raises:
            Problem: 404; the tenant has none of that name.
        """
        id_, _, version = name.partition("@")
        rows = self._rows(tenant, id_, version)
        if rows:
            return _kept(rows[0])
        if id_ in rubric_paths():
            shipped = _shipped(id_)
            if version in ("", shipped.version):
                return KeptRubric(shipped)
        raise Problem(404, "not_found", "There is no such rubric", where="rubric", remedy="GET /v1/rubrics lists them")

    def asked(self, tenant: str, name: str) -> Rubric:
        """Return the rubric that a request asks for, named as for `get`.

        Raises:
            Problem: 422; the tenant has none of that name.
        """
        try:
            return self.get(tenant, name).rubric
        except Problem as unknown:
            raise Problem(422, "unknown_rubric", unknown.title, where="rubric", remedy=unknown.remedy) from None

    def all(self, tenant: str) -> list[KeptRubric]:
        """Return the shipped rubrics and the tenant's own, every version, latest first."""
        own = [_kept(row) for row in self._rows(tenant)]
        return [*own, *(KeptRubric(_shipped(id_)) for id_ in rubric_paths())]

    def versions(self, tenant: str, id_: str) -> list[KeptRubric]:
        """Return every version of a rubric, latest first.

        Raises:
            Problem: 404; there is none.
        """
        found = [kept for kept in self.all(tenant) if kept.rubric.id == id_]
        return found or [self.get(tenant, id_)]

    def add(self, tenant: str, text: str, now_s: float) -> tuple[KeptRubric, bool]:
        """Put a rubric on the shelf; return it, and whether it is new.

        Raises:
            RubricError: It is none.
            Problem: 409; that version holds other words, or the id is a shipped one's; or the shelf is full.
        """
        rubric = parse_rubric(text)
        if rubric.id in rubric_paths():
            raise _conflict("the id is a shipped rubric's", "choose another id")
        values = {
            "tenant": tenant,
            "id": rubric.id,
            "version": rubric.version,
            "sha256": rubric.sha256,
            "title": rubric.title,
            "text": text,
            "now": now_s,
        }
        if len(self._rows(tenant)) >= _MOST:
            raise _conflict(f"there are {_MOST} versions already", "ask the operator to delete some")
        new = self._database.write(
            lambda transaction: transaction.run(
                """INSERT INTO sv_rubrics (tenant, id, version, sha256, title, text, created_s)
                VALUES (:tenant, :id, :version, :sha256, :title, :text, :now)
                ON CONFLICT (tenant, id, version) DO NOTHING""",
                values,
            )
        )
        kept = _kept(self._rows(tenant, rubric.id, rubric.version)[0])
        if kept.rubric.sha256 != rubric.sha256:
            raise _conflict("this version holds other words, and a version never changes", "raise `version`")
        return kept, new == 1

    def _rows(self, tenant: str, id_: str = "", version: str = "") -> Sequence[Row]:
        narrowed = (" AND id = :id" if id_ else "") + (" AND version = :version" if version else "")
        return self._database.read(
            lambda transaction: transaction.rows(
                f"SELECT {_COLUMNS} FROM sv_rubrics WHERE tenant = :tenant{narrowed} ORDER BY number DESC",  # noqa: S608 - our own text
                {"tenant": tenant, "id": id_, "version": version},
            )
        )


def _conflict(detail: str, remedy: str) -> Problem:
    return Problem(409, "rubric_conflict", "The rubric can't be kept", detail=detail, where="rubric", remedy=remedy)


def _kept(row: Row) -> KeptRubric:
    _, _, _, sha256, _, text, created_s = row
    return KeptRubric(_parsed(sha256, text), text, created_s)


@lru_cache(maxsize=64)
def _parsed(sha256: str, text: str) -> Rubric:
    del sha256
    return parse_rubric(text)


@lru_cache(maxsize=16)
def _shipped(id_: str) -> Rubric:
    return load_rubric(id_)
