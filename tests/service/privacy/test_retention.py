"""Tests of retention: what has expired is gone, to the byte, and nothing else is."""

from __future__ import annotations

import time
from pathlib import Path

from evaluator.batch.database import Database
from evaluator.service.evaluations.store import EvaluationStore, Filters, Kept
from evaluator.service.privacy.retention import Retention
from evaluator.service.tables import create_service_tables


def test_what_has_expired_is_really_deleted(tmp_path: Path) -> None:
    """The row is gone, its words are in no file of the folder, and what has time left stays."""
    now_s = time.time()
    database = Database(tmp_path / "service.sqlite", erases=True)
    create_service_tables(database)
    store = EvaluationStore(database)
    for id_, left_s in (("eval_old", 10.0), ("eval_new", 1000.0)):
        store.add(
            Kept(
                tenant="t",
                id=id_,
                status="failed",
                created_s=now_s,
                expires_s=now_s + left_s,
                rubric="r",
                judge="local",
                metadata={"note": f"Wombat {id_} xylophone"},
            )
        )
    assert Retention(database, lambda: now_s).tend() == 0
    assert Retention(database, lambda: now_s + 60).tend() == 1
    found, _ = store.page("t", Filters(), 2**62, 10)
    database.close()
    assert [row.id for row in found] == ["eval_new"]
    held = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"Wombat eval_old" not in held
    assert b"Wombat eval_new" in held
