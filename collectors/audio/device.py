"""The accumulated state of one audio device, across all its streams and servers.

Owns counters and histograms that never decrease. Only the event loop changes them; `view()` is a snapshot for other
threads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from collectors.audio.dropouts import DropoutCounter, Increment, Observation
from collectors.audio.jack.passive import PassiveView
from collectors.audio.levels import ChannelLevel, LevelMeter
from collectors.audio.probe.protocol import StreamInfo
from collectors.audio.recent import LastMinute, RecentView
from collectors.audio.thresholds import RECENT_NS
from collectors.audio.timing import Buffer, Cycle, Gap, StreamTiming
from collectors.metrics import Histogram, HistogramValue

# At 44.1, 48, 88.2, 96, 176.4 and 192 kHz a buffer of 32 to 2,048 frames (powers of two) lasts 2**k / 48,000 s or 1.088
# times that, k = 3 to 11. So three bounds an octave suit all of them: on time is from 0.9 to 1.25 of that, late is up
# to 1.55, and later is above. Above the longest deadline (46 ms) there is one bound an octave, to 1.4 s.
_UNITS = [2**k / 48_000 for k in range(3, 12)]
INTERVAL_BOUNDS = (
    *(round(unit * factor, 7) for unit in _UNITS for factor in (0.9, 1.25, 1.55)),
    *(round(_UNITS[-1] * 2**octave, 7) for octave in range(1, 6)),
)

# The first bound is just over one frame at 44.1 kHz (22.7 us, the resolution of JACK's clock): its bucket is "exact".
JITTER_BOUNDS = (25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 1.0)

_FLAGS = {1: "input_underflow", 2: "input_overflow", 4: "output_underflow", 8: "output_overflow"}
"""PortAudio's PaStreamCallbackFlags, apart from priming output."""

KINDS = {
    "jack": ("xrun", "shutdown"),
    "portaudio": tuple(_FLAGS.values()),
    "gap": ("lost", "stalled"),
    "coreaudio": ("overload",),
}
"""The kinds of observation of each observer."""


MOST_DEVICES = 16
"""The limit of known devices, because other programs choose their names."""


@dataclass(frozen=True, slots=True)
class DeviceView:
    """A snapshot of one device, with the values of the families in `families`."""

    name: str
    observers: tuple[tuple[str, str], ...]
    probed: bool
    cycle_ns: int
    rate: float
    frames: int
    input_latency: float
    output_latency: float
    load: float | None
    freewheeling: bool
    interval: HistogramValue
    jitter: HistogramValue
    wakeup_delay: HistogramValue
    missed_buffers: int
    own_misses: int
    late_buffers: int
    lost_buffers: int
    dropouts: int
    causes: dict[str, int]
    observations: dict[tuple[str, str], int]
    levels: tuple[ChannelLevel, ...]
    clipped: tuple[int, ...]
    recent: RecentView


