"""The application for tests of its routes: with a data folder of its own, reached in memory or by a real socket."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import httpx2
import uvicorn

from evaluator.service.app import create_app
from evaluator.service.config import ServiceConfig
from evaluator.service.context import Service
from evaluator.settings import Settings

__all__ = ["ANSWER", "config_in", "in_memory", "on_loopback", "service_at"]

ANSWER: Final = (
    "Interviewer: How would you measure the success of a new preview feature?\n"
    "Candidate: I would look at clicks on the previews and at total views, since more of both shows that people like "
    "it. I would also ask a few people what they think about it and then decide with the team."
)
_STARTING_S: Final = 60.0


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
            yield client, service_at(app)


def service_at(app: object) -> Service:
    """Return the parts of an application that is open."""
    service = app.state.service  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType, reportUnknownMemberType] - the framework's state takes anything
    assert isinstance(service, Service)
    return service


@contextmanager
def on_loopback(config: ServiceConfig) -> Generator[str]:
    """Serve the application on a port of this machine while the block runs; yield its address."""
    server = uvicorn.Server(
        uvicorn.Config(create_app(config), host="127.0.0.1", port=0, log_level="warning", timeout_graceful_shutdown=5)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    begun = time.monotonic()
    while not server.started:
        if not thread.is_alive() or time.monotonic() - begun > _STARTING_S:
            raise AssertionError("the server didn't start")
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(30)
