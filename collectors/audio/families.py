"""The families of the audio collector, from snapshots. Pure: owns their names, help texts and labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from collectors.audio.causes.event import Cause
from collectors.audio.device import DeviceView
from collectors.audio.probe.backoff import Backoff, Step
from collectors.audio.probe.runner import ProbeView
from collectors.metrics import Family, HistogramValue, LabelValues, counter, gauge, histogram

ALIVE_NS = 1_500_000_000
"""The time without a cycle after which a device is down. Observers are read each quarter second, so `audio_device_up`
changes within two seconds."""

_DEVICE = ("device",)
_CHANNEL = ("device", "channel")


def is_up(device: DeviceView, now_ns: int) -> bool:
    """Return whether the device ran a cycle within `ALIVE_NS`."""
    return device.cycle_ns > 0 and now_ns - device.cycle_ns < ALIVE_NS


def device_families(devices: Iterable[DeviceView], missing: Iterable[str], now_ns: int) -> Iterator[Family]:
    """Yield the families of all devices.

    Args:
        devices: The devices seen since the start. A device that is down has counters but no gauges.
        missing: Names of configured devices that were never seen.
        now_ns: Monotonic time.
    """
    devices = list(devices)
    alive = [device for device in devices if is_up(device, now_ns)]
    up = dict.fromkeys(((name,) for name in missing), 0.0) | _each(devices, lambda d: is_up(d, now_ns))
    yield gauge("audio_device_up", "1 while the audio device runs: an observer saw a cycle within 1.5 s.", up, _DEVICE)
    help_ = "1 while the audio server freewheels for an export: timing, dropouts, load and levels are not measured."
    yield gauge("audio_device_freewheeling", help_, _each(alive, lambda d: d.freewheeling), _DEVICE)
    yield from _settings(alive)
    yield from _timing([device for device in devices if device.probed])
    yield from _faults(devices)
    yield from _levels(alive)
    yield _clipped(devices)


def probe_families(probe: ProbeView, backoff: Backoff) -> Iterator[Family]:
    """Yield the families of the probe's cost and of its rests."""
    if probe.load is not None:
        help_ = "Time spent in the probe's own callback, as a ratio of the buffer's duration."
        yield gauge("wr_agent_audio_probe_load_ratio", help_, probe.load)
    help_ = "Streams that the probe opened after its first."
    yield counter("wr_agent_audio_probe_restarts_total", help_, probe.restarts)
    help_ = "Buffer and level records that were overwritten before the agent read them."
    yield counter("wr_agent_audio_ring_overruns_total", help_, probe.overruns)
    help_ = "1 while the probe has no stream because it missed deadlines; the passive JACK client measures alone."
    yield gauge("wr_agent_audio_probe_resting", help_, backoff.step == Step.CLOSED)
    help_ = "Seconds without a stream because the probe missed deadlines: no timing, lost buffers or levels."
    yield counter("wr_agent_audio_probe_rest_seconds_total", help_, backoff.rested_ns / 1e9)


def _each(devices: list[DeviceView], value: Callable[[DeviceView], float | None]) -> dict[LabelValues, float]:
    """Return the value of each device that has one."""
    values = ((device.name, value(device)) for device in devices)
    return {(name,): float(found) for name, found in values if found is not None}


def _settings(alive: list[DeviceView]) -> Iterator[Family]:
    known = [device for device in alive if device.rate and device.frames]
    help_ = "Observers of the device and their host API."
    yield gauge("audio_device_info", help_, _info(alive), ("device", "host_api", "observer"))
    yield gauge("audio_device_sample_rate_hertz", "Frames a second.", _each(known, lambda d: d.rate), _DEVICE)
    yield gauge("audio_device_buffer_frames", "Frames in one buffer.", _each(known, lambda d: d.frames), _DEVICE)
    help_ = "Duration of one buffer, which is the deadline for rendering it."
    yield gauge("audio_device_buffer_duration_seconds", help_, _each(known, lambda d: d.frames / d.rate), _DEVICE)
    help_ = "Latency of the device, as the audio server or PortAudio reports it."
    yield gauge("audio_device_latency_seconds", help_, _latencies(alive), ("device", "direction"))
    help_ = "DSP load of the whole graph, as the audio server reports it."
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
    help_ = "Absolute difference between the buffer interval and the deadline."
    yield histogram("audio_device_buffer_jitter_seconds", help_, jitters, _DEVICE)
    delays: dict[LabelValues, HistogramValue] = {(d.name,): d.wakeup_delay for d in probed}
    help_ = "Delay of the probe's callback after the start of the server's cycle."
    yield histogram("wr_agent_audio_probe_wakeup_delay_seconds", help_, delays, _DEVICE)
    missed = _each(probed, lambda d: d.missed_buffers)
    help_ = "Buffers that the audio server delivered and the probe missed by its own delay."
    yield counter("wr_agent_audio_probe_missed_buffers_total", help_, missed, _DEVICE)
    late = _each(probed, lambda d: d.late_buffers)
    help_ = "Buffers that the audio server delivered over half a deadline late."
    yield counter("audio_device_late_buffers_total", help_, late, _DEVICE)
    lost = _each(probed, lambda d: d.lost_buffers)
    yield counter("audio_device_lost_buffers_total", "Buffers that the audio server did not deliver.", lost, _DEVICE)


def _faults(devices: list[DeviceView]) -> Iterator[Family]:
    seen: dict[LabelValues, float] = {(d.name, *key): count for d in devices for key, count in d.observations.items()}
    help_ = "Observations of dropouts by observer and kind; one dropout causes several."
    yield counter("audio_device_xrun_observations_total", help_, seen, ("device", "observer", "kind"))
    dropouts: dict[LabelValues, float] = {("device", d.name): d.dropouts for d in devices}
    help_ = "Dropouts, each counted once; a continuing one counts once a second."
    yield counter("audio_engine_xruns_total", help_, dropouts, ("source", "device"))
    causes: dict[LabelValues, float] = {(d.name, cause): d.causes.get(cause, 0) for d in devices for cause in Cause}
    help_ = "Dropouts by cause, once the analysis is final; the sum over the causes is the count of dropouts."
    yield counter("audio_dropouts_by_cause_total", help_, causes, ("device", "cause"))


def _levels(alive: list[DeviceView]) -> Iterator[Family]:
    channels = [(d.name, str(number), level) for d in alive for number, level in enumerate(d.levels, 1)]
    peak: dict[LabelValues, float] = {(name, number): level.peak for name, number, level in channels}
    yield gauge("audio_channel_peak_ratio", "Highest magnitude of the last 10 s; 1 is full scale.", peak, _CHANNEL)
    rms: dict[LabelValues, float] = {(name, number): level.rms for name, number, level in channels}
    yield gauge("audio_channel_rms_ratio", "Root mean square of the last 10 s; 1 is full scale.", rms, _CHANNEL)
    silent: dict[LabelValues, float] = {(name, number): level.silent_seconds for name, number, level in channels}
    help_ = "Seconds since the channel's last sample that was not zero."
    yield gauge("audio_channel_silent_seconds", help_, silent, _CHANNEL)


def _clipped(devices: list[DeviceView]) -> Family:
    counts: dict[LabelValues, float] = {
        (d.name, str(number)): count for d in devices for number, count in enumerate(d.clipped, 1)
    }
    return counter("audio_channel_clipped_samples_total", "Samples at or beyond full scale.", counts, _CHANNEL)
