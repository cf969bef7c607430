"""The audio devices of a live sample, from the audio collector's families."""

from __future__ import annotations

from agent.live import histograms
from agent.live.reading import Reading, increase, short
from agent.live.sample import ChannelNow, DeviceNow, Timing

_JITTER = "audio_device_buffer_jitter_seconds"
_DROPOUTS = "audio_engine_xruns_total"
_PEAK = "audio_channel_peak_ratio"

NAMES = frozenset(
    {
        "audio_device_up",
        "audio_device_info",
        "audio_device_sample_rate_hertz",
        "audio_device_buffer_frames",
        "audio_device_buffer_duration_seconds",
        "audio_device_dsp_load_ratio",
        "audio_device_lost_buffers_total",
        "audio_device_late_buffers_total",
        "audio_channel_rms_ratio",
        "audio_channel_silent_seconds",
        _JITTER,
        _DROPOUTS,
        _PEAK,
    }
)

_MOST_CHANNELS = 64


def devices(before: Reading | None, now: Reading) -> list[DeviceNow]:
    """Return every known device, up or down."""
    return [_device(before, now, it.labels["device"], up=it.value == 1) for it in now.series("audio_device_up")]


def _device(before: Reading | None, now: Reading, name: str, *, up: bool) -> DeviceNow:
    load = now.number("audio_device_dsp_load_ratio", device=name)
    return DeviceNow(
        name=name,
        up=up,
        observers=[it.labels["observer"] for it in now.series("audio_device_info", device=name)],
        rate=now.number("audio_device_sample_rate_hertz", device=name),
        frames=now.number("audio_device_buffer_frames", device=name),
        deadline=now.number("audio_device_buffer_duration_seconds", device=name),
        load=None if load is None else short(load),
        dropouts=int(now.total(_DROPOUTS, device=name) or 0),
        new_dropouts=_new_dropouts(before, now, name),
        lost=int(now.total("audio_device_lost_buffers_total", device=name) or 0),
        late=int(now.total("audio_device_late_buffers_total", device=name) or 0),
        timing=_timing(before, now, name),
        channels=_channels(now, name),
    )


def _new_dropouts(before: Reading | None, now: Reading, device: str) -> int:
    """Return the dropouts since the previous reading; all dropouts of a new device."""
    if before is None:
        return 0
    new = increase(before, now, _DROPOUTS, device=device)
    return int(now.total(_DROPOUTS, device=device) or 0) if new is None else int(new)


def _timing(before: Reading | None, now: Reading, name: str) -> Timing | None:
    after = now.histogram(_JITTER, device=name)
    if after is None or before is None:
        return None
    seen = histograms.between(before.histogram(_JITTER, device=name), after)
    if not any(seen.counts):
        return None
    return Timing(
        buffers=sum(seen.counts),
        median=short(histograms.quantile(seen, 0.5)),
        p99=short(histograms.quantile(seen, 0.99)),
        worst=histograms.worst(seen),
    )


def _channels(now: Reading, device: str) -> list[ChannelNow]:
    rms, silent = (
        {it.labels["channel"]: it.value for it in now.series(name, device=device)}
        for name in ("audio_channel_rms_ratio", "audio_channel_silent_seconds")
    )
    peaks = ((it.labels["channel"], it.value) for it in now.series(_PEAK, device=device))
    channels = [
        ChannelNow(name, _number(peak), _number(rms.get(name)), _number(silent.get(name))) for name, peak in peaks
    ]
    return channels[:_MOST_CHANNELS]


def _number(value: object) -> float:
    return short(value) if isinstance(value, int | float) else 0.0