class Device:
    """One audio device.

    Args:
        name: The value of the label `device`.
        suspected: Called at once with the monotonic time of each new observation of the probe or of CoreAudio.

    Attributes:
        cycle_ns: Monotonic time of the last known cycle; 0 before the first.
    """

    def __init__(self, name: str, suspected: Callable[[int], None] = lambda _: None) -> None:
        self.name = name
        self._suspected = suspected
        self._host_apis: dict[str, str] = {}
        self.cycle_ns = 0
        self._rate = 0.0
        self._frames = 0
        self._stream_latency = (0.0, 0.0)
        self._server_latency = (0, 0)
        self._load: float | None = None
        self._freewheeling = False
        self._interval = Histogram(INTERVAL_BOUNDS)
        self._jitter = Histogram(JITTER_BOUNDS)
        self._wakeup_delay = Histogram(JITTER_BOUNDS)
        self._missed_buffers = 0
        self._own_misses = 0
        self._late_buffers = 0
        self._lost_buffers = 0
        self._dropouts = DropoutCounter()
        self._causes: Counter[str] = Counter()
        self._observations: Counter[tuple[str, str]] = Counter()
        self._stream: ProbeStream | None = None
        self._clipped: list[int] = []
        self._minute = LastMinute()
        self._now_ns = 0

    def watched_by(self, observer: str, host_api: str) -> None:
        """Create an observer's counters at zero, so that its first observation is an increase."""
        self._host_apis[observer] = host_api
        self._count_from_zero(observer)

    def freewheel(self, since_ns: int, now_ns: int) -> None:
        """Take in the start of the server's freewheeling, during which nothing is judged; 0 for none.

        Call it before the observations of the same poll.
        """
        self._freewheeling = since_ns > 0
        if since_ns:
            self.cycle_ns = now_ns
            self._load = None
            self._dropouts.ignore(since_ns, now_ns)

    def see_server(self, view: PassiveView, xruns: Iterable[Observation]) -> None:
        """Take in the passive client's view and its new xruns."""
        self.watched_by("jack", "JACK")
        for xrun in xruns:
            self.observe(xrun)
        if view.state == "running":
            self.cycle_ns = max(self.cycle_ns, view.cycle_ns)
            self._rate, self._frames = float(view.rate), view.block
            self._server_latency = view.latencies.get(self.name, (0, 0))
        self._load = view.load if view.state == "running" and not self._freewheeling else None

    def leave_server(self) -> None:
        """Drop the server's load, because the passive client watches another device or none."""
        self._load = None

    def open_stream(self, info: StreamInfo) -> ProbeStream:
        """Start a new stream of the probe on this device."""
        self.watched_by("portaudio", info.host_api)
        self._count_from_zero("gap")
        self._rate = info.rate
        self._stream_latency = info.input_latency, info.output_latency
        self._clipped += [0] * (info.channels - len(self._clipped))
        self._stream = ProbeStream(self, info)
        return self._stream

    def close_stream(self) -> None:
        """End the probe's stream, and with it its levels."""
        self._stream = None

    def buffer(self, buffer: Buffer, cycle: Cycle | None) -> None:
        """Take in one buffer of the probe's stream, and the cycle that it completes."""
        self.cycle_ns = max(self.cycle_ns, buffer.monotonic_ns)
        self._frames = buffer.frames
        if buffer.flags:
            self._see_flags(buffer)
        if cycle is not None:
            self._see_cycle(cycle)

    def lose(self, gap: Gap) -> None:
        """Count the lost buffers of a gap."""
        self._lost_buffers += gap.lost
        self.observe(Observation("gap", "lost", gap.start_ns, gap.end_ns, round(gap.seconds * 1e9)))

    def clip(self, samples: list[int]) -> None:
        """Count clipped samples of each channel."""
        for channel, count in enumerate(samples):
            self._clipped[channel] += count

    def observe(self, observation: Observation) -> None:
        """Count an observation now, and its dropout once it is settled."""
        if self._dropouts.ignores(observation):
            return
        self._observations[observation.observer, observation.kind] += 1
        self._dropouts.add(observation)
        if observation.observer != "jack":  # the passive client reports its own at once
            self._suspected(observation.end_ns)

    def settings_changed(self, start_ns: int, end_ns: int) -> None:
        """Take in a period in which the settings change, which costs one dropout at most."""
        self._dropouts.join(start_ns, end_ns)

    def settle(self, now_ns: int) -> None:
        """Count the dropouts that are settled."""
        self._dropouts.settle(now_ns)
        self._minute.read(now_ns, self._load, tuple(self._clipped))
        self._now_ns = now_ns

    def take_dropouts(self) -> list[Increment]:
        """Return the increments of the count of dropouts since the last call."""
        return self._dropouts.take()

    def explain(self, cause: str) -> None:
        """Count the cause of one dropout, once it is final."""
        self._causes[cause] += 1

    @property
    def period_ns(self) -> int:
        """The duration of a buffer; 0 if unknown."""
        return round(self._frames / self._rate * 1e9) if self._rate else 0

    def view(self) -> DeviceView:
        """Return a snapshot."""
        return DeviceView(
            name=self.name,
            observers=tuple(self._observers()),
            probed="portaudio" in self._host_apis,
            cycle_ns=self.cycle_ns,
            rate=self._rate,
            frames=self._frames,
            input_latency=self._latency(0),
            output_latency=self._latency(1),
            load=self._load,
            freewheeling=self._freewheeling,
            interval=self._interval.value(),
            jitter=self._jitter.value(),
            wakeup_delay=self._wakeup_delay.value(),
            missed_buffers=self._missed_buffers,
            own_misses=self._own_misses,
            late_buffers=self._late_buffers,
            lost_buffers=self._lost_buffers,
            dropouts=self._dropouts.total,
            causes=dict(self._causes),
            observations=dict(self._observations),
            levels=self._stream.levels() if self._stream else (),
            clipped=tuple(self._clipped),
            recent=RecentView(
                dropouts=tuple(self._dropouts.since(self._now_ns - RECENT_NS)),
                load=self._minute.load,
                clipped=self._minute.clipped,
            ),
        )

    def _see_flags(self, buffer: Buffer) -> None:
        for flag, kind in _FLAGS.items():
            if buffer.flags & flag:
                self.observe(Observation("portaudio", kind, buffer.monotonic_ns, buffer.monotonic_ns))

    def _see_cycle(self, cycle: Cycle) -> None:
        self._interval.observe(cycle.span.interval)
        self._jitter.observe(cycle.jitter)
        self._late_buffers += cycle.late
        self._missed_buffers += cycle.span.missed
        self._own_misses += cycle.is_own_miss
        if cycle.span.delay is not None:
            self._wakeup_delay.observe(cycle.span.delay)
        if cycle.gap is not None:
            self.lose(cycle.gap)

    def _observers(self) -> Iterator[tuple[str, str]]:
        """Yield the present observers, each with its host API."""
        for observer, host_api in self._host_apis.items():
            if observer != "portaudio" or self._stream is not None:
                yield observer, host_api

    def _latency(self, direction: int) -> float:
        """Return the latency in seconds: the server's, or PortAudio's without one."""
        frames = self._server_latency[direction]
        return frames / self._rate if frames else self._stream_latency[direction]

    def _count_from_zero(self, observer: str) -> None:
        for kind in KINDS[observer]:
            self._observations[observer, kind] += 0


