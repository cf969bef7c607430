from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from tests.collectors.containers.support import write_machine

_NOBODY = 65534

StartEngine = Callable[[Handler], Awaitable[str]]


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Return the directory of a machine with control groups of version 2, and only the root group."""
    root = tmp_path / "machine"
    write_machine(root)
    return root


@pytest.fixture
async def start_engine(tmp_path: Path) -> AsyncIterator[StartEngine]:
    """Start stand-ins of Docker, which respond on a Unix socket as the test wants."""
    async with AsyncExitStack() as running:
        count = 0

        async def start(handler: Handler) -> str:
            nonlocal count
            count += 1
            path = str(tmp_path / f"engine{count}.sock")
            application = web.Application()
            application.router.add_get("/containers/json", handler)
            runner = web.AppRunner(application, shutdown_timeout=0.1)
            await runner.setup()
            running.push_async_callback(runner.cleanup)
            await web.UnixSite(runner, path).start()
            return path

        yield start


@pytest.fixture
def closed_socket(tmp_path: Path) -> Iterator[str]:
    """Yield a socket that this process may not open, since it drops root's rights for the test."""
    path = tmp_path / "closed.sock"
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))
        bound.listen()
        path.chmod(0)
        user = os.geteuid()
        if user == 0:
            os.seteuid(_NOBODY)
        try:
            yield str(path)
        finally:
            os.seteuid(user)
