"""PipeWire's process and those of its nodes, where no JACK server runs."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable
from functools import partial

from collectors.audio.pipewire.clients import find_pipewire, parse_clients
from collectors.audio.pipewire.nodes import server_socket
from collectors.child_process import end_child, start_child
from collectors.offloop import start

_LOOK_SECONDS = 60.0
"""The pause between two looks, which take 20 ms of a processor."""
_FIRST_SECONDS = 2.0
_DUMP_SECONDS = 5.0


class PipeWireWatch:
    """The regular looks at PipeWire.

    Args:
        is_wanted: Function that returns whether PipeWire may be the audio server now.
        found: Called with the server's process and those of its nodes, by their names.

    Attributes:
        is_found: Whether there is a server.
    """

    def __init__(self, is_wanted: Callable[[], bool], found: Callable[[int, dict[str, int]], None]) -> None:
        self._is_wanted = is_wanted
        self._found = found
        self.is_found = False

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_LOOK_SECONDS if self.is_found else _FIRST_SECONDS)

    async def look(self) -> None:
        """Look once."""
        socket = server_socket() if self._is_wanted() else None
        pid = await start(partial(find_pipewire, socket), "find PipeWire") if socket is not None else 0
        self.is_found = pid > 0
        if pid:
            self._found(pid, parse_clients(await _dump()))


async def _dump() -> str:
    """Return the output of `pw-dump`; empty if it fails."""
    try:
        process = await start_child("pw-dump", stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL)
    except OSError:
        return ""
    try:
        output, _ = await asyncio.wait_for(process.communicate(), _DUMP_SECONDS)
    except TimeoutError:
        return ""
    finally:
        await end_child(process)
    return output.decode(errors="replace")
