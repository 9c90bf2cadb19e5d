"""Spans for whoever traces with OpenTelemetry: what took how long, and what it cost; never what was said.

In: names and figures. Out: spans of the provider that the process set up. Where nobody loaded OpenTelemetry nothing
happens, and nothing is loaded for it: a process that traces has loaded its API before it grades. Conventions are those
of OpenTelemetry's gen_ai group; what they have no name for stands under ``evaluator.``.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from evaluator.version import __version__

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

__all__ = ["Attributes", "Traced", "traced"]

Attributes: TypeAlias = Mapping[str, str | bool | int | float | Sequence[str] | None]
_SCOPE: Final = "evaluator"


class Traced:
    """A span that is open, or nothing if nobody traces."""

    __slots__ = ("_span",)

    def __init__(self, span: Span | None = None) -> None:
        """Hold the span."""
        self._span = span

    @property
    def wanted(self) -> bool:
        """Whether anybody will see it, so that what is costly to tell can be left out."""
        return self._span is not None

    def tell(self, attributes: Attributes) -> None:
        """Add attributes; those that are ``None`` are left out."""
        if self._span is not None:
            self._span.set_attributes({name: value for name, value in attributes.items() if value is not None})


_NOBODY: Final = Traced()


@contextmanager
def traced(name: str, kind: Literal["internal", "client"], attributes: Attributes) -> Generator[Traced]:
    """Open a span while the block runs.

    An exception marks it as failed by its class alone: a message may hold what belongs into no trace.

    Args:
        name: Of few values: a verb and what it is done with.
        kind: ``client`` for what is asked of another service.
        attributes: What is known before; ``None`` is left out.
    """
    tracer = _tracer()
    if tracer is None:
        yield _NOBODY
        return
    from opentelemetry.trace import SpanKind, Status, StatusCode  # noqa: PLC0415 - loaded already, if there is a tracer

    with tracer.start_as_current_span(
        name,
        kind=SpanKind.CLIENT if kind == "client" else SpanKind.INTERNAL,
        attributes={key: value for key, value in attributes.items() if value is not None},
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield Traced(span) if span.is_recording() else _NOBODY
        except BaseException as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(Status(StatusCode.ERROR))
            raise


def _tracer() -> Tracer | None:
    """Return the tracer of the process, if it loaded OpenTelemetry."""
    get_tracer = getattr(sys.modules.get("opentelemetry.trace"), "get_tracer", None)
    return None if get_tracer is None else get_tracer(_SCOPE, __version__)
