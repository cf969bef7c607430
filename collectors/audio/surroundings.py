"""What the platform tells of audio beside the two observers: ALSA's and PipeWire's own accounts, macOS's unified log.

The seam between platforms: one class each, with the same four methods. Opens no device.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from collectors.audio.alsa import AlsaStreams
from collectors.audio.dropouts import Observation
from collectors.audio.macos import LOG_STREAM, CoreAudioLog
from collectors.audio.pipewire import PipeWireNodes
from collectors.findings import Check
from collectors.metrics import Family


class Surroundings(Protocol):
    """One platform's further sources."""

    async def run(self) -> None:
        """Look until cancelled."""

    def families(self) -> Sequence[Family]:
        """What they export. Called from another thread."""

    def checks(self) -> Sequence[Check]:
        """What can be asked of them. Called from another thread."""


class LinuxSurroundings:
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
            tasks.create_task(self._alsa.run())
            tasks.create_task(self._pipewire.run())

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


class MacSurroundings:
    """CoreAudio's overloads in the unified log. Not run on a Mac, see `macos`.

    Args:
        observed: Called with each overload, on the event loop.
        command: What to run as `log stream`; a seam for tests.
    """

    def __init__(self, observed: Callable[[Observation], None], command: Sequence[str] = LOG_STREAM) -> None:
        self._log = CoreAudioLog(observed, command)

    async def run(self) -> None:
        """Follow the log until cancelled."""
        await self._log.run()

    def families(self) -> Sequence[Family]:
        """None of its own: overloads are counted with the device's dropouts."""
        return ()

    def checks(self) -> Sequence[Check]:
        """Whether overloads are seen."""
        return (Check("audio.coreaudio", "CoreAudio's overloads are seen", self._log.findings),)
