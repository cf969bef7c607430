"""ALSA streams that others hold: what they do, from looking at `/proc/asound` again and again.

Owns what is counted over time, the families and the findings; reading the files belongs to `alsa_proc`. A look costs
one small read for each substream of the machine and two more for each open one. The kernel resets `avail_max` of a
stream at each read of its status, which nothing but a debugging program looks at; nothing else changes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from collectors.audio.alsa.proc import OpenStream, Params, Substream, read_streams
from collectors.findings import Finding, Severity
from collectors.metrics import Family, LabelValues, counter, gauge

_LOOK_SECONDS = 1.0
_STUCK_NS = 2_000_000_000
_LABELS = Substream._fields


@dataclass(frozen=True, slots=True)
class Watched:
    """One stream over the time that the agent has watched it.

    Attributes:
        stream: What it does now; None while it is closed.
        started: Its trigger time when it was last seen running; empty since it was opened.
        failed: Its trigger time when it was last seen in an xrun.
        xruns: How often it was seen in an xrun. One that its owner mends between two looks shows as a restart only.
        restarts: How often it was seen running since another trigger time than before.
        frames: How far the device has moved, as far as that could be seen.
        moved_ns: When that was last seen to change, or the stream to start or not to run, on the monotonic clock.
        sound_ns: When it was last seen not to be in an xrun, on the monotonic clock.
    """

    stream: OpenStream | None = None
    started: str = ""
    failed: str = ""
    xruns: int = 0
    restarts: int = 0
    frames: int = 0
    moved_ns: int = 0
    sound_ns: int = 0


def follow(before: Watched, stream: OpenStream | None, now_ns: int) -> Watched:
    """What is known of a stream after one more look at it."""
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
        sound_ns=before.sound_ns if failing and before.stream else now_ns,
    )


def _moved(before: OpenStream, stream: OpenStream) -> int:
    """Frames that the device has moved at least, from one look to the next."""
    # The trigger time does not tell where hw_ptr began (sound/core/pcm_native.c). Preparing the stream, without which
    # it cannot start after an xrun or a stop, sets hw_ptr to 0 (snd_pcm_do_reset). The end of a pause and of a suspend
    # gives a new trigger time as well, and leaves hw_ptr as it is. Only an hw_ptr that is smaller has surely begun
    # again, and what it had moved before that, since the last look, is lost.
    pointer, pointer_before = stream.status.hw_ptr, before.status.hw_ptr
    return pointer - pointer_before if pointer >= pointer_before else pointer


class AlsaStreams:
    """Watches all ALSA streams of the machine.

    Args:
        asound: Where `/proc/asound` is.
        processes: Where `/proc` is.
    """

    def __init__(self, asound: Path = Path("/proc/asound"), processes: Path = Path("/proc")) -> None:
        self._asound = asound
        self._processes = processes
        self._watched: dict[Substream, Watched] = {}
        self._looked_ns = 0

    async def run(self) -> None:
        """Look each second until cancelled; in a thread, because a driver that hangs blocks readers of its files."""
        while True:
            await asyncio.to_thread(self.look, time.monotonic_ns())
            await asyncio.sleep(_LOOK_SECONDS)

    def look(self, now_ns: int) -> None:
        """Look at all streams once."""
        opened = read_streams(self._asound, self._processes)
        known = dict.fromkeys([*self._watched, *opened])
        self._watched = {
            substream: follow(self._watched.get(substream, Watched()), opened.get(substream), now_ns)
            for substream in known
        }
        self._looked_ns = now_ns

    def families(self) -> list[Family]:
        """The families of all streams that were ever open; those that are closed keep only what accumulates."""
        watched = self._watched
        opened = {substream: seen.stream for substream, seen in watched.items() if seen.stream is not None}
        return [family for family in [*_now(opened), *_settings(opened), *_totals(watched)] if family.samples]

    def findings(self, *, server_runs: bool) -> list[Finding]:
        """What is wrong with streams, and who holds them if that is not a server that the agent watches anyway."""
        opened = {substream: seen for substream, seen in self._watched.items() if seen.stream is not None}
        stalled = [_name(s) for s, seen in opened.items() if self._looked_ns - seen.moved_ns > _STUCK_NS]
        failed = [_name(s) for s, seen in opened.items() if self._looked_ns - seen.sound_ns > _STUCK_NS]
        found = [_stalled(name) for name in stalled] + [_left_in_xrun(name) for name in failed]
        return found if server_runs or not opened else [*found, _held(self.holders())]

    def holders(self) -> tuple[str, ...]:
        """Each stream that is open now, the agent's own as well: which it is, who holds it, what it does."""
        return tuple(_holder(s, seen.stream) for s, seen in self._watched.items() if seen.stream is not None)


