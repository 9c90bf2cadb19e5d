"""The application for tests of its routes: with a data folder of its own, reached without a socket."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx2

from evaluator.service.app import create_app
from evaluator.service.config import ServiceConfig
from evaluator.service.context import Service
from evaluator.settings import Settings

__all__ = ["ANSWER", "config_in", "in_memory"]

ANSWER: Final = (
    "Interviewer: How would you measure the success of a new preview feature?\n"
    "Candidate: I would look at clicks on the previews and at total views, since more of both shows that people like "
    "it. I would also ask a few people what they think about it and then decide with the team."
)


def config_in(folder: Path) -> ServiceConfig:
    """Return how a service in a folder runs, alone on this machine, with the local judge."""
    return ServiceConfig(data=folder / "service", settings=Settings())


@asynccontextmanager
async def in_memory(config: ServiceConfig) -> AsyncGenerator[tuple[httpx2.AsyncClient, Service]]:
    """Open the application and a client that reaches it without a socket."""
    app = create_app(config)
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            yield client, app.state.service
