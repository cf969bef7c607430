"""All snapshots that an agent takes, read from hard links of its queue's files, which keep what the agent removes."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from agent.push import segment
from agent.push.codec import Codec
from agent.push.record import STALE, VALUE_BYTES, Record
from agent.push.remote_write import DIRECTORY
from agent.push.wire import decode_labels
from tests.support.prometheus import Samples

_LOOK = 0.05


class Snapshots:
    """The snapshots of one agent.

    Args:
        state_dir: The agent's state directory.
        folder: An existing directory in the same file system.
    """

    def __init__(self, state_dir: Path, folder: Path) -> None:
        self._queue = state_dir / DIRECTORY
        self._folder = folder

    def link(self) -> None:
        """Link the files that the queue has now."""
        for file in self._queue.glob(f"*{segment.SUFFIX}"):
            with contextlib.suppress(FileExistsError, FileNotFoundError):
                os.link(file, self._folder / file.name)

    def records(self) -> list[Record]:
        """Return all snapshots up to now, oldest first."""
        self.link()
        return [record for file in sorted(self._folder.iterdir()) for record in _records(file)]

    def samples(self, start: float, end: float) -> Samples:
        """Return the samples between two Unix times, without stale markers."""
        found: Samples = {}
        for record in self.records():
            if not start <= record.time / 1000 <= end:
                continue
            for number, labels in enumerate(record.layout.series):
                value = record.values[VALUE_BYTES * number : VALUE_BYTES * (number + 1)]
                if value != STALE:
                    series = found.setdefault(tuple(sorted(decode_labels(labels).items())), {})
                    series[record.time] = float(memoryview(value).cast("d")[0])
        return found


def _records(file: Path) -> Iterator[Record]:
    found = segment.scan(file)
    codec = Codec()
    fd = os.open(file, os.O_RDONLY)
    try:
        for number in range(found.first, found.stop):
            yield codec.decode(found.payload(fd, number), number)
    finally:
        os.close(fd)


@contextlib.contextmanager
def snapshots(state_dir: Path, folder: Path) -> Iterator[Snapshots]:
    """Yield the snapshots that an agent takes from its start on."""
    folder.mkdir()
    found, ended = Snapshots(state_dir, folder), threading.Event()

    def link() -> None:
        while not ended.wait(_LOOK):
            found.link()

    thread = threading.Thread(target=link)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()
