import asyncio
import bz2
import gzip
import lzma
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from collectors.logs.files.generation import ReadLimits
from collectors.logs.records import Batch
from tests.support.descriptors import open_below
from tests.support.log_files import Agent, Sink, settings
from tests.support.waiting import soon


def numbered(first: int, last: int) -> bytes:
    return b"".join(b"line %d\n" % number for number in range(first, last))


def expected(first: int, last: int) -> list[bytes]:
    return numbered(first, last).splitlines()


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


async def test_sends_what_is_there_and_what_is_written_later(agent: Agent, sink: Sink, logs: Path) -> None:
    log = logs / "app.log"
    log.write_bytes(numbered(0, 10))
    await agent.start(sink, settings(logs / "*.log"))
    await soon(lambda: sink.lines == expected(0, 10))

    append(log, numbered(10, 20))

    await soon(lambda: sink.lines == expected(0, 20))
    assert sink.batches[0].file_labels == {"filename": str(log)}


async def test_finds_files_that_appear_later_in_folders_that_appear_later(agent: Agent, sink: Sink, logs: Path) -> None:
    source = await agent.start(sink, settings(logs / "*" / "deep" / "*.log"))
    assert source.state.files == 0

    (logs / "new" / "deep").mkdir(parents=True)
    (logs / "new" / "deep" / "a.log").write_bytes(numbered(0, 3))

    await soon(lambda: sink.lines == expected(0, 3))


async def test_a_restart_goes_on_where_it_was(agent: Agent, sink: Sink, logs: Path) -> None:
    log = logs / "app.log"
    log.write_bytes(numbered(0, 1000))
    await agent.start(sink, settings(log))
    await soon(lambda: len(sink.lines) == 1000)
    await agent.stop()

    append(log, numbered(1000, 1010))
    await agent.start(sink, settings(log))

    await soon(lambda: len(sink.lines) >= 1010)
    assert sink.lines == expected(0, 1010)


async def test_what_was_not_acknowledged_is_sent_again_with_the_same_times(
    agent: Agent, sink: Sink, logs: Path
) -> None:
    log = logs / "app.log"
    log.write_bytes(numbered(0, 5000))
    lost = Sink()

    async def unacknowledged(batch: Batch) -> int:
        await lost(batch)
        await asyncio.Event().wait()
        return 0

    await agent.start(unacknowledged, settings(log, limits=ReadLimits(batch_bytes=4096)))
    await soon(lambda: lost.lines)
    await agent.stop()
    append(log, numbered(5000, 5010))
    await agent.start(sink, settings(log, limits=ReadLimits(batch_bytes=1000)))

    await soon(lambda: len(sink.lines) >= 5010)
    assert sink.lines == expected(0, 5010)
    assert all(sink.times[line] == times for line, times in lost.times.items())


async def test_equal_lines_have_different_times(agent: Agent, sink: Sink, logs: Path) -> None:
    (logs / "app.log").write_bytes(b"again\n" * 100)
    await agent.start(sink, settings(logs / "app.log"))

    await soon(lambda: sink.lines)
    assert len(sink.times[b"again"]) == 100


def renamed(log: Path) -> None:
    log.rename(f"{log}.1")


def copied_and_truncated(log: Path) -> None:
    shutil.copy(log, f"{log}.1")
    os.truncate(log, 0)


def compressed(log: Path, suffix: str, compress: Callable[[bytes], bytes]) -> None:
    Path(f"{log}.1{suffix}").write_bytes(compress(log.read_bytes()))
    log.unlink()


