import shutil
import struct
from pathlib import Path

import pytest

from agent.push import unsent
from agent.push.health import QueueState
from agent.push.queue import Queue
from agent.push.record import Layout, Record

LAYOUT = Layout((b"one", b"two"))


@pytest.fixture(name="queue")
def left_queue(tmp_path: Path) -> Path:
    """Return the directory of a queue with ten records a second apart, the first three of which are sent."""
    queue = Queue(tmp_path / "queue", 8 << 20, 1e6, 1, lambda *_: None)
    queue.open()
    for number in range(10):
        queue.append(Record(0, 1_000_000 + 1000 * number, LAYOUT, struct.pack("<2d", number, -number)))
    queue.finish(range(3))
    size = queue.size
    queue.close()
    assert unsent.read(tmp_path / "queue") == QueueState(size, 1_003_000, 1_009_000)
    return tmp_path / "queue"


def test_what_waits_is_a_finding_and_stays_as_it_is(queue: Path) -> None:
    before = {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in queue.iterdir()}
    (found,) = unsent.check(queue)

    assert found.code == "remote-write-unsent"
    assert "Found 6 s of snapshots, " in found.detail
    assert {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in queue.iterdir()} == before


def test_a_queue_whose_records_are_sent_is_no_finding(queue: Path) -> None:
    opened = Queue(queue, 8 << 20, 1e6, 1, lambda *_: None)
    opened.open()
    opened.finish(range(10))
    opened.close()

    assert unsent.check(queue) == []


@pytest.mark.parametrize("damage", ["missing", "progress", "segment"])
def test_a_queue_that_cannot_be_read_is_no_finding(queue: Path, damage: str) -> None:
    if damage == "missing":
        shutil.rmtree(queue)
    elif damage == "progress":
        (queue / "progress").unlink()
    else:
        next(queue.glob("*.segment")).write_bytes(b"something else")

    assert unsent.check(queue) == []
