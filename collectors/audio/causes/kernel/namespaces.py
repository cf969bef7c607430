"""The pid namespace of this process."""

from __future__ import annotations

from pathlib import Path

INITIAL = "pid:[4026531836]"
"""The namespace whose numbers the kernel writes into its traces (PROC_PID_INIT_INO)."""

ELSEWHERE = "the agent runs in a pid namespace of its own, such as a container's; run it on the host"
"""The reason why a trace is of no use in another one, as a clause."""


def sees_the_kernels_numbers() -> bool:
    """Return whether threads have the same numbers here and in the kernel's traces.

    Raises:
        OSError: `/proc` is not mounted.
    """
    return str(Path("/proc/self/ns/pid").readlink()) == INITIAL
