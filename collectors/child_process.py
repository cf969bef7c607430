"""Start and end of child processes, safe against a cancellation at any moment."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import Process
from contextlib import suppress
from typing import Any


async def start_child(*command: str, **options: Any) -> Process:  # noqa: ANN401 - those of create_subprocess_exec
    """Start a process; if cancelled meanwhile, end and reap it first.

    asyncio itself reaps the child of a cancelled start behind its watcher's back. Then the watcher logs an unknown
    child, and pipes that are still being connected stay open.

    Raises:
        OSError: It cannot be started.
    """
    starting = asyncio.ensure_future(asyncio.create_subprocess_exec(*command, **options))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        with suppress(OSError):
            await end_child(await starting)
        raise


async def end_child(process: Process) -> None:
    """Kill the process if it still runs, and reap it."""
    _send(process, signal.SIGKILL)
    await process.wait()


async def stop_child(process: Process, patience: float) -> None:
    """Terminate the process if it still runs, kill it after `patience` seconds, and reap it."""
    _send(process, signal.SIGTERM)
    try:
        async with asyncio.timeout(patience):
            await process.wait()
    except TimeoutError:
        await end_child(process)


def ending(code: int) -> str:
    """Return the end of a process in words: its exit code, or the signal that ended it."""
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _send(process: Process, number: signal.Signals) -> None:
    """Send a signal. `Process.send_signal` would reap a child that has just ended, before asyncio does."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)
