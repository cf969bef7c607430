"""Unread files stay open while Loki is away, as far as the limit of descriptors allows."""

import asyncio
import functools
import resource
from pathlib import Path

import pytest

from collectors.logs.files.byte_budget import ByteBudget
from collectors.logs.files.checks import file_checks
from collectors.logs.files.descriptors import Descriptors, OpenFiles, raise_limit
from collectors.logs.files.positions import Positions
from collectors.logs.files.source import FileSource
from tests.support.descriptors import open_below
from tests.support.log_files import Agent, Sink, settings
from tests.support.own_process import run_in_own_process
from tests.support.waiting import PATIENCE, soon


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def are_open(folder: Path, descriptors: int) -> bool:
    return open_below(folder) >= descriptors


@pytest.mark.parametrize("how", ["moved", "deleted"])
@pytest.mark.parametrize("in_flight", [64, 1024])
async def test_files_that_vanish_while_loki_is_away_are_sent(
    agent: Agent, sink: Sink, logs: Path, tmp_path: Path, how: str, in_flight: int
) -> None:
    count = 150
    made = [logs / f"{number}.log" for number in range(count)]
    for log in made:
        log.write_bytes(b"%s a\n" % log.name.encode())
    await agent.start(sink, settings(logs / "*.log", in_flight=in_flight, open_files=0))
    await soon(lambda: sink.count == count)
    await asyncio.sleep(0.5)
    before = open_below(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    sink.open.clear()
    for number, turn in enumerate(("b", "c"), 1):
        for log in made:
            append(log, b"%s %s\n" % (log.name.encode(), turn.encode()))
        await soon(functools.partial(are_open, tmp_path, before + number * count))
        for log in made:
            if how == "moved":
                log.rename(tmp_path / "elsewhere" / f"{log.name}-{turn}")
            else:
                log.unlink()
            log.write_bytes(b"%s after %s\n" % (log.name.encode(), turn.encode()))
    sink.open.set()

    expected = sorted(f"{log.name} {t}".encode() for log in made for t in ("a", "b", "c", "after b", "after c"))
    await soon(lambda: sink.count >= len(expected))
    assert sorted(sink.lines) == expected


async def test_a_limit_of_descriptors_is_a_finding_until_loki_is_back(sink: Sink, logs: Path, tmp_path: Path) -> None:
    for number in range(30):
        (logs / f"{number}.log").write_bytes(b"a\n")
    positions = Positions(tmp_path / "positions.json")
    source = FileSource("app", settings(logs / "*.log", in_flight=2), positions, descriptors=Descriptors(limit=10))

    def codes() -> set[str]:
        return {finding.code for check in file_checks([source], positions) for finding in check.run()}

    sink.open.clear()
    task = asyncio.create_task(source.run(sink))
    await soon(lambda: "log-files-closed-unread" in codes())
    assert source.held <= 10
    sink.open.set()

    await soon(lambda: sink.count == 30)
    await soon(lambda: codes() == set())
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_descriptors_are_counted_over_all_sources() -> None:
    descriptors = Descriptors(limit=3)
    first, second = OpenFiles(2, descriptors), OpenFiles(2, descriptors)
    first.hold("a", 2)
    second.hold("b", 1)
    assert (descriptors.held, second.reserve("c"), second.refused) == (3, False, {"c"})

    assert first.read("a") == []
    assert second.reserve("c")

    assert (descriptors.held, second.refused) == (2, set())
    assert [second.read(path) for path in ("b", "c", "d")] == [[], [], ["b"]]
    assert descriptors.held == 0


def test_the_soft_limit_is_raised_to_the_hard_one() -> None:
    run_in_own_process(_raise_a_low_limit)


def _raise_a_low_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    raise_limit()
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 512
    assert Descriptors().limit > 64


async def test_a_budget_of_bytes_makes_later_batches_wait() -> None:
    budget = ByteBudget(10)
    await budget.take(20)  # larger than all of it, and alone
    waiting = asyncio.create_task(budget.take(5))
    await asyncio.sleep(0)
    assert not waiting.done()

    budget.give_back(20)
    await asyncio.wait_for(waiting, PATIENCE)
    await asyncio.wait_for(budget.take(5), PATIENCE)
