"""Files under other names than before: renamed by every rotation, linked, copied, rewritten."""

import asyncio
import gzip
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from collectors.logs.files.names import from_key, shown, to_key
from tests.support.log_files import Agent, Sink, settings
from tests.support.waiting import soon

NAMES = [
    *("app.1.log", "app-1.log", "app_1.log", "app1.log", "app-11-29-2026.log", "app-11-29-2026-1.log"),
    *("app.log.1", "app-2026-11-29.log", "app-2026-11-29.1.log", "app.2026-W48.log", "app.log-20261129"),
    *("app.log.2026-W48", "old-app.log", "archive.log.app", "app.log.29Nov2026"),
]


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


async def quiet(sink: Sink) -> list[bytes]:
    """Return the lines after a time in which a doubled one would have come."""
    await asyncio.sleep(1.5)
    return sink.lines


def begun_logs(logs: Path, count: int) -> list[Path]:
    """Make a log in a folder of its own for each of so many names."""
    made = [logs / str(number) / "app.log" for number in range(count)]
    for log in made:
        log.parent.mkdir()
        log.write_bytes(b"1\n2\n")
    return made


async def test_a_renamed_file_is_not_sent_again(agent: Agent, sink: Sink, logs: Path) -> None:
    made = begun_logs(logs, len(NAMES))
    await agent.start(sink, settings(logs / "*" / "*log*"))
    await soon(lambda: len(sink.lines) == 2 * len(made))

    for log, name in zip(made, NAMES, strict=True):
        append(log, b"3\n")
        log.rename(log.parent / name)
        log.write_bytes(b"4\n")
    await soon(lambda: len(sink.lines) >= 4 * len(made))
    for log, name in zip(made, NAMES, strict=True):
        append(log.parent / name, b"5\n")  # the writer still has it open

    await soon(lambda: len(sink.lines) >= 5 * len(made))
    await quiet(sink)
    assert {name: sorted(sink.of(log)) for log, name in zip(made, NAMES, strict=True)} == {
        name: [b"1", b"2", b"3", b"4", b"5"] for name in NAMES
    }


async def test_a_file_renamed_while_the_agent_is_down_is_finished(agent: Agent, sink: Sink, logs: Path) -> None:
    made = begun_logs(logs, len(NAMES))
    await agent.start(sink, settings(logs / "*" / "*log*"))
    await soon(lambda: len(sink.lines) == 2 * len(made))
    await agent.stop()

    for log, name in zip(made, NAMES, strict=True):
        append(log, b"3\n")
        log.rename(log.parent / name)
        log.write_bytes(b"4\n")
    await agent.start(sink, settings(logs / "*" / "*log*"))

    await soon(lambda: len(sink.lines) >= 4 * len(made))
    await quiet(sink)
    assert {name: sorted(sink.of(log)) for log, name in zip(made, NAMES, strict=True)} == {
        name: [b"1", b"2", b"3", b"4"] for name in NAMES
    }


@pytest.mark.parametrize("folder", ["", "old"])
async def test_a_file_compressed_while_the_agent_is_down_is_finished(
    agent: Agent, sink: Sink, logs: Path, folder: str
) -> None:
    names = [name for name in NAMES if name.startswith("app")]
    made = begun_logs(logs, len(names))
    await agent.start(sink, settings(logs / "*" / "app.log"))
    await soon(lambda: len(sink.lines) == 2 * len(made))
    await agent.stop()

    for log, name in zip(made, names, strict=True):
        append(log, b"3\n")
        (log.parent / folder).mkdir(exist_ok=True)
        (log.parent / folder / f"{name}.gz").write_bytes(gzip.compress(log.read_bytes()))
        log.unlink()
        log.write_bytes(b"4\n")
    await agent.start(sink, settings(logs / "*" / "app.log"))

    await soon(lambda: len(sink.lines) >= 4 * len(made))
    assert {name: sink.of(log) for log, name in zip(made, names, strict=True)} == {
        name: [b"1", b"2", b"3", b"4"] for name in names
    }


async def test_a_chain_of_renames_sends_each_line_once(agent: Agent, sink: Sink, logs: Path) -> None:
    log = logs / "app.log"
    log.write_bytes(b"0\n")
    await agent.start(sink, settings(logs / "*.log"))
    await soon(lambda: len(sink.lines) == 1)
    for number in range(1, 7):
        append(log, b"%d\n" % number)
        for older in range(9, 0, -1):
            if (logs / f"app.{older}.log").exists():
                (logs / f"app.{older}.log").rename(logs / f"app.{older + 1}.log")
        log.rename(logs / "app.1.log")
        log.touch()
        await asyncio.sleep(0.1 * (number % 3))
    append(log, b"7\n")
    expected = [b"%d" % number for number in range(8)]
    await soon(lambda: len(sink.lines) >= len(expected))
    assert sorted(await quiet(sink)) == expected

    await agent.stop()
    await agent.start(sink, settings(logs / "*.log"))

    assert sorted(await quiet(sink)) == expected


async def test_a_log_that_gets_another_name_is_followed_there(agent: Agent, sink: Sink, logs: Path) -> None:
    old, new = logs / "a.log", logs / "b.log"
    old.write_bytes(b"1\n")
    await agent.start(sink, settings(logs / "*.log"))
    await soon(lambda: len(sink.lines) == 1)
    old.rename(new)
    old.write_bytes(b"2\n")
    await soon(lambda: len(sink.lines) == 2)
    await asyncio.sleep(2.5)  # longer than the old file is kept open

    append(new, b"3\n")
    await soon(lambda: len(sink.lines) == 3)
    append(new, b"4\n")

    await soon(lambda: len(sink.lines) == 4)
    assert sink.lines == [b"1", b"2", b"3", b"4"]


