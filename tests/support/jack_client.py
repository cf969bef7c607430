"""A JACK client that behaves as told on standard input: a tone of any level, or a callback that is late.

Run as a process of its own, so that its Python work delays nobody else's: `python -m tests.support.jack_client SERVER`.
Commands: `tone AMPLITUDE`, `late SECONDS` (once), `connect PORT` (unless it is or cannot be). Each is answered `ok`.
"""

from __future__ import annotations

import contextlib
import select
import subprocess
import sys
import time
from pathlib import Path

from tests.support.waiting import PATIENCE

_ROOT = Path(__file__).parents[2]


class JackClient:
    """The side of the tests.

    Args:
        server: The JACK server's name.
    """

    def __init__(self, server: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, server],
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


def main(server: str) -> None:
    """The side of the process."""
    import jack
    import numpy as np

    client = jack.Client("wr-test-client", no_start_server=True, servername=server)
    port = client.outports.register("out")
    wave = np.sin(2 * np.pi * np.arange(client.blocksize) * 4 / client.blocksize).astype(np.float32)
    amplitude = 0.0
    late = 0.0

    @client.set_process_callback  # type: ignore[untyped-decorator] # JACK-Client carries no types
    def process(_frames: int) -> None:
        nonlocal late
        port.get_array()[:] = amplitude * wave
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
        else:
            with contextlib.suppress(jack.JackError):
                port.connect(argument)
        print("ok", flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main(sys.argv[1])
