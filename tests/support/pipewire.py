"""A real PipeWire for tests, without sound card, session manager or D-Bus. It serves JACK clients."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.support.waiting import PATIENCE, eventually

_ROOT = Path(__file__).parents[2]

SINK = "null-sink"
DEVICE = "wr-test-device"
RATE = 48_000
FRAMES = 256

# Format and channels are named because there is no session manager to choose them.
_CONFIG = f"""\
context.properties = {{
    core.daemon = true
    core.name = pipewire-0
    support.dbus = false
    default.clock.rate = {RATE}
    default.clock.quantum = {FRAMES}
}}
context.spa-libs = {{
    audio.convert.* = audioconvert/libspa-audioconvert
    support.* = support/libspa-support
}}
context.modules = [
    {{ name = libpipewire-module-protocol-native }}
    {{ name = libpipewire-module-profiler }}
    {{ name = libpipewire-module-metadata }}
    {{ name = libpipewire-module-spa-node-factory }}
    {{ name = libpipewire-module-client-node }}
    {{ name = libpipewire-module-access }}
    {{ name = libpipewire-module-adapter }}
    {{ name = libpipewire-module-link-factory }}
]
context.objects = [
    {{ factory = metadata args = {{ metadata.name = default }} }}
    {{ factory = spa-node-factory args = {{
        factory.name = support.node.driver
        node.name = Freewheel-Driver
        priority.driver = 19000
        node.group = pipewire.freewheel
        node.freewheel = true
    }} }}
    {{ factory = adapter args = {{
        factory.name = support.null-audio-sink
        node.name = {SINK}
        node.driver = true
        priority.driver = 20000
        media.class = Audio/Sink
        audio.format = F32P
        audio.rate = {RATE}
        audio.channels = 2
        audio.position = "FL,FR"
        adapter.auto-port-config = {{ mode = dsp monitor = true position = preserve }}
    }} }}
]
"""


class PipeWire:
    """One server with a null sink as its driver, and a device with capture ports."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="wr-pipewire-")  # a socket's path must be short
        self._process: subprocess.Popen[bytes] | None = None
        self._device: subprocess.Popen[bytes] | None = None
        (self.folder / "pipewire.conf").write_text(_CONFIG)

    @property
    def folder(self) -> Path:
        """The runtime directory of the socket."""
        return Path(self._folder.name)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a JACK client of this PipeWire, as `pw-jack` sets it."""
        printed = subprocess.run(
            ["pw-jack", "sh", "-c", 'printf %s "$LD_LIBRARY_PATH"'],
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE,
        )
        return {"LD_LIBRARY_PATH": printed.stdout, "XDG_RUNTIME_DIR": self._folder.name}

    def start(self) -> None:
        """Start the server and wait until its sink and its device exist."""
        self._process = subprocess.Popen(
            ["pipewire", "-c", str(self.folder / "pipewire.conf")],
            env=os.environ | {"XDG_RUNTIME_DIR": self._folder.name},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        eventually(self._lists_the_sink, "PipeWire to answer")
        self._device = subprocess.Popen(
            [sys.executable, "-m", __name__],
            env=os.environ | self.environment,
            cwd=_ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        if not _says_something(self._device):
            raise RuntimeError("PipeWire took no JACK client")

    def kill(self) -> None:
        """Kill the server."""
        for process in (self._process, self._device):
            if process is not None:
                process.kill()
                process.communicate()
        self._process = self._device = None

    def freeze(self) -> None:
        """Stop the process."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Continue the stopped process."""
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        """End the server and its device."""
        self.kill()
        self._folder.cleanup()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            raise RuntimeError("PipeWire is not running")
        self._process.send_signal(number)

    def _lists_the_sink(self) -> bool:
        listed = subprocess.run(
            ["pw-cli", "ls", "Node"],
            env=os.environ | {"XDG_RUNTIME_DIR": self._folder.name},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        return SINK in listed.stdout


def _says_something(process: subprocess.Popen[bytes]) -> bool:
    if process.stdout is None:
        raise AssertionError("the device's standard output is a pipe")
    ready, _, _ = select.select([process.stdout], [], [], PATIENCE)
    return bool(ready and process.stdout.readline())


def main() -> None:
    """Run a device: a JACK client with physical ports, which the null sink lacks since PipeWire 1.0."""
    import jack

    client = jack.Client(DEVICE, no_start_server=True)
    for channel in ("1", "2"):
        client.outports.register(f"capture_{channel}", is_physical=True, is_terminal=True)
    client.activate()
    print("ok", flush=True)  # noqa: T201 - the parent waits for it
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()
