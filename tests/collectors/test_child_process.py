from __future__ import annotations

import asyncio
import contextlib
import logging
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

import pytest

from collectors.child_process import end_child, start_child, stop_child


async def cancelled_start(command: str, turns: int) -> None:
    """Cancel a start after some turns of the loop."""
    starting = asyncio.create_task(start_child("sh", "-c", command, stdin=DEVNULL, stdout=PIPE, stderr=PIPE))
    for _ in range(turns):
        await asyncio.sleep(0)
    starting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await end_child(await starting)


def children() -> set[str]:
    """Return the processes that this one has started, also those of other tests' fixtures."""
    return {child for task in Path("/proc/self/task").iterdir() for child in (task / "children").read_text().split()}


@pytest.mark.parametrize("command", ["exec sleep 60", "true"])
async def test_a_start_that_is_cancelled_at_any_moment_leaves_nothing(
    command: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = children()
    with caplog.at_level(logging.WARNING, "asyncio"):
        for turns in range(1, 25):
            await cancelled_start(command, turns)

    assert children() <= before
    assert caplog.messages == []


async def test_a_program_that_is_missing_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        await start_child("/nonexistent/program")


async def test_a_child_that_has_ended_is_ended_again_without_an_error() -> None:
    process = await start_child("true")
    await end_child(process)
    await end_child(process)

    assert process.returncode is not None


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("trap 'exit 3' TERM; echo ready; while :; do sleep 0.01; done", 3),
        ("trap '' TERM; echo ready; exec sleep 60", -9),
    ],
)
async def test_a_child_is_asked_to_end_before_it_is_killed(command: str, code: int) -> None:
    process = await start_child("sh", "-c", command, stdout=PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    await stop_child(process, 10.0 if code == 3 else 0.1)

    assert process.returncode == code
