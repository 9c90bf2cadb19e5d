"""Tests of agreement over HTTP: the figures of the command line, from labels that are sent or from reviews."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from evaluator.agreement.report import AgreementReport
from evaluator.cli.main import run
from evaluator.service.tenants.caller import LOCAL_TENANT
from tests.service.keeping import judged, kept
from tests.service.serving import config_in, in_memory

pytestmark = pytest.mark.loopback

_GOLD: Final = Path(__file__).resolve().parents[3] / "fixtures" / "gold" / "dev.jsonl"
_JSONL: Final = {"content-type": "application/jsonl"}
_ROW: Final[dict[str, Any]] = {
    "id": "a-1",
    "turns": [{"speaker": "candidate", "text": "I would count clicks, since more clicks are better."}],
    "labels": {"vanity_metric": "present"},
}


def _lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


async def test_labels_that_are_sent_give_the_command_lines_figures(tmp_path: Path) -> None:
    """The same labels, judge and rubric: every figure, with its interval, is the one that the command prints."""
    content = b"".join(_GOLD.read_bytes().splitlines(keepends=True)[:3])
    labels = tmp_path / "three.jsonl"
    labels.write_bytes(content)
    report = tmp_path / "report.json"
    assert await asyncio.to_thread(run, ["agreement", str(labels), "--quiet", "-o", str(report)]) == 0
    async with in_memory(config_in(tmp_path)) as (client, _):
        answer = await client.post("/v1/agreement", content=content, headers=_JSONL, timeout=120)
    assert answer.status_code == 200
    served, told = (AgreementReport.model_validate_json(text) for text in (answer.content, report.read_bytes()))
    assert served.figures == told.figures
    assert (served.judge, served.disagreements, served.labels.sha256) == (
        told.judge,
        told.disagreements,
        told.labels.sha256,
    )


async def test_reviews_are_compared_with_the_stored_verdicts(tmp_path: Path) -> None:
    """Overrides count as labels against what the judge said then; nobody is asked again."""
    async with in_memory(config_in(tmp_path)) as (client, service):
        for number, said in enumerate(("present", "present", "absent", "present")):
            service.evaluations.add(kept(f"eval_{number}", judged()))
            service.reviews.put(LOCAL_TENANT, f"eval_{number}", "vanity_metric", said, "So.", "anna", 1.0)
        answer = await client.post("/v1/agreement", json={"source": "reviews"})
        assert answer.status_code == 200
        report = AgreementReport.model_validate_json(answer.content)
        (figures,) = (row for row in report.figures.criteria if row.criterion == "vanity_metric")
        assert (figures.n, figures.hits, figures.false_alarms, figures.misses) == (4, 3, 1, 0)
        assert figures.precision == 0.75
        assert report.usage.requests == 0
        assert [row.label for row in report.disagreements] == ["absent"]
        assert any("before they gave theirs" in warning for warning in report.warnings)


async def test_the_judge_that_judged_last_is_reported_on(tmp_path: Path) -> None:
    """Verdicts of a former model are not mixed into the figures; they stand among the failures."""
    async with in_memory(config_in(tmp_path)) as (client, service):
        for id_, model, settled_s in (("eval_1", "new", 9.0), ("eval_2", "old", 5.0)):
            service.evaluations.add(kept(id_, judged(model), settled_s=settled_s))
            service.reviews.put(LOCAL_TENANT, id_, "vanity_metric", "present", "So.", "anna", 1.0)
        report = AgreementReport.model_validate_json(
            (await client.post("/v1/agreement", json={"source": "reviews"})).content
        )
        assert report.judge.model == "new"
        assert report.figures.transcripts == 1
        assert [failure.id for failure in report.failures] == ["eval_2"]


async def test_another_tenants_reviews_are_nobodys_labels(tmp_path: Path) -> None:
    """Without reviews of one's own there is nothing to measure."""
    async with in_memory(config_in(tmp_path)) as (client, service):
        service.evaluations.add(kept("eval_1", judged(), tenant="tn_other"))
        service.reviews.put("tn_other", "eval_1", "vanity_metric", "absent", "No.", "eve", 1.0)
        answer = await client.post("/v1/agreement", json={"source": "reviews"})
        assert (answer.status_code, answer.json()["where"]) == (404, "source")


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"no json\n", "application/jsonl", 422, "input"),
        (_lines([{**_ROW, "labels": {"nothing_of_the_kind": "present"}}]), "application/jsonl", 422, "input"),
        (_lines([{**_ROW, "id": f"a-{n}"} for n in range(201)]), "application/jsonl", 413, "too_many_labels"),
        (b'{"source": "rumours"}', "application/json", 422, "invalid_request"),
        (b"", "text/csv", 415, "media_type"),
    ],
)
async def test_what_cannot_be_measured_is_refused(
    tmp_path: Path, content: bytes, kind: str, status: int, code: str
) -> None:
    """Broken labels, too many of them, and other bodies get a problem of their own."""
    async with in_memory(config_in(tmp_path)) as (client, _):
        answer = await client.post("/v1/agreement", content=content, headers={"content-type": kind})
        assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_measurement_ends_at_the_deadline(tmp_path: Path) -> None:
    """A caller isn't kept waiting for ever: past the deadline they are told what to do instead."""
    config = replace(config_in(tmp_path), deadline_s=1e-6)
    async with in_memory(config) as (client, _):
        answer = await client.post("/v1/agreement", content=_lines([_ROW]), headers=_JSONL)
        assert (answer.status_code, answer.json()["code"]) == (504, "deadline")
        assert "evaluator agreement" in answer.json()["remedy"]
