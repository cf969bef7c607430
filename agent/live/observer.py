"""Live samples from the collectors' families, each relative to an earlier reading."""

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
    """A collector's part of a sample: its field, families, maker and empty value."""

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
"""The collectors that contribute to samples."""

_LEAST_SECONDS = 0.8
"""The least span of a sample, in seconds: shorter ones hold too few buffers for a percentile."""


def readings(groups: Iterable[tuple[str, Sequence[Family]]], at: float) -> dict[str, Reading]:
    """Return the collectors' readings at `at` seconds of the monotonic clock, by collector."""
    return {name: Reading(families, _PARTS[name].names, at) for name, families in groups}


class Observer:
    """The last two readings of each collector, and the last sample."""

    def __init__(self) -> None:
        self.sample = LiveSample()
        self._last: dict[str, Reading] = {}
        self._before: dict[str, Reading] = {}

    def look(self, asked: frozenset[str], found: Mapping[str, Reading]) -> LiveSample:
        """Return the sample of new readings.

        Args:
            asked: The collectors that were read. Others keep their values of the last sample.
            found: The readings, without those of failed or missing collectors.
        """
        parts = {_PARTS[name].field: self._part(name, found.get(name)) for name in asked}
        self.sample = replace(self.sample, time=round(time.time(), 2), **parts)
        return self.sample

    def _part(self, name: str, reading: Reading | None) -> object:
        if reading is None:
            self._last.pop(name, None)
            return _PARTS[name].nothing
        try:
            return _PARTS[name].make(self._earlier(name, reading), reading)
        except Exception:  # noqa: BLE001 - exported values may be anything; other collectors must not suffer
            _log.exception("collector has invalid live values", collector=name)
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
