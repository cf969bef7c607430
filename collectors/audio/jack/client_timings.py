"""JACK 2's table of client timings: which client was signalled, awake and finished when, in the server's shared memory.

The table is `JackGraphManager::fClientTiming`, from which jackd itself reports a client that was not finished. JACK
promises no layout. So the layouts of its releases are tried, and one is used only if every part of it agrees:
the size of the segment, the maximum of ports before the table, the ports after it and the times within it.

Owns the table's place, its rows and the names of its clients. Its clock is CLOCK_MONOTONIC_RAW.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import NamedTuple

from collectors.audio.jack.shared_memory import FOLDER, JackServer, NoServerError, find_server

_WORD = Struct("=I")
_CLIENT_NUMBER = Struct("=i")
_ROW = Struct("=QQQI")
"""Signalled, awake and finished in microseconds, and the state."""
_STATES = ("idle", "triggered", "running", "finished")
"""JACK's `jack_client_state_t`; a fifth is used within the server only."""
_CLIENT_NUMBERS = (256, 64, 128, 512)
"""`CLIENT_NUM` as builds choose it: Debian and Fedora 256, JACK itself 64."""
_USUAL_PORTS, _MOST_PORTS = 2048, 4096
"""The maximum of ports: jackd's default, and the limit of its option `-p`."""
_NAME_AT = 8
_NAME = re.compile(rb"[^\0-\x1f:][^\0]*:[^\0]+")
_UNUSED_PORTS = 64
"""Ports are allocated from the first. After so many unused ones in a row there are no more, unless many were freed."""
DRIVER, _FREEWHEEL_DRIVER = 0, 1
"""The numbers of the drivers, which come first. Internal drivers of JACK's settings may follow."""
_DRIVERS = ("system", "freewheel")
_CLOCKS = (time.CLOCK_MONOTONIC_RAW, time.CLOCK_MONOTONIC)
"""The clocks that builds of JACK use; the first on all known ones."""
_CLOCK_TOLERANCE_US = 1000
_LONGEST_PAUSE_US = 5_000_000
"""The longest time since the server's last cycle at which the table's clock can still be recognised."""


class NoTableError(Exception):
    """A server without a table that can be read; the message is a clause for `missing`."""


class _Layout(NamedTuple):
    """One layout of JACK's `JackPort` and `JackClientTiming`.

    Attributes:
        port_bytes: The size of a port.
        client_at: The offset of a port's client number.
        used_at: The offset of the flag that the port is in use.
        row_bytes: The size of a row of timings.
        gaps: The possible distances from the maximum of ports to the table.
    """

    port_bytes: int
    client_at: int
    used_at: int
    row_bytes: int
    gaps: tuple[int, ...]


_LAYOUTS = (
    _Layout(33_805, 971, 1000, 28, (4,)),  # 1.9.11 to 1.9.22, packed: x86
    _Layout(33_808, 972, 1001, 32, (4, 8)),  # the same, not packed: ARM, MIPS, PowerPC
    _Layout(33_802, 968, 997, 28, (4,)),  # 1.9.9 to 1.9.10, packed
    _Layout(33_804, 968, 997, 32, (4, 8)),  # the same, not packed
)


@dataclass(frozen=True, slots=True)
class TablePlace:
    """The place of the table's rows in a file.

    Attributes:
        path: The file.
        offset: The offset of the first row.
        row_bytes: The size of a row.
        rows: The number of rows to copy: those in use and some more.
    """

    path: str
    offset: int
    row_bytes: int
    rows: int


class ClientRow(NamedTuple):
    """One client in a copy of the table; times are microseconds of CLOCK_MONOTONIC_RAW.

    Attributes:
        number: The client's number.
        signalled: Time of its signal.
        awake: Time at which its callback began.
        finished: Time at which its callback ended.
        state: As `ClientCycle.state`.
    """

    number: int
    signalled: int
    awake: int
    finished: int
    state: str


