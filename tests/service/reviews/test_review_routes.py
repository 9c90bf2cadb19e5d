"""Tests of reviews over HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluator.agreement.labels import parse_labels
from evaluator.rubric import load_rubric
from evaluator.service.context import Service
from evaluator.service.tenants.caller import LOCAL_TENANT
from evaluator.values.evaluation import Evaluation
from tests.service.keeping import judged, kept
from tests.service.serving import config_in, in_memory

pytestmark = pytest.mark.loopback

_VANITY = "vanity_metric"


def _keep(service: Service, id_: str, tenant: str = LOCAL_TENANT) -> Evaluation:
    evaluation = judged()
    service.evaluations.add(kept(id_, evaluation, tenant=tenant))
    return evaluation


async def test_a_verdict_is_overridden_read_and_exported(tmp_path: Path) -> None:
    """What a coach puts is what is read back, what counts, and what the labels say; the evaluation stays."""
    async with in_memory(config_in(tmp_path)) as (client, service):
        evaluation = _keep(service, "eval_1")
        said = {"verdict": "absent", "reason": "It is named as a guardrail.", "reviewer": "anna"}
        put = await client.put(f"/v1/evaluations/eval_1/reviews/{_VANITY}", json=said)
        assert put.status_code == 200
        assert put.json()["outcome"] == "overridden"
        read = (await client.get("/v1/evaluations/eval_1/reviews")).json()
        assert read["verdicts"] == [{"criterion": _VANITY, "judged": "present", "verdict": "absent", "disputed": False}]
        assert read["reviews"] == [put.json()]
        labels = await client.get("/v1/reviews/labels")
        assert labels.headers["content-type"] == "application/jsonl"
        (row,) = parse_labels(labels.content, load_rubric()).rows
        assert row.labels == {_VANITY: "absent"}
        fetched = (await client.get("/v1/evaluations/eval_1")).json()
        assert Evaluation.model_validate(fetched["evaluation"]) == evaluation


async def test_a_review_is_withdrawn_by_its_reviewer(tmp_path: Path) -> None:
    """Deleting takes the named reviewer's word alone; a second time there is nothing."""
    async with in_memory(config_in(tmp_path)) as (client, service):
        _keep(service, "eval_1")
        path = f"/v1/evaluations/eval_1/reviews/{_VANITY}"
        for reviewer in ("anna", None):
            await client.put(path, json={"verdict": "na", "reason": "Off topic.", "reviewer": reviewer})
        assert (await client.delete(path, params={"reviewer": "anna"})).status_code == 204
        assert [r["reviewer"] for r in (await client.get("/v1/evaluations/eval_1/reviews")).json()["reviews"]] == [
            "local"
        ]
        assert (await client.delete(path, params={"reviewer": "anna"})).status_code == 404


async def test_a_foreign_evaluation_has_no_reviews(tmp_path: Path) -> None:
    """Another tenant's evaluation is not found by any route of reviews, and its labels aren't exported."""
    async with in_memory(config_in(tmp_path)) as (client, service):
        _keep(service, "eval_2", tenant="tn_other")
        service.reviews.put("tn_other", "eval_2", _VANITY, "absent", "No.", "eve", 1.0)
        path = f"/v1/evaluations/eval_2/reviews/{_VANITY}"
        answers = [
            await client.put(path, json={"verdict": "absent", "reason": "Mine now."}),
            await client.get("/v1/evaluations/eval_2/reviews"),
            await client.delete(path, params={"reviewer": "eve"}),
        ]
        assert [answer.status_code for answer in answers] == [404, 404, 404]
        assert (await client.get("/v1/reviews/labels")).content == b""
        assert len(service.reviews.of("tn_other", "eval_2")) == 1


@pytest.mark.parametrize(
    "said",
    [{"verdict": "unscored", "reason": "x"}, {"verdict": "absent"}, {"verdict": "absent", "reason": "  "}, []],
)
async def test_a_review_needs_a_verdict_and_a_reason(tmp_path: Path, said: object) -> None:
    """`unscored` is no person's verdict, and a review without a reason is none."""
    async with in_memory(config_in(tmp_path)) as (client, service):
        _keep(service, "eval_1")
        answer = await client.put(f"/v1/evaluations/eval_1/reviews/{_VANITY}", json=said)
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
