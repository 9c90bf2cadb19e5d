"""`Metrics`: what Prometheus scrapes. Figures by route, judge and rubric; labels of few values; nothing that was said.

In: requests and evaluations as they end. Out: the text that a scrape reads. Each instance has a registry of its own, so
that two services in one process count apart.
"""

from __future__ import annotations

import math
from collections import Counter as Count
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from evaluator.errors import EvaluatorError
from evaluator.values.evaluation import Evaluation

__all__ = ["Metrics", "Outcome"]

Outcome = Literal["graded", "needs_review", "failed"]

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
_MOST_CODES: Final = 100  # of flags: the program has about thirty; a judge of somebody else's could make up more
_UNKNOWN_JUDGE: Final = "other"
_UNKNOWN_RUBRIC: Final = "custom"


class Metrics:
    """Counts what happens. Safe to share between threads and event loops."""

    def __init__(
        self,
        rubrics: Collection[str],
        judges: Collection[str],
        *,
        queue: Callable[[], int] | None = None,
        process: bool = True,
    ) -> None:
        """Begin at zero.

        Args:
            rubrics: Ids that are labels; every other rubric is ``custom``, since tenants name their own.
            judges: Names that are labels; every other is ``other``.
            queue: Returns how many jobs wait; asked at each scrape, in the thread that renders.
            process: Whether memory, files and processor time of the process are told too.
        """
        self._rubrics = frozenset(rubrics)
        self._judges = frozenset(judges)
        self._codes: set[str] = set()
        self._registry = CollectorRegistry()
        if process:
            ProcessCollector(registry=self._registry)
        by_kind = ("judge", "rubric")
        self._requests = self._histogram(
            "http_request_duration_seconds",
            "Time from a request to the end of its answer.",
            "route",
            "method",
            "status",
        )
        self._in_flight = Gauge(
            "evaluator_http_requests_in_flight", "Requests that are being answered.", registry=self._registry
        )
        self._evaluations = self._counter("evaluations", "Evaluations, by what became of them.", *by_kind, "outcome")
        self._durations = self._histogram("evaluation_duration_seconds", "Time that judging took.", *by_kind)
        self._findings = self._counter(
            "findings", "Verdicts; the share of `unscored` is the unscored rate.", *by_kind, "verdict"
        )
        self._flags = self._counter("flags", "Evaluations with a flag, by its code.", *by_kind, "code")
        self._cost = self._counter("cost_usd", "Price of the tokens, US dollars.", *by_kind)
        self._unpriced = self._counter("unpriced_evaluations", "Evaluations whose price nobody knows.", *by_kind)
        self._tokens = self._counter("tokens", "Tokens of hosted models.", *by_kind, "kind")
        self._queue = queue
        if queue is not None:
            depth = Gauge("evaluator_queue_depth", "Jobs that wait for a judge.", registry=self._registry)
            depth.set_function(self._depth)

    @contextmanager
    def in_flight(self) -> Generator[None]:
        """Count a request while it is being answered."""
        self._in_flight.inc()
        try:
            yield
        finally:
            self._in_flight.dec()

    def requested(self, route: str, method: str, status: int, duration_s: float) -> None:
        """Count a request that was answered.

        Args:
            route: Template of its path, such as ``/v1/evaluations/{id}``; never the path itself.
            method: HTTP method; unknown ones count as one.
            status: Of the answer.
            duration_s: From its first byte to the answer's last.
        """
        known = method if method in _METHODS else "OTHER"
        self._requests.labels(route, known, str(status)).observe(duration_s)

    def evaluated(self, judge: str, rubric: str, evaluation: Evaluation) -> None:
        """Count an evaluation: how long it took, its verdicts, flags, tokens and price."""
        kind = self._kind(judge, rubric)
        outcome: Outcome = "needs_review" if evaluation.scorecard.needs_review else "graded"
        self._evaluations.labels(*kind, outcome).inc()
        self._durations.labels(*kind).observe(evaluation.usage.duration_ms / 1000)
        for verdict, count in Count(finding.verdict for finding in evaluation.findings).items():
            self._findings.labels(*kind, verdict).inc(count)
        for code in {flag.code for flag in evaluation.flags}:
            self._flags.labels(*kind, self._code(code)).inc()
        usage = evaluation.usage
        self._cost.labels(*kind).inc(usage.cost_usd)
        if not usage.priced:
            self._unpriced.labels(*kind).inc()
        tokens = {"input": usage.input_tokens - usage.cached_tokens, "cached": usage.cached_tokens}
        for name, count in {**tokens, "output": usage.output_tokens}.items():
            if count > 0:
                self._tokens.labels(*kind, name).inc(count)

    def failed(self, judge: str, rubric: str) -> None:
        """Count an evaluation that there is none of."""
        self._evaluations.labels(*self._kind(judge, rubric), "failed").inc()

    def render(self) -> tuple[bytes, str]:
        """Return what a scrape reads, and its media type; asks for the depth of the queue, so that it may wait."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    def _kind(self, judge: str, rubric: str) -> tuple[str, str]:
        plain = rubric.partition("@")[0]
        return (
            judge if judge in self._judges else _UNKNOWN_JUDGE,
            plain if plain in self._rubrics else _UNKNOWN_RUBRIC,
        )

    def _code(self, code: str) -> str:
        if code not in self._codes and len(self._codes) >= _MOST_CODES:
            return "other"
        self._codes.add(code)
        return code

    def _depth(self) -> float:
        """Return how many jobs wait; not a number if the database doesn't say, rather than no scrape at all."""
        try:
            return float(self._queue()) if self._queue is not None else math.nan
        except EvaluatorError:
            return math.nan

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(f"evaluator_{name}", about, labels, registry=self._registry)

    def _histogram(self, name: str, about: str, *labels: str) -> Histogram:
        return Histogram(f"evaluator_{name}", about, labels, registry=self._registry, buckets=_SECONDS)