def zstd(data: bytes) -> bytes:
    return subprocess.run(["zstd", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout


ROTATIONS: dict[str, Callable[[Path], None]] = {
    "rename": renamed,
    "copytruncate": copied_and_truncated,
    "gz": lambda log: compressed(log, ".gz", gzip.compress),
    "bz2": lambda log: compressed(log, ".bz2", bz2.compress),
    "xz": lambda log: compressed(log, ".xz", lzma.compress),
    "zst": lambda log: compressed(log, ".zst", zstd),
}


@pytest.mark.parametrize("rotate", ROTATIONS.values(), ids=ROTATIONS)
@pytest.mark.parametrize("pattern", ["app.log", "app.log*"])
async def test_a_rotation_while_the_agent_is_down(
    agent: Agent, sink: Sink, logs: Path, rotate: Callable[[Path], None], pattern: str
) -> None:
    log = logs / "app.log"
    log.write_bytes(numbered(0, 500))
    await agent.start(sink, settings(logs / pattern))
    await soon(lambda: len(sink.lines) == 500)
    await agent.stop()

    append(log, numbered(500, 700))
    rotate(log)
    append(log, numbered(700, 1500))
    await agent.start(sink, settings(logs / pattern))

    await soon(lambda: len(sink.lines) >= 1500)
    assert sink.lines == expected(0, 1500)


@pytest.mark.parametrize("rotate", [renamed, copied_and_truncated])
@pytest.mark.parametrize("pattern", ["app.log", "app.log*"])
async def test_rotations_while_loki_is_away(
    agent: Agent, sink: Sink, logs: Path, rotate: Callable[[Path], None], pattern: str
) -> None:
    log = logs / "app.log"
    log.write_bytes(numbered(0, 100))
    await agent.start(sink, settings(logs / pattern))
    await soon(lambda: len(sink.lines) == 100)
    sink.open.clear()

    append(log, numbered(100, 200))
    rotate(log)
    append(log, numbered(200, 250))
    shutil.move(f"{log}.1", f"{log}.2")
    rotate(log)
    append(log, numbered(250, 900))
    sink.open.set()

    await soon(lambda: len(sink.lines) >= 900)
    await asyncio.sleep(1.5)
    assert sink.lines == expected(0, 900)


@pytest.mark.parametrize("name", ["app-20261129.log", "app.log-20261129", "app.1.log", "app1.log", "other.log"])
async def test_a_file_that_is_truncated_and_then_renamed_while_loki_is_away(
    agent: Agent, sink: Sink, logs: Path, name: str
) -> None:
    log = logs / "app.log"
    log.write_bytes(numbered(0, 100))
    await agent.start(sink, settings(logs / "*.log", poll=(0.5, 0.5)))
    await soon(lambda: len(sink.lines) == 100)
    sink.open.clear()

    append(log, numbered(100, 200))
    await asyncio.sleep(0.3)
    append(log, numbered(200, 300))
    copied_and_truncated(log)
    append(log, numbered(300, 320))
    log.rename(logs / name)
    log.write_bytes(b"")
    await asyncio.sleep(0.3)
    sink.open.set()

    await soon(lambda: len(sink.lines) >= 320)
    append(log, numbered(320, 330))
    await soon(lambda: len(sink.lines) >= 330)
    await asyncio.sleep(1.5)
    assert sorted(sink.lines) == sorted(expected(0, 330))


async def test_a_batch_whose_end_was_recorded_ends_there_when_it_is_sent_again(
    agent: Agent, sink: Sink, logs: Path
) -> None:
    log = logs / "app.log"
    log.write_bytes(numbered(0, 3))
    sent = asyncio.Event()
    times: list[int] = []

    async def unanswered(batch: Batch) -> int:
        await batch.record_end(2)
        times.extend(batch.times)
        sent.set()
        await asyncio.Event().wait()
        return 0

    await agent.start(unanswered, settings(log))
    await sent.wait()
    await agent.stop()
    append(log, numbered(3, 6))
    await agent.start(sink, settings(log))

    await soon(lambda: len(sink.lines) == 6)
    assert sink.batches[0].lines == expected(0, 2)
    assert sink.lines == expected(0, 6)
    assert sink.batches[0].times == times[:2]
    assert sink.batches[1].times[0] == times[2]


async def test_a_rotated_file_is_read_while_its_writer_still_holds_it(agent: Agent, sink: Sink, logs: Path) -> None:
    log = logs / "app.log"
    with log.open("wb", buffering=0) as writer:
        writer.write(numbered(0, 5))
        await agent.start(sink, settings(log))
        await soon(lambda: len(sink.lines) == 5)
        renamed(log)
        log.write_bytes(b"new\n")
        await soon(lambda: b"new" in sink.lines)

        writer.write(numbered(5, 8))

        await soon(lambda: len(sink.lines) == 9)
    assert sorted(sink.lines) == sorted([*expected(0, 8), b"new"])


async def test_a_renamed_file_with_nothing_in_its_place_is_no_new_one(agent: Agent, sink: Sink, logs: Path) -> None:
    log = logs / "app.log"
    log.write_bytes(numbered(0, 5))
    await agent.start(sink, settings(logs / "app.log*"))
    await soon(lambda: len(sink.lines) == 5)
    await agent.stop()

    append(log, numbered(5, 8))
    renamed(log)
    await agent.start(sink, settings(logs / "app.log*"))

    await soon(lambda: len(sink.lines) >= 8)
    assert sink.lines == expected(0, 8)


async def test_a_file_that_is_deleted_and_made_again_is_new(agent: Agent, sink: Sink, logs: Path) -> None:
    log = logs / "app.log"
    log.write_bytes(numbered(0, 5))
    await agent.start(sink, settings(log))
    await soon(lambda: len(sink.lines) == 5)

    append(log, b"last words\n")
    log.unlink()
    log.write_bytes(numbered(0, 5))

    await soon(lambda: len(sink.lines) == 11)
    assert sink.lines == [*expected(0, 5), b"last words", *expected(0, 5)]


async def test_an_inode_that_is_used_again_is_another_file(agent: Agent, sink: Sink, logs: Path) -> None:
    log = logs / "app.log"
    log.write_bytes(numbered(0, 5))
    await agent.start(sink, settings(log))
    await soon(lambda: len(sink.lines) == 5)
    await agent.stop()

    log.write_bytes(b"other content, and longer than what was there before\n" * 3)
    await agent.start(sink, settings(log))

    await soon(lambda: len(sink.lines) >= 8)
    assert sink.lines[5:] == [b"other content, and longer than what was there before"] * 3


async def test_a_last_line_without_newline_is_sent_once(agent: Agent, sink: Sink, logs: Path) -> None:
    log = logs / "app.log"
    log.write_bytes(b"first\nunfinished")
    await agent.start(sink, settings(log))
    await soon(lambda: sink.lines == [b"first", b"unfinished"])

    append(log, b"\nnext\nhalf")
    await soon(lambda: sink.lines[2:] == [b"next", b"half"])
    append(log, b" the rest\n")

    await soon(lambda: sink.lines[4:] == [b" the rest"])


async def test_an_overlong_line_is_cut_and_its_rest_skipped(agent: Agent, sink: Sink, logs: Path) -> None:
    log = logs / "app.log"
    with log.open("wb") as file:
        file.write(b"before\n")
        for _ in range(100):
            file.write(b"x" * 1_000_000)
        file.write(b"\nafter\n")
    await agent.start(sink, settings(log))

    await soon(lambda: len(sink.lines) >= 3)
    await agent.stop()
    assert sink.lines == [b"before", b"x" * 524288, b"after"]


async def test_a_sparse_file_costs_no_reading_of_its_hole(agent: Agent, sink: Sink, logs: Path) -> None:
    log = logs / "app.log"
    with log.open("wb") as file:
        file.truncate(1 << 40)
        file.seek(1 << 40)
        file.write(b"after the hole\n")
    await agent.start(sink, settings(log))

    await soon(lambda: sink.lines == [b"after the hole"])


async def test_a_writer_without_append_leaves_nuls_at_a_truncation(agent: Agent, sink: Sink, logs: Path) -> None:
    log = logs / "app.log"
    with log.open("wb", buffering=0) as writer:
        writer.write(numbered(0, 100))
        await agent.start(sink, settings(log))
        await soon(lambda: len(sink.lines) == 100)

        copied_and_truncated(log)
        writer.write(numbered(100, 110))

        await soon(lambda: len(sink.lines) >= 110)
    assert sink.lines == expected(0, 110)


async def test_nuls_at_the_end_are_not_sent_but_what_replaces_them_is(agent: Agent, sink: Sink, logs: Path) -> None:
    log = logs / "app.log"
    log.write_bytes(b"first\n" + bytes(4096))
    await agent.start(sink, settings(log))
    await soon(lambda: sink.lines == [b"first"])

    with log.open("r+b") as file:
        file.seek(6)
        file.write(b"second\n")

    await soon(lambda: sink.lines == [b"first", b"second"])


async def test_a_file_that_may_be_read_later(agent: Agent, sink: Sink, logs: Path) -> None:
    log = logs / "app.log"
    log.symlink_to("app.log")  # unreadable even for root
    (logs / "other.log").write_bytes(b"other\n")
    await agent.start(sink, settings(logs / "*.log"))
    await soon(lambda: sink.lines == [b"other"])

    log.unlink()
    log.write_bytes(b"readable\n")

    await soon(lambda: b"readable" in sink.lines)


async def test_symbolic_links_are_followed_where_they_lead(
    agent: Agent, sink: Sink, logs: Path, tmp_path: Path
) -> None:
    real = tmp_path / "elsewhere"
    real.mkdir()
    (real / "0.log").write_bytes(b"first\n")
    (logs / "app.log").symlink_to(real / "0.log")
    await agent.start(sink, settings(logs / "*.log"))
    await soon(lambda: sink.lines == [b"first"])

    append(real / "0.log", b"second\n")

    await soon(lambda: sink.lines == [b"first", b"second"])
    assert sink.batches[-1].file_labels == {"filename": str(logs / "app.log")}


async def test_a_folder_that_goes_away_and_comes_back(agent: Agent, sink: Sink, logs: Path, tmp_path: Path) -> None:
    log = logs / "app.log"
    log.write_bytes(numbered(0, 5))
    source = await agent.start(sink, settings(log))
    await soon(lambda: len(sink.lines) == 5)

    shutil.move(logs, tmp_path / "away")
    await soon(lambda: source.state.files == 0)
    append(tmp_path / "away" / "app.log", numbered(5, 9))
    shutil.move(tmp_path / "away", logs)

    await soon(lambda: len(sink.lines) >= 9)
    assert sink.lines == expected(0, 9)


async def test_more_files_than_may_be_open(agent: Agent, sink: Sink, logs: Path) -> None:
    for number in range(1000):
        (logs / f"{number}.log").write_bytes(b"same in all\n")
    await agent.start(sink, settings(logs / "*.log", open_files=16))

    await soon(lambda: len(sink.lines) == 1000)
    await soon(lambda: open_below(logs) < 40)
    append(logs / "7.log", b"more\n")
    await soon(lambda: len(sink.lines) == 1001)
    assert sink.of(logs / "7.log") == [b"same in all", b"more"]


async def test_an_open_entry_is_given_again_and_ended_after_a_while(agent: Agent, sink: Sink, logs: Path) -> None:
    log = logs / "app.log"
    log.write_bytes(b"one\ntwo\n")
    sink.consume = lambda batch: len(batch.lines) if batch.final else len(batch.lines) - 1
    await agent.start(sink, settings(log))

    await soon(lambda: sink.lines == [b"one", b"two"])
    assert [batch.final for batch in sink.batches] == [False, True]


async def test_from_the_end_means_what_is_written_from_now_on(agent: Agent, sink: Sink, logs: Path) -> None:
    log = logs / "app.log"
    log.write_bytes(numbered(0, 5000))
    source = await agent.start(sink, settings(logs / "*.log", from_end=True))
    await soon(lambda: source.state.files == 1)

    append(log, b"new\n")
    (logs / "later.log").write_bytes(b"whole\n")

    await soon(lambda: len(sink.lines) == 2)
    assert sorted(sink.lines) == [b"new", b"whole"]


async def test_corrupt_positions_are_moved_aside_and_nothing_is_lost(agent: Agent, sink: Sink, logs: Path) -> None:
    log = logs / "app.log"
    log.write_bytes(numbered(0, 5))
    agent.state.parent.mkdir()
    agent.state.write_bytes(b'{"files": {"app": [')
    await agent.start(sink, settings(log, from_end=True))

    await soon(lambda: sink.lines == expected(0, 5))
    assert list(agent.state.parent.glob("*.corrupt-*"))


async def test_lag_is_what_is_not_acknowledged(agent: Agent, sink: Sink, logs: Path) -> None:
    log = logs / "app.log"
    sink.open.clear()
    log.write_bytes(numbered(0, 100))
    source = await agent.start(sink, settings(log))
    await soon(lambda: source.lag_bytes == len(numbered(0, 100)) and source.lag_seconds > 0)

    sink.open.set()

    await soon(lambda: source.lag_bytes == 0 and source.lag_seconds == 0)
    assert source.state.lines == 100


async def test_lines_that_a_killed_agent_may_have_sent_are_marked(agent: Agent, sink: Sink, logs: Path) -> None:
    append(logs / "app.log", b"1\n2\n")
    sent = Sink()
    sent.open.clear()
    await agent.start(sent, settings(logs / "*.log"))
    await soon(lambda: agent.state.exists() and b'"begun":true' in agent.state.read_bytes())
    killed = Agent(agent.state.with_name("killed.json"))
    shutil.copy(agent.state, killed.state)
    await agent.stop()

    await killed.start(sink, settings(logs / "*.log"))
    await soon(lambda: len(sink.lines) == 2)
    append(logs / "app.log", b"3\n")
    await soon(lambda: len(sink.lines) == 3)
    await killed.stop()

    assert [(batch.lines, batch.maybe_sent) for batch in sink.batches] == [
        ([b"1", b"2"], True),
        ([b"3"], False),
    ]


async def test_very_short_lines_come_in_batches_of_a_bounded_number(agent: Agent, sink: Sink, logs: Path) -> None:
    log = logs / "app.log"
    log.write_bytes(b"".join(b"%d\n" % number for number in range(35_000)))
    await agent.start(sink, settings(log))
    await soon(lambda: len(sink.lines) == 35_000)

    append(log, b"last\n")
    await soon(lambda: len(sink.lines) == 35_001)

    assert sink.lines == [*(b"%d" % number for number in range(35_000)), b"last"]
    assert max(len(batch.lines) for batch in sink.batches) <= 10_000
