"""Serving an application on a socket: in the foreground until interrupted, or beside the caller."""

from __future__ import annotations

import gc
import importlib.util
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from reference_platform.errors import ConfigError
from reference_platform.live.feature_server import Served, create_app

if TYPE_CHECKING:
    from fastapi import FastAPI

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 6566
_KEEP_ALIVE_S = 75
_STOP_S = 10
_SWITCH_S = 0.0005
"""How long a writing thread may keep answers waiting; Python's own 5 ms is a whole latency budget."""


def serve(
    store: Served,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    *,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve `store` until interrupted. `ready` is told the address. Raises ConfigError when the port is taken."""
    bound = listening(host, port)
    if ready is not None:
        ready(address_of(bound))
    server = _server(create_app(store))
    # What was loaded stays: collections need not look at it again, which would take longer than an answer.
    gc.collect()
    gc.freeze()
    server.run(sockets=[bound])


@contextmanager
def serving(app: FastAPI, host: str = DEFAULT_HOST, port: int = 0) -> Iterator[str]:
    """Serve `app` from a thread of its own for as long as the block runs; gives its address. Port 0: a free one."""
    bound = listening(host, port)
    server = _server(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, name="feature-server", daemon=True)
    thread.start()
    try:
        yield address_of(bound)
    finally:
        server.should_exit = True
        thread.join(_STOP_S)
        bound.close()


def listening(host: str, port: int) -> socket.socket:
    """A listening socket: connections wait on it from now on. Raises ConfigError when it cannot be had."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(2048)
    except OSError as error:
        bound.close()
        raise ConfigError(
            f"the feature server cannot listen on {host}:{port}",
            why=error.strerror or str(error),
            fix="stop what uses it, or choose another port",
        ) from error
    return bound


def address_of(bound: socket.socket) -> str:
    """The URL of a listening socket."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _server(app: FastAPI) -> uvicorn.Server:
    sys.setswitchinterval(_SWITCH_S)
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http="httptools",
            loop="uvloop" if importlib.util.find_spec("uvloop") else "asyncio",
            ws="none",
            access_log=False,
            log_level="warning",
            log_config=None,
            server_header=False,
            date_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_STOP_S,
        )
    )
