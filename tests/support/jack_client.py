"""A JACK client that behaves as told on standard input: a tone of any level, or a callback that is late.

Run as a process of its own, so that its Python work delays nobody else's: `python -m tests.support.jack_client SERVER`.
Commands: `own PORT` (a physical port that captures, as if it were a device's), `tone AMPLITUDE` (on the first of them),
`late SECONDS` (once), `hog CYCLES` (each takes one and a half of its time, computing). Each is answered `ok`.

`JackListener` is another process, which does nothing but note the server's xruns.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.support.waiting import PATIENCE, eventually

_ROOT = Path(__file__).parents[2]


class JackClient:
    """The side of the tests.

    Args:
        server: The JACK server's name.
        name: The client's name; empty for one that no other server's client has, as libjack needs it.
    """

    def __init__(self, server: str, name: str = "") -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, server, name or f"wr-test-client-{server}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_ROOT,
            text=True,
        )
        self._await_ok()

    def tell(self, command: str) -> None:
        """Give a command, and wait until it is done."""
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        self._await_ok()

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()

    def _await_ok(self) -> None:
        assert self._process.stdout is not None
        assert select.select([self._process.stdout], [], [], PATIENCE)[0], "the JACK client of the tests hangs"
        answer = self._process.stdout.readline()
        assert answer == "ok\n", f"the JACK client of the tests answered {answer!r}"


_LISTENER = """
import jack, sys, time
client = jack.Client(f"wr-test-listener-{sys.argv[1]}", no_start_server=True, servername=sys.argv[1])
client.set_xrun_callback(lambda _delayed: print(time.monotonic_ns(), flush=True))
client.activate()
print(flush=True)
sys.stdin.read()
"""


class JackListener:
    """Independent of all that is tested: the server's own word on xruns, noted in a process that does nothing else.

    Args:
        server: The JACK server's name.
    """

    def __init__(self, server: str) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LISTENER, server],
            stdin=subprocess.PIPE,
            stdout=self._said,
            stderr=subprocess.DEVNULL,
        )
        eventually(lambda: os.fstat(self._said.fileno()).st_size > 0, "the JACK listener of the tests to connect")

    def xruns(self) -> list[int]:
        """When the server said that there was an xrun, in nanoseconds of the monotonic clock."""
        return [int(line) for line in os.pread(self._said.fileno(), 1 << 20, 0).split()]

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()
        self._said.close()


def main(server: str, name: str) -> None:
    """The side of the process."""
    import jack
    import numpy as np

    client = jack.Client(name, no_start_server=True, servername=server)
    wave = np.sin(2 * np.pi * np.arange(client.blocksize) * 4 / client.blocksize).astype(np.float32)
    too_long = 1.5 * client.blocksize / client.samplerate
    amplitude = 0.0
    late = 0.0
    hogged = 0

    @client.set_process_callback  # type: ignore[untyped-decorator] # JACK-Client carries no types
    def process(_frames: int) -> None:
        nonlocal late, hogged
        for port in client.outports:
            port.get_array()[:] = 0
        for port in client.outports[:1]:
            port.get_array()[:] = amplitude * wave
        until = time.monotonic() + too_long
        while hogged > 0 and time.monotonic() < until:
            pass
        hogged -= 1
        pause, late = late, 0.0
        if pause:
            time.sleep(pause)

    client.activate()
    print("ok", flush=True)  # noqa: T201 - the answer
    for line in sys.stdin:
        command, argument = line.split()
        if command == "tone":
            amplitude = float(argument)
        elif command == "late":
            late = float(argument)
        elif command == "hog":
            hogged = int(argument)
        else:
            client.outports.register(argument, is_terminal=True, is_physical=True)
        print("ok", flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main(*sys.argv[1:])
