import random
import resource
import struct
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from agent.push import queue as module
from agent.push.queue import Queue
from agent.push.record import Layout, Record
from agent.push.segment import scan
from tests.support.own_process import limit_files, run_in_own_process

LAYOUT = Layout((b"one", b"two"))
MIB = 1 << 20


class Opened:
    def __init__(self, folder: Path, max_size: int = 8 * MIB, max_age: float = 1e6) -> None:
        self.dropped: Counter[str] = Counter()
        self.directory = folder / "queue"
        self.queue = Queue(self.directory, max_size, max_age, 1, self._drop)
        self.queue.open()

    def _drop(self, reason: str, samples: int) -> None:
        self.dropped[reason] += samples

    def add(self, *numbers: int, layout: Layout = LAYOUT) -> None:
        for number in numbers:
            count = len(layout.series)
            self.queue.append(Record(0, 1000 * number, layout, struct.pack(f"<{count}d", *[float(number)] * count)))

    def add_random(self, numbers: Iterable[int], layout: Layout) -> None:
        for number in numbers:
            self.queue.append(Record(0, 1000 * number, layout, random_values(len(layout.series), number)))

    def waiting(self) -> list[int]:
        """Return the time of each pending record, in seconds, as it is read."""
        found = []
        for records in self.queue.pending():
            at = records.start
            while at < records.stop:
                read = self.queue.read(range(at, records.stop), 100)
                if not read:
                    break
                found += [one.time // 1000 for one in read]
                at = read[-1].number + 1
        return found

    def files(self) -> list[Path]:
        return sorted(self.directory.glob("*.segment"))


def random_layout(count: int) -> Layout:
    return Layout(tuple(b"series %d" % n for n in range(count)))


def test_records_survive_without_a_close(tmp_path: Path) -> None:
    first = Opened(tmp_path)
    first.add(*range(1, 31))

    again = Opened(tmp_path)

    assert again.waiting() == list(range(1, 31))
    assert again.queue.newest == 30_000
    assert again.queue.live == {0: {b"one": None, b"two": None}}
    again.add(31)
    assert again.waiting()[-2:] == [30, 31]


def test_acknowledged_records_are_not_read_again(tmp_path: Path) -> None:
    first = Opened(tmp_path)
    first.add(*range(1, 21))
    first.queue.finish(range(5))
    first.queue.finish(range(12, 15))

    assert Opened(tmp_path).waiting() == [6, 7, 8, 9, 10, 11, 12, *range(16, 21)]


@pytest.mark.parametrize("cut", [1, 9, 20])
def test_a_torn_last_record_is_no_record(tmp_path: Path, cut: int) -> None:
    first = Opened(tmp_path)
    first.add(1, 2, 3)
    (file,) = first.files()
    end = scan(file).size
    with file.open("r+b") as content:
        content.truncate(end - cut)

    again = Opened(tmp_path)
    assert again.waiting() == [1, 2]
    again.add(4)
    assert Opened(tmp_path).waiting() == [1, 2, 4]


def test_remains_of_a_longer_torn_record_do_not_follow_a_shorter_one(tmp_path: Path) -> None:
    first = Opened(tmp_path)
    first.add(1)
    (file,) = first.files()
    end = scan(file).size
    with file.open("r+b") as content:
        content.seek(end)
        content.write(b"\x10\0\0\0" * 500)

    again = Opened(tmp_path)
    again.add(2)

    assert Opened(tmp_path).waiting() == [1, 2]


def test_numbers_are_never_used_twice(tmp_path: Path) -> None:
    first = Opened(tmp_path)
    first.add(1, 2, 3)
    first.queue.finish(range(3))
    for file in first.files():
        file.unlink()

    again = Opened(tmp_path)
    again.add(4)

    assert again.waiting() == [4]
    assert Opened(tmp_path).waiting() == [4]


def test_a_damaged_record_costs_the_rest_of_its_segment(tmp_path: Path) -> None:
    first = Opened(tmp_path)
    first.add(*range(1, 40))
    again = Opened(tmp_path)
    (file,) = again.files()
    content = bytearray(file.read_bytes())
    content[int(scan(file).ends[19]) + 30] ^= 0xFF
    file.write_bytes(content)

    assert again.waiting() == list(range(1, 21))
    assert again.dropped == {"corrupt": 2 * 19}
    assert again.queue.pending() == [range(20)]


def test_segments_leave_the_disk_when_all_of_them_is_acknowledged(tmp_path: Path) -> None:
    opened = Opened(tmp_path, max_size=MIB)
    layout = random_layout(2000)
    for number in range(60):
        opened.queue.append(Record(0, number, layout, random_values(2000, number)))
    assert len(opened.files()) > 3

    opened.queue.finish(range(opened.queue.end))
    opened.add(61)

    assert len(opened.files()) <= 2
    assert opened.waiting() == [61]


def test_the_size_drops_the_oldest(tmp_path: Path) -> None:
    opened = Opened(tmp_path, max_size=MIB)
    layout = random_layout(1000)
    for number in range(400):
        opened.queue.append(Record(0, 1000 * number, layout, random_values(1000, number)))

    waiting = opened.waiting()
    assert waiting == list(range(400 - len(waiting), 400))
    assert opened.dropped == {"size": 1000 * (400 - len(waiting))}
    assert sum(file.stat().st_size for file in opened.files()) <= MIB


def test_the_age_drops_the_oldest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [5_000_000]
    monkeypatch.setattr(module, "_boot_ms", lambda: now[0])
    opened = Opened(tmp_path, max_age=60)
    opened.add(1, 2)
    now[0] += 50_000
    opened.add(51)
    now[0] += 11_000
    opened.add(62)

    assert opened.waiting() == [51, 62]
    assert opened.dropped == {"age": 4}


def test_a_step_of_the_clock_ages_nothing(tmp_path: Path) -> None:
    first = Opened(tmp_path, max_age=3600)
    first.add(1, 2, 30 * 86400, 4, 60 * 86400)

    again = Opened(tmp_path, max_age=3600)
    again.add(5)

    assert again.waiting() == [1, 2, 30 * 86400, 4, 60 * 86400, 5]


def test_a_directory_that_cannot_be_used_keeps_records_in_memory(tmp_path: Path) -> None:
    (tmp_path / "queue").write_text("in the way")
    opened = Opened(tmp_path)
    opened.add(*range(1, 31))

    assert opened.queue.problem
    assert opened.waiting() == list(range(1, 31))
    (tmp_path / "queue").unlink()
    (tmp_path / "queue").mkdir()
    opened.add(31)
    assert opened.queue.problem == ""
    assert Opened(tmp_path).waiting() == list(range(1, 32))


def fill_the_disk_for_a_while(folder: Path) -> None:
    opened, layout = Opened(folder), random_layout(1000)
    opened.add_random(range(1, 11), layout)
    limit_files(scan(opened.files()[-1]).size + 3000)
    opened.add_random(range(11, 31), layout)
    assert opened.queue.problem, "the disk is full"
    assert opened.waiting() == list(range(1, 31))
    limit_files(resource.RLIM_INFINITY)
    opened.add_random([31], layout)
    assert not opened.queue.problem


def test_a_full_disk_loses_nothing_while_the_agent_lives(tmp_path: Path) -> None:
    run_in_own_process(fill_the_disk_for_a_while, tmp_path)

    assert Opened(tmp_path).waiting() == list(range(1, 32))


def fill_the_disk_for_long(folder: Path) -> None:
    limit_files(200_000)
    opened = Opened(folder)
    opened.add_random(range(1200), random_layout(1000))

    waiting = opened.waiting()
    assert waiting[-1] == 1199
    assert waiting == list(range(1200 - len(waiting), 1200))
    assert opened.dropped == {"disk": 1000 * (1200 - len(waiting))}
    assert len(waiting) * 8000 <= 4.5 * MIB


def test_a_disk_that_stays_full_costs_the_oldest(tmp_path: Path) -> None:
    run_in_own_process(fill_the_disk_for_long, tmp_path)


def random_values(count: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(8 * count)  # noqa: S311 - no secret
