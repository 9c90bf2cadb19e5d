"""Serves the application until it is told to stop; then lets what is in work end, and leaves.

Without any key the service is everybody's: it is served on loopback alone.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import closing
from typing import Final

import uvicorn

from evaluator.batch.database import Database
from evaluator.errors import OptionError
from evaluator.service.app import create_app
from evaluator.service.config import ServiceConfig
from evaluator.service.context import Service
from evaluator.service.guards import PromptHeads
from evaluator.service.loopback import is_loopback
from evaluator.service.tables import create_service_tables
from evaluator.service.telemetry.logs import start_logs
from evaluator.service.tenants.keys import KeyStore

__all__ = ["serve"]

_KEEP_ALIVE_S: Final = 5
_KEYLESS: Final = "for this machine alone, since no key is configured (evaluator keys create)"
_PATIENCE: Final = 0.75  # of the time to stop in: more than requests are given, less than there is
_WAITING: Final = 2048  # connections that wait to be taken


def serve(config: ServiceConfig, host: str, port: int, say: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        config: How the service runs.
        host: Address to listen on.
        port: Port to listen on; 0 takes any.
        say: Tells the operator where it is served.

    Raises:
        OptionError: No key is configured, and the address isn't this machine's own; it can't be listened on; or
            another service works in the data folder.
        DatabaseFailed: The database can't be used.
    """
    keyed = _has_key(config)
    if not keyed and not is_loopback(host):
        raise OptionError(
            "without a key anybody who reaches this address could use the service",
            where="host",
            remedy="make one with `evaluator keys create`, or serve on 127.0.0.1",
        )
    start_logs(sys.stderr)
    app = create_app(config)
    server = _Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http=PromptHeads,
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=max(1, int(config.drain_s * _PATIENCE)),
            backlog=_WAITING,
        )
    )
    server.say = lambda place: say(f"serving on {place}" + ("" if keyed else f", {_KEYLESS}"))
    server.service = lambda: app.state.service
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _heed)
    server.run()
    if server.refused:
        raise getattr(app.state, "failure", None) or OptionError(
            f"port {port} can't be listened on at this address",
            where="--port",
            remedy="stop who listens there, or choose another: 0 takes any that is free",
        )


def _has_key(config: ServiceConfig) -> bool:
    """Return whether a key was ever made, so that every request needs one."""
    config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with closing(Database(config.database)) as database:
        create_service_tables(database)
        return KeyStore(database).any()


def _heed(number: int, frame: object) -> None:
    """Do nothing: the server raises its signal once more when it has ended, and that was asked for."""
    del number, frame


class _Server(uvicorn.Server):
    """Tells where it listens, once it does, and its service when it is about to stop."""

    say: Callable[[str], None]
    service: Callable[[], Service]
    refused = False  # whether it couldn't begin

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets=sockets)
        except SystemExit:  # so the server ends, wherever it is run; the caller raises what was wrong
            self.refused = self.should_exit = True
            return
        for server in self.servers if self.started else []:
            for listening in server.sockets:
                host, port, *_ = listening.getsockname()
                shown = f"[{host}]" if ":" in host else host
                self.say(f"http://{shown}:{port}")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        requests_s = self.service().drain()
        giving_up = asyncio.get_running_loop().call_later(requests_s, self.service().giving_up.set)
        try:
            await super().shutdown(sockets)
        finally:
            giving_up.cancel()
