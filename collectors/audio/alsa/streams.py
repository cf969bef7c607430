"""ALSA streams that other programs hold, polled from `/proc/asound`.

Owns the counts over time, the families and the findings; `proc` reads the files. A poll costs one small read for each
substream of the machine and two more for each open one. Each read of a status resets the stream's `avail_max` in the
kernel. Only debugging programs read that value.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from collectors import remedies
from collectors.audio.alsa.proc import OpenStream, Params, Substream, read_streams
from collectors.findings import Finding, Severity
from collectors.metrics import Family, LabelValues, counter, gauge
from collectors.offloop import start

_LOOK_SECONDS = 1.0
_STUCK_NS = 2_000_000_000
_LABELS = Substream._fields


@dataclass(frozen=True, slots=True)
class Watched:
    """One stream over the time that the agent has polled it.

    Attributes:
        stream: Its present state; None while it is closed.
        started: The trigger time at the last poll that found it running; empty right after it was opened.
        failed: The trigger time at the last poll that found it in an xrun.
        xruns: Number of xruns found. An xrun that the owner clears between two polls shows as a restart only.
        restarts: Number of times it was found running with a new trigger time.
        frames: Frames that the device moved, as far as the polls show it.
        moved_ns: Monotonic time of the last progress, start or stop.
        healthy_ns: Monotonic time of the last poll that did not find it in an xrun.
    """

    stream: OpenStream | None = None
    started: str = ""
    failed: str = ""
    xruns: int = 0
    restarts: int = 0
    frames: int = 0
    moved_ns: int = 0
    healthy_ns: int = 0


def follow(before: Watched, stream: OpenStream | None, now_ns: int) -> Watched:
    """Return the stream's history after one more poll."""
    if stream is None:
        return replace(before, stream=None, started="", failed="")
    state, trigger_time = stream.status.state, stream.status.trigger_time
    running, failing = state == "running", state == "xrun"
    starting = running and before.started != trigger_time
    moved = _moved(before.stream, stream) if before.stream else 0
    return replace(
        before,
        stream=stream,
        started=trigger_time if running else before.started,
        failed=trigger_time if failing else before.failed,
        xruns=before.xruns + (failing and trigger_time != before.failed),
        restarts=before.restarts + (starting and before.started != ""),
        frames=before.frames + moved,
        moved_ns=now_ns if moved or starting or not running or not before.stream else before.moved_ns,
        healthy_ns=before.healthy_ns if failing and before.stream else now_ns,
    )


def _moved(before: OpenStream, stream: OpenStream) -> int:
    """Return the least number of frames that the device moved between two polls."""
    # The trigger time does not show where hw_ptr began (sound/core/pcm_native.c). A stream must be prepared before it
    # restarts after an xrun or a stop, and that sets hw_ptr to 0 (snd_pcm_do_reset). The end of a pause or a suspend
    # sets a new trigger time too, but keeps hw_ptr. Only a smaller hw_ptr proves a reset. The frames between the last
    # poll and the reset are lost.
    pointer, pointer_before = stream.status.hw_ptr, before.status.hw_ptr
    return pointer - pointer_before if pointer >= pointer_before else pointer


class AlsaStreams:
    """All ALSA streams of the machine.

    Args:
        asound: Path of `/proc/asound`.
        processes: Path of `/proc`.
    """

    def __init__(self, asound: Path = Path("/proc/asound"), processes: Path = Path("/proc")) -> None:
        self._asound = asound
        self._processes = processes
        self._watched: dict[Substream, Watched] = {}
        self._looked_ns = 0

    async def run(self) -> None:
        """Poll each second until cancelled.

        The poll runs in a thread, because a hanging driver blocks the readers of its files.
        """
        while True:
            await start(lambda: self.look(time.monotonic_ns()), "alsa streams")
            await asyncio.sleep(_LOOK_SECONDS)

    def look(self, now_ns: int) -> None:
        """Poll all streams once."""
        opened = read_streams(self._asound, self._processes)
        known = dict.fromkeys([*self._watched, *opened])
        self._watched = {
            substream: follow(self._watched.get(substream, Watched()), opened.get(substream), now_ns)
            for substream in known
        }
        self._looked_ns = now_ns

    def families(self) -> list[Family]:
        """Return the families of all streams seen so far; a closed stream keeps its counters only."""
        watched = self._watched
        opened = {substream: seen.stream for substream, seen in watched.items() if seen.stream is not None}
        return [family for family in [*_now(opened), *_settings(opened), *_totals(watched)] if family.samples]

    def findings(self, *, server_runs: bool) -> list[Finding]:
        """Return the findings about streams.

        Args:
            server_runs: Whether a JACK server runs. If so, the holders of the streams are not reported.
        """
        opened = {substream: seen for substream, seen in self._watched.items() if seen.stream is not None}
        stalled = [_name(s) for s, seen in opened.items() if self._looked_ns - seen.moved_ns > _STUCK_NS]
        failed = [_name(s) for s, seen in opened.items() if self._looked_ns - seen.healthy_ns > _STUCK_NS]
        found = [_stalled(name) for name in stalled] + [_left_in_xrun(name) for name in failed]
        return found if server_runs or not opened else [*found, _held(self.holders())]

    def holders(self) -> tuple[str, ...]:
        """Return a description of each open stream and its owner, including the agent's own."""
        return tuple(_holder(s, seen.stream) for s, seen in self._watched.items() if seen.stream is not None)