def parse_rows(table: bytes, row_bytes: int) -> list[ClientRow]:
    """Return the clients of a copy that were ever signalled, and the audio driver."""
    rows = []
    for number in range(len(table) // row_bytes):
        signalled, awake, finished, state = _ROW.unpack_from(table, number * row_bytes)
        if signalled and number != _FREEWHEEL_DRIVER:
            rows.append(ClientRow(number, signalled, awake, finished, _STATES[min(state, 3)]))
    return rows


class ClientTimings:
    """The table of one server.

    Args:
        server: The server.
        devices: Names of the server's devices, at least one of which must own a port; empty to accept any.

    Attributes:
        server: The server.
        clock: The clock of the table's times.

    Raises:
        NoTableError: It has none that can be read.
    """

    def __init__(self, server: JackServer, devices: Iterable[str] = ()) -> None:
        self.server = server
        segment = max(server.segments, key=lambda segment: segment.size, default=None)
        if segment is None:
            raise NoTableError("the server has no shared memory in JACK's registry")
        self._path = segment.path
        try:
            self._file = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as failure:
            raise NoTableError(f"JACK's table of client timings cannot be read: {failure.strerror}") from failure
        try:
            self._layout, self._clients, self._ports = self._find(os.fstat(self._file).st_size)
            self._ports_at = os.fstat(self._file).st_size - self._ports * self._layout.port_bytes
            self._check_ports(devices)
            self.clock = self._find_clock()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def names(self) -> dict[int, str]:
        """Return the names of the clients that own ports, by their numbers; the audio driver is one of them."""
        return {number: name.rpartition(":")[0] for number, name in self._used_ports()}

    def clients_by_age(self) -> tuple[list[str], list[str]]:
        """Return the drivers and the clients in the order of their creation, by their semaphores.

        A client that was killed leaves its semaphore behind. The inodes of a memory file system are counted up.
        """
        prefix = f"jack_sem.{self.server.uid}_{self.server.name}_"
        with os.scandir(self._path.parent) as files:
            ages = {file.name.removeprefix(prefix): file.inode() for file in files if file.name.startswith(prefix)}
        names = sorted(ages, key=lambda name: ages[name])
        return [name for name in names if name in _DRIVERS], [name for name in names if name not in _DRIVERS]

    def place(self, rows: int) -> TablePlace:
        """Return the place of the first rows."""
        return TablePlace(str(self._path), self._rows_at, self._layout.row_bytes, min(rows, self._clients))

    def copy(self, rows: int) -> bytes:
        """Return a copy of the first rows.

        Raises:
            OSError: The file cannot be read.
        """
        return os.pread(self._file, min(rows, self._clients) * self._layout.row_bytes, self._rows_at)

    @property
    def row_bytes(self) -> int:
        """The size of a row."""
        return self._layout.row_bytes

    @property
    def _rows_at(self) -> int:
        return self._ports_at - self._clients * self._layout.row_bytes

    def _find(self, size: int) -> tuple[_Layout, int, int]:
        """Return the layout, the number of rows and the maximum of ports that agree with the segment's size."""
        for ports in (_USUAL_PORTS, *range(1, _MOST_PORTS + 1)):
            for layout in _LAYOUTS:
                ports_at = size - ports * layout.port_bytes
                for clients in _CLIENT_NUMBERS:
                    maximum_at = ports_at - clients * layout.row_bytes
                    if any(self._has_maximum(maximum_at - gap, ports) for gap in layout.gaps) and self._has_ports(
                        ports_at, layout, min(ports, _UNUSED_PORTS)
                    ):
                        return layout, clients, ports
        raise NoTableError("JACK's shared memory has an unknown layout")

    def _has_maximum(self, at: int, ports: int) -> bool:
        return at >= 0 and self._read(_WORD, at)[0] == ports

    def _has_ports(self, at: int, layout: _Layout, count: int) -> bool:
        """Return whether each of the first ports is unused, or has a client and a name such as `system:capture_1`."""
        named = 0
        for number in range(count):
            port = os.pread(self._file, layout.used_at + 1, at + number * layout.port_bytes)
            client, used = _CLIENT_NUMBER.unpack_from(port, layout.client_at)[0], port[layout.used_at]
            if used > 1 or (used and not (client >= 0 and _NAME.match(port, _NAME_AT))):
                return False
            named += used
        return named > 0

    def _check_ports(self, devices: Iterable[str]) -> None:
        """Check that a device owns a port.

        Raises:
            NoTableError: None does.
        """
        wanted = set(devices)
        if wanted and not wanted & {name.rpartition(":")[0] for _, name in self._used_ports()}:
            raise NoTableError("the ports in JACK's shared memory are not those that the server lists")

    def _find_clock(self) -> int:
        """Return the clock of which the table's latest time is a moment ago.

        Raises:
            NoTableError: There is none, or a state is not one of JACK's.
        """
        now = {clock: time.clock_gettime_ns(clock) // 1000 for clock in _CLOCKS}
        rows = [_ROW.unpack_from(self.copy(self._clients), at * self.row_bytes) for at in range(self._clients)]
        latest = max(max(row[:3]) for row in rows)
        ages = {now[clock] - latest: clock for clock in reversed(_CLOCKS)}
        fitting = {age: clock for age, clock in ages.items() if -_CLOCK_TOLERANCE_US < age < _LONGEST_PAUSE_US}
        if any(row[3] > len(_STATES) for row in rows) or not fitting:
            raise NoTableError("the times in JACK's table of client timings are not of this moment")
        return fitting[min(fitting)]

    def _used_ports(self) -> Iterator[tuple[int, str]]:
        """Yield the client number and the full name of each port in use."""
        unused = 0
        for number in range(self._ports):
            port = os.pread(self._file, self._layout.used_at + 1, self._ports_at + number * self._layout.port_bytes)
            unused = 0 if port[self._layout.used_at] else unused + 1
            if not unused:
                name = port[_NAME_AT : port.index(b"\0", _NAME_AT)]
                yield _CLIENT_NUMBER.unpack_from(port, self._layout.client_at)[0], os.fsdecode(name)
            elif unused == _UNUSED_PORTS:
                return

    def _read(self, layout: Struct, at: int) -> tuple[int, ...]:
        return layout.unpack(os.pread(self._file, layout.size, at))


def find_table(server: str, devices: Iterable[str] = (), folder: Path = FOLDER) -> ClientTimings:
    """Return the table of the server of that name.

    Raises:
        NoTableError: It has none that can be read.
    """
    try:
        return ClientTimings(find_server(server, folder), devices)
    except NoServerError as failure:
        raise NoTableError(str(failure)) from failure
