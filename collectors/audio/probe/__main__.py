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
from contextlib import ExitStack
from typing import Any, NoReturn

from collectors.audio.probe.callback import StreamCallback
from collectors.audio.probe.clock import portaudio_clock
from collectors.audio.probe.jack_devices import describe
from collectors.audio.probe.portaudio import (
    check_libraries,
    choose_device,
    connect,
    is_on_jack,
    load_portaudio,
    measured_channels,
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
from collectors.audio.probe.table_copies import table_copier

_LEVEL_SECONDS = 0.25
_CLOSE_SECONDS = 0.5
_FREEWHEEL_CLOSE_SECONDS = 3.0
"""The limit of a close while the server freewheels, because an end without a close would stall the export."""


def main() -> NoReturn:
    """Measure until the stream or the parent ends."""
    answers = _keep_stdout_for_answers()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the agent, which then ends the probe
    left = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: _leave_by_signal(left))  # systemd sends it to the probe as well
    threading.Thread(target=_end_with_parent, args=(left,), daemon=True).start()
    opened = ExitStack()
    try:
        _run(decode_request(sys.argv[1]), answers, left, opened)
    except RefusedError as error:
        os.write(answers, encode_answer(error.refusal))
        _close(opened, _CLOSE_SECONDS)
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


def _close(opened: ExitStack, seconds: float) -> None:
    """Disconnect from the server, or end the process after some seconds."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    opened.close()


def _run(request: ProbeRequest, answers: int, left: threading.Event, opened: ExitStack) -> None:
    """Open the stream, answer, and measure until the stream ends or the agent closes standard input.

    Only the latter closes what is opened: the stream of a server that died cannot be closed.
    """
    check_libraries()
    server = connect()
    if server is not None:
        opened.callback(server.close)
    audio = load_portaudio()
    opened.callback(audio.terminate)
    clients = server.channels() if server is not None else {}
    device = choose_device(audio, request, clients)
    channels = measured_channels(device, request)
    buffers = RingWriter(request.buffers, BUFFER_RECORD, BUFFER_CAPACITY)
    clock = server if is_on_jack(audio, device) else None
    callback = StreamCallback(
        clock or portaudio_clock,
        buffers,
        output_channels(device),
        clock.freewheels if clock else lambda: False,
        table_copier(request.table) if clock else None,
    )
    if clock is not None:
        clock.watch(device["hostApi"])
        describe(device["index"], device["name"], clients[device["name"]])
    info, stream = open_stream(audio, device, channels, callback, own_frames(audio, device, request))
    opened.callback(stream.close)
    os.write(answers, encode_answer(info))
    levels = RingWriter(request.levels, level_record(channels), LEVEL_CAPACITY)
    while stream.is_active():
        if left.wait(_LEVEL_SECONDS):
            _close(opened, _FREEWHEEL_CLOSE_SECONDS if callback.paused else _CLOSE_SECONDS)
            return
        samples = callback.take()
        if not callback.paused:
            levels.write(*_level_block(samples, channels, stream))


def _level_block(data: bytes, channels: int, stream: Any) -> list[float]:  # noqa: ANN401 - PyAudio carries no types
    import numpy as np

    load = stream.get_cpu_load()
    if not channels:
        return [0, load]
    samples = np.frombuffer(data, np.float32).reshape(-1, channels)
    return [len(samples), load, *channel_levels(samples)]


if __name__ == "__main__":
    main()
