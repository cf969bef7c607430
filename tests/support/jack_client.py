"""A JACK client that standard input controls: a tone of any level, or a late callback.

It is a process of its own, so that its Python work delays no other: `python -m tests.support.jack_client SERVER NAME`.
Commands: `own PORT` (register a physical capture port), `tone AMPLITUDE` (on the first of them), `late SECONDS` (sleep
once in the callback), `hog CYCLES` (compute for one and a half periods in each), `work SECONDS` (compute in each),
`hear PORT` (connect a port to a new input), `freewheel 1` and `freewheel 0` (start and end an export). Each is answered
`ok`, and `cycles 0` with the number of cycles so far.

`JackListener` is another process, which only records the server's xruns.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tests.support.waiting import PATIENCE, eventually

_ROOT = Path(__file__).parents[2]


class JackClient:
    """The test's side of the client.

    Args:
        server: The JACK server's name.
        name: The client's name; empty for one that contains the server's name, because libjack needs unique names.
        environment: The environment of the process; None for this process's own.
    """

    def __init__(self, server: str, name: str = "", environment: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, server, name or f"wr-test-client-{server}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_ROOT,
            env=environment,
            text=True,
        )
        self._await_ok()

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def tell(self, command: str) -> None:
        """Send a command and wait until it is done."""
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        self._await_ok()

    def cycles(self) -> int:
        """Return the number of cycles so far."""
        assert self._process.stdin is not None
        self._process.stdin.write("cycles 0\n")
        self._process.stdin.flush()
        return int(self._answer())

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()

    def _await_ok(self) -> None:
        answer = self._answer()
        assert answer == "ok\n", f"the JACK client of the tests answered {answer!r}"

    def _answer(self) -> str:
        assert self._process.stdout is not None
        assert select.select([self._process.stdout], [], [], PATIENCE)[0], "the JACK client of the tests hangs"
        return self._process.stdout.readline()


_LISTENER = """
import jack, sys, time
client = jack.Client(f"wr-test-listener-{sys.argv[1]}", no_start_server=True, servername=sys.argv[1])
client.set_xrun_callback(lambda _delayed: print(time.monotonic_ns(), flush=True))
client.activate()
print(flush=True)
sys.stdin.read()
"""


class JackListener:
    """An independent record of the server's xruns, written by a process that does nothing else.

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
        """Return the monotonic time of each reported xrun, in nanoseconds."""
        return [int(line) for line in os.pread(self._said.fileno(), 1 << 20, 0).split()]

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()
        self._said.close()


def main(server: str, name: str) -> None:  # noqa: C901 - a list of commands
    """Run the client's side."""
    import jack
    import numpy as np

    client = jack.Client(name, no_start_server=True, servername=server)
    wave = np.sin(2 * np.pi * np.arange(client.blocksize) * 4 / client.blocksize).astype(np.float32)
    too_long = 1.5 * client.blocksize / client.samplerate
    amplitude = 0.0
    late = 0.0
    hogged = 0
    cycles = 0
    work = 0.0

    @client.set_process_callback  # type: ignore[untyped-decorator] # JACK-Client carries no types
    def process(_frames: int) -> None:
        nonlocal late, hogged, cycles
        cycles += 1
        for port in client.outports:
            port.get_array()[:] = 0
        for port in client.outports[:1]:
            port.get_array()[:] = amplitude * wave
        until = time.monotonic() + too_long
        while hogged > 0 and time.monotonic() < until:
            pass
        until = time.monotonic() + work
        while work and time.monotonic() < until:
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
        elif command == "work":
            work = float(argument)
        elif command == "hear":
            client.connect(argument, client.inports.register("in"))
        elif command == "freewheel":
            client.set_freewheel(bool(int(argument)))
        elif command == "own":
            client.outports.register(argument, is_terminal=True, is_physical=True)
        print(cycles if command == "cycles" else "ok", flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main(*sys.argv[1:])
