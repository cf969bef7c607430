"""The recorder: from the text of a page to a record in the queue, with a stale marker for each series that ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent.push.queue import Queue
from agent.push.record import STALE, VALUE_BYTES, Layout, Record
from agent.push.series import Pages, Readings


class _Group:
    """The series of one group, as its newest record has them.

    Attributes:
        pages: The reader of its pages.
        read: The series of its newest page.
        chosen: The numbers of those that this group sends; `None` for all.
        layout: The series that it sends.
        live: The same.
    """

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self.read: tuple[bytes, ...] | None = None
        self.chosen: list[int] | None = None
        self.layout = Layout(())
        self.live: frozenset[bytes] = frozenset()


class Recorder:
    """Adds snapshots to the queue. Its methods block on the disk and belong to the queue's thread.

    Args:
        queue: The queue, open.
        pages: The reader of the pages of each group.
        left: The series that an earlier run has left.
    """

    def __init__(self, queue: Queue, pages: Sequence[Pages], left: Mapping[int, Mapping[bytes, None]]) -> None:
        self._queue = queue
        self._groups = [_Group(it) for it in pages]
        self._left = {labels: None for series in left.values() for labels in series}

    def record(self, group: int, time: int, text: str) -> Record:
        """Add the snapshot of a page, and return it once it is in the queue."""
        its = self._groups[group]
        readings = its.pages.read(text)
        ended: Sequence[bytes] = ()
        if readings.series is not its.read:
            ended = self._learn(group, readings)
        values = _chosen(readings.values, its.chosen)
        if not ended:
            return self._queue.append(Record(group, time, its.layout, values))
        layout = Layout((*its.layout.series, *ended))
        return self._queue.append(Record(group, time, layout, values + STALE * len(ended)))

    def end(self, time: int) -> None:
        """Add a stale marker for each series."""
        for number, group in enumerate(self._groups):
            left = (*self._left, *group.live) if number == 0 else tuple(group.live)
            if left:
                self._queue.append(Record(number, time, Layout(left), STALE * len(left)))
            group.read, group.live = None, frozenset()
        self._left = {}

    def _learn(self, group: int, readings: Readings) -> Sequence[bytes]:
        """Note the series of a group, and return those that ended. A series belongs to the group that has it first."""
        its = self._groups[group]
        taken = frozenset().union(*(it.live for it in self._groups if it is not its))
        its.read = readings.series
        its.chosen = None
        if not taken.isdisjoint(readings.series):
            its.chosen = [number for number, labels in enumerate(readings.series) if labels not in taken]
        sent = readings.series if its.chosen is None else tuple(readings.series[number] for number in its.chosen)
        its.layout = Layout(sent)
        before, its.live = its.live, frozenset(sent)
        for labels in sent:
            self._left.pop(labels, None)
        ended = sorted(before - its.live)
        if self._left and all(it.read is not None for it in self._groups):
            ended += self._left
            self._left = {}
        return ended


def _chosen(values: bytes, chosen: Sequence[int] | None) -> bytes:
    if chosen is None:
        return values
    return b"".join(values[VALUE_BYTES * one : VALUE_BYTES * (one + 1)] for one in chosen)
