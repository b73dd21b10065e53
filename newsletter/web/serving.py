"""A web app and a listening socket -> served until somebody presses Ctrl-C."""

import errno
import os
import socket
from collections.abc import Callable
from typing import Any

import uvicorn

from newsletter.errors import ConfigError

HOST = "127.0.0.1"


def listen(port: int, host: str = HOST) -> socket.socket:
    """A socket on the loopback interface or another, on a free port if `port` is 0; raises ConfigError."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except OSError as error:
        if (error.errno or 0) < 0 or error.errno == errno.EADDRNOTAVAIL:  # below 0 are those of name look-ups
            hint = "write an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all"
            raise ConfigError(f"there is no {host!r} here", where="--host", hint=hint) from error
        reason = os.strerror(error.errno or 0)
        hint = "name another one, or leave --port out"
        raise ConfigError(f"port {port} is not to be had: {reason}", where="--port", hint=hint) from error


def serve(make_app: Callable[[Callable[[], bool]], Any], listener: socket.socket) -> None:
    """Serve until a signal; `make_app` is told whom to ask whether the end is near."""
    server: uvicorn.Server
    app = make_app(lambda: server.should_exit)
    config = uvicorn.Config(
        app,
        log_level="error",
        access_log=False,
        lifespan="off",
        ws="none",
        http="h11",
        loop="asyncio",
        server_header=False,
        proxy_headers=False,  # whom to believe is the app's own business
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    server.run(sockets=[listener])
