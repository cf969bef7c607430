"""What is known of one audio device, over all the streams and servers that it has had.

Owns the accumulated state: counters and histograms that never go down. Changed on the event loop only; a snapshot for
other threads is `view()`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from collectors.audio.dropouts import DropoutCounter, Observation
from collectors.audio.jack.passive import PassiveView
from collectors.audio.levels import ChannelLevel, LevelMeter
from collectors.audio.probe.protocol import StreamInfo
from collectors.audio.timing import Buffer, Cycle, Gap, StreamTiming
from collectors.metrics import Histogram, HistogramValue

# At 44.1, 48, 88.2, 96, 176.4 and 192 kHz a buffer of 32 to 2,048 frames (powers of two) lasts 2**k / 48,000 s or 1.088
# times that, k = 3 to 11. So three bounds an octave serve them all: on time is from 0.9 to 1.25 of that, late up to
# 1.55, half as long again and more above. Above the longest deadline (46 ms) one bound an octave, to 1.4 s, will do.
_UNITS = [2**k / 48_000 for k in range(3, 12)]
INTERVAL_BOUNDS = (
    *(round(unit * factor, 7) for unit in _UNITS for factor in (0.9, 1.25, 1.55)),
    *(round(_UNITS[-1] * 2**octave, 7) for octave in range(1, 6)),
)

# From just over one frame at 44.1 kHz (22.7 us, the quantum of JACK's clock), so that the first bucket is "exact".
JITTER_BOUNDS = (25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 1.0)

_FLAGS = {1: "input_underflow", 2: "input_overflow", 4: "output_underflow", 8: "output_overflow"}
"""PortAudio's PaStreamCallbackFlags, apart from priming output."""

KINDS = {
    "jack": ("xrun", "shutdown"),
    "portaudio": tuple(_FLAGS.values()),
    "gap": ("lost", "stalled"),
    "coreaudio": ("overload",),
}
"""What each observer can see."""


MOST_DEVICES = 16
"""The names come from others, so that their number is bounded."""


@dataclass(frozen=True, slots=True)
class DeviceView:
    """One device at one instant; the fields are those of `Device` and of the families in `families`."""

    name: str
    observers: tuple[tuple[str, str], ...]
    probed: bool
    cycle_ns: int
    rate: float
    frames: int
    input_latency: float
    output_latency: float
    load: float | None
    interval: HistogramValue
    jitter: HistogramValue
    wakeup_delay: HistogramValue
    missed_buffers: int
    own_misses: int
    late_buffers: int
    lost_buffers: int
    dropouts: int
    observations: dict[tuple[str, str], int]
    levels: tuple[ChannelLevel, ...]
    clipped: tuple[int, ...]


