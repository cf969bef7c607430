"""The names, priorities and processes of the threads in a trace."""

from __future__ import annotations

from collections.abc import Callable


class ThreadNames:
    """The threads of a trace."""

    def __init__(self) -> None:
        self._named: dict[int, tuple[int, bytes]] = {}
        self._priorities: dict[int, int] = {}
        self._siblings: dict[int, int] = {}

    def name(self, tid: int, at_ns: int, comm: bytes, priority: int = 0) -> None:
        """Note a thread's name and real-time priority at a time. The newest name and the highest priority count."""
        named = self._named.get(tid)
        if not named or named[0] <= at_ns:
            self._named[tid] = (at_ns, comm)
        if priority and priority > self._priorities.get(tid, 0):
            self._priorities[tid] = priority

    def priority(self, tid: int) -> int:
        """Return the highest real-time priority of a thread so far; 0 for none."""
        return self._priorities.get(tid, 0)

    def add_sibling(self, tid: int, parent: int) -> None:
        """Note the thread that started a new thread of the same process."""
        self._siblings[tid] = parent

    def names(self, process_of: Callable[[int], int]) -> dict[int, tuple[int, str, int]]:
        """Return process, name and real-time priority of each thread.

        Args:
            process_of: Returns the process of a thread; 0 if it is unknown.
        """
        return {
            tid: (self._process(tid, process_of), text(comm), self._priorities.get(tid, 0))
            for tid, (_, comm) in self._named.items()
        }

    def _process(self, tid: int, process_of: Callable[[int], int]) -> int:
        """Return the process of a thread: that of the thread which started it if the thread itself is gone."""
        seen = set()
        while tid not in seen:
            seen.add(tid)
            process = process_of(tid)
            if process or tid not in self._siblings:
                return process or tid
            tid = self._siblings[tid]
        return tid


def text(raw: bytes) -> str:
    """Return the text of a field, which ends at the first zero."""
    return raw.split(b"\0", 1)[0].decode(errors="replace")
