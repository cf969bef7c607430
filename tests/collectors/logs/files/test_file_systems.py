"""File systems that hang, go away, hold ten thousand logs, or do not let us in."""

import asyncio
import gzip
import json
import lzma
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from collectors.logs.files import source as module
from collectors.logs.files.content import PlainContent
from collectors.logs.files.folder_watch import FolderWatch
from collectors.logs.files.lineage import Lineage
from tests.support.descriptors import open_below
from tests.support.log_files import Agent, Sink, settings
from tests.support.waiting import PATIENCE, soon
from tests.support.waiting import eventually as wait_until

READER = Path(__file__).parents[3] / "support" / "log_reader.py"
ENVIRONMENT = os.environ | {"PYTHONPATH": str(READER.parents[2])}
ROOT = os.geteuid() == 0
NOBODY = "65534"


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_ten_thousand_files_by_one_pattern_and_few_of_them_open_once_they_are_read(
    agent: Agent, sink: Sink, logs: Path
) -> None:
    for number in range(10_000):
        (logs / f"{number}.log").write_bytes(b"same in all\n")

    def have_arrived(count: int) -> bool:
        return len(sink.batches) >= count  # cheap to look at, unlike all lines

    await agent.start(sink, settings(logs / "*.log"))
    await soon(lambda: have_arrived(10_000), patience=120)
    await soon(lambda: open_below(logs) < 100, patience=60)

    append(logs / "7777.log", b"more\n")
    await soon(lambda: have_arrived(10_001), patience=60)
    await agent.stop()
    append(logs / "42.log", b"while it was down\n")
    await agent.start(sink, settings(logs / "*.log"))

    await soon(lambda: have_arrived(10_002), patience=60)
    assert sink.of(logs / "7777.log") == [b"same in all", b"more"]
    assert sink.of(logs / "42.log") == [b"same in all", b"while it was down"]
    assert sink.count == 10_002


