"""Tests of what a batch says before it begins."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evaluator.backends import BACKENDS
from evaluator.batch.forecast import Forecast
from evaluator.batch.progress import Counts
from evaluator.cli.batch_progress import told_duration
from evaluator.cli.batch_text import plan_lines
from evaluator.judges.building import JudgePlan
from tests.cli import fake_backend

_NOTHING = Forecast(0, 0, 0, 0.0, 0.0, 0.0, 0.0)


def _told(plan: JudgePlan, count: int) -> str:
    return plan_lines(Counts(count, 0, 0, 0, count), _NOTHING, plan, 8)[-1]


@pytest.mark.parametrize("count", [10, 100])
def test_the_time_to_load_a_model_is_part_of_the_forecast(count: int) -> None:
    """A handful of transcripts is judged in a second; the model that judges them takes longer to come."""
    loads_s = BACKENDS["local"].loads_s
    whole, loading = told_duration(loads_s + count / 10), told_duration(loads_s)
    assert loads_s > 0
    assert _told(JudgePlan(), count) == (
        f"nothing is sent and nothing is paid; about {whole}, {loading} of them to load the model"
    )


def test_an_encoder_beside_a_hosted_model_is_waited_for_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """The decisions judge loads one for its quotes; of a judge that loads nothing, the calls alone are told."""
    calls = Forecast(10, 1000, 100, 0.01, 0.02, 0.03, 0.003)

    def told(backend: str) -> str:
        return plan_lines(Counts(10, 0, 0, 0, 10), calls, JudgePlan(backend=backend), 8)[-1]

    assert BACKENDS["openai-decisions"].loads_s > 0
    monkeypatch.setitem(BACKENDS, "openai-decisions", replace(BACKENDS["openai-decisions"], loads_s=60.0))
    assert f"about {told_duration(calls.duration_s(8) + 60.0)} at 8 in flight" in told("openai-decisions")
    assert f"about {told_duration(calls.duration_s(8))} at 8 in flight" in told("openai")


def test_models_that_load_at_the_same_time_are_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several judges the slowest counts; one without a model of its own adds nothing."""
    monkeypatch.setitem(BACKENDS, "fake", fake_backend.ROW)
    assert JudgePlan(committee=("fake", "local")).loads_s == JudgePlan().loads_s
    assert _told(JudgePlan(backend="fake"), 10) == "nothing is sent and nothing is paid; about 1 s"
