"""The audio devices of a live sample, from the audio collector's view."""

from __future__ import annotations

from agent.live.rates import short
from agent.live.sample import ChannelNow, DeviceNow, Timing
from collectors import histograms
from collectors.audio.device import DeviceView
from collectors.audio.view import AudioView

_MOST_CHANNELS = 64


def devices(before: AudioView | None, now: AudioView, _seconds: float) -> list[DeviceNow]:
    """Return every known device, up or down, and the configured ones that were never seen."""
    earlier = {device.name: device for device in before.devices} if before else None
    missing = [DeviceNow(name=name, up=False, observers=[]) for name in now.missing]
    return [*missing, *(_device(earlier, device, up=now.up(device)) for device in now.devices)]


def _device(before: dict[str, DeviceView] | None, now: DeviceView, *, up: bool) -> DeviceNow:
    known = up and now.rate > 0 and now.frames > 0
    earlier = before.get(now.name) if before else None
    return DeviceNow(
        name=now.name,
        up=up,
        observers=[observer for observer, _ in now.observers] if up else [],
        rate=now.rate if known else None,
        frames=float(now.frames) if known else None,
        deadline=now.frames / now.rate if known else None,
        load=None if now.load is None or not up else short(now.load),
        freewheeling=now.freewheeling and up,
        dropouts=now.dropouts,
        new_dropouts=0 if before is None else now.dropouts - (earlier.dropouts if earlier else 0),
        lost=now.lost_buffers,
        late=now.late_buffers,
        timing=_timing(earlier, now) if before is not None else None,
        channels=_channels(now) if up else [],
    )


def _timing(before: DeviceView | None, now: DeviceView) -> Timing | None:
    seen = histograms.between(before.jitter if before else None, now.jitter)
    if not now.probed or not any(seen.counts):
        return None
    return Timing(
        buffers=sum(seen.counts),
        median=short(histograms.quantile(seen, 0.5)),
        p99=short(histograms.quantile(seen, 0.99)),
        worst=histograms.worst(seen),
    )


def _channels(device: DeviceView) -> list[ChannelNow]:
    levels = enumerate(device.levels[:_MOST_CHANNELS], 1)
    return [
        ChannelNow(str(number), short(level.peak), short(level.rms), short(level.silent_seconds))
        for number, level in levels
    ]
