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
    """The files of a machine with the control groups of version 2, and no group but its own."""
    root = tmp_path / "machine"
    write_machine(root)
    return root


@pytest.fixture
async def start_engine(tmp_path: Path) -> AsyncIterator[StartEngine]:
    """Starts stand-ins of Docker, which answer on a Unix socket as they are told."""
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
    """A socket that this process, which has given up root's rights for the length of a test, may not open."""
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