class Device:
    """One audio device.

    Args:
        name: The value of the label `device`.

    Attributes:
        cycle_ns: When it was last seen to have run a cycle, on the monotonic clock; 0 if never.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._host_apis: dict[str, str] = {}
        self.cycle_ns = 0
        self._rate = 0.0
        self._frames = 0
        self._stream_latency = (0.0, 0.0)
        self._server_latency = (0, 0)
        self._load: float | None = None
        self._interval = Histogram(INTERVAL_BOUNDS)
        self._jitter = Histogram(JITTER_BOUNDS)
        self._wakeup_delay = Histogram(JITTER_BOUNDS)
        self._missed_buffers = 0
        self._own_misses = 0
        self._late_buffers = 0
        self._lost_buffers = 0
        self._dropouts = DropoutCounter()
        self._observations: Counter[tuple[str, str]] = Counter()
        self._stream: ProbeStream | None = None
        self._clipped: list[int] = []

    def watched_by(self, observer: str, host_api: str) -> None:
        """Let an observer's counters exist before it sees something, so that its first observation is an increase."""
        self._host_apis[observer] = host_api
        self._count_from_zero(observer)

    def see_server(self, view: PassiveView, xruns: Iterable[Observation]) -> None:
        """Take in what the passive client saw."""
        self.watched_by("jack", "JACK")
        for xrun in xruns:
            self.observe(xrun)
        if view.state == "running":
            self.cycle_ns = max(self.cycle_ns, view.cycle_ns)
            self._rate, self._frames = float(view.rate), view.block
            self._server_latency = view.latencies.get(self.name, (0, 0))
        self._load = view.load if view.state == "running" else None

    def open_stream(self, info: StreamInfo) -> ProbeStream:
        """A new stream of the probe's on this device."""
        self.watched_by("portaudio", info.host_api)
        self._count_from_zero("gap")
        self._rate = info.rate
        self._stream_latency = info.input_latency, info.output_latency
        self._clipped += [0] * (info.channels - len(self._clipped))
        self._stream = ProbeStream(self, info)
        return self._stream

    def close_stream(self) -> None:
        """The probe's stream has ended: its levels are nobody's."""
        self._stream = None

    def buffer(self, buffer: Buffer, cycle: Cycle | None) -> None:
        """Take in one buffer of the probe's stream."""
        self.cycle_ns = max(self.cycle_ns, buffer.monotonic_ns)
        self._frames = buffer.frames
        if buffer.flags:
            self._see_flags(buffer)
        if cycle is not None:
            self._see_cycle(cycle)

    def lose(self, gap: Gap) -> None:
        """Count the buffers that a gap cost."""
        self._lost_buffers += gap.lost
        self.observe(Observation("gap", "lost", gap.start_ns, gap.end_ns, round(gap.seconds * 1e9)))

    def clip(self, samples: list[int]) -> None:
        """Count clipped samples of each channel."""
        for channel, count in enumerate(samples):
            self._clipped[channel] += count

    def observe(self, observation: Observation) -> None:
        """Count an observation now, and the dropout that it belongs to when that is settled."""
        self._observations[observation.observer, observation.kind] += 1
        self._dropouts.add(observation)

    def settle(self, now_ns: int) -> None:
        """Count the dropouts that have become certain."""
        self._dropouts.settle(now_ns)

    def view(self) -> DeviceView:
        """What is known now."""
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
            interval=self._interval.value(),
            jitter=self._jitter.value(),
            wakeup_delay=self._wakeup_delay.value(),
            missed_buffers=self._missed_buffers,
            own_misses=self._own_misses,
            late_buffers=self._late_buffers,
            lost_buffers=self._lost_buffers,
            dropouts=self._dropouts.total,
            observations=dict(self._observations),
            levels=self._stream.levels() if self._stream else (),
            clipped=tuple(self._clipped),
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
        """Those that watch it now, each with its host API."""
        for observer, host_api in self._host_apis.items():
            if observer != "portaudio" or self._stream is not None:
                yield observer, host_api

    def _latency(self, direction: int) -> float:
        """Seconds: the server's word, which is in frames, before PortAudio's, which on JACK is 0."""
        frames = self._server_latency[direction]
        return frames / self._rate if frames else self._stream_latency[direction]

    def _count_from_zero(self, observer: str) -> None:
        for kind in KINDS[observer]:
            self._observations[observer, kind] += 0


class ProbeStream:
    """One stream of the probe's, folded into its device."""

    def __init__(self, device: Device, info: StreamInfo) -> None:
        self._device = device
        self._rate = info.rate
        self._timing = StreamTiming(info.rate)
        self._meter = LevelMeter(info.channels, info.rate)

    @property
    def load(self) -> float:
        """The probe's own callback, as a ratio of the time it has."""
        return self._meter.load

    def fold(self, buffers: Iterable[bytes], levels: Iterable[bytes]) -> None:
        """Take in records of both rings, as `protocol` has them."""
        for record in buffers:
            buffer = Buffer.unpack(record)
            self._device.buffer(buffer, self._timing.fold(buffer))
        for block in levels:
            self._device.clip(self._meter.fold(block))

    def skip(self) -> None:
        """Records were lost on their way here: what comes next does not follow on what came before."""
        self._end_timing()
        self._timing = StreamTiming(self._rate)

    def stalled(self, start_ns: int, end_ns: int) -> None:
        """The stream gave nothing more and will be left."""
        self._device.observe(Observation("gap", "stalled", start_ns, end_ns, end_ns - start_ns))

    def levels(self) -> tuple[ChannelLevel, ...]:
        """What the channels carry."""
        return self._meter.value()

    def close(self) -> None:
        """Nothing more will come."""
        self._end_timing()
        self._device.close_stream()

    def _end_timing(self) -> None:
        if gap := self._timing.finish():
            self._device.lose(gap)


class Devices:
    """Devices by name; of very many, those that were asked for last."""

    def __init__(self) -> None:
        self._by_name: dict[str, Device] = {}

    def __iter__(self) -> Iterator[Device]:
        return iter(self._by_name.values())

    def named(self, name: str) -> Device:
        """The device of that name, a new one if it was not seen before."""
        device = self._by_name.pop(name, None) or Device(name)
        if len(self._by_name) == MOST_DEVICES:
            del self._by_name[next(iter(self._by_name))]
        self._by_name[name] = device
        return device
