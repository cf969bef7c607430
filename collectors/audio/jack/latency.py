"""The latency of JACK ports, read from libjack because JACK-Client does not offer it.

Source: `jack_port_get_latency_range` in JACK's `jack/jack.h`. JACK-Client has already loaded the library.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from types import ModuleType
from typing import Any

_CAPTURE, _PLAYBACK = 0, 1


class _Range(ctypes.Structure):
    _fields_ = (("min", ctypes.c_uint32), ("max", ctypes.c_uint32))


def latencies(jack: ModuleType, ports: Sequence[Any]) -> dict[str, tuple[int, int]]:
    """Return the highest input and output latency in frames of each client that owns physical ports.

    Args:
        jack: JACK-Client's module.
        ports: The physical audio ports; a capture port is an output of the client that owns it.
    """
    found: dict[str, tuple[int, int]] = {}
    for port in ports:
        owner = port.name.rpartition(":")[0]
        capture, playback = found.get(owner, (0, 0))
        if port.is_output:
            capture = max(capture, _frames(jack, port, _CAPTURE))
        else:
            playback = max(playback, _frames(jack, port, _PLAYBACK))
        found[owner] = capture, playback
    return found


def _frames(jack: ModuleType, port: Any, mode: int) -> int:  # noqa: ANN401 - JACK-Client carries no types
    latency = _Range()
    pointer = ctypes.c_void_p(int(jack._ffi.cast("uintptr_t", port._ptr)))  # noqa: SLF001 - nothing public leads there
    _library(jack).jack_port_get_latency_range(pointer, ctypes.c_int(mode), ctypes.byref(latency))
    return int(latency.max)


def _library(jack: ModuleType) -> ctypes.CDLL:
    """Return the libjack that JACK-Client has loaded."""
    return ctypes.CDLL(jack._libname)  # noqa: SLF001 - nothing public leads there