class ProbeStream:
    """One stream of the probe, whose records are folded into its device."""

    def __init__(self, device: Device, info: StreamInfo) -> None:
        self._device = device
        self._rate = info.rate
        self._channels = info.channels
        self._timing = StreamTiming(info.rate)
        self._meter = LevelMeter(info.channels, info.rate)

    @property
    def load(self) -> float:
        """The time of the probe's own callback, as a ratio of the buffer's duration."""
        return self._meter.load

    def fold(self, buffers: Iterable[bytes], levels: Iterable[bytes]) -> None:
        """Take in records of both rings, as `protocol` defines them."""
        for record in buffers:
            buffer = Buffer.unpack(record)
            self._device.buffer(buffer, self._timing.fold(buffer))
        for block in levels:
            self._device.clip(self._meter.fold(block))

    def skip(self) -> None:
        """Restart timing after lost records, because the next buffer does not follow the last one."""
        self._end_timing()
        self._timing = StreamTiming(self._rate)

    def pause(self) -> None:
        """Discard pending timing and levels, because the server freewheels."""
        self._timing = StreamTiming(self._rate)
        self._meter = LevelMeter(self._channels, self._rate)

    def stalled(self, start_ns: int, end_ns: int) -> None:
        """Count a stall: the stream delivered no more buffers and will be closed."""
        self._device.observe(Observation("gap", "stalled", start_ns, end_ns, end_ns - start_ns))

    def levels(self) -> tuple[ChannelLevel, ...]:
        """Return the levels of the channels."""
        return self._meter.value()

    def close(self) -> None:
        """End the stream."""
        self._end_timing()
        self._device.close_stream()

    def _end_timing(self) -> None:
        if gap := self._timing.finish():
            self._device.lose(gap)


class Devices:
    """The devices by name; above `MOST_DEVICES` the least recently used is dropped.

    Args:
        suspected: Called at once with the monotonic time of each new observation of the probe or of CoreAudio.
    """

    def __init__(self, suspected: Callable[[int], None] = lambda _: None) -> None:
        self._suspected = suspected
        self._by_name: dict[str, Device] = {}

    def __iter__(self) -> Iterator[Device]:
        return iter(self._by_name.values())

    def named(self, name: str) -> Device:
        """Return the device of that name; create it if it is new."""
        device = self._by_name.pop(name, None) or Device(name, self._suspected)
        if len(self._by_name) == MOST_DEVICES:
            del self._by_name[next(iter(self._by_name))]
        self._by_name[name] = device
        return device
