"""The probe's process: one PyAudio callback stream.

`process` starts it as `python -m collectors.audio.probe REQUEST`; `protocol` defines its input and output. PyAudio's
callback needs the GIL, so any other Python work in the process would delay the audio server. A stream whose server died
cannot be closed, so every way out of here ends in `os._exit`.

`callback` has the callback; the main thread computes levels from the samples that it queued.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any, NoReturn

from collectors.audio.probe.callback import StreamCallback
from collectors.audio.probe.portaudio import (
    choose_device,
    close_clock,
    load_portaudio,
    measured_channels,
    open_clock,
    open_stream,
    output_channels,
    own_frames,
)
from collectors.audio.probe.protocol import (
    BUFFER_CAPACITY,
    BUFFER_RECORD,
    LEVEL_CAPACITY,
    Exit,
    ProbeRequest,
    RefusedError,
    decode_request,
    encode_answer,
    level_record,
)
from collectors.audio.probe.ring import RingWriter
from collectors.audio.probe.sample_levels import channel_levels

_LEVEL_SECONDS = 0.25
_CLOSE_SECONDS = 0.5


def main() -> NoReturn:
    """Measure until the stream or the parent ends."""
    answers = _keep_stdout_for_answers()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the agent, which then ends the probe
    left = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: _leave_by_signal(left))  # systemd sends it to the probe as well
    threading.Thread(target=_end_with_parent, args=(left,), daemon=True).start()
    try:
        _run(decode_request(sys.argv[1]), answers, left)
    except RefusedError as error:
        os.write(answers, encode_answer(error.refusal))
        os._exit(error.refusal.code)
    os._exit(Exit.PARENT_GONE if left.is_set() else Exit.STREAM_ENDED)


def _keep_stdout_for_answers() -> int:
    """Return a descriptor for the answer and redirect descriptor 1, because libraries print to it."""
    answers = os.dup(1)
    os.dup2(2, 1)
    return answers


def _end_with_parent(left: threading.Event) -> None:
    """Wait for the end of standard input: the agent closes it to end the probe, or has died."""
    os.read(0, 1)
    _leave(left)


def _leave_by_signal(left: threading.Event) -> None:
    """Leave in a thread, because the interrupted main thread may hold the lock of `left`."""
    threading.Thread(target=_leave, args=(left,), daemon=True).start()


def _leave(left: threading.Event) -> None:
    """Request a clean close, because JACK reports an xrun to all clients when one of them ends without it.

    On a frozen server a close never returns. After `_CLOSE_SECONDS` the default action of SIGALRM ends the process,
    which needs no interpreter lock.
    """
    left.set()
    signal.setitimer(signal.ITIMER_REAL, _CLOSE_SECONDS)


def _run(request: ProbeRequest, answers: int, left: threading.Event) -> None:
    """Open the stream, answer, and measure until the stream ends or the agent closes standard input."""
    audio = load_portaudio()
    device = choose_device(audio, request)
    channels = measured_channels(device, request)
    buffers = RingWriter(request.buffers, BUFFER_RECORD, BUFFER_CAPACITY)
    clock = open_clock(audio, device)
    callback = StreamCallback(clock, buffers, output_channels(device))
    frames = own_frames(audio, device, request)
    info, stream = open_stream(audio, device, channels, callback, frames)
    os.write(answers, encode_answer(info))
    levels = RingWriter(request.levels, level_record(channels), LEVEL_CAPACITY)
    while stream.is_active():
        if left.wait(_LEVEL_SECONDS):
            stream.close()
            audio.terminate()  # disconnects from the server
            close_clock(clock)
            return
        levels.write(*_level_block(callback.take(), channels, stream))


def _level_block(data: bytes, channels: int, stream: Any) -> list[float]:  # noqa: ANN401 - PyAudio carries no types
    import numpy as np

    load = stream.get_cpu_load()
    if not channels:
        return [0, load]
    samples = np.frombuffer(data, np.float32).reshape(-1, channels)
    return [len(samples), load, *channel_levels(samples)]


if __name__ == "__main__":
    main()
