"""The senders of the signals that stopped or killed a process, from the kernel's trace."""

from __future__ import annotations

import signal

from collectors.audio.causes.analysis.scene import Scene

STOPS = frozenset({signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU})
_NEAR_NS = 1_000_000_000


def sender(scene: Scene, pid: int, numbers: frozenset[signal.Signals] | None = None) -> str:
    """Return the process that sent a signal to another one near the dropout; empty if unknown.

    Args:
        scene: The dropout.
        pid: The process that received it.
        numbers: The signals to look for; `None` for those that end a process.
    """
    schedule = scene.schedule
    if schedule is None or not pid:
        return ""
    window = scene.evidence.window
    for sent in reversed(schedule.signals(window.start_ns - _NEAR_NS, window.end_ns)):
        if schedule.process(sent.target) != pid or not _is_wanted(sent.number, numbers):
            continue
        source = schedule.process(sent.sender)
        name = schedule.name(sent.sender)
        if not source or source == pid:
            return f"its own {signal.Signals(sent.number).name}"
        return f"{name} (pid {source})"[:200]
    return ""


_ENDS = frozenset({
    signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE,
    signal.SIGINT, signal.SIGHUP,
})  # fmt: skip


def _is_wanted(number: int, numbers: frozenset[signal.Signals] | None) -> bool:
    try:
        return signal.Signals(number) in (_ENDS if numbers is None else numbers)
    except ValueError:  # a real-time signal
        return False
