"""What the platform tells of audio beside the two observers: ALSA's and PipeWire's own accounts, macOS's unified log.

The seam between platforms: one class each, with the same methods. Each source runs on its own: one that raises costs
neither another source nor the observers. Opens no device.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import structlog

from collectors.audio.alsa.streams import AlsaStreams
from collectors.audio.dropouts import Observation
from collectors.audio.macos import LOG_STREAM, CoreAudioLog
from collectors.audio.pipewire.nodes import PipeWireNodes
from collectors.findings import Check
from collectors.metrics import Family

log = structlog.get_logger()

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 60.0
"""Between two lives of a source at most, and how long it must live for the next pause to be the first again."""


class PlatformSources(Protocol):
    """One platform's further sources."""

    async def run(self) -> None:
        """Look until cancelled."""

    def families(self) -> Sequence[Family]:
        """What they export. Called from another thread."""

    def checks(self) -> Sequence[Check]:
        """What can be asked of them. Called from another thread."""

    def holders(self) -> tuple[str, ...]:
        """The streams that programs have open on devices now, the probe's own as well. Called from another thread."""


async def _keep_running(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run a source until cancelled. When it raises, that is logged, and it is run again after a pause.

    Args:
        name: What the log calls it.
        run: Runs it until cancelled.
    """
    pause = _FIRST_PAUSE_SECONDS
    while True:
        started = time.monotonic()
        try:
            await run()
        except Exception:
            if time.monotonic() - started >= _LONGEST_PAUSE_SECONDS:
                pause = _FIRST_PAUSE_SECONDS
            if pause == _FIRST_PAUSE_SECONDS:  # else it has been told, and has not worked for long since
                log.exception("a source of audio metrics failed, and is tried again", source=name)
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


class LinuxSources:
    """ALSA's `/proc/asound` and PipeWire's `pw-top`.

    Args:
        server_runs: Whether a JACK server runs, which tells a stream at rest from one that should move.
    """

    def __init__(self, server_runs: Callable[[], bool]) -> None:
        self._server_runs = server_runs
        self._alsa = AlsaStreams()
        self._pipewire = PipeWireNodes()

    async def run(self) -> None:
        """Look at both until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_keep_running("alsa", self._alsa.run))
            tasks.create_task(_keep_running("pipewire", self._pipewire.run))

    def families(self) -> Sequence[Family]:
        """The families of both."""
        return [*self._alsa.families(), *self._pipewire.families()]

    def checks(self) -> Sequence[Check]:
        """The checks of both."""
        return (
            Check("audio.alsa", "ALSA's streams move", lambda: self._alsa.findings(server_runs=self._server_runs())),
            Check(
                "audio.pipewire",
                "PipeWire's nodes keep up",
                lambda: self._pipewire.findings(jack_answers=self._server_runs()),
            ),
        )

    def holders(self) -> tuple[str, ...]:
        """ALSA's open streams, worded as in the finding `audio-alsa-held`."""
        return self._alsa.holders()


class MacSources:
    """CoreAudio's overloads in the unified log. Not run on a Mac, see `macos`.

    Args:
        observed: Called with each overload, on the event loop.
        command: What to run as `log stream`; a seam for tests.
    """

    def __init__(self, observed: Callable[[Observation], None], command: Sequence[str] = LOG_STREAM) -> None:
        self._log = CoreAudioLog(observed, command)

    async def run(self) -> None:
        """Follow the log until cancelled."""
        await _keep_running("coreaudio", self._log.run)

    def families(self) -> Sequence[Family]:
        """None of its own: overloads are counted with the device's dropouts."""
        return ()

    def checks(self) -> Sequence[Check]:
        """Whether overloads are seen."""
        return (Check("audio.coreaudio", "CoreAudio's overloads are seen", self._log.findings),)

    def holders(self) -> tuple[str, ...]:
        """None: CoreAudio shares its devices."""
        return ()
