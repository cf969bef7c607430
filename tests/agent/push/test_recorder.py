import struct
from pathlib import Path

from agent.push.queue import Queue
from agent.push.record import STALE, Record
from agent.push.recorder import Recorder
from agent.push.series import Pages, family_filter, identity
from agent.push.wire import decode_labels

EVERY = identity("m", {})


class Push:
    """A recorder with a queue, and the records that it made."""

    def __init__(self, folder: Path, groups: int = 1) -> None:
        self.queue = Queue(folder / "queue", 8 << 20, 1e6, groups, lambda *_: None)
        self.queue.open()
        everything = family_filter((), ())
        self.recorder = Recorder(self.queue, [Pages(EVERY, everything) for _ in range(groups)], self.queue.live)
        self.time = self.queue.newest

    def take(self, *lines: str, group: int = 0) -> dict[str, float | None]:
        """Record a page, and return its values by name; None is a stale marker."""
        self.time += 1000
        return shown(self.recorder.record(group, self.time, "".join(f"{line}\n" for line in lines)))

    def last(self) -> dict[str, float | None]:
        (record,) = self.queue.read(range(self.queue.end - 1, self.queue.end), 1)
        return shown(record)


def shown(record: Record) -> dict[str, float | None]:
    values = [record.values[at : at + 8] for at in range(0, len(record.values), 8)]
    names = [decode_labels(one)["__name__"] for one in record.layout.series]
    assert len(names) == len(set(names))
    return {
        name: None if value == STALE else struct.unpack("<d", value)[0]
        for name, value in zip(names, values, strict=True)
    }


def test_a_series_that_ends_gets_one_stale_marker(tmp_path: Path) -> None:
    push = Push(tmp_path)

    assert push.take("a 1", "b 2") == {"a": 1.0, "b": 2.0}
    assert push.take("a 3") == {"a": 3.0, "b": None}
    assert push.take("a 4") == {"a": 4.0}
    assert push.take("a 5", "b 6") == {"a": 5.0, "b": 6.0}


def test_series_of_an_earlier_run_end_when_they_are_gone(tmp_path: Path) -> None:
    Push(tmp_path).take("a 1", "b 2", "c 3")

    again = Push(tmp_path)

    assert again.take("a 1") == {"a": 1.0, "b": None, "c": None}
    assert again.take("a 1") == {"a": 1.0}


def test_series_that_moved_to_another_group_do_not_end(tmp_path: Path) -> None:
    Push(tmp_path).take("a 1", "b 2", "c 3")

    again = Push(tmp_path, groups=2)

    assert again.take("a 1", group=0) == {"a": 1.0}
    assert again.take("b 1", group=1) == {"b": 1.0, "c": None}


def test_an_orderly_end_ends_all_series(tmp_path: Path) -> None:
    push = Push(tmp_path, groups=2)
    push.take("a 1", group=0)
    push.take("b 1", group=1)

    push.recorder.end(push.time + 1)

    assert push.last() == {"b": None}
    assert Push(tmp_path, groups=2).take("x 1") == {"x": 1.0}


def test_a_series_belongs_to_the_group_that_has_it_first(tmp_path: Path) -> None:
    push = Push(tmp_path, groups=2)
    push.take("a 1", "b 1", group=0)

    assert push.take("b 7", "c 8", group=1) == {"c": 8.0}
    assert push.take("b 8", "c 9", group=1) == {"c": 9.0}
