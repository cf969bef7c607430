"""What the audio collector exports, from views. Pure: owns names, help texts and labels of the families."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from collectors.audio.device import DeviceView
from collectors.audio.probe.runner import ProbeView
from collectors.metrics import Family, HistogramValue, LabelValues, counter, gauge, histogram

ALIVE_NS = 1_500_000_000
"""A device without a cycle for this long is down. Observers are read each quarter second, so that even then
`audio_device_up` tells the truth within two seconds."""

_DEVICE = ("device",)
_CHANNEL = ("device", "channel")


def is_up(device: DeviceView, now_ns: int) -> bool:
    """Whether the device ran lately."""
    return device.cycle_ns > 0 and now_ns - device.cycle_ns < ALIVE_NS


def device_families(devices: Iterable[DeviceView], missing: Iterable[str], now_ns: int) -> Iterator[Family]:
    """The families of all devices.

    Args:
        devices: What has been seen since the start. While one is down it keeps its counters and loses its gauges.
        missing: Names of devices that should be there and have never been seen.
        now_ns: Monotonic time.
    """
    devices = list(devices)
    alive = [device for device in devices if is_up(device, now_ns)]
    up = dict.fromkeys(((name,) for name in missing), 0.0) | _each(devices, lambda d: is_up(d, now_ns))
    yield gauge("audio_device_up", "Whether the audio device runs: 1 if an observer saw a cycle of late.", up, _DEVICE)
    yield from _settings(alive)
    yield from _timing([device for device in devices if device.probed])
    yield from _faults(devices)
    yield from _levels(alive)
    yield _clipped(devices)


def probe_families(probe: ProbeView) -> Iterator[Family]:
    """What the probe costs."""
    if probe.load is not None:
        help_ = "Time spent in the probe's own callback, as a ratio of the time that it has."
        yield gauge("wr_agent_audio_probe_load_ratio", help_, probe.load)
    help_ = "Streams that the probe began after its first."
    yield counter("wr_agent_audio_probe_restarts_total", help_, probe.restarts)
    help_ = "Buffer and level records that the agent was too slow to read."
    yield counter("wr_agent_audio_ring_overruns_total", help_, probe.overruns)


def _each(devices: list[DeviceView], value: Callable[[DeviceView], float | None]) -> dict[LabelValues, float]:
    """A value of each device that has one."""
    values = ((device.name, value(device)) for device in devices)
    return {(name,): float(found) for name, found in values if found is not None}


def _settings(alive: list[DeviceView]) -> Iterator[Family]:
    known = [device for device in alive if device.rate and device.frames]
    help_ = "Who watches the device, and through which host API."
    yield gauge("audio_device_info", help_, _info(alive), ("device", "host_api", "observer"))
    yield gauge("audio_device_sample_rate_hertz", "Frames a second.", _each(known, lambda d: d.rate), _DEVICE)
    yield gauge("audio_device_buffer_frames", "Frames in one buffer.", _each(known, lambda d: d.frames), _DEVICE)
    help_ = "Duration of one buffer: the deadline of whoever renders it."
    yield gauge("audio_device_buffer_duration_seconds", help_, _each(known, lambda d: d.frames / d.rate), _DEVICE)
    help_ = "Latency of the device, as the audio server or PortAudio states it."
    yield gauge("audio_device_latency_seconds", help_, _latencies(alive), ("device", "direction"))
    help_ = "DSP load of the whole graph, from the audio server."
    yield gauge("audio_device_dsp_load_ratio", help_, _each(alive, lambda d: d.load), _DEVICE)


def _info(alive: list[DeviceView]) -> dict[LabelValues, float]:
    return {(d.name, host_api, observer): 1.0 for d in alive for observer, host_api in d.observers}


def _latencies(alive: list[DeviceView]) -> dict[LabelValues, float]:
    both = [(d.name, "input", d.input_latency) for d in alive] + [(d.name, "output", d.output_latency) for d in alive]
    return {(name, direction): seconds for name, direction, seconds in both if seconds > 0}


def _timing(probed: list[DeviceView]) -> Iterator[Family]:
    intervals: dict[LabelValues, HistogramValue] = {(d.name,): d.interval for d in probed}
    yield histogram("audio_device_buffer_interval_seconds", "Time from one buffer to the next.", intervals, _DEVICE)
    jitters: dict[LabelValues, HistogramValue] = {(d.name,): d.jitter for d in probed}
    help_ = "Distance of the time between two buffers from the deadline."
    yield histogram("audio_device_buffer_jitter_seconds", help_, jitters, _DEVICE)
    delays: dict[LabelValues, HistogramValue] = {(d.name,): d.wakeup_delay for d in probed}
    help_ = "How late the probe's callback ran, after the server's cycle began: the agent's own delay."
    yield histogram("wr_agent_audio_probe_wakeup_delay_seconds", help_, delays, _DEVICE)
    missed = _each(probed, lambda d: d.missed_buffers)
    help_ = "Buffers that the audio server delivered and the probe missed by the agent's own delay."
    yield counter("wr_agent_audio_probe_missed_buffers_total", help_, missed, _DEVICE)
    late = _each(probed, lambda d: d.late_buffers)
    help_ = "Buffers that the audio server delivered over half a deadline late, but did not lose."
    yield counter("audio_device_late_buffers_total", help_, late, _DEVICE)
    lost = _each(probed, lambda d: d.lost_buffers)
    yield counter("audio_device_lost_buffers_total", "Buffers that the audio server did not deliver.", lost, _DEVICE)


def _faults(devices: list[DeviceView]) -> Iterator[Family]:
    seen: dict[LabelValues, float] = {(d.name, *key): count for d in devices for key, count in d.observations.items()}
    help_ = "What each observer saw of dropouts; one dropout is seen several times."
    yield counter("audio_device_xrun_observations_total", help_, seen, ("device", "observer", "kind"))
    dropouts: dict[LabelValues, float] = {("device", d.name): d.dropouts for d in devices}
    help_ = "Dropouts, each counted once; one that goes on, once a second."
    yield counter("audio_engine_xruns_total", help_, dropouts, ("source", "device"))


def _levels(alive: list[DeviceView]) -> Iterator[Family]:
    channels = [(d.name, str(number), level) for d in alive for number, level in enumerate(d.levels, 1)]
    peak: dict[LabelValues, float] = {(name, number): level.peak for name, number, level in channels}
    yield gauge("audio_channel_peak_ratio", "Highest magnitude of the last 10 s; 1 is full scale.", peak, _CHANNEL)
    rms: dict[LabelValues, float] = {(name, number): level.rms for name, number, level in channels}
    yield gauge("audio_channel_rms_ratio", "Root mean square of the last 10 s; 1 is full scale.", rms, _CHANNEL)
    silent: dict[LabelValues, float] = {(name, number): level.silent_seconds for name, number, level in channels}
    help_ = "How long every sample of the channel has been zero."
    yield gauge("audio_channel_silent_seconds", help_, silent, _CHANNEL)


def _clipped(devices: list[DeviceView]) -> Family:
    counts: dict[LabelValues, float] = {
        (d.name, str(number)): count for d in devices for number, count in enumerate(d.clipped, 1)
    }
    return counter("audio_channel_clipped_samples_total", "Samples at or beyond full scale.", counts, _CHANNEL)
