"""Tests of retention: what has expired is gone, to the byte, and nothing else is."""

from __future__ import annotations

import os
import time
from contextlib import closing
from pathlib import Path

import pytest

from evaluator.batch.database import Database
from evaluator.service.batches.reading import forget_incoming
from evaluator.service.batches.store import BatchStore, KeptBatch
from evaluator.service.evaluations.store import EvaluationStore, Filters, Kept
from evaluator.service.privacy.retention import Retention
from evaluator.service.tables import create_service_tables
from evaluator.service.webhooks.outbox import Outbox
from tests.service.serving import config_in, in_memory

pytestmark = pytest.mark.loopback

_ENDPOINT = """INSERT INTO sv_webhooks (endpoint, tenant, url, events, description, created_s)
    VALUES ('we_1', 't', 'https://example.com', '[]', '', 0)"""


def _kept(id_: str, now_s: float, left_s: float) -> Kept:
    return Kept(
        tenant="t",
        id=id_,
        status="failed",
        created_s=now_s,
        expires_s=now_s + left_s,
        rubric="r",
        judge="local",
        metadata={"note": f"Wombat {id_} xylophone"},
    )


def test_what_has_expired_is_really_deleted(tmp_path: Path) -> None:
    """The row is gone, its words are in no file of the folder, and what has time left stays."""
    now_s = time.time()
    database = Database(tmp_path / "service.sqlite", erases=True)
    create_service_tables(database)
    store = EvaluationStore(database)
    for id_, left_s in (("eval_old", 10.0), ("eval_new", 1000.0)):
        store.add(_kept(id_, now_s, left_s))
    assert Retention(database, lambda: now_s).tend() == 0
    assert Retention(database, lambda: now_s + 60).tend() == 1
    found, _ = store.page("t", Filters(), 2**62, 10)
    database.close()
    assert [row.id for row in found] == ["eval_new"]
    held = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"Wombat eval_old" not in held
    assert b"Wombat eval_new" in held


def test_what_is_told_goes_with_what_it_tells_of(tmp_path: Path) -> None:
    """With an evaluation or a batch that has expired, its messages go at once, sent or not; others stay."""
    now_s = time.time()
    with closing(Database(tmp_path / "service.sqlite", erases=True)) as database:
        create_service_tables(database)
        batches = BatchStore(database)
        outbox = Outbox(steps=3)
        for number, left_s in enumerate((10.0, 1000.0)):
            kept = _kept(f"eval_{number}", now_s, left_s)
            EvaluationStore(database).add(kept)
            batches.add(KeptBatch("t", f"batch_{number}", None, "r", "local", now_s, now_s + left_s))
        database.write(lambda t: t.run(_ENDPOINT))
        for subject in ("eval_0", "eval_1", "batch_0", "batch_1"):
            data = {"id": subject}
            database.write(lambda t, data=data: outbox.add(t, tenant="t", type="batch.completed", data=data))
        Retention(database, lambda: now_s + 60).tend()
        told = database.read(lambda t: t.rows("SELECT subject FROM sv_webhook_messages ORDER BY subject"))
        waiting = database.read(lambda t: t.rows("SELECT count(*) FROM sv_webhook_deliveries"))
    assert [subject for (subject,) in told] == ["batch_1", "eval_1"]
    assert waiting == [(2,)]


def test_what_a_killed_service_was_sent_is_deleted(tmp_path: Path) -> None:
    """A file that nobody reads any more goes; one that may be read just now stays."""
    for name, age_s in (("incoming-dead", 7200.0), ("incoming-alive", 5.0)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "batch.jsonl").write_text("Wombat")
        then_s = time.time() - age_s
        os.utime(tmp_path / name, (then_s, then_s))
    assert forget_incoming(tmp_path) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["incoming-alive"]


async def test_a_service_that_begins_alone_deletes_what_its_former_life_was_sent(tmp_path: Path) -> None:
    """Nothing of a batch that a killed service was reading stays in the folder."""
    config = config_in(tmp_path)
    left = config.data / "incoming-x"
    left.mkdir(parents=True)
    (left / "batch.jsonl").write_text("Wombat")
    async with in_memory(config):
        assert not left.exists()
