"""What a person is told of one instant: the shapes that the status page and `wr-agent status` show.

Ratios are of 1, times in seconds. A value that is not known is None. How they are made is said beside each maker.
"""

from __future__ import annotations

from msgspec import Struct

from collectors.findings import Finding


class Timing(Struct, frozen=True):
    """How far the buffers of one stretch of time were from their deadline: half of them, 99 of 100, and the worst."""

    buffers: int
    median: float
    p99: float
    worst: float


class ChannelNow(Struct, frozen=True):
    """What one channel carries: the levels of the last 10 s, 1 being full scale."""

    name: str
    peak: float
    rms: float
    silent_seconds: float


class DeviceNow(Struct, frozen=True, kw_only=True):
    """One audio device.

    Attributes:
        deadline: How long a buffer lasts.
        load: DSP load of the whole graph.
        dropouts, lost, late: Since the agent began: dropouts, lost buffers, late buffers.
        new_dropouts: Dropouts since the moment before.
    """

    name: str
    up: bool
    observers: list[str]
    rate: float | None = None
    frames: float | None = None
    deadline: float | None = None
    load: float | None = None
    dropouts: int = 0
    new_dropouts: int = 0
    lost: int = 0
    late: int = 0
    timing: Timing | None = None
    channels: list[ChannelNow] = []


class PluginNow(Struct, frozen=True, kw_only=True):
    """One plugin, all its instances together.

    Attributes:
        up: How many of its sockets answered the last poll.
        instances: How many sockets it has.
        render: Its render time, as the mean of the stretch; `p99` is of the same.
        deadline: The shortest buffer of its instances.
        xruns: Since the agent began.
    """

    name: str
    up: int
    instances: int
    render: float | None = None
    p99: float | None = None
    deadline: float | None = None
    xruns: int | None = None


class LogNow(Struct, frozen=True):
    """One source of logs: how fast it is read, and what Loki has not acknowledged yet."""

    source: str
    lines_per_second: float | None
    lag_bytes: float
    lag_seconds: float


class HostNow(Struct, frozen=True, kw_only=True):
    """The machine.

    Attributes:
        cpu: The part of all processors that worked.
        memory: The part of the memory that is in use.
        cpu_pressure, memory_pressure, io_pressure: The part of the time in which some work waited for it.
        disk: Where the file system is mounted that has the least space left.
        disk_used: The part of it that is in use.
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
    """All of it at one instant, `time` in Unix seconds."""

    time: float = 0.0
    devices: list[DeviceNow] = []
    plugins: list[PluginNow] = []
    logs: list[LogNow] = []
    host: HostNow = HostNow()


class DevicePoint(Struct, frozen=True, array_like=True):
    """A device at one point of the history; the times are those of `Timing`."""

    dropouts: int
    median: float | None
    p99: float | None
    worst: float | None
    load: float | None


class Point(Struct, frozen=True, array_like=True):
    """What is kept of a moment for an hour: small, since there are hundreds."""

    time: float
    cpu: float | None
    memory: float | None
    cpu_pressure: float | None
    devices: dict[str, DevicePoint]

    @classmethod
    def of(cls, moment: LiveSample) -> Point:
        """The point that a moment leaves behind."""
        host = moment.host
        devices = {device.name: _device_point(device) for device in moment.devices}
        return cls(moment.time, host.cpu, host.memory, host.cpu_pressure, devices)


class CollectorHealth(Struct, frozen=True):
    """One collector, and why it is down; empty while it is up."""

    name: str
    error: str


class AgentHealth(Struct, frozen=True):
    """What lasts: the agent's own health, and what its checks found."""

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
