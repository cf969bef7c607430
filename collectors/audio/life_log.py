"""The life of audio in the agent's log: one line for each change of the server, its devices and the probe.

`collector` calls it four times a second. A change counts once two polls in a row see it, so that a delay of the agent
itself is none. Each subject has at most `MOST_A_MINUTE` lines a minute. Later changes wait, and the last one is logged.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from collectors.audio.device import DeviceView
from collectors.audio.families import is_up
from collectors.audio.jack.passive import PassiveView
from collectors.audio.probe.backoff import Step
from collectors.audio.thresholds import DROPOUTS_A_MINUTE

log = structlog.get_logger()

Value = TypeVar("Value")

MOST_A_MINUTE = 6
"""The limit of lines a minute about one subject, such as one device."""
_MINUTE_NS = 60_000_000_000
_SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class AudioMoment:
    """The state of audio at one poll.

    Attributes:
        name: The JACK server's name.
        server: The passive client's view.
        freewheeling: Whether the server freewheels.
        backoff: The probe's step of back-off.
        devices: The devices seen since the agent started.
        now_ns: Monotonic time.
    """

    name: str
    server: PassiveView
    freewheeling: bool
    backoff: Step
    devices: Sequence[DeviceView]
    now_ns: int

    @property
    def status(self) -> str:
        """The server's state: `running`, `frozen`, `gone`, `refused`, or `none` before the first server."""
        if self.freewheeling:
            return "running"
        if self.server.is_frozen(self.now_ns):
            return "frozen"
        if self.server.state == "absent":
            return "gone" if self.server.seen else "none"
        return "none" if self.server.state == "unavailable" else self.server.state


@dataclass(frozen=True, slots=True)
class Change(Generic[Value]):
    """A change to log.

    Attributes:
        before: The value that was logged before.
        seconds: The time for which it held.
        unlogged: The number of changes in between that were not logged.
    """

    before: Value
    seconds: float
    unlogged: int

    @property
    def fields(self) -> dict[str, object]:
        """The fields of the line that bound its rate."""
        return {"unlogged_changes": self.unlogged} if self.unlogged else {}


class Subject(Generic[Value]):
    """One value whose changes are logged.

    Args:
        value: The value before the first poll.
    """

    def __init__(self, value: Value) -> None:
        self._logged = self._last = self._stable = value
        self._since_ns = 0
        self._changes = 0
        self._lines_ns: deque[int] = deque(maxlen=MOST_A_MINUTE)

    def see(self, value: Value, now_ns: int) -> Change[Value] | None:
        """Take in the value of this poll; return the change to log, if any."""
        confirmed, self._last = value == self._last, value
        if not confirmed:
            return None
        self._changes += value != self._stable
        self._stable = value
        if value == self._logged or self._is_busy(now_ns):
            return None
        change = Change(self._logged, (now_ns - self._since_ns) / _SECOND_NS, self._changes - 1)
        self._logged, self._since_ns, self._changes = value, now_ns, 0
        self._lines_ns.append(now_ns)
        return change

    def _is_busy(self, now_ns: int) -> bool:
        return len(self._lines_ns) == MOST_A_MINUTE and now_ns - self._lines_ns[0] < _MINUTE_NS


class Stretch:
    """A bad stretch of dropouts on one device.

    It begins with `thresholds.DROPOUTS_A_MINUTE` within a minute, and ends with a minute without any.
    """

    def __init__(self) -> None:
        self._total = 0
        self._recent: deque[tuple[int, int]] = deque()
        self._began_ns = 0
        self._last_ns = 0
        self._count = 0

    def see(self, device: str, total: int, now_ns: int) -> None:
        """Take in the count of dropouts; log the begin or the end of a stretch."""
        if (new := total - self._total) > 0:
            self._recent.append((now_ns, new))
            self._last_ns = now_ns
            self._count += new
        self._total = total
        while self._recent and now_ns - self._recent[0][0] > _MINUTE_NS:
            self._recent.popleft()
        if self._began_ns and not self._recent:
            self._end(device)
        elif not self._began_ns and sum(count for _, count in self._recent) >= DROPOUTS_A_MINUTE:
            self._begin(device)

    def _begin(self, device: str) -> None:
        self._began_ns = self._recent[0][0]
        self._count = sum(count for _, count in self._recent)
        log.warning("a bad stretch of dropouts begins", device=device, dropouts=self._count)

    def _end(self, device: str) -> None:
        seconds = round((self._last_ns - self._began_ns) / _SECOND_NS, 1)
        log.info("a bad stretch of dropouts ended a minute ago", device=device, dropouts=self._count, seconds=seconds)
        self._began_ns = 0