def _each(opened: dict[Substream, OpenStream], value: Callable[[OpenStream], float]) -> dict[LabelValues, float]:
    return {substream: value(stream) for substream, stream in opened.items()}


def _now(opened: dict[Substream, OpenStream]) -> Iterator[Family]:
    info: dict[LabelValues, float] = {
        (*s, stream.status.state, stream.owner, stream.params.format if stream.params else ""): 1.0
        for s, stream in opened.items()
    }
    labels = (*_LABELS, "state", "owner", "format")
    yield gauge("audio_alsa_stream_info", "State, format and owning process of an open ALSA stream.", info, labels)
    help_ = "1 while the open ALSA stream moves samples."
    running = _each(opened, lambda stream: stream.status.state == "running")
    yield gauge("audio_alsa_stream_running", help_, running, _LABELS)
    help_ = "Frames that the owner can write or read now; an xrun when it reaches the buffer size."
    yield gauge("audio_alsa_stream_available_frames", help_, _each(opened, lambda s: s.status.avail), _LABELS)
    help_ = "Frames between the owner and the converter: the stream's delay."
    yield gauge("audio_alsa_stream_delay_frames", help_, _each(opened, lambda s: s.status.delay), _LABELS)


def _settings(opened: dict[Substream, OpenStream]) -> Iterator[Family]:
    def each(value: Callable[[Params], float]) -> dict[LabelValues, float]:
        return {substream: value(s.params) for substream, s in opened.items() if s.params is not None}

    yield gauge("audio_alsa_stream_sample_rate_hertz", "Frames a second.", each(lambda p: p.rate), _LABELS)
    yield gauge("audio_alsa_stream_channels", "Channels of the ALSA stream.", each(lambda p: p.channels), _LABELS)
    help_ = "Frames between two interrupts of the device."
    yield gauge("audio_alsa_stream_period_frames", help_, each(lambda p: p.period), _LABELS)
    yield gauge("audio_alsa_stream_buffer_frames", "Frames in the device's buffer.", each(lambda p: p.buffer), _LABELS)


def _totals(watched: dict[Substream, Watched]) -> Iterator[Family]:
    def each(value: Callable[[Watched], int]) -> dict[LabelValues, float]:
        return {substream: value(seen) for substream, seen in watched.items()}

    help_ = "Xruns found by polling; one that is cleared within a second may show as a restart only."
    yield counter("audio_alsa_stream_xruns_total", help_, each(lambda w: w.xruns), _LABELS)
    help_ = "Restarts of the ALSA stream after xruns, pauses or stops; at most one a second is counted."
    yield counter("audio_alsa_stream_restarts_total", help_, each(lambda w: w.restarts), _LABELS)
    help_ = "Frames that the device moved; without restarts their rate is the true sample rate."
    yield counter("audio_alsa_stream_frames_total", help_, each(lambda w: w.frames), _LABELS)


def _name(substream: Substream) -> str:
    return f"{substream.device},{substream.subdevice} ({substream.card}, {substream.direction})"


def _stalled(name: str) -> Finding:
    return Finding(
        code="audio-alsa-stalled",
        title="An ALSA stream does not advance",
        severity=Severity.FAILURE,
        detail=f"The stream {name} is in state running, but its device has moved no sample for over two seconds.",
        affects="Nothing is played or recorded on this device.",
        remedy=(
            "cat /proc/asound/card*/pcm*/sub*/status  # hw_ptr should grow",
            *remedies.command("sudo dmesg | tail -50", "shows a lost USB device or a driver's errors"),
            "unplug the device and plug it in again, or restart the program that holds it",
        ),
    )


def _left_in_xrun(name: str) -> Finding:
    return Finding(
        code="audio-alsa-left-in-xrun",
        title="An ALSA stream stays in an xrun",
        severity=Severity.WARNING,
        detail=f"The stream {name} had an xrun over two seconds ago, and its owner has not restarted it.",
        affects="Nothing is played or recorded on this stream.",
        remedy=(
            *remedies.command("fuser -v /dev/snd/*", "shows the program that holds it"),
            "restart the program that holds it",
        ),
    )


def _held(holders: Sequence[str]) -> Finding:
    return Finding(
        code="audio-alsa-held",
        title="Programs hold ALSA devices directly",
        severity=Severity.INFO,
        detail=f"No JACK server runs, and these streams are open: {'; '.join(holders)}.",
        affects="The agent polls their state, sizes, xruns and restarts. It measures neither their timing nor levels.",
        remedy=("run these programs through JACK or PipeWire to measure their timing",),
    )


def _holder(substream: Substream, stream: OpenStream) -> str:
    params = stream.params
    owner = f"{stream.owner} (pid {stream.pid})" if stream.owner else "an unknown process"
    sizes = f" at {params.rate} Hz, {params.period} of {params.buffer} frames" if params else ""
    return f"{_name(substream)} by {owner}, {stream.status.state}{sizes}"
