"""The callbacks of each client, put together from copies of the server's table of client timings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple

from collectors.audio.causes.evidence import Cycle


class Callback(NamedTuple):
    """One callback of a client.

    Attributes:
        client: The client's name.
        signalled_ns: The first signal after the callback before; 0 if no copy showed it.
        awake_ns: Its start; 0 if it had not started at the last copy.
        finished_ns: Its end; 0 if it had not ended at the last copy.
        seen_ns: Time of the last copy that showed it.
    """

    client: str
    signalled_ns: int
    awake_ns: int
    finished_ns: int
    seen_ns: int

    @property
    def due_ns(self) -> int:
        """The time from which it was to run."""
        return self.signalled_ns or self.awake_ns

    @property
    def end_ns(self) -> int:
        """Its end, or the last time at which it was seen without one."""
        return self.finished_ns or self.seen_ns

    @property
    def inside_ns(self) -> int:
        """The time from its start to its end."""
        return max(self.end_ns - self.awake_ns, 0) if self.awake_ns else 0


class _Client:
    """The callbacks of one client, copy by copy."""

    def __init__(self, name: str, most_ns: int) -> None:
        self._name = name
        self._most_ns = most_ns
        self._signalled_ns = 0
        self._seen_ns = 0
        self.callbacks: list[Callback] = []

    def see(self, at_ns: int, signalled_ns: int, awake_ns: int, finished_ns: int) -> None:
        if at_ns - self._seen_ns > self._most_ns:  # the signals in between are unknown
            self._signalled_ns = 0
        if awake_ns:
            self._see_callback(at_ns, awake_ns, finished_ns)
        if signalled_ns <= max(awake_ns, finished_ns):
            self._signalled_ns = 0
        elif not self._signalled_ns and awake_ns <= finished_ns:  # a late client is signalled again in each cycle
            self._signalled_ns = signalled_ns
        self._seen_ns = at_ns

    def _see_callback(self, at_ns: int, awake_ns: int, finished_ns: int) -> None:
        last = self.callbacks[-1] if self.callbacks else None
        is_known = last is not None and last.awake_ns == awake_ns
        if last is not None and not is_known and not last.finished_ns:
            self.callbacks.pop()
            if at_ns - last.seen_ns < self._most_ns:  # otherwise that end is of a later callback that no copy showed
                self.callbacks.append(last._replace(finished_ns=finished_ns))
        signalled_ns = self.callbacks.pop().signalled_ns if is_known else self._signalled_ns
        self._signalled_ns = self._signalled_ns if is_known else 0
        if signalled_ns > awake_ns:
            signalled_ns = 0
        end_ns = finished_ns if finished_ns >= awake_ns else 0
        self.callbacks.append(Callback(self._name, signalled_ns, awake_ns, end_ns, at_ns))

    def finish(self) -> list[Callback]:
        """Return all callbacks, with the one that is still to come."""
        if self._signalled_ns:
            self.callbacks.append(Callback(self._name, self._signalled_ns, 0, 0, self._seen_ns))
        return self.callbacks


def callbacks(cycles: Iterable[Cycle], most_ns: int) -> dict[str, list[Callback]]:
    """Return the callbacks of each client, in order of time.

    Args:
        cycles: The copies of the table.
        most_ns: The longest time between two copies in which at most one callback of a client can begin.
    """
    clients: dict[str, _Client] = {}
    for cycle in cycles:
        for row in cycle.clients:
            if row.awake_ns or row.signalled_ns:
                client = clients.setdefault(row.client, _Client(row.client, most_ns))
                client.see(cycle.at_ns, row.signalled_ns, row.awake_ns, row.finished_ns)
    return {name: client.finish() for name, client in clients.items()}


def usual_ns(of_client: Sequence[Callback], before_ns: int) -> int:
    """Return the median length of the callbacks that ended before a time; 0 if there are none."""
    lengths = [it.inside_ns for it in of_client if it.finished_ns and it.end_ns < before_ns]
    return round(median(lengths)) if lengths else 0


def by_client(found: Iterable[Callback]) -> dict[str, list[Callback]]:
    """Return callbacks grouped by client."""
    groups: dict[str, list[Callback]] = defaultdict(list)
    for callback in found:
        groups[callback.client].append(callback)
    return groups
