"""Evaluations as the service keeps them, for tests of what is done with them later."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from evaluator.rubric import load_rubric
from evaluator.service.evaluations.store import Kept
from evaluator.service.jobs.job import Job
from evaluator.service.tenants.caller import LOCAL_TENANT
from evaluator.values.evaluation import Evaluation
from tests.fakes import make_evaluation, make_transcript, opinion

__all__ = ["judged", "kept", "queued_job"]


def judged(model: str = "opinions") -> Evaluation:
    """Return an answer that was judged by the shipped rubric: `vanity_metric` is present."""
    evaluation = make_evaluation(
        make_transcript("I would track clicks, since more clicks show that people like what they see on the page."),
        opinion("vanity_metric", "present", "track clicks", turn=0),
        rubric=load_rubric(),
    )
    return evaluation.model_copy(update={"judge": evaluation.judge.model_copy(update={"model": model})})


def kept(id_: str, evaluation: Evaluation, **changes: Any) -> Kept:  # noqa: ANN401 - any field of what is kept
    """Return an evaluation as it is kept once it is completed, by the local tenant unless that is changed."""
    usual = Kept(
        tenant=LOCAL_TENANT,
        id=id_,
        status="completed",
        created_s=1.0,
        expires_s=4e9,
        rubric=evaluation.rubric.id,
        judge="local",
        metadata={},
        evaluation=evaluation,
        settled_s=1.0,
    )
    return replace(usual, **changes)


def queued_job(id_: str, words: str, *, tenant: str = "t", batch: str | None = None) -> Job:
    """Return an evaluation that waits for its judge, kept for a good quarter of an hour."""
    now_s = time.time()
    waiting = Kept(
        tenant=tenant,
        id=id_,
        status="queued",
        created_s=now_s,
        expires_s=now_s + 1000,
        rubric="r",
        judge="fake",
        metadata={},
        batch=batch,
    )
    return Job(waiting, make_transcript(words))
