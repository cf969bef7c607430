"""The probe's process: one PyAudio callback stream, and nothing beside it.

Started as `python -m collectors.audio.probe REQUEST` by `process`; `protocol` says what goes in and out. It is a
process of its own because PyAudio's callback needs the GIL (any other Python work would delay the audio server) and
because a stream whose server died cannot be closed, only left: every way out of here ends in `os._exit`.

The callback is `callback`'s; levels are computed from what it gathered by the main thread.
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
    """Run the probe until the stream or the parent ends."""
    answers = _keep_stdout_for_answers()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the agent, which then ends us
    left = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: _leave_by_signal(left))  # systemd sends it to us as well
    threading.Thread(target=_end_with_parent, args=(left,), daemon=True).start()
    try:
        _run(decode_request(sys.argv[1]), answers, left)
    except RefusedError as error:
        os.write(answers, encode_answer(error.refusal))
        os._exit(error.refusal.code)
    os._exit(Exit.PARENT_GONE if left.is_set() else Exit.STREAM_ENDED)


def _keep_stdout_for_answers() -> int:
    """Leave standard output to the answer alone: libraries print to descriptor 1 as well."""
    answers = os.dup(1)
    os.dup2(2, 1)
    return answers


def _end_with_parent(left: threading.Event) -> None:
    """Standard input is a pipe that the agent never writes to; it is closed to end us, or by the agent's death."""
    os.read(0, 1)
    _leave(left)


def _leave_by_signal(left: threading.Event) -> None:
    """In a thread, as the main thread may have been interrupted while it held the lock of `left`."""
    threading.Thread(target=_leave, args=(left,), daemon=True).start()


def _leave(left: threading.Event) -> None:
    """Have the stream closed, because JACK tells all its clients of an xrun when one of them vanishes.

    But not for long: on a server that stands still that would take for ever. What ends us then is the default action of
    SIGALRM, for which nobody needs the interpreter's lock.
    """
    left.set()
    signal.setitimer(signal.ITIMER_REAL, _CLOSE_SECONDS)


def _run(request: ProbeRequest, answers: int, left: threading.Event) -> None:
    """Open the stream, say so, and measure until it is no longer active or nobody wants it any more."""
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
            audio.terminate()  # leaves the server
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