async def test_a_file_that_hangs_holds_up_no_other_and_not_the_end(
    agent: Agent, sink: Sink, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()
    read = PlainContent.read

    def hang(self: PlainContent, offset: int, size: int) -> bytes:
        if os.fstat(self._descriptor).st_ino == hanging:
            answers.wait(120)
        return read(self, offset, size)

    (logs / "good.log").write_bytes(b"1\n")
    (logs / "hangs.log").write_bytes(b"1\n")
    source = await agent.start(sink, settings(logs / "*.log"))
    await soon(lambda: sink.count == 2)
    hanging = (logs / "hangs.log").stat().st_ino
    monkeypatch.setattr(PlainContent, "read", hang)
    append(logs / "hangs.log", b"2\n")
    await soon(lambda: any("hangs.log" in what for what, _ in source.state.waiting))

    append(logs / "good.log", b"2\n")
    (logs / "new.log").write_bytes(b"1\n")
    await soon(lambda: sink.count == 4)
    async with asyncio.timeout(PATIENCE):
        await agent.stop()
    answers.set()
    monkeypatch.undo()
    await agent.start(sink, settings(logs / "*.log"))

    await soon(lambda: sink.count == 5)
    assert sink.of(logs / "hangs.log") == [b"1", b"2"]


async def test_nothing_asks_a_file_system_on_the_event_loop(
    agent: Agent, sink: Sink, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, set[threading.Thread]] = {}

    def noted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def ask(*arguments: Any, **more: Any) -> Any:  # noqa: ANN401 - whatever it takes and gives
            asked.setdefault(name, set()).add(threading.current_thread())
            return function(*arguments, **more)

        return ask

    for owner, name in ((module, "find_files"), (module, "file_labels"), (Lineage, "begin"), (Lineage, "read")):
        monkeypatch.setattr(owner, name, noted(name, getattr(owner, name)))
    monkeypatch.setattr(FolderWatch, "watch", noted("watch", FolderWatch.watch))
    (logs / "app.log").write_bytes(b"line\n")
    await agent.start(sink, settings(logs / "*.log"))
    await soon(lambda: sink.lines and len(asked) == 5)

    assert threading.main_thread() not in set().union(*asked.values())


async def test_what_is_away_for_long_is_forgotten_and_not_before(
    agent: Agent, sink: Sink, logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = logs / "app.log"
    log.write_bytes(b"old\n")
    os.utime(log, (1, 1))
    source = await agent.start(sink, settings(log, poll=(0.1, 0.1)))
    await soon(lambda: sink.lines == [b"old"])
    log.rename(tmp_path / "away")
    await soon(lambda: source.state.files == 0)
    await asyncio.sleep(0.5)  # several looks
    (tmp_path / "away").rename(log)
    await soon(lambda: source.state.files == 1)
    append(log, b"new\n")
    await soon(lambda: sink.lines == [b"old", b"new"])

    os.utime(log, (1, 1))
    await soon(lambda: json.loads(agent.state.read_bytes())["files"]["app"][str(log)][-1]["modified_ns"] == 10**9)
    monkeypatch.setattr(module, "_AWAY_SECONDS", 0.1)
    log.unlink()

    await soon(lambda: not json.loads(agent.state.read_bytes())["files"]["app"])


class Reader:
    """A reader that runs in a shell, perhaps in a namespace of its own, and the lines that it read."""

    def __init__(self, output: Path, shell: list[str], script: str, **names: object) -> None:
        self._output = output
        given = {name: str(value) for name, value in names.items()}
        self._process = subprocess.Popen([*shell, script], stdin=subprocess.PIPE, env=ENVIRONMENT | given)

    def tell(self, command: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n".encode())
        self._process.stdin.flush()

    def read(self) -> list[str]:
        if not self._output.exists():
            return []
        whole, _, _ = self._output.read_text().rpartition("\n")
        return [text for record in whole.splitlines() for _, text in json.loads(record)]

    def wait_for(self, lines: list[str]) -> None:
        wait_until(lambda: len(self.read()) >= len(lines), f"{len(lines)} lines are read")
        assert self.read() == lines

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)


@contextmanager
def reader(output: Path, shell: list[str], script: str, **names: object) -> Iterator[Reader]:
    running = Reader(output, shell, script, **names)
    try:
        yield running
    finally:
        running.end()


SCRIPT = """
start() { "$PYTHON" "$READER" "$STATE/positions.json" "$OUTPUT" 1 "$LOGS/*.log" $AS & }
back() { mount --bind "$REAL" "$LOGS"; }
away() { umount --lazy "$LOGS"; }
restart() { kill -9 $!; wait; start; }
while read command; do $command; done
kill -9 $!
"""


def test_a_file_system_that_is_unmounted_and_comes_back(tmp_path: Path) -> None:
    real, seen, output = tmp_path / "real", tmp_path / "seen", tmp_path / "output"
    real.mkdir()
    seen.mkdir()
    append(real / "app.log", b"1\n2\n")
    namespace = ["unshare", "--mount", *([] if ROOT else ["--map-root-user"]), "bash", "-c"]
    names = {
        "PYTHON": sys.executable,
        "READER": READER,
        "STATE": tmp_path,
        "OUTPUT": output,
        "REAL": real,
        "LOGS": seen,
    }
    with reader(output, namespace, SCRIPT, AS="", **names) as running:
        running.tell("back")
        running.tell("start")
        running.wait_for(["1", "2"])
        positions_know(tmp_path / "positions.json", 4)

        running.tell("away")
        append(real / "app.log", b"3\n")
        running.tell("restart")
        append(real / "app.log", b"4\n")
        running.tell("back")

        running.wait_for(["1", "2", "3", "4"])


def positions_know(path: Path, offset: int) -> None:
    def known() -> bool:
        return path.exists() and f'"offset":{offset}' in path.read_text()

    wait_until(known, f"position {offset} is saved")


def test_a_permission_that_comes_later() -> None:
    with tempfile.TemporaryDirectory() as folder:
        logs, output = Path(folder) / "logs", Path(folder) / "output"
        for each in (Path(folder), logs):
            each.mkdir(exist_ok=True)
            each.chmod(0o777)
        append(logs / "closed.log", b"1\n")
        (logs / "closed.log").chmod(0)
        append(logs / "open.log", b"2\n")
        names = {"PYTHON": sys.executable, "READER": READER, "STATE": folder, "OUTPUT": output, "LOGS": logs}
        with reader(output, ["bash", "-c"], SCRIPT, AS=NOBODY if ROOT else "", **names) as running:
            running.tell("start")
            running.wait_for(["2"])
            time.sleep(0.5)  # in which it would have read what it may not
            running.wait_for(["2"])

            (logs / "closed.log").chmod(0o644)

            running.wait_for(["2", "1"])


def switched(link: Path, target: Path) -> None:
    """As `ln -sfn` does it."""
    beside = link.with_name("new")
    beside.symlink_to(target)
    beside.rename(link)


@pytest.mark.parametrize("down", [False, True])
async def test_a_link_whose_target_is_rotated(
    agent: Agent, sink: Sink, logs: Path, tmp_path: Path, *, down: bool
) -> None:
    pod = tmp_path / "pod"
    pod.mkdir()
    append(pod / "0.log", b"1\n")
    (logs / "app.log").symlink_to(pod / "0.log")
    await agent.start(sink, settings(logs / "app.log"))
    await soon(lambda: sink.lines == [b"1"])
    if down:
        await agent.stop()

    append(pod / "0.log", b"2\n")
    (pod / "0.log").rename(pod / "0.log.20261122-101112")
    append(pod / "0.log", b"3\n")
    if down:
        await agent.start(sink, settings(logs / "app.log"))

    await soon(lambda: sink.lines == [b"1", b"2", b"3"])


@pytest.mark.parametrize("down", [False, True])
async def test_a_link_that_is_switched_to_another_file(
    agent: Agent, sink: Sink, logs: Path, tmp_path: Path, *, down: bool
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    append(one, b"1\n")
    (logs / "app.log").symlink_to(one)
    await agent.start(sink, settings(logs / "app.log"))
    await soon(lambda: sink.lines == [b"1"])
    if down:
        await agent.stop()

    append(one, b"2\n")
    append(two, b"3\n")
    switched(logs / "app.log", two)
    if down:
        await agent.start(sink, settings(logs / "app.log"))
    await soon(lambda: sink.lines == [b"1", b"2", b"3"])
    append(two, b"4\n")

    await soon(lambda: sink.lines == [b"1", b"2", b"3", b"4"])


async def test_a_rotation_into_a_folder_that_is_gone_later(agent: Agent, sink: Sink, logs: Path) -> None:
    log, old = logs / "app.log", logs / "old"
    append(log, b"1\n")
    await agent.start(sink, settings(log))
    await soon(lambda: sink.lines == [b"1"])
    await agent.stop()
    append(log, b"2\n")
    old.mkdir()
    log.rename(old / "app.log.1")
    append(log, b"3\n")
    await agent.start(sink, settings(log))
    await soon(lambda: sink.lines == [b"1", b"2", b"3"])

    shutil.rmtree(old)
    log.rename(logs / "app.log.1")
    append(log, b"4\n")
    await soon(lambda: sink.lines == [b"1", b"2", b"3", b"4"])
    await agent.stop()
    append(log, b"5\n")
    log.rename(logs / "app.log.1")
    append(log, b"6\n")
    await agent.start(sink, settings(log))

    await soon(lambda: sink.lines == [b"1", b"2", b"3", b"4", b"5", b"6"])


def zstd(data: bytes) -> bytes:
    return subprocess.run(["zstd", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout


@pytest.mark.parametrize(
    ("suffix", "compress"), [(".gz", gzip.compress), (".xz", lzma.compress), (".zst", zstd)], ids=["gz", "xz", "zst"]
)
async def test_a_compressed_rest_that_is_cut_short_until_it_is_whole(
    agent: Agent, sink: Sink, logs: Path, suffix: str, compress: Callable[[bytes], bytes]
) -> None:
    log, chance = logs / "app.log", random.Random(1)  # noqa: S311 - test data
    lines = [chance.randbytes(40).hex().encode() for _ in range(20_000)]
    log.write_bytes(b"\n".join(lines[:100]) + b"\n")
    await agent.start(sink, settings(log))
    await soon(lambda: sink.count == 100)
    await agent.stop()
    whole = compress(b"\n".join(lines) + b"\n")
    compressed = log.with_name(f"app.log.1{suffix}")
    compressed.write_bytes(whole[: len(whole) * 2 // 3])
    log.unlink()
    append(log, b"new\n")
    source = await agent.start(sink, settings(log))
    await soon(lambda: b"new" in sink.lines)
    await soon(lambda: source.state.unreadable)

    assert f"app.log.1{suffix}: cannot be decompressed" in source.state.unreadable[str(log)]
    before = sink.lines[:-1]
    assert before == lines[: len(before)]
    assert len(before) > 1000
    compressed.write_bytes(whole)
    await soon(lambda: sink.count == len(lines) + 1)
    await soon(lambda: not source.state.unreadable)
    assert [line for line in sink.lines if line != b"new"] == lines


async def test_a_damaged_compressed_rest_holds_up_nothing(agent: Agent, sink: Sink, logs: Path) -> None:
    log = logs / "app.log"
    append(log, b"1\n")
    await agent.start(sink, settings(log))
    await soon(lambda: sink.lines == [b"1"])
    await agent.stop()
    log.with_name("app.log.1.gz").write_bytes(b"no gzip at all")
    log.unlink()
    append(log, b"2\n")
    source = await agent.start(sink, settings(log))

    await soon(lambda: sink.lines == [b"1", b"2"])
    assert source.lost == 1
