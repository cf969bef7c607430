"""The interrupts of a window, from their entries and exits."""

from __future__ import annotations

Place = tuple[int, str, int]
"""Processor, kind (`irq` or `softirq`) and number of an interrupt."""


class Interruptions:
    """The interrupts of a window, clipped to it.

    Args:
        start_ns: The start of the window.
        end_ns: Its end.
    """

    def __init__(self, start_ns: int, end_ns: int) -> None:
        self._start_ns, self._end_ns = start_ns, end_ns
        self._open: dict[Place, tuple[int, str]] = {}
        self._switched: set[int] = set()
        self._found: list[tuple[int, int, int, str, str]] = []

    def enter(self, at_ns: int, place: Place, name: str) -> None:
        """Note the entry of an interrupt."""
        self._open[place] = (at_ns, name)

    def leave(self, at_ns: int, place: Place, name: str) -> None:
        """Note the exit of an interrupt. Its own name is for one that was entered before the record."""
        began = self._open.pop(place, None)
        if began or place[0] not in self._switched:
            self._add(place, at_ns, *(began or (self._start_ns, name)))

    def switch(self, cpu: int) -> None:
        """Note a switch of threads: no interrupt goes on over it, so that an exit or an entry without it is missing."""
        self._switched.add(cpu)
        if self._open:
            self._open = {place: began for place, began in self._open.items() if place[0] != cpu}

    def all_of(self) -> tuple[tuple[int, int, int, str, str], ...]:
        """Return start, end, processor, kind and name of each, in order of time."""
        for place, began in self._open.items():
            self._add(place, self._end_ns, *began)
        self._open = {}
        return tuple(sorted(self._found))

    def _add(self, place: Place, ended_ns: int, began_ns: int, name: str) -> None:
        began_ns, ended_ns = max(began_ns, self._start_ns), min(ended_ns, self._end_ns)
        if began_ns < ended_ns:
            self._found.append((began_ns, ended_ns, *place[:2], name))
