"""The live values at one instant, for the status page and `wr-agent status`.

Ratios are 0 to 1, times are seconds. An unknown value is None.
"""

from __future__ import annotations

from msgspec import Struct

from collectors.audio.causes.event import Cause
from collectors.findings import Finding


class Timing(Struct, frozen=True):
    """Distances of buffers from their deadline: median, 99th percentile and worst."""

    buffers: int
    median: float
    p99: float
    worst: float


class ChannelNow(Struct, frozen=True):
    """The levels of one channel over the last 10 s, as a ratio of full scale."""

    name: str
    peak: float
    rms: float
    silent_seconds: float


class DeviceNow(Struct, frozen=True, kw_only=True):
    """One audio device.

    Attributes:
        deadline: The duration of a buffer.
        load: DSP load of the whole graph.
        freewheeling: True while the audio server runs an export, during which nothing is measured.
        dropouts, lost, late: Dropouts, lost buffers and late buffers since the agent's start.
        new_dropouts: Dropouts since the previous sample.
    """

    name: str
    up: bool
    observers: list[str]
    rate: float | None = None
    frames: float | None = None
    deadline: float | None = None
    load: float | None = None
    freewheeling: bool = False
    dropouts: int = 0
    new_dropouts: int = 0
    lost: int = 0
    late: int = 0
    timing: Timing | None = None
    channels: list[ChannelNow] = []


class PluginNow(Struct, frozen=True, kw_only=True):
    """One plugin, all its instances together.

    Attributes:
        up: The number of sockets that answered the last poll.
        instances: The number of sockets.
        render: The mean render time since the previous sample; `p99` is the 99th percentile.
        deadline: The shortest buffer of its instances.
        xruns: Xruns since the agent's start.
    """

    name: str
    up: int
    instances: int
    render: float | None = None
    p99: float | None = None
    deadline: float | None = None
    xruns: int | None = None


class LogNow(Struct, frozen=True):
    """One log source: its rate, and its lag behind Loki's acknowledgements."""

    source: str
    lines_per_second: float | None
    lag_bytes: float
    lag_seconds: float


class PushNow(Struct, frozen=True, kw_only=True):
    """The push of metrics to a receiver.

    Attributes:
        url: The receiver.
        problem: The reason why nothing is sent now; empty if there is none.
        sent: Samples that the receiver acknowledged since the agent's start.
        queue_bytes: The size of the snapshots that wait.
        queue_seconds: The time that they span.
        lag_seconds: The age of the receiver's newest snapshot against the newest one.
        refused: Samples that it refused for good since then.
        dropped: Samples that the bounds of the queue cost since then.
    """

    url: str
    problem: str
    sent: int
    queue_bytes: float
    queue_seconds: float
    lag_seconds: float
    refused: int
    dropped: int


class HostNow(Struct, frozen=True, kw_only=True):
    """The machine.

    Attributes:
        cpu: The busy share of all processors.
        memory: The used share of memory.
        cpu_pressure, memory_pressure, io_pressure: The share of time in which tasks waited for the resource.
        disk: The mount point of the fullest file system.
        disk_used: Its used share.
    """

    cpu: float | None = None
    memory: float | None = None
    cpu_pressure: float | None = None
    memory_pressure: float | None = None
    io_pressure: float | None = None
    load1: float | None = None
    disk: str = ""
    disk_used: float | None = None


class LiveSample(Struct, frozen=True, kw_only=True):
    """All live values at one instant, `time` in Unix seconds."""

    time: float = 0.0
    devices: list[DeviceNow] = []
    plugins: list[PluginNow] = []
    logs: list[LogNow] = []
    push: PushNow | None = None
    host: HostNow = HostNow()


class DevicePoint(Struct, frozen=True, array_like=True):
    """A device at one point of the history, with the times of `Timing`."""

    dropouts: int
    median: float | None
    p99: float | None
    worst: float | None
    load: float | None


class Point(Struct, frozen=True, array_like=True):
    """The part of a sample that the history keeps for an hour."""

    time: float
    cpu: float | None
    memory: float | None
    cpu_pressure: float | None
    devices: dict[str, DevicePoint]

    @classmethod
    def of(cls, sample: LiveSample) -> Point:
        """Return the point of a sample."""
        host = sample.host
        devices = {device.name: _device_point(device) for device in sample.devices}
        return cls(sample.time, host.cpu, host.memory, host.cpu_pressure, devices)


class PastDropout(Struct, frozen=True, kw_only=True):
    """One dropout of the past.

    Attributes:
        at: Its start in Unix seconds.
        seconds: Its duration.
        text: The sentence about its cause; empty for all but the newest.
    """

    id: str
    at: float
    seconds: float
    device: str
    cause: Cause
    text: str


class PastDropouts(Struct, frozen=True):
    """The dropouts of the last 24 hours, and the periods without measuring.

    Attributes:
        dropouts: The newest dropouts, oldest first; earlier ones may be among them.
        unwatched: Periods without measuring, as start and end in Unix seconds.
        watched: The last time of measuring in Unix seconds; 0 if there was none.
    """

    dropouts: list[PastDropout]
    unwatched: list[tuple[float, float]]
    watched: float


class CollectorHealth(Struct, frozen=True):
    """A collector's error; empty while it is up."""

    name: str
    error: str


class AgentHealth(Struct, frozen=True):
    """The agent's health and findings."""

    host: str
    version: str
    config_error: str
    collectors: list[CollectorHealth]
    checks: int
    findings: list[Finding]


def _device_point(device: DeviceNow) -> DevicePoint:
    timing = device.timing
    if timing is None:
        return DevicePoint(device.new_dropouts, None, None, None, device.load)
    return DevicePoint(device.new_dropouts, timing.median, timing.p99, timing.worst, device.load)