class _DeviceLife:
    """The lines about one device, which is down before its first cycle."""

    def __init__(self) -> None:
        self._up = Subject(value=False)
        self._stretch = Stretch()

    def see(self, view: DeviceView, moment: AudioMoment) -> None:
        up = is_up(view, moment.now_ns)
        if change := self._up.see(up, moment.now_ns):
            if up:
                log.info("audio device is up", device=view.name, rate=view.rate, frames=view.frames, **change.fields)
            else:
                log.warning("audio device is down", device=view.name, server=moment.status, **change.fields)
        self._stretch.see(view.name, view.dropouts, moment.now_ns)


class LifeLog:
    """The lines about one server, the probe and all devices."""

    def __init__(self) -> None:
        self._status = Subject("none")
        self._settings = Subject((0, 0))
        self._freewheeling = Subject(value=False)
        self._backoff = Subject(Step.FULL)
        self._dropouts_at_rest = 0
        self._devices: dict[str, _DeviceLife] = {}

    def see(self, moment: AudioMoment) -> None:
        """Take in the state of this poll, and log its changes."""
        self._see_status(moment)
        self._see_settings(moment)
        self._see_freewheeling(moment)
        self._see_backoff(moment)
        views = {view.name: view for view in moment.devices}
        self._devices = {name: life for name, life in self._devices.items() if name in views}
        for name, view in views.items():
            self._devices.setdefault(name, _DeviceLife()).see(view, moment)

    def _see_status(self, moment: AudioMoment) -> None:
        change = self._status.see(moment.status, moment.now_ns)
        if change is None:
            return
        fields = {"server": moment.name, **change.fields}
        match moment.status:
            case "running":
                self._running(moment.server, change, fields)
            case "frozen":
                log.warning("audio server is frozen", **fields)
            case "gone":
                log.warning("audio server is gone", reason=moment.server.reason, **fields)
            case "refused":
                log.warning("audio server refuses the agent's client", reason=moment.server.reason, **fields)

    def _running(self, server: PassiveView, change: Change[str], fields: dict[str, object]) -> None:
        if change.before == "none":
            log.info("audio server found", rate=server.rate, frames=server.block, **fields)
            return
        event = "audio server is back" if change.before == "gone" else "audio server runs again"
        log.info(event, was=change.before, seconds=round(change.seconds, 1), **fields)

    def _see_settings(self, moment: AudioMoment) -> None:
        rate, frames = moment.server.rate, moment.server.block
        if not (rate and frames and moment.server.state == "running"):
            return
        change = self._settings.see((rate, frames), moment.now_ns)
        if change is not None and all(change.before):
            before_rate, before_frames = change.before
            settings = {"rate": rate, "frames": frames, "rate_before": before_rate, "frames_before": before_frames}
            log.info("audio server's settings changed", server=moment.name, **settings, **change.fields)

    def _see_freewheeling(self, moment: AudioMoment) -> None:
        change = self._freewheeling.see(moment.freewheeling, moment.now_ns)
        if change is None:
            return
        if moment.freewheeling:
            log.info("audio server freewheels; measuring pauses", server=moment.name, **change.fields)
        else:
            seconds = round(change.seconds, 1)
            log.info("audio server ended freewheeling", server=moment.name, seconds=seconds, **change.fields)

    def _see_backoff(self, moment: AudioMoment) -> None:
        change = self._backoff.see(moment.backoff, moment.now_ns)
        if change is None:
            return
        dropouts = sum(view.dropouts for view in moment.devices)
        if change.before == Step.CLOSED:
            missed = {"seconds": round(change.seconds, 1), "dropouts_meanwhile": dropouts - self._dropouts_at_rest}
            log.info("audio probe measures again after a rest", **missed, **change.fields)
        elif moment.backoff == Step.FULL:
            log.info("audio probe measures all channels again", seconds=round(change.seconds, 1), **change.fields)
        elif moment.backoff == Step.LESS:
            log.warning("audio probe is late by itself and measures one channel", **change.fields)
        else:
            self._dropouts_at_rest = dropouts
            log.warning("audio probe is late by itself and rests; the passive client measures", **change.fields)
