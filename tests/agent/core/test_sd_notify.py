import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core import loop_monitor, sd_notify
from agent.core.loop_monitor import LoopMonitor
from tests.support.waiting import soon


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield listening


def test_every_message_has_systemds_form(manager: socket.socket) -> None:
    sd_notify.ready()
    sd_notify.reloading()
    sd_notify.status("serving")
    sd_notify.alive()
    sd_notify.stopping()

    messages = [manager.recv(1024).decode() for _ in range(5)]
    reloading, monotonic = messages.pop(1).split("\n")
    assert messages == ["READY=1", "STATUS=serving", "WATCHDOG=1", "STOPPING=1"]
    assert reloading == "RELOADING=1"
    assert int(monotonic.removeprefix("MONOTONIC_USEC=")) > 0


def test_without_a_manager_nothing_happens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    sd_notify.ready()
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    sd_notify.ready()


@pytest.mark.parametrize(
    ("microseconds", "pid", "expected"),
    [
        ("30000000", None, 30.0),
        ("30000000", "own", 30.0),
        ("30000000", "1", None),
        ("", None, None),
        ("0", None, None),
    ],
)
def test_the_watchdogs_interval(
    monkeypatch: pytest.MonkeyPatch, microseconds: str, pid: str | None, expected: float | None
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", microseconds)
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    if pid:
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if pid == "own" else pid)

    assert sd_notify.watchdog_interval() == expected


async def test_the_watchdog_is_fed_while_the_loop_is_healthy(
    manager: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "100000")
    monkeypatch.setattr(loop_monitor, "INTERVAL", 0.02)
    monitor = asyncio.create_task(LoopMonitor().run())
    manager.setblocking(False)

    async with asyncio.timeout(30):
        assert await asyncio.get_running_loop().sock_recv(manager, 1024) == b"WATCHDOG=1"
    monitor.cancel()


async def test_the_watchdog_is_not_fed_while_the_loop_is_late(
    manager: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "100000")
    monkeypatch.setattr(loop_monitor, "INTERVAL", 0.02)
    monkeypatch.setattr(loop_monitor, "UNHEALTHY_LAG", -1.0)  # every look is late
    monitor = LoopMonitor()
    running = asyncio.create_task(monitor.run())

    async with asyncio.timeout(30):
        while sum(monitor.family().samples[()].counts) < 20:  # type: ignore[union-attr]  # a histogram by its type
            await asyncio.sleep(0.02)
    running.cancel()

    manager.setblocking(False)
    with pytest.raises(BlockingIOError):
        manager.recv(1024)


async def test_a_stall_of_the_loop_is_seen() -> None:
    monitor = LoopMonitor()
    running = asyncio.create_task(monitor.run())
    await asyncio.sleep(0)

    loop = asyncio.get_running_loop()
    stalled_until = loop.time() + loop_monitor.INTERVAL + 0.3
    while loop.time() < stalled_until:
        pass
    await soon(lambda: monitor.last, "a measurement")
    running.cancel()

    assert monitor.last >= 0.25
