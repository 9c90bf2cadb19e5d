"""`create_app`: the service as one ASGI application."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.concurrency import run_in_threadpool

from evaluator.errors import EvaluatorError
from evaluator.rubric import rubric_paths
from evaluator.service import health, roster
from evaluator.service.agreement import routes as agreement
from evaluator.service.agreement.routes import AgreementRequest
from evaluator.service.batches import routes as batches
from evaluator.service.config import ServiceConfig
from evaluator.service.context import Service
from evaluator.service.evaluations import routes as evaluations
from evaluator.service.evaluations.wire import EvaluationRequest
from evaluator.service.guards import BodyDeadline, BodyRoom
from evaluator.service.hygiene import Hygiene
from evaluator.service.loopback import OwnPages
from evaluator.service.page.routes import add_page
from evaluator.service.problems import ProblemBody, add_problem_handlers
from evaluator.service.reviews import routes as reviews
from evaluator.service.rubrics import routes as rubrics
from evaluator.service.telemetry import routes as telemetry
from evaluator.service.telemetry.metrics import Metrics
from evaluator.service.telemetry.watched import Watched
from evaluator.service.tenants import routes as tenants
from evaluator.service.tenants.headers import LimitHeaders
from evaluator.service.webhooks import routes as webhooks
from evaluator.version import __version__

__all__ = ["create_app"]

_ROUTERS: Final = (
    evaluations.router,
    batches.router,
    rubrics.router,
    roster.router,
    reviews.router,
    agreement.router,
    tenants.router,
    webhooks.router,
    telemetry.router,
    health.router,
)
_ABOUT: Final = """Judges interview answers against a rubric of failure modes, and proves every verdict with the
candidate's own words.

Errors are `application/problem+json` (RFC 9457) with a stable `code`, the place and the remedy. A POST may carry an
`Idempotency-Key`: the same key and body get the same answer for a day. Every answer has an `X-Request-Id`.
"""
_BESIDE: Final = (AgreementRequest, EvaluationRequest, ProblemBody)  # models that no route's signature shows


def create_app(config: ServiceConfig) -> FastAPI:
    """Return the application; its parts are opened when it starts and closed when it ends."""

    def waiting() -> int:
        return app.state.service.lanes.depth()

    metrics = Metrics(rubric_paths(), config.judges, queue=waiting)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with _told(app):
            service = await run_in_threadpool(partial(Service, config, metrics=metrics))
            app.state.service = service
            try:
                await run_in_threadpool(service.start)
                yield
            finally:
                await run_in_threadpool(service.close)

    app = FastAPI(
        title="Interview evaluator",
        version=__version__,
        description=_ABOUT,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        max_body_size=config.max_body_bytes,
        telemetry={"tracing": False, "metrics": False},
        redirect_slashes=False,
    )
    app.add_middleware(BodyRoom, most_bytes=config.max_bodies_bytes)
    app.add_middleware(BodyDeadline, body_s=config.body_s)
    add_problem_handlers(app)
    app.add_middleware(LimitHeaders)
    app.add_middleware(OwnPages)
    app.add_middleware(Hygiene)
    app.add_middleware(Watched, metrics=metrics)  # the last one stands outside of all others
    for router in _ROUTERS:
        app.include_router(router)
    add_page(app)
    app.openapi = lambda: _openapi(app)
    return app


@asynccontextmanager
async def _told(app: FastAPI) -> AsyncGenerator[None]:
    """Keep what the block ends with for whoever serves: the server itself reports a trace, and no more."""
    try:
        yield
    except EvaluatorError as error:
        app.state.failure = error
        raise


def _openapi(app: FastAPI) -> dict[str, Any]:
    """Return the description of the API, with the models that only request bodies and errors use."""
    if app.openapi_schema is None:
        told = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schemas = told.setdefault("components", {}).setdefault("schemas", {})
        for model in _BESIDE:
            schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(schema.pop("$defs", {}))
            schemas[model.__name__] = schema
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        app.openapi_schema = told
    return app.openapi_schema
