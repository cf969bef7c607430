"""The stream's callback: notes when each buffer came, and keeps its samples until they are taken.

Called in real time with the GIL, so it does the least that can be done; what the samples carry is computed elsewhere.
"""

from __future__ import annotations

import ctypes
from collections import deque

from collectors.audio.probe.clock import Clock
from collectors.audio.probe.ring import RingWriter

_CONTINUE = 0  # PortAudio's paContinue
_SAMPLE_BYTES = 4


class StreamCallback:
    """The callback of one stream.

    Args:
        clock: Stamps each buffer.
        buffers: Where the records go.
        outputs: The channels of an output stream, which is fed silence.
    """

    def __init__(self, clock: Clock, buffers: RingWriter, outputs: int) -> None:
        self._clock = clock
        self._write = buffers.write
        self._output_frame_bytes = outputs * _SAMPLE_BYTES
        self._gathered: deque[bytes] = deque(maxlen=4096)  # bounds memory should the main thread be starved
        self._thread_is_kept = False

    def __call__(
        self, samples: bytes | None, frames: int, times: dict[str, float], status: int
    ) -> tuple[bytes | None, int]:
        """PyAudio's stream callback."""
        device_seconds, monotonic_ns, cycle = self._clock(times)
        self._write(device_seconds, monotonic_ns, status, frames, cycle)
        if not self._thread_is_kept:
            self._thread_is_kept = True
            _keep_python_thread()
        if samples is None:
            return bytes(frames * self._output_frame_bytes), _CONTINUE
        self._gathered.append(samples)
        return None, _CONTINUE

    def take(self) -> bytes:
        """The interleaved float32 samples since the last call."""
        return b"".join(self._gathered.popleft() for _ in range(len(self._gathered)))


def _keep_python_thread() -> None:
    """Keep Python's state of the calling thread for as long as the thread lives.

    PyAudio takes and gives back the GIL with `PyGILState`, which would otherwise make and destroy that state, and map
    and unmap its stack, at each callback: half of what the probe costs.
    """
    ctypes.pythonapi.PyGILState_Ensure()
