"""The stream's callback, which records the time of each buffer and queues its samples.

PortAudio calls it in real time and it holds the GIL, so it does as little as possible. `sample_levels` computes levels.
"""

from __future__ import annotations

import ctypes
import time
from collections import deque
from collections.abc import Callable

from collectors.audio.jack.freewheel import GRACE_NS
from collectors.audio.probe.clock import Clock
from collectors.audio.probe.ring import RingWriter

_CONTINUE = 0  # PortAudio's paContinue
_SAMPLE_BYTES = 4


class StreamCallback:
    """The callback of one stream.

    Args:
        clock: Function that stamps each buffer.
        buffers: The ring for the records.
        outputs: Number of channels of an output stream, which plays silence.
        freewheels: Function that returns whether the server freewheels now.
        copy_table: Function that copies JACK's table of client timings; called with the monotonic time of the buffer.

    Attributes:
        paused: Whether buffers are ignored, because the server freewheels or the agent requests it.
    """

    def __init__(
        self,
        clock: Clock,
        buffers: RingWriter,
        outputs: int,
        freewheels: Callable[[], bool] = lambda: False,
        copy_table: Callable[[int], None] | None = None,
    ) -> None:
        self._clock = clock
        self._buffers = buffers
        self._write = buffers.write
        self._freewheels = freewheels
        self._copy_table = copy_table
        self._resume_ns = 0
        self.paused = False
        self._output_frame_bytes = outputs * _SAMPLE_BYTES
        self._gathered: deque[bytes] = deque(maxlen=4096)  # bounds memory while the main thread is starved
        self._thread_is_kept = False

    def __call__(
        self, samples: bytes | None, frames: int, times: dict[str, float], status: int
    ) -> tuple[bytes | None, int]:
        """Record one buffer; the signature is that of PyAudio's stream callback."""
        if self._must_pause():
            return bytes(frames * self._output_frame_bytes) if samples is None else None, _CONTINUE
        device_seconds, monotonic_ns, cycle = self._clock(times)
        self._write(device_seconds, monotonic_ns, status, frames, cycle)
        if self._copy_table is not None:
            self._copy_table(monotonic_ns)
        if not self._thread_is_kept:
            self._thread_is_kept = True
            _keep_python_thread()
        if samples is None:
            return bytes(frames * self._output_frame_bytes), _CONTINUE
        self._gathered.append(samples)
        return None, _CONTINUE

    def _must_pause(self) -> bool:
        """Return whether to ignore the buffer, so that an export is not slowed down."""
        if self._freewheels():
            self._resume_ns = time.monotonic_ns() + GRACE_NS
        paused = self._buffers.held or (self._resume_ns > 0 and time.monotonic_ns() < self._resume_ns)
        if paused is not self.paused:
            self.paused = paused
            self._buffers.toggle_pause()
        if not paused:
            self._resume_ns = 0
        return paused

    def take(self) -> bytes:
        """Return the interleaved float32 samples since the last call."""
        return b"".join(self._gathered.popleft() for _ in range(len(self._gathered)))


def _keep_python_thread() -> None:
    """Keep Python's state of the calling thread until the thread ends.

    PyAudio takes the GIL with `PyGILState`. Without this call, each callback creates and destroys that state and maps
    its stack, which costs half of the probe's CPU time.
    """
    ctypes.pythonapi.PyGILState_Ensure()