def _each(opened: dict[Substream, OpenStream], value: Callable[[OpenStream], float]) -> dict[LabelValues, float]:
    return {substream: value(stream) for substream, stream in opened.items()}


def _now(opened: dict[Substream, OpenStream]) -> Iterator[Family]:
    info: dict[LabelValues, float] = {
        (*s, stream.status.state, stream.owner, stream.params.format if stream.params else ""): 1.0
        for s, stream in opened.items()
    }
    labels = (*_LABELS, "state", "owner", "format")
    yield gauge("audio_alsa_stream_info", "What an open ALSA stream does, and for which process.", info, labels)
    help_ = "Whether an open ALSA stream moves samples."
    running = _each(opened, lambda stream: stream.status.state == "running")
    yield gauge("audio_alsa_stream_running", help_, running, _LABELS)
    help_ = "Frames that the owner could write or read at once; as many as the buffer has are an xrun."
    yield gauge("audio_alsa_stream_available_frames", help_, _each(opened, lambda s: s.status.avail), _LABELS)
    help_ = "Frames until a sample written now is heard, or since one read now was sampled."
    yield gauge("audio_alsa_stream_delay_frames", help_, _each(opened, lambda s: s.status.delay), _LABELS)


def _settings(opened: dict[Substream, OpenStream]) -> Iterator[Family]:
    def each(value: Callable[[Params], float]) -> dict[LabelValues, float]:
        return {substream: value(s.params) for substream, s in opened.items() if s.params is not None}

    yield gauge("audio_alsa_stream_sample_rate_hertz", "Frames a second.", each(lambda p: p.rate), _LABELS)
    yield gauge("audio_alsa_stream_channels", "Channels of the ALSA stream.", each(lambda p: p.channels), _LABELS)
    help_ = "Frames from one interrupt of the device to the next."
    yield gauge("audio_alsa_stream_period_frames", help_, each(lambda p: p.period), _LABELS)
    yield gauge("audio_alsa_stream_buffer_frames", "Frames in the device's buffer.", each(lambda p: p.buffer), _LABELS)


def _totals(watched: dict[Substream, Watched]) -> Iterator[Family]:
    def each(value: Callable[[Watched], int]) -> dict[LabelValues, float]:
        return {substream: value(seen) for substream, seen in watched.items()}

    help_ = "Xruns in which the ALSA stream was seen; one that is mended within a second may show as a restart only."
    yield counter("audio_alsa_stream_xruns_total", help_, each(lambda w: w.xruns), _LABELS)
    help_ = "Starts of the ALSA stream after its first, at most one a second: after xruns, pauses, or on purpose."
    yield counter("audio_alsa_stream_restarts_total", help_, each(lambda w: w.restarts), _LABELS)
    help_ = "Frames that the device was seen to move; their rate is the true sample rate while there are no restarts."
    yield counter("audio_alsa_stream_frames_total", help_, each(lambda w: w.frames), _LABELS)


def _name(substream: Substream) -> str:
    return f"{substream.device},{substream.subdevice} ({substream.card}, {substream.direction})"


def _stalled(name: str) -> Finding:
    return Finding(
        code="audio-alsa-stalled",
        title="An ALSA stream stands still",
        severity=Severity.FAILURE,
        detail=f"The stream {name} is running, but its device has moved no sample for over two seconds.",
        affects="Nobody hears or records anything on this device.",
        remedy=(
            "cat /proc/asound/card*/pcm*/sub*/status  # hw_ptr should grow",
            "sudo dmesg | tail -50  # a USB device that was lost, or a driver that complains",
            "unplug the device and plug it in again, or restart the program that holds it",
        ),
    )


def _left_in_xrun(name: str) -> Finding:
    return Finding(
        code="audio-alsa-left-in-xrun",
        title="An ALSA stream is left in an xrun",
        severity=Severity.WARNING,
        detail=f"The stream {name} had an xrun over two seconds ago, and its owner has not started it again.",
        affects="Nobody hears or records anything on this stream.",
        remedy=("restart the program that holds it: fuser -v /dev/snd/*",),
    )


def _held(holders: Sequence[str]) -> Finding:
    return Finding(
        code="audio-alsa-held",
        title="Programs hold ALSA devices directly",
        severity=Severity.INFO,
        detail=f"No JACK server is watched, and these streams are open: {'; '.join(holders)}.",
        affects="Of them the agent sees state, sizes, xruns and restarts each second, but neither timing nor levels.",
        remedy=("run them through JACK or PipeWire to have their timing measured",),
    )


def _holder(substream: Substream, stream: OpenStream) -> str:
    params = stream.params
    owner = f"{stream.owner} (pid {stream.pid})" if stream.owner else "an unseen process"
    sizes = f" at {params.rate} Hz, {params.period} of {params.buffer} frames" if params else ""
    return f"{_name(substream)} by {owner}, {stream.status.state}{sizes}"
