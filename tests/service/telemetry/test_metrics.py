"""Tests of the figures that Prometheus scrapes, read back by its own parser."""

from __future__ import annotations

import math

import pytest
from prometheus_client.parser import text_string_to_metric_families

from evaluator.batch.database_failures import DatabaseFailed
from evaluator.service.telemetry.metrics import Metrics
from evaluator.values.transcript import Flag
from evaluator.values.usage import Usage
from tests.fakes import FakeJudge, make_evaluation, make_transcript, opinion

_SAID = "I would track clicks and look at the trend."


def _samples(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    text = metrics.render()[0].decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return _samples(metrics).get((f"evaluator_{name}", frozenset(labels.items())))


def _metrics() -> Metrics:
    return Metrics(("small",), ("local", "openai"), process=False)


def test_an_evaluation_is_counted_by_judge_and_rubric() -> None:
    """Its outcome, verdicts, flags, tokens, price and time stand under the judge and the rubric that were asked for."""
    metrics = _metrics()
    judge = FakeJudge(
        (opinion("vanity", "present", "track clicks"), opinion("no_goal", "present"), opinion("vague", "absent")),
        flags=(Flag(code="from_cache", message="m"), Flag(code="from_cache", message="n")),
    )
    evaluation = make_evaluation(make_transcript(_SAID), judge=judge)
    usage = Usage(requests=1, input_tokens=900, cached_tokens=600, output_tokens=80, cost_usd=0.25, duration_ms=300)
    metrics.evaluated("openai", "small", evaluation.model_copy(update={"usage": usage}))
    kind = {"judge": "openai", "rubric": "small"}
    assert _value(metrics, "evaluations_total", outcome="graded", **kind) == 1
    assert _value(metrics, "findings_total", verdict="present", **kind) == 2
    assert _value(metrics, "findings_total", verdict="unscored", **kind) == 1
    assert _value(metrics, "flags_total", code="from_cache", **kind) == 1
    assert _value(metrics, "cost_usd_total", **kind) == 0.25
    tokens = [_value(metrics, "tokens_total", kind=name, **kind) for name in ("input", "cached", "output")]
    assert tokens == [300, 600, 80]
    assert _value(metrics, "evaluation_duration_seconds_bucket", le="0.5", **kind) == 1
    assert _value(metrics, "evaluation_duration_seconds_bucket", le="0.25", **kind) == 0
    assert _value(metrics, "unpriced_evaluations_total", **kind) is None


def test_other_outcomes_are_told_apart() -> None:
    """What a person must look at, what failed and what has no known price are counted as such."""
    metrics = _metrics()
    review = make_evaluation(make_transcript(_SAID), judge=FakeJudge())
    metrics.evaluated("local", "small", review.model_copy(update={"usage": Usage(priced=False)}))
    metrics.failed("local", "small")
    kind = {"judge": "local", "rubric": "small"}
    outcomes = [_value(metrics, "evaluations_total", outcome=name, **kind) for name in ("needs_review", "failed")]
    assert outcomes == [1, 1]
    assert _value(metrics, "unpriced_evaluations_total", **kind) == 1


def test_labels_have_few_values_whatever_callers_send() -> None:
    """A tenant's rubric is `custom`, an unknown judge `other`; no version, method or path becomes a label."""
    metrics = _metrics()
    evaluation = make_evaluation(make_transcript(_SAID), judge=FakeJudge())
    for number in range(300):
        flag = Flag(code=f"made_up_{number}", message="m")
        told = evaluation.model_copy(update={"flags": (flag,)})
        metrics.evaluated(f"openai:model-{number}", f"tenant_rubric_{number}@{number}", told)
        metrics.requested("/v1/evaluations/{id}", f"VERB{number}", 200, 0.1)
    metrics.evaluated("local", "small@1.2.0", evaluation)
    labels = [dict(labels) for _, labels in _samples(metrics)]
    assert {label["judge"] for label in labels if "judge" in label} == {"other", "local"}
    assert {label["rubric"] for label in labels if "rubric" in label} == {"custom", "small"}
    assert {label["method"] for label in labels if "method" in label} == {"OTHER"}
    assert len({label["code"] for label in labels if "code" in label}) <= 101


def test_requests_are_counted_while_and_after_they_are_answered() -> None:
    """Those in flight are a gauge that falls when they end, whatever ends them."""
    metrics = _metrics()
    with metrics.in_flight():
        assert _value(metrics, "http_requests_in_flight") == 1
    with pytest.raises(ZeroDivisionError), metrics.in_flight():
        raise ZeroDivisionError
    assert _value(metrics, "http_requests_in_flight") == 0
    metrics.requested("/v1/evaluations", "POST", 200, 0.2)
    told = {"route": "/v1/evaluations", "method": "POST", "status": "200"}
    assert _value(metrics, "http_request_duration_seconds_count", **told) == 1


def test_the_queue_is_asked_at_each_scrape() -> None:
    """Its depth is that of the moment; a database that doesn't answer leaves the other figures readable."""
    waiting = [3, 5]

    def depth() -> int:
        if not waiting:
            raise DatabaseFailed("away")
        return waiting.pop(0)

    metrics = Metrics((), (), queue=depth, process=False)
    assert [_value(metrics, "queue_depth"), _value(metrics, "queue_depth")] == [3, 5]
    gone = _value(metrics, "queue_depth")
    assert gone is not None
    assert math.isnan(gone)


def test_two_services_count_apart() -> None:
    """Each has a registry of its own; what the process uses is told where it is wished."""
    one, other = _metrics(), Metrics((), ())
    one.failed("local", "small")
    assert not any(name.startswith("evaluator_evaluations") for name, labels in _samples(other) if labels)
    assert any(name.startswith("process_") for name, _ in _samples(other))
