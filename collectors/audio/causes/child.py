"""The process that analyses one dropout.

It reads the evidence as JSON from standard input. It writes a line with the event as JSON to standard output, and then
the packed evidence, which includes the kernel's trace.

`analysis_process` starts it as `python -m collectors.audio.causes.child MODULE:FUNCTION`. It lowers its own priority
and limits its own processor time, memory and life, so that it cannot disturb audio or outlive its use.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from importlib import import_module

NICENESS = 5
"""The niceness: enough to stay behind all audio, and little enough to end in time on a loaded machine."""

CPU_SECONDS = 3
"""The limit of processor time, at which the kernel ends the process."""

MEMORY_BYTES = 512 << 20
"""The limit of address space, of which Python alone needs about 40 MiB."""

LIFE_SECONDS = 15
"""The limit of its life, for a process whose agent was killed."""


def main() -> None:
    """Analyse the evidence on standard input."""
    _restrain()
    import msgspec  # loaded within the limits, as all below

    from collectors.audio.causes import evidence, packing
    from collectors.audio.causes.kernel.captured import with_trace

    module, _, function = sys.argv[1].partition(":")
    analyse = getattr(import_module(module), function)
    found = with_trace(evidence.decode(sys.stdin.buffer.read()))
    sys.stdout.buffer.write(msgspec.json.encode(analyse(found)) + b"\n")
    sys.stdout.buffer.flush()
    sys.stdout.buffer.write(packing.pack(evidence.encode(found)))


def _restrain() -> None:
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the agent, which then ends this process
    signal.alarm(LIFE_SECONDS)
    _limit(resource.RLIMIT_CPU, CPU_SECONDS)
    _limit(resource.RLIMIT_AS, MEMORY_BYTES)
    _limit(resource.RLIMIT_CORE, 0)


def _limit(kind: int, most: int) -> None:
    """Lower a soft limit of this process; a lower hard limit of the service stays."""
    _, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


if __name__ == "__main__":
    main()
