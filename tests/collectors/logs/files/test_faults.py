import gzip
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.waiting import eventually

READER = Path(__file__).parents[3] / "support" / "log_reader.py"


class Machine:
    """A log that is written and rotated, and a reader of it that is killed."""

    def __init__(self, folder: Path, seed: int, pattern: str) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self.folder = folder
        self.log = folder / "logs" / "app.log"
        self.log.parent.mkdir()
        self.output = folder / "output"
        self.pattern = pattern
        self.written = 0
        self.reader: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        arguments: list[str | Path] = [
            self.folder / "positions.json",
            self.output,
            str(self.chance.random()),
            self.log.parent / self.pattern,
        ]
        environment = os.environ | {"PYTHONPATH": str(READER.parents[2])}
        self.reader = subprocess.Popen([sys.executable, READER, *arguments], env=environment)

    def kill(self) -> None:
        if self.reader is not None:
            self.reader.send_signal(signal.SIGKILL)
            self.reader.wait()
            self.reader = None

    def restart(self) -> None:
        self.kill()
        if self.chance.random() < 0.5:
            self.write()
            self.chance.choice(ROTATIONS)(self)
        self.start()

    def write(self) -> None:
        count = self.chance.choice([1, 10, 300])
        with self.log.open("a") as file:
            for number in range(self.written, self.written + count):
                file.write(f"line {number} {'x' * (number % 90)}\n")
        self.written += count

    def wait(self) -> None:
        time.sleep(self.chance.choice([0.0, 0.003, 0.03, 0.3]))

    def shift(self) -> None:
        old = sorted(self.log.parent.glob("app.log.*"), key=lambda path: -int(path.name.split(".")[2]))
        for path in old:
            parts = path.name.split(".")
            parts[2] = str(int(parts[2]) + 1)
            path.rename(path.with_name(".".join(parts)))

    def rename(self) -> None:
        self.shift()
        if self.log.exists():
            self.log.rename(f"{self.log}.1")

    def copy_and_truncate(self) -> None:
        self.shift()
        if self.log.exists():
            shutil.copy(self.log, f"{self.log}.1")
            os.truncate(self.log, 0)

    def compress(self) -> None:
        for path in self.log.parent.glob("app.log.*[0-9]"):
            compressed = path.with_name(f"{path.name}.gz")
            compressed.write_bytes(gzip.compress(path.read_bytes()))
            times = path.stat()
            os.utime(compressed, ns=(times.st_atime_ns, times.st_mtime_ns))
            path.unlink()

    def rename_and_compress(self) -> None:
        self.rename()
        self.compress()

    def sent(self) -> dict[int, set[int]]:
        """The times with which each line was sent."""
        times: dict[int, set[int]] = defaultdict(set)
        if not self.output.exists():
            return times
        whole, _, _ = self.output.read_text().rpartition("\n")  # what follows is still being written
        for record in whole.splitlines():
            for at, text in json.loads(record):
                times[int(text.split()[1])].add(at)
        return times


ROTATIONS: list[Callable[[Machine], None]] = [Machine.rename, Machine.copy_and_truncate, Machine.rename_and_compress]
STEPS: list[Callable[[Machine], None]] = [Machine.write, Machine.write, Machine.wait, Machine.restart, *ROTATIONS]


@pytest.mark.parametrize("pattern", ["app.log", "app.log*"])
@pytest.mark.parametrize("seed", range(int(os.environ.get("WR_AGENT_FAULT_SEEDS", "4"))))
def test_nothing_is_lost_and_nothing_gets_another_time(tmp_path: Path, seed: int, pattern: str) -> None:
    machine = Machine(tmp_path, seed, pattern)
    machine.write()
    machine.start()
    try:
        eventually(machine.sent, "something is sent")
        for _ in range(40):
            machine.chance.choice(STEPS)(machine)
        machine.write()
        deadline = time.monotonic() + 30
        while len(machine.sent()) < machine.written and time.monotonic() < deadline:
            time.sleep(0.1)
    finally:
        machine.kill()

    times = machine.sent()
    assert sorted(times) == list(range(machine.written))
    assert [number for number, at in times.items() if len(at) > 1] == []
