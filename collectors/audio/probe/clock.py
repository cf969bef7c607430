"""When a buffer came: the clocks that the probe's callback reads.

On JACK the server says when it began the cycle, and which one that is. PortAudio's own time is there JACK's estimate of
the moment at which the callback woke up, so our delay is in it, and after a freeze it runs wrong for seconds.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable

from collectors.audio.jack.names import client_name

CLIENT_NAME = "wr-agent-clock"
_NO_START_SERVER = 1  # jack/types.h: JackNoStartServer
_SECOND_NS = 1_000_000_000


Stamp = tuple[float, int, int]
"""When a buffer came: device clock (s), monotonic clock (ns), the server's cycle, as in `protocol.BUFFER_RECORD`."""

Clock = Callable[[dict[str, float]], Stamp]
"""Takes PortAudio's `time_info`."""


def portaudio_clock(times: dict[str, float]) -> Stamp:
    """PortAudio's time; no cycle is known."""
    return times["current_time"], time.monotonic_ns(), 0


class CycleClock:
    """The start of JACK's current cycle, from `jack_frames_since_cycle_start`: exact to one frame.

    The client beside the stream's own, which PortAudio hides, is never activated: the server does not wake it.

    Args:
        rate: Frames a second.

    Raises:
        OSError: libjack is missing, or the server takes no further client.
    """

    def __init__(self, rate: float) -> None:
        library = ctypes.PyDLL("libjack.so.0")  # keeps the GIL: giving it up costs more than the calls
        library.jack_client_open.restype = ctypes.c_void_p
        client: int | None = library.jack_client_open(client_name(CLIENT_NAME, "").encode(), _NO_START_SERVER, None)
        if client is None:
            raise OSError("JACK takes no further client")
        self._client = client
        self._close = library.jack_client_close
        self._close.argtypes = (ctypes.c_void_p,)
        self._cycle = _of_client(library.jack_last_frame_time)
        self._frames_since_start = _of_client(library.jack_frames_since_cycle_start)
        self._rate = rate

    def __call__(self, times: dict[str, float]) -> Stamp:
        """Read in the callback."""
        cycle = self._cycle(self._client)
        if not cycle:  # a JACK that tells it to active clients only
            return portaudio_clock(times)
        frames = self._frames_since_start(self._client)
        now = time.monotonic_ns()
        return now / _SECOND_NS - frames / self._rate, now, cycle

    def close(self) -> None:
        """Leave the server.

        A client that merely vanishes leaves a place taken in the database of JACK's metadata, which all programs of the
        user share: after about 160 of them it takes no more.
        """
        self._close(self._client)


def _of_client(function: ctypes._NamedFuncPointer) -> Callable[[int], int]:
    function.restype = ctypes.c_uint32
    function.argtypes = (ctypes.c_void_p,)
    return function