async def test_other_logs_with_numbers_in_their_names_are_logs(agent: Agent, sink: Sink, logs: Path) -> None:
    names = ["worker.log", "worker-1.log", "worker1.log", "worker.2.log"]
    for name in names:
        (logs / name).write_bytes(b"started\n")
    await agent.start(sink, settings(logs / "*.log"))
    await soon(lambda: len(sink.lines) == 4)
    for name in names:
        append(logs / name, b"%s\n" % name.encode())

    await soon(lambda: len(sink.lines) == 8)
    assert all(sink.of(logs / name) == [b"started", name.encode()] for name in names)

    (logs / "worker-3.log").write_bytes(b"started\nanother\n")

    await soon(lambda: len(sink.lines) == 10)


async def test_a_link_and_its_target_are_one_log(agent: Agent, sink: Sink, logs: Path) -> None:
    target = logs / "app-2026-11-29.log"
    target.write_bytes(b"1\n")
    (logs / "current.log").symlink_to(target.name)
    (logs / "hard.log").hardlink_to(target)
    await agent.start(sink, settings(logs / "*.log"))
    await soon(lambda: sink.lines)
    append(target, b"2\n")
    await soon(lambda: len(sink.lines) == 2)

    newer = logs / "app-2026-11-30.log"
    newer.write_bytes(b"3\n")
    (logs / "current.log").unlink()
    (logs / "current.log").symlink_to(newer.name)
    (logs / "other.log").hardlink_to(newer)
    append(newer, b"4\n")

    await soon(lambda: len(sink.lines) >= 4)
    assert sorted(await quiet(sink)) == [b"1", b"2", b"3", b"4"]


async def test_the_first_pattern_names_a_file_that_several_match(agent: Agent, sink: Sink, logs: Path) -> None:
    real, links = logs / "docker", logs / "containers"
    real.mkdir()
    links.mkdir()
    (real / "id-json.log").write_bytes(b"1\n")
    (links / "web.log").symlink_to(real / "id-json.log")
    await agent.start(sink, settings(links / "*.log", real / "*.log"))
    await soon(lambda: sink.lines)
    append(real / "id-json.log", b"2\n")

    await soon(lambda: len(sink.lines) >= 2)
    assert await quiet(sink) == [b"1", b"2"]
    assert sink.of(links / "web.log") == [b"1", b"2"]


def by_rename(log: Path, content: bytes) -> None:
    temporary = log.with_name(".app.log.x1")
    temporary.write_bytes(content)
    temporary.rename(log)


def with_backup(log: Path, content: bytes) -> None:
    log.rename(f"{log}~")
    log.write_bytes(content)


def in_place(log: Path, content: bytes) -> None:
    log.write_bytes(content)


@pytest.mark.parametrize("write", [by_rename, with_backup, in_place])
@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize("lines", [3, 3000])
async def test_a_log_that_is_written_again_with_more_lines_sends_those(
    agent: Agent, sink: Sink, logs: Path, write: Callable[[Path, bytes], None], *, down: bool, lines: int
) -> None:
    log = logs / "app.log"
    before = b"".join(b"line %d\n" % number for number in range(lines))
    log.write_bytes(before)
    await agent.start(sink, settings(log))
    await soon(lambda: len(sink.lines) == lines)

    if down:
        await agent.stop()
    write(log, before + b"more\n")
    if down:
        await agent.start(sink, settings(log))

    await soon(lambda: len(sink.lines) > lines)
    assert (await quiet(sink))[lines:] == [b"more"]


@pytest.mark.parametrize("name", ["app-1.log", "app.1.log", "app1.log", "app-2026-11-29.log"])
async def test_a_copy_before_a_truncation_is_not_sent_again(agent: Agent, sink: Sink, logs: Path, name: str) -> None:
    log = logs / "app.log"
    log.write_bytes(b"1\n2\n")
    await agent.start(sink, settings(logs / "*.log"))
    await soon(lambda: len(sink.lines) == 2)

    shutil.copyfile(log, logs / name)
    await asyncio.sleep(0.3)
    os.truncate(log, 0)
    append(log, b"3\n")

    await soon(lambda: len(sink.lines) >= 3)
    assert await quiet(sink) == [b"1", b"2", b"3"]


async def test_names_that_are_not_utf8_are_read_and_remembered(agent: Agent, sink: Sink, logs: Path) -> None:
    for name in (b"caf\xe9.log", b"caf\xe8.log", b"new\nline.log", b"caf\\xe9.log"):
        with open(os.fsencode(logs) + b"/" + name, "wb") as file:  # noqa: PTH123, ASYNC230 - a path of bytes
            file.write(b"from %s\n" % name.replace(b"\n", b" "))
    await agent.start(sink, settings(logs / "*.log"))
    await soon(lambda: len(sink.lines) == 4)
    await agent.stop()
    await agent.start(sink, settings(logs / "*.log"))

    assert len(await quiet(sink)) == 4
    labels = {batch.file_labels["filename"] for batch in sink.batches}
    assert f"{logs}/caf\\xe9.log" in labels
    for label in labels:
        label.encode()


@pytest.mark.parametrize("path", ["/a/b.log", "/a/caf\udce9.log", "/ü/\udcff\udcfe", "/a\\xe9"])
def test_a_key_is_text_and_gives_the_path_back(path: str) -> None:
    assert from_key(to_key(path)) == path
    to_key(path).encode()
    shown(path).encode()
