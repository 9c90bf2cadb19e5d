"""The rubrics of a tenant: the shipped ones and their own, each own version once and for good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from evaluator.batch.database import Database, Row, Transaction
from evaluator.rubric import Rubric, load_rubric, parse_rubric, rubric_paths
from evaluator.service.problems import Problem

__all__ = ["KeptRubric", "ListedRubric", "RubricShelf"]

_MOST: Final = 500  # versions of a tenant's
_NEVER_S: Final = 1e12
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


@dataclass(frozen=True, slots=True)
class ListedRubric:
    """What a list says of a rubric, so that it needn't be read.

    Attributes:
        id: Its id.
        version: Its version.
        title: Title for people.
        sha256: Hash of its content.
        criteria: How many it holds.
        created_s: When it was put there; ``None`` for a shipped one.
    """

    id: str
    version: str
    title: str
    sha256: str
    criteria: int
    created_s: float | None


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
        raise _unknown()

    def asked(self, tenant: str, name: str) -> Rubric:
        """Return the rubric that a request asks for, named as for `get`.

        Raises:
            Problem: 422; the tenant has none of that name.
        """
        try:
            return self.get(tenant, name).rubric
        except Problem as unknown:
            raise Problem(422, "unknown_rubric", unknown.title, where="rubric", remedy=unknown.remedy) from None

    def latest(self, tenant: str) -> list[KeptRubric]:
        """Return the latest version of each rubric, the tenant's own before the shipped; no other is read."""
        rows: dict[str, Row] = {}
        for row in self._rows(tenant):
            rows.setdefault(row[1], row)
        return [*map(_kept, rows.values()), *(KeptRubric(_shipped(id_)) for id_ in rubric_paths() if id_ not in rows)]

    def listing(self, tenant: str, id_: str = "") -> list[ListedRubric]:
        """Return what there is, every version, latest first, the tenant's own before the shipped; of one id, or all."""
        narrowed = " AND id = :id" if id_ else ""
        rows = self._database.read(
            lambda transaction: transaction.rows(
                "SELECT id, version, title, sha256, criteria, created_s FROM sv_rubrics "  # noqa: S608 - our own text
                f"WHERE tenant = :tenant{narrowed} ORDER BY number DESC",
                {"tenant": tenant, "id": id_},
            )
        )
        shipped = [_shipped(name) for name in rubric_paths() if id_ in ("", name)]
        own = [ListedRubric(*row) for row in rows]
        return [*own, *(ListedRubric(r.id, r.version, r.title, r.sha256, len(r.criteria), None) for r in shipped)]

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
            "criteria": len(rubric.criteria),
            "text": text,
            "now": now_s,
        }
        if len(self.listing(tenant)) >= _MOST:
            raise _conflict(f"there are {_MOST} versions already", "delete some that aren't used")
        new = self._database.write(
            lambda transaction: transaction.run(
                """INSERT INTO sv_rubrics (tenant, id, version, sha256, title, criteria, text, created_s)
                VALUES (:tenant, :id, :version, :sha256, :title, :criteria, :text, :now)
                ON CONFLICT (tenant, id, version) DO NOTHING""",
                values,
            )
        )
        kept = _kept(self._rows(tenant, rubric.id, rubric.version)[0])
        if kept.rubric.sha256 != rubric.sha256:
            raise _conflict("this version holds other words, and a version never changes", "raise `version`")
        return kept, new == 1

    def remove(self, tenant: str, id_: str, version: str) -> None:
        """Take a version off the shelf.

        Raises:
            Problem: 404, the tenant has no such version; 409, it is shipped, or an evaluation names it, be it by its
                id alone while this was the latest.
        """
        values = {"tenant": tenant, "id": id_, "version": version, "named": f"{id_}@{version}"}

        def work(transaction: Transaction) -> None:
            rows = transaction.rows(
                """SELECT created_s, (SELECT min(n.created_s) FROM sv_rubrics n WHERE n.tenant = r.tenant
                    AND n.id = r.id AND n.number > r.number)
                FROM sv_rubrics r WHERE tenant = :tenant AND id = :id AND version = :version""",
                values,
            )
            if not rows:
                raise _unknown()
            begun_s, ended_s = rows[0]
            span = {"begun": begun_s, "ended": ended_s if ended_s is not None else _NEVER_S}
            if transaction.rows(
                """SELECT 1 FROM sv_evaluations WHERE tenant = :tenant AND (rubric = :named
                    OR (rubric = :id AND created_s >= :begun AND created_s <= :ended)) LIMIT 1""",
                values | span,
            ):
                raise _conflict("stored evaluations name this version", "delete these first, or leave it")
            transaction.run("DELETE FROM sv_rubrics WHERE tenant = :tenant AND id = :id AND version = :version", values)

        if id_ in rubric_paths() and version == _shipped(id_).version:
            raise _conflict("it is a shipped one", "leave it")
        self._database.write(work)

    def _rows(self, tenant: str, id_: str = "", version: str = "") -> Sequence[Row]:
        narrowed = (" AND id = :id" if id_ else "") + (" AND version = :version" if version else "")
        return self._database.read(
            lambda transaction: transaction.rows(
                f"SELECT {_COLUMNS} FROM sv_rubrics WHERE tenant = :tenant{narrowed} ORDER BY number DESC",  # noqa: S608 - our own text
                {"tenant": tenant, "id": id_, "version": version},
            )
        )


def _unknown() -> Problem:
    return Problem(404, "not_found", "There is no such rubric", where="rubric", remedy="GET /v1/rubrics lists them")


def _conflict(detail: str, remedy: str) -> Problem:
    return Problem(409, "rubric_conflict", "The rubric can't be kept", detail=detail, where="rubric", remedy=remedy)


def _kept(row: Row) -> KeptRubric:
    _, _, _, sha256, _, text, created_s = row
    return KeptRubric(_parsed(sha256, text), text, created_s)


@lru_cache(maxsize=128)
def _parsed(sha256: str, text: str) -> Rubric:
    del sha256
    return parse_rubric(text)


@lru_cache(maxsize=16)
def _shipped(id_: str) -> Rubric:
    return load_rubric(id_)
