"""The daemon's connection to the kernel recorder."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from enum import StrEnum
from pathlib import Path

from collectors.audio.causes.kernel import namespaces
from collectors.audio.causes.kernel.helper.protocol import SOCKET
from collectors.audio.causes.kernel.link import Link, LinkError
from collectors.restart_delay import RestartDelay

INSTALL = "sudo wr-agent service install --recorder"
"""The command that switches level 2 on."""

LOG = "journalctl -u wr-agent-recorder"

_FIRST_DELAY, _LONGEST_DELAY = 1.0, 10.0
"""Seconds between two attempts to connect. One costs a few microseconds while there is no recorder."""

_GREETING = 10.0
"""The timeout of the greeting, in seconds: the recorder allocates its buffers before."""

_TIMEOUT = 2.0
"""The timeout of a window, in seconds."""

_FREEZE_NS = 500_000_000
"""The shortest time between two freezes: a frozen instance reaches back several seconds."""


class State(StrEnum):
    """The state of the recorder, as the daemon sees it."""

    ABSENT = "absent"
    REFUSED = "refused"
    CONNECTED = "connected"


class KernelRecorder:
    """The kernel recorder: it freezes its record when a dropout is suspected, and hands out a window of it.

    Args:
        path: The recorder's socket.

    Attributes:
        state: The state.
        reason: The reason why there is no trace, as a clause; empty if there is one as far as is known.
    """

    def __init__(self, path: Path = Path(SOCKET)) -> None:
        self._path = path
        self._link: Link | None = None
        self._turn = asyncio.Lock()
        self._frozen_ns = 0
        self._freezing = threading.Lock()
        self.state = State.ABSENT
        self.reason = f"no kernel recorder runs; to switch it on: {INSTALL}"

    @property
    def pid(self) -> int:
        """The recorder's process; 0 if it is not connected. Its work is the agent's own."""
        link = self._link
        return link.pid if link else 0

    @property
    def missing(self) -> str:
        """The sentence for an event without a kernel trace; empty if there is one as far as is known."""
        return f"No kernel trace: {self.reason}." if self.reason else ""

    async def run(self) -> None:
        """Keep the connection until cancelled."""
        if sys.platform != "linux":
            self.reason = "the kernel recorder runs on Linux only"
            return
        if not namespaces.sees_the_kernels_numbers():
            self._note(State.REFUSED, namespaces.ELSEWHERE)
            return
        delay = RestartDelay(_FIRST_DELAY, _LONGEST_DELAY)
        while True:
            started = time.monotonic()
            await self._connect()
            await asyncio.sleep(delay.after(time.monotonic() - started))

    def freeze(self, at_ns: int) -> None:
        """Have the record of the time before `at_ns` kept. This returns at once, and any thread may call it.

        Freezes that are close to each other count as one: a window covers the time after a freeze too.
        """
        with self._freezing:
            if not self._link or at_ns - self._frozen_ns < _FREEZE_NS:
                return
            self._frozen_ns = at_ns
            self._link.send(b"freeze")

    async def capture(self, start_ns: int, end_ns: int) -> int | None:
        """Return the descriptor of the trace from start to end; `None` if there is none. The caller closes it.

        `captured.with_trace` reads it. This takes 2 s at most.
        """
        async with self._turn:
            if not self._link:
                return None
            try:
                descriptor = await self._link.window(start_ns, end_ns, _TIMEOUT)
            except LinkError as error:
                self.reason = str(error)
                return None
            self.reason = ""
            return descriptor

    async def _connect(self) -> None:
        """Connect, and stay connected as long as the recorder lives."""
        try:
            link = await Link.open(self._path, _GREETING)
        except (FileNotFoundError, ConnectionRefusedError):
            self._note(State.ABSENT, f"no kernel recorder runs; to switch it on: {INSTALL}")
        except LinkError as error:
            self._note(State.REFUSED, str(error))
        except OSError as error:
            self._note(State.REFUSED, f"the kernel recorder at {self._path} cannot be reached: {error.strerror}")
        else:
            await self._stay(link)

    async def _stay(self, link: Link) -> None:
        self._link = link
        self._note(State.CONNECTED, "")
        try:
            await link.closed()
        finally:
            self._link = None
            link.close()
            self._note(
                State.ABSENT, "the kernel recorder ended or stopped answering; its log: journalctl -u wr-agent-recorder"
            )

    def _note(self, state: State, reason: str) -> None:
        self.state, self.reason = state, reason
