"""The process of a JACK server, found by the server's name in `/proc`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from getopt import GetoptError, getopt
from pathlib import Path

from collectors.audio.jack.names import server_name
from collectors.kernel_files import entries, read_bytes

_PROGRAMS = frozenset({b"jackd", b"jackdbus"})
_OPTIONS = "a:c:C:FhI:l:L:mM:n:p:P:rRsSt:TuvVX:"
_LONG_OPTIONS = ("name=", "realtime", "no-realtime", "verbose", "sync", "temporary", "silent", "timeout=", "port-max=")
"""The options of jackd(1) before the driver. A server with others has an unknown name."""


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """The process of one server.

    Attributes:
        pid: Its process number.
        command: Its command line.
    """

    pid: int
    command: tuple[str, ...]


def find_server(name: str, proc: Path = Path("/proc")) -> ServerProcess | None:
    """Return the process of the JACK server of that name.

    Returns:
        None if there is none, or if more than one process may be it. PipeWire's server has no name of JACK's.
    """
    found = [process for named, process in _servers(proc) if named == name]
    return found[0] if len(found) == 1 else None


def _servers(proc: Path) -> Iterator[tuple[str, ServerProcess]]:
    """Yield the servers whose names can be read; those of other users cannot."""
    for pid in filter(str.isdecimal, entries(proc)):
        try:
            if read_bytes(proc / pid / "comm").rstrip(b"\n") not in _PROGRAMS:
                continue
            command = tuple(map(os.fsdecode, read_bytes(proc / pid / "cmdline").split(b"\0")[:-1]))
            yield _name(command[1:], proc / pid), ServerProcess(int(pid), command)
        except (OSError, GetoptError):
            continue


def _name(arguments: Sequence[str], process: Path) -> str:
    """Return the server's name by its options, or by its environment.

    The options of a driver follow `-d`; ALSA's own `-n` is a number of periods.

    Raises:
        GetoptError: The options are unknown.
        OSError: The environment cannot be read.
    """
    driver = next((at for at, it in enumerate(arguments) if it.startswith(("-d", "--driver"))), len(arguments))
    options, _ = getopt(list(arguments[:driver]), _OPTIONS, list(_LONG_OPTIONS))
    names = [value for option, value in options if option in {"-n", "--name"}]
    variables = dict(it.partition(b"=")[::2] for it in read_bytes(process / "environ").split(b"\0"))
    default = os.fsdecode(variables.get(b"JACK_DEFAULT_SERVER", b""))
    return names[-1] if names else server_name(default, environment={})
