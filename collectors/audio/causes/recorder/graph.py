"""The cycles of the graph in the last seconds, from the probe's copies of JACK's table of client timings.

The probe's ring is the rolling memory, so that nothing is read while nothing happens.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from struct import Struct

from collectors.audio.causes.evidence import ClientCycle, Cycle
from collectors.audio.causes.recorder.clock_pairs import ClockPairs
from collectors.audio.jack.client_timings import DRIVER, ClientRow, parse_rows

_HEAD = Struct("=Q")
_KEPT_NS = 8_000_000_000
_IDLE_NS = 2_000_000_000
_MOST_ROWS = 12_000
"""About 1 MiB as JSON."""
_MICROSECOND_NS = 1000


class ClientNames:
    """The names of the clients by number, which JACK reuses."""

    def __init__(self) -> None:
        self._changes: deque[tuple[int, dict[int, str]]] = deque(maxlen=64)

    @property
    def present(self) -> dict[int, str]:
        """The present names."""
        return self._changes[-1][1] if self._changes else {}

    def see(self, names: dict[int, str], now_ns: int) -> tuple[set[str], set[str]]:
        """Take in the present names; return those that are new and those that are gone."""
        before = self.present
        if names != before or not self._changes:
            self._changes.append((now_ns, names))
        return set(names.values()) - set(before.values()), set(before.values()) - set(names.values())

    def clear(self, now_ns: int) -> None:
        """Take in the end of the server."""
        if self._changes and self.present:
            self._changes.append((now_ns, {}))

    def at(self, at_ns: int, number: int) -> str:
        """Return the name of a client at that time."""
        earlier = [names[number] for changed_ns, names in self._changes if number in names and changed_ns <= at_ns]
        later = [names[number] for changed_ns, names in self._changes if number in names and changed_ns > at_ns]
        unknown = "system" if number == DRIVER else f"client {number}"
        return earlier[-1] if earlier else later[0] if later else unknown


class GraphCopies:
    """The copies of the last seconds.

    Args:
        row_bytes: The size of a row of the table.
        clock: Readings of the table's clock.
    """

    def __init__(self, row_bytes: int, clock: ClockPairs) -> None:
        self._row_bytes = row_bytes
        self.clock = clock
        self._copies: deque[tuple[int, bytes]] = deque()

    def take(self, records: Iterable[bytes]) -> None:
        """Take in records of the probe's ring, as `protocol.table_record` defines them."""
        for record in records:
            self.add(_HEAD.unpack_from(record)[0], record[_HEAD.size :])

    def add(self, at_ns: int, table: bytes) -> None:
        """Add one copy."""
        self._copies.append((at_ns, table))
        while self._copies[0][0] < self._copies[-1][0] - _KEPT_NS:
            self._copies.popleft()

    def active(self, table: bytes, now_ns: int) -> set[int]:
        """Return the numbers of the clients in a copy that were signalled a short time ago."""
        rows = parse_rows(table, self._row_bytes)
        return {row.number for row in rows if self._monotonic(row.signalled) >= now_ns - _IDLE_NS}

    def cycles(self, names: ClientNames, first_ns: int, last_ns: int, around_ns: int) -> tuple[Cycle, ...]:
        """Return the cycles between two times; those far from `around_ns` are left out if there are too many."""
        found = []
        for at_ns, table in sorted(self._copies):
            if first_ns <= at_ns <= last_ns:
                rows = parse_rows(table, self._row_bytes)
                clients = tuple(client for row in rows if (client := self._client(row, names, at_ns)) is not None)
                found.append(Cycle(at_ns, clients))
        return _nearest(found, around_ns)

    def _client(self, row: ClientRow, names: ClientNames, at_ns: int) -> ClientCycle | None:
        """Return a client's part in a cycle; None if it did nothing for long, such as a client that has ended."""
        times = (self._monotonic(row.signalled), self._monotonic(row.awake), self._monotonic(row.finished))
        if max(times) < at_ns - _IDLE_NS:
            return None
        return ClientCycle(names.at(at_ns, row.number), *times, row.state)

    def _monotonic(self, microseconds: int) -> int:
        return self.clock.monotonic_ns(microseconds * _MICROSECOND_NS) if microseconds else 0


def _nearest(cycles: Sequence[Cycle], around_ns: int) -> tuple[Cycle, ...]:
    rows = 0
    kept = []
    for cycle in sorted(cycles, key=lambda cycle: abs(cycle.at_ns - around_ns)):
        rows += len(cycle.clients)
        if rows > _MOST_ROWS:
            break
        kept.append(cycle)
    return tuple(sorted(kept, key=lambda cycle: cycle.at_ns))
