"""Serves the application until it is told to stop; then lets what is in work end, and leaves.

Without any key the service is everybody's: it is served on loopback alone.
"""

from __future__ import annotations

from typing import Final

import uvicorn

from evaluator.errors import OptionError
from evaluator.service.app import create_app
from evaluator.service.config import ServiceConfig
from evaluator.service.hosts import is_loopback

__all__ = ["is_loopback", "serve"]

_KEEP_ALIVE_S: Final = 5
_WAITING: Final = 2048  # connections that wait to be taken


def serve(config: ServiceConfig, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        OptionError: No key is configured, and the address isn't this machine's own.
    """
    if not is_loopback(host):
        raise OptionError(
            "without a key anybody who reaches this address could use the service",
            where="host",
            remedy="make one with `evaluator keys create`, or serve on 127.0.0.1",
        )
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(config),
            host=host,
            port=port,
            access_log=False,
            log_level="warning",
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=int(config.drain_s),
            backlog=_WAITING,
        )
    )
    server.run()


