"""The clocks that the probe's callback reads for each buffer.

A JACK server reports the start and the number of its cycle. PortAudio's time on JACK is an estimate of the callback's
wake-up. It includes the probe's own delay, and after a freeze it is wrong for seconds.
"""

from __future__ import annotations

import ctypes
import itertools
import time
from collections.abc import Callable

from collectors.audio.jack.freewheel import keeps_real_time
from collectors.audio.jack.names import client_name
from collectors.audio.probe.jack_devices import Channels, count_channels, portaudio_client

CLIENT_NAME = "wr-agent-clock"
_NO_START_SERVER = 1  # jack/types.h: JackNoStartServer
_AUDIO = b"audio"  # a part of jack/types.h: JACK_DEFAULT_AUDIO_TYPE
_PORT_IS_INPUT, _PORT_IS_OUTPUT = 1, 2  # jack/types.h: JackPortFlags
_SECOND_NS = 1_000_000_000


Stamp = tuple[float, int, int]
"""The time of a buffer: device clock (s), monotonic clock (ns), the server's cycle, as in `protocol.BUFFER_RECORD`."""

Clock = Callable[[dict[str, float]], Stamp]
"""The type of a clock, whose argument is PortAudio's `time_info`."""


def portaudio_clock(times: dict[str, float]) -> Stamp:
    """Return PortAudio's time, without a cycle."""
    return times["current_time"], time.monotonic_ns(), 0


class CycleClock:
    """The start of JACK's current cycle, from `jack_frames_since_cycle_start`: exact to one frame.

    PortAudio hides the stream's own client. So this is a second client, which is never activated and never woken up.

    Raises:
        OSError: libjack is missing, or the server accepts no further client.
    """

    def __init__(self) -> None:
        library = ctypes.PyDLL("libjack.so.0")  # keeps the GIL: releasing it costs more than the calls
        library.jack_client_open.restype = ctypes.c_void_p
        client: int | None = library.jack_client_open(client_name(CLIENT_NAME, "").encode(), _NO_START_SERVER, None)
        if client is None:
            raise OSError("JACK accepts no further client")
        self._client = client
        self._close = library.jack_client_close
        self._close.argtypes = (ctypes.c_void_p,)
        self._cycle = _of_client(library.jack_last_frame_time)
        self._frames_since_start = _of_client(library.jack_frames_since_cycle_start)
        self._rate = _of_client(library.jack_get_sample_rate)(client)
        self._is_realtime = library.jack_is_realtime
        self._is_realtime.argtypes = (ctypes.c_void_p,)
        self._block = _of_client(library.jack_get_buffer_size)
        self._realtime_server = bool(self._is_realtime(client))
        self._scheduled_client = client
        self._list_ports = library.jack_get_ports
        self._list_ports.restype = ctypes.POINTER(ctypes.c_char_p)
        self._list_ports.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong)
        self._free = library.jack_free
        self._free.argtypes = (ctypes.c_void_p,)
        self._free.restype = None

    def freewheels(self) -> bool:
        """Return whether a real-time server freewheels now, if it did not when this clock was opened."""
        return self._realtime_server and not self._is_realtime(self._scheduled_client)

    def watch(self, host_api: int) -> None:
        """Watch PortAudio's own client for freewheeling, because PipeWire shows it to the exported clients only.

        Args:
            host_api: PortAudio's number of the host API JACK.
        """
        self._scheduled_client = portaudio_client(host_api, self._block(self._client)) or self._client

    def is_regular(self) -> bool:
        """Return whether the server keeps real time, which is not so while it freewheels; takes up to 1.5 s."""
        return self._realtime_server or keeps_real_time(
            self._rate, self._block(self._client), lambda: self._cycle(self._client), time.sleep
        )

    def channels(self) -> dict[str, Channels]:
        """Return the channels of all clients with audio ports."""
        return count_channels(self._ports(_PORT_IS_OUTPUT), self._ports(_PORT_IS_INPUT))

    def _ports(self, flag: int) -> list[str]:
        names = self._list_ports(self._client, None, _AUDIO, flag)
        if not names:
            return []
        found = [name.decode(errors="replace") for name in itertools.takewhile(bool, names)]
        self._free(names)
        return found

    def __call__(self, times: dict[str, float]) -> Stamp:
        """Return the stamp of the buffer whose callback runs now."""
        cycle = self._cycle(self._client)
        if not cycle:  # some servers report it to active clients only
            return portaudio_clock(times)
        frames = self._frames_since_start(self._client)
        now = time.monotonic_ns()
        return now / _SECOND_NS - frames / self._rate, now, cycle

    def close(self) -> None:
        """Disconnect from the server.

        A client that ends without this keeps its entry in the database of JACK's metadata, which all programs of the
        user share. The database has room for about 160 entries.
        """
        self._close(self._client)


def _of_client(function: ctypes._NamedFuncPointer) -> Callable[[int], int]:
    function.restype = ctypes.c_uint32
    function.argtypes = (ctypes.c_void_p,)
    return function
