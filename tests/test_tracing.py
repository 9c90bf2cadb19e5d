"""Tests of spans, seen by OpenTelemetry's own SDK: what is told of a grade and of each request, and what never is."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Final

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr

from evaluator.backends import JudgeOptions
from evaluator.backends.chat_options import ChatOptions
from evaluator.errors import JudgeMisuse, JudgeUnavailable
from evaluator.judges.building import JudgePlan, build_judge
from evaluator.judging import Judge
from evaluator.pipeline import aevaluate, evaluate
from tests.backends.provider_stub import Answer, ProviderStub
from tests.fakes import FakeJudge, make_rubric, make_transcript, opinion

_ROOT: Final = Path(__file__).resolve().parent.parent
_SAID: Final = "I would track clicks every day, and cancellations must not rise."
_KEY: Final = "sk-test-0123456789abcdef"
_EXPORTER: Final = InMemorySpanExporter()


@pytest.fixture(scope="module", autouse=True)
def provider() -> Generator[None]:
    """Set up the process as one that traces; once, as the API asks, and without keeping spans afterwards."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(_EXPORTER))
    trace.set_tracer_provider(provider)
    yield
    provider.shutdown()


@pytest.fixture
def spans() -> InMemorySpanExporter:
    """Return the exporter, empty."""
    _EXPORTER.clear()
    return _EXPORTER


def _hosted(backend: str, stub: ProviderStub) -> Judge:
    address = stub.url if backend == "anthropic" else f"{stub.url}/v1"
    chat = ChatOptions(base_url=address, api_key=SecretStr(_KEY), attempts=2)
    return build_judge(JudgePlan(backend=backend, options=JudgeOptions(chat=chat)))


def _told(span: ReadableSpan) -> Mapping[str, object]:
    return dict(span.attributes or {})


@pytest.mark.loopback
@pytest.mark.parametrize(("backend", "model"), [("openai", "gpt-6-luna"), ("anthropic", "claude-haiku-5-5")])
async def test_a_grade_and_its_request_are_one_span_each(spans: InMemorySpanExporter, backend: str, model: str) -> None:
    """The request lies within the grade, with provider, model and tokens; an SDK that traces tells nothing twice."""
    async with ProviderStub() as stub:
        evaluation = await aevaluate(make_transcript(_SAID), make_rubric(), _hosted(backend, stub))
        assert stub.requests == 1
        assert "traceparent" not in stub.seen[0].headers
    call, graded = spans.get_finished_spans()
    assert (call.name, call.kind) == (f"chat {model}", trace.SpanKind.CLIENT)
    assert call.parent is not None
    assert graded.context is not None
    assert (graded.name, call.parent.span_id) == ("evaluate", graded.context.span_id)
    told = _told(call)
    assert told["gen_ai.operation.name"] == "chat"
    assert (told["gen_ai.provider.name"], told["gen_ai.request.model"]) == (backend, model)
    assert told["gen_ai.usage.input_tokens"] == evaluation.usage.input_tokens
    assert told["gen_ai.usage.output_tokens"] == evaluation.usage.output_tokens
    assert told["gen_ai.response.finish_reasons"] == ("complete",)
    of_grade = _told(graded)
    assert (of_grade["evaluator.rubric.id"], of_grade["evaluator.judge.backend"]) == ("small", backend)
    assert of_grade["gen_ai.evaluation.score.value"] == evaluation.scorecard.score


@pytest.mark.loopback
async def test_what_was_said_stands_in_no_span(spans: InMemorySpanExporter) -> None:
    """Neither words, quotes, reasons nor keys are in any attribute, event or status, of a grade nor of a failure."""
    async with ProviderStub() as stub:
        await aevaluate(make_transcript(_SAID), make_rubric(), _hosted("openai", stub))
        stub.script.append(Answer(status=401, body=b'{"error": {"message": "' + _SAID.encode() + b'"}}'))
        with pytest.raises(JudgeMisuse):
            await aevaluate(make_transcript(_SAID), make_rubric(), _hosted("openai", stub))
    finished = spans.get_finished_spans()
    assert len(finished) == 4
    everything = "\n".join(span.to_json() for span in finished)
    for word in ("clicks", "cancellations", "track", _KEY, "How would you measure"):
        assert word not in everything
    failed = [span for span in finished if span.status.status_code is trace.StatusCode.ERROR]
    assert [(_told(span)["error.type"], span.status.description, len(span.events)) for span in failed] == [
        ("ProviderRefusal", None, 0),
        ("ProviderRefusal", None, 0),
    ]


@pytest.mark.loopback
async def test_each_attempt_is_a_span(spans: InMemorySpanExporter) -> None:
    """A request that is repeated shows as two, the first of which failed."""
    async with ProviderStub() as stub:
        stub.script.append(Answer(status=500, headers={"retry-after": "0"}))
        await aevaluate(make_transcript(_SAID), make_rubric(), _hosted("openai", stub))
    first, second, graded = spans.get_finished_spans()
    assert (first.name, second.name, graded.name) == ("chat gpt-6-luna", "chat gpt-6-luna", "evaluate")
    assert first.status.status_code is trace.StatusCode.ERROR
    assert second.status.status_code is trace.StatusCode.UNSET


def test_verdicts_and_flags_are_counted(spans: InMemorySpanExporter) -> None:
    """A grade tells how many verdicts of each kind there are, the band, and flags by their codes."""
    judge = FakeJudge((opinion("vanity", "present", "track clicks"), opinion("no_goal", "present")))
    evaluation = evaluate(make_transcript(_SAID), make_rubric(), judge)
    told = _told(spans.get_finished_spans()[0])
    counts = {name: told[f"evaluator.verdicts.{name}"] for name in ("present", "absent", "unscored", "na")}
    assert counts == {"present": 2, "absent": 1, "unscored": 2, "na": 1}
    assert told["evaluator.coverage"] == evaluation.scorecard.coverage
    assert "evaluator.cost_usd" in told


async def test_a_grade_belongs_to_what_asked_for_it(spans: InMemorySpanExporter) -> None:
    """From a thread of its own, too, a grade is a child of the caller's span."""
    with trace.get_tracer("caller").start_as_current_span("upload") as upload:
        evaluate(make_transcript(_SAID), make_rubric(), FakeJudge())
        await asyncio.to_thread(evaluate, make_transcript(_SAID), make_rubric(), FakeJudge())
    graded = [span for span in spans.get_finished_spans() if span.name == "evaluate"]
    assert [span.parent and span.parent.span_id for span in graded] == [upload.get_span_context().span_id] * 2


def test_a_failure_is_told_by_its_kind(spans: InMemorySpanExporter) -> None:
    """A judge that gives no answer marks the grade as failed by the error's class, without its message."""
    with pytest.raises(JudgeUnavailable):
        evaluate(make_transcript(_SAID), make_rubric(), FakeJudge(error=JudgeUnavailable("away")))
    span = spans.get_finished_spans()[0]
    assert (_told(span)["error.type"], span.status.description) == ("JudgeUnavailable", None)


def test_nothing_is_loaded_where_nobody_traces() -> None:
    """A process that didn't load OpenTelemetry grades without it."""
    code = (
        "import sys\n"
        "from evaluator.pipeline import evaluate\n"
        "from tests.fakes import FakeJudge, make_rubric, make_transcript\n"
        "evaluate(make_transcript('I would track clicks.'), make_rubric(), FakeJudge())\n"
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=_ROOT, env={"PYTHONPATH": str(_ROOT)}, check=True)
