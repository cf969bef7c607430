"""The probe's process: one PyAudio callback stream, and nothing beside it.

Started as `python -m collectors.audio.probe REQUEST` by `probe_process`; `protocol` says what goes in and out. It is a
process of its own because PyAudio's callback needs the GIL (any other Python work would delay the audio server) and
because a stream whose server died cannot be closed, only left: every way out of here is `os._exit`.

The callback does the least that can be done; levels are computed from what it gathered by the main thread.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections import deque
from itertools import chain
from typing import TYPE_CHECKING, Any, NoReturn

from collectors.audio.probe_stream import (
    RefusedError,
    choose_device,
    load_portaudio,
    measured_channels,
    open_stream,
    output_channels,
)
from collectors.audio.protocol import (
    BUFFER_CAPACITY,
    BUFFER_RECORD,
    LEVEL_CAPACITY,
    Exit,
    ProbeRequest,
    encode_answer,
    level_record,
)
from collectors.audio.ring import RingWriter

if TYPE_CHECKING:
    import numpy as np

_LEVEL_SECONDS = 0.1
_CONTINUE = 0  # PortAudio's paContinue
_SAMPLE_BYTES = 4
_FULL_SCALE = 32767 / 32768
"""The highest positive sample of a 16-bit converter, as PortAudio and JACK scale it; finer ones end above it."""


class Tap:
    """The stream's callback: notes when each buffer came, and keeps its samples until they are taken.

    Args:
        buffers: Where the records go.
        outputs: The channels of an output stream, which is fed silence.
    """

    def __init__(self, buffers: RingWriter, outputs: int) -> None:
        self._write = buffers.write
        self._output_frame_bytes = outputs * _SAMPLE_BYTES
        self._gathered: deque[bytes] = deque(maxlen=1024)  # bounds memory should the main thread be starved

    def __call__(
        self, samples: bytes | None, frames: int, times: dict[str, float], status: int
    ) -> tuple[bytes | None, int]:
        """Called by PortAudio in real time."""
        self._write(times["current_time"], time.monotonic_ns(), status, frames)
        if samples is None:
            return bytes(frames * self._output_frame_bytes), _CONTINUE
        self._gathered.append(samples)
        return None, _CONTINUE

    def take(self) -> bytes:
        """The interleaved float32 samples since the last call."""
        return b"".join(self._gathered.popleft() for _ in range(len(self._gathered)))


def main() -> NoReturn:
    """Run the probe until the stream or the parent ends."""
    answers = _keep_stdout_for_answers()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the agent, which then ends us
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _run(ProbeRequest(**json.loads(sys.argv[1])), answers)
    except RefusedError as error:
        os.write(answers, encode_answer(error.refusal))
        os._exit(error.refusal.code)
    os._exit(Exit.STREAM_ENDED)


def _keep_stdout_for_answers() -> int:
    """Leave standard output to the answer alone: libraries print to descriptor 1 as well."""
    answers = os.dup(1)
    os.dup2(2, 1)
    return answers


def _end_with_parent() -> None:
    """Standard input is a pipe that the agent holds open and never writes to."""
    os.read(0, 1)
    os._exit(Exit.PARENT_GONE)


def _run(request: ProbeRequest, answers: int) -> None:
    """Open the stream, say so, and measure until it is no longer active."""
    audio = load_portaudio()
    device = choose_device(audio, request)
    channels = measured_channels(device, request)
    tap = Tap(RingWriter(request.buffers, BUFFER_RECORD, BUFFER_CAPACITY), output_channels(device))
    info, stream = open_stream(audio, device, channels, tap)
    os.write(answers, encode_answer(info))
    levels = RingWriter(request.levels, level_record(channels), LEVEL_CAPACITY)
    while stream.is_active():
        time.sleep(_LEVEL_SECONDS)
        levels.write(*_level_block(tap.take(), channels, stream))


def _level_block(data: bytes, channels: int, stream: Any) -> list[float]:  # noqa: ANN401 - PyAudio carries no types
    import numpy as np

    load = stream.get_cpu_load()
    if not channels:
        return [0, load]
    samples = np.frombuffer(data, np.float32).reshape(-1, channels)
    return [len(samples), load, *channel_levels(samples)]


def channel_levels(samples: np.ndarray[Any, np.dtype[np.float32]]) -> list[float]:
    """The four numbers of `level_record` for each channel, one channel after the other.

    Args:
        samples: Shape (frames, channels). A sample that is not a number counts as zero.
    """
    import numpy as np

    finite = np.nan_to_num(samples)
    magnitude = np.abs(finite)
    sounding = magnitude[::-1] > 0
    tails = np.where(sounding.any(axis=0), sounding.argmax(axis=0) if len(samples) else 0, len(samples))
    columns = (
        magnitude.max(axis=0, initial=0).tolist(),
        np.einsum("ij,ij->j", finite, finite, dtype=np.float64).tolist(),
        np.count_nonzero(magnitude >= _FULL_SCALE, axis=0).tolist(),
        tails.tolist(),
    )
    return list(chain.from_iterable(zip(*columns, strict=True)))


if __name__ == "__main__":
    main()
