"""Makes moments of what collectors export, each against a reading of a little earlier."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import structlog
from msgspec.structs import replace

from agent.live import audio, host, logs, plugins
from agent.live.reading import Reading
from agent.live.sample import HostNow, LiveSample
from collectors.metrics import Family

_log = structlog.get_logger()


class _Part(NamedTuple):
    """What one collector adds to a moment: to which field, from which families, how, and what if it says nothing."""

    field: str
    names: frozenset[str]
    make: Callable[[Reading | None, Reading], object]
    nothing: object


_PARTS: Mapping[str, _Part] = {
    "audio": _Part("devices", audio.NAMES, audio.devices, []),
    "host": _Part("host", host.NAMES, host.host, HostNow()),
    "plugins": _Part("plugins", plugins.NAMES, plugins.plugins, []),
    "logs": _Part("logs", logs.NAMES, logs.logs, []),
}

COLLECTORS = frozenset(_PARTS)
"""The collectors that moments are made of."""

_LEAST_SECONDS = 0.8
"""Seconds that a moment should tell of at least: in a tenth of one there are too few buffers for a percentile."""


def readings(groups: Iterable[tuple[str, Sequence[Family]]], at: float) -> dict[str, Reading]:
    """What collectors exported at `at` seconds of the monotonic clock, by collector."""
    return {name: Reading(families, _PARTS[name].names, at) for name, families in groups}


class Observer:
    """Remembers the last two readings of each collector, and the moment that they made."""

    def __init__(self) -> None:
        self.moment = LiveSample()
        self._last: dict[str, Reading] = {}
        self._before: dict[str, Reading] = {}

    def look(self, asked: frozenset[str], found: Mapping[str, Reading]) -> LiveSample:
        """The moment now.

        Args:
            asked: Which collectors were read; of others the moment goes on to tell what it told before.
            found: Their readings, less those of collectors that there are not, or that failed.
        """
        parts = {_PARTS[name].field: self._part(name, found.get(name)) for name in asked}
        self.moment = replace(self.moment, time=round(time.time(), 2), **parts)
        return self.moment

    def _part(self, name: str, reading: Reading | None) -> object:
        if reading is None:
            self._last.pop(name, None)
            return _PARTS[name].nothing
        try:
            return _PARTS[name].make(self._earlier(name, reading), reading)
        except Exception:  # noqa: BLE001 - what strangers export may be anything; it must not cost the rest
            _log.exception("nothing can be shown of a collector", collector=name)
            return _PARTS[name].nothing

    def _earlier(self, name: str, reading: Reading) -> Reading | None:
        last = self._last.get(name)
        if last is None:
            self._before.pop(name, None)
            self._last[name] = reading
            return None
        if reading.at - last.at >= _LEAST_SECONDS:
            self._before[name], self._last[name] = last, reading
            return last
        return self._before.get(name)


def _parts(
    asked: frozenset[str], before: Mapping[str, Reading | None], found: Mapping[str, Reading]
) -> dict[str, object]:
    """The fields of `LiveSample` that the collectors asked make, empty where they said nothing."""
    makers: dict[str, tuple[str, Callable[[Reading | None, Reading], object]]] = {
        "audio": ("devices", audio.devices),
        "plugins": ("plugins", plugins.plugins),
        "logs": ("logs", logs.logs),
    }
    parts: dict[str, object] = {
        field: make(before[name], found[name]) if name in found else []
        for name, (field, make) in makers.items()
        if name in asked
    }
    if "host" in asked:
        parts["host"] = host.host(before["host"], found["host"]) if "host" in found else HostNow()
    return parts
