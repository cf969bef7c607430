"""The platform's own sources of audio metrics: ALSA, PipeWire, and macOS's unified log.

The seam between platforms: one class each, with the same methods. A source that raises stops neither another source nor
the observers. No device is opened.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import structlog

from collectors.audio.alsa.streams import AlsaStreams
from collectors.audio.alsa.usb import UsbEvents
from collectors.audio.causes.evidence import Incident
from collectors.audio.dropouts import Observation
from collectors.audio.macos import LOG_STREAM, CoreAudioLog
from collectors.audio.pipewire.nodes import PipeWireNodes
from collectors.findings import Check
from collectors.metrics import Family
from collectors.restart_delay import RestartDelay

log = structlog.get_logger()

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 60.0
"""The longest pause between two runs of a source. A run of this length resets the pause."""


class PlatformSources(Protocol):
    """The further sources of one platform."""

    async def run(self) -> None:
        """Poll until cancelled."""

    def families(self) -> Sequence[Family]:
        """Return the families to export. Called from another thread."""

    def checks(self) -> Sequence[Check]:
        """Return the checks. Called from another thread."""

    def holders(self) -> tuple[str, ...]:
        """Return the open streams of devices, including the probe's own. Called from another thread."""


async def _keep_running(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run a source until cancelled; log an exception and restart the source after a pause.

    Args:
        name: The source's name in the log.
        run: Function that runs it until cancelled.
    """
    restart = RestartDelay(_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
    while True:
        started = time.monotonic()
        try:
            await run()
        except Exception:
            pause = restart.after(time.monotonic() - started)
            if pause == _FIRST_PAUSE_SECONDS:  # a repeated failure is logged once
                log.exception("a source of audio metrics failed and will be restarted", source=name)
            await asyncio.sleep(pause)


class LinuxSources:
    """ALSA's `/proc/asound`, PipeWire's `pw-top` and the kernel's log.

    Args:
        server_runs: Function that returns whether a JACK server runs.
        freewheels: Function that returns whether it freewheels. Meanwhile PipeWire is not polled.
    """

    def __init__(self, server_runs: Callable[[], bool], freewheels: Callable[[], bool] = bool) -> None:
        self._server_runs = server_runs
        self._alsa = AlsaStreams()
        self._pipewire = PipeWireNodes(freewheels=freewheels)
        self._usb = UsbEvents()

    async def run(self) -> None:
        """Run all until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_keep_running("alsa", self._alsa.run))
            tasks.create_task(_keep_running("pipewire", self._pipewire.run))
            tasks.create_task(_keep_running("usb", self._usb.run))

    def families(self) -> Sequence[Family]:
        """Return the families of all."""
        return [*self._alsa.families(), *self._pipewire.families(), *self._usb.families()]

    def checks(self) -> Sequence[Check]:
        """Return the checks of all."""
        return (
            Check("audio.alsa", "ALSA's streams move", lambda: self._alsa.findings(server_runs=self._server_runs())),
            Check(
                "audio.pipewire",
                "PipeWire's nodes keep up",
                lambda: self._pipewire.findings(jack_answers=self._server_runs()),
            ),
            Check("audio.usb", "USB sound devices have no trouble on their bus", self._usb.findings),
        )

    def holders(self) -> tuple[str, ...]:
        """Return ALSA's open streams, worded as in the finding `audio-alsa-held`."""
        return self._alsa.holders()


class MacSources:
    """CoreAudio's overloads in the unified log. Not tested on a Mac, see `macos`.

    Args:
        observed: Called with each overload, on the event loop.
        command: The command to run as `log stream`; a seam for tests.
        explained: Called with each message about the cause of an overload, on the event loop.
    """

    def __init__(
        self,
        observed: Callable[[Observation], None],
        command: Sequence[str] = LOG_STREAM,
        explained: Callable[[Incident], None] = lambda _: None,
    ) -> None:
        self._log = CoreAudioLog(observed, command, explained)

    async def run(self) -> None:
        """Follow the log until cancelled."""
        await _keep_running("coreaudio", self._log.run)

    def families(self) -> Sequence[Family]:
        """Return nothing: overloads are counted with the device's dropouts."""
        return ()

    def checks(self) -> Sequence[Check]:
        """Return the check that overloads are read."""
        return (Check("audio.coreaudio", "CoreAudio's overloads are seen", self._log.findings),)

    def holders(self) -> tuple[str, ...]:
        """Return nothing: CoreAudio shares its devices."""
        return ()
