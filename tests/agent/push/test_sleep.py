"""The announcement of a sleep, on a real bus with a stand-in for logind."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.push import sleep
from tests.support.agent import AgentProcess
from tests.support.message_bus import announce_sleep, clients, message_bus
from tests.support.waiting import eventually, soon
from tests.support.write_servers import write_receiver


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[str]:
    """The address of a bus of its own."""
    with message_bus(tmp_path) as address:
        yield address


async def test_a_sleep_is_announced_before_and_after(bus: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus)
    seen: list[str] = []

    async def before() -> None:
        seen.append("before")

    async def after() -> None:
        seen.append("after")

    watching = asyncio.create_task(sleep.watch(before, after))
    await soon(lambda: clients(bus), "the watch is on the bus")
    for _ in range(2):
        await asyncio.to_thread(announce_sleep, bus, sleeps=True)
        await asyncio.to_thread(announce_sleep, bus, sleeps=False)
    await soon(lambda: len(seen) == 4, "all announcements")
    watching.cancel()
    await asyncio.wait({watching})

    assert seen == ["before", "after"] * 2


async def test_the_sleep_is_asked_to_wait(bus: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus)
    seen = tmp_path / "seen"
    with seen.open("wb") as file:
        monitor = await asyncio.create_subprocess_exec("dbus-monitor", "--address", bus, stdout=file)
        await soon(lambda: seen.stat().st_size, "the monitor runs")

        async def nothing() -> None:
            pass

        watching = asyncio.create_task(sleep.watch(nothing, nothing))
        await soon(lambda: "member=Inhibit" in seen.read_text() and "delay" in seen.read_text(), "the call")
        watching.cancel()
        await asyncio.wait({watching})
        monitor.terminate()
        await monitor.wait()

    call = seen.read_text().partition("member=Inhibit")[2].splitlines()[1:5]
    assert [line.strip() for line in call] == [
        'string "sleep"',
        'string "wr-agent"',
        'string "ends the pushed series"',
        'string "delay"',
    ]


def test_a_sleep_ends_all_series_and_they_come_back(bus: str, tmp_path: Path) -> None:
    with write_receiver(tmp_path) as server:
        folder = tmp_path / "agent"
        folder.mkdir()
        config = f'remote_write.url = "{server.write_url}"\nremote_write.interval = "500ms"\n'
        agent = AgentProcess(folder, config, os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": bus})
        try:
            eventually(lambda: server.value("up"), "a sample")
            eventually(lambda: clients(bus), "the agent is on the bus")
            announce_sleep(bus, sleeps=True)
            eventually(lambda: server.value("up") is None, "all series have ended")
            assert server.get("/api/v1/query", query='{job="wr-agent"}')["data"]["result"] == []
            announce_sleep(bus, sleeps=False)
            eventually(lambda: server.value("up"), "a sample after the sleep")
        finally:
            agent.stop()
