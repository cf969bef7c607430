"""Live samples from the collectors' views, each relative to an earlier view."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import structlog
from msgspec.structs import replace

from agent.live import audio, host, logs, plugins, push
from agent.live.sample import HostNow, LiveSample
from collectors.audio.history import HistoryView
from collectors.audio.view import AudioView

_log = structlog.get_logger()


class _Part(NamedTuple):
    """A collector's part of a sample.

    Attributes:
        field: The field of the sample.
        make: Returns its value from the earlier view (None if there is none), the view, and the seconds between them.
        nothing: The value without a view.
    """

    field: str
    make: Callable[[Any, Any, float], object]
    nothing: object


_PARTS: Mapping[str, _Part] = {
    "audio": _Part("devices", audio.devices, []),
    "host": _Part("host", host.host, HostNow()),
    "plugins": _Part("plugins", plugins.plugins, []),
    "logs": _Part("logs", logs.logs, []),
    "remote_write": _Part("push", push.push, None),
}

COLLECTORS = frozenset(_PARTS)
"""The collectors that contribute to samples."""

_LEAST_SECONDS = 0.8
"""The least span of a sample, in seconds: shorter ones hold too few buffers for a percentile."""


class _Seen(NamedTuple):
    """A view, and the time at which it was taken in seconds of the monotonic clock."""

    view: object
    at: float


class Observer:
    """The last two views of each collector, the last sample, and the last history of dropouts."""

    def __init__(self) -> None:
        self.sample = LiveSample()
        self.history = HistoryView()
        self._last: dict[str, _Seen] = {}
        self._before: dict[str, _Seen] = {}

    def look(self, asked: frozenset[str], found: Mapping[str, object], at: float) -> LiveSample:
        """Return the sample of new views.

        Args:
            asked: The collectors that were asked. Others keep their values of the last sample.
            found: The views, without those of failed or missing collectors.
            at: The time of the views, in seconds of the monotonic clock.
        """
        if isinstance(view := found.get("audio"), AudioView):
            self.history = view.history
        parts = {_PARTS[name].field: self._part(name, found.get(name), at) for name in asked}
        self.sample = replace(self.sample, time=round(time.time(), 2), **parts)
        return self.sample

    def _part(self, name: str, view: object, at: float) -> object:
        if view is None:
            self._last.pop(name, None)
            return _PARTS[name].nothing
        earlier = self._earlier(name, _Seen(view, at))
        try:
            return _PARTS[name].make(earlier and earlier.view, view, at - earlier.at if earlier else 0.0)
        except Exception:  # noqa: BLE001 - values from plugins may be anything; other collectors must not suffer
            _log.exception("collector has invalid live values", collector=name)
            return _PARTS[name].nothing

    def _earlier(self, name: str, seen: _Seen) -> _Seen | None:
        last = self._last.get(name)
        if last is None:
            self._before.pop(name, None)
            self._last[name] = seen
            return None
        if seen.at - last.at >= _LEAST_SECONDS:
            self._before[name], self._last[name] = last, seen
            return last
        return self._before.get(name)
