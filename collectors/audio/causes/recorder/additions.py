"""The evidence that others give after a dropout: PipeWire's log, the plugins' render times, the kernel's trace."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog
from msgspec.structs import replace

from collectors.audio.causes.evidence import Evidence, PluginTime
from collectors.audio.causes.recorder import pipewire_log
from collectors.audio.causes.recorder.pipewire_log import read_journal

log = structlog.get_logger()

_SECOND_NS = 1_000_000_000
_PLUGINS_SECONDS = 1.0
_LOG_BEFORE_NS, _LOG_AFTER_NS = _SECOND_NS, 2 * _SECOND_NS
_NO_TRACE = "No kernel trace of this time."
_TRACE_BEFORE_NS, _TRACE_AFTER_NS = 2 * _SECOND_NS, _SECOND_NS // 10
"""The time of the kernel's trace before and after a dropout."""

RenderTimes = Callable[[int, int], Awaitable[tuple[PluginTime, ...]]]
"""The type of a function that returns the plugins' render times between two monotonic times in nanoseconds."""


class KernelTraces(Protocol):
    """The client of the kernel recorder."""

    def freeze(self, at_ns: int) -> None:
        """Freeze the running trace without blocking."""

    async def capture(self, start_ns: int, end_ns: int) -> int | None:
        """Return the descriptor of the trace between two times; None if there is none."""

    @property
    def pid(self) -> int:
        """The process of the kernel recorder; 0 if it is not connected."""

    @property
    def missing(self) -> str:
        """The sentence for an event without a trace; empty while the recorder is connected."""


async def with_log(evidence: Evidence) -> Evidence:
    """Return the evidence with the lines that PipeWire logged."""
    window = evidence.window
    lines, problem = await read_journal(window.start_ns - _LOG_BEFORE_NS, window.end_ns + _LOG_AFTER_NS)
    found = pipewire_log.incidents(lines)
    return replace(
        evidence,
        incidents=tuple(sorted((*evidence.incidents, *found), key=lambda incident: incident.at_ns)),
        cycles=evidence.cycles or pipewire_log.cycles(lines),
        missing=(*evidence.missing, problem) if problem else evidence.missing,
    )


async def with_plugins(evidence: Evidence, ask: RenderTimes) -> Evidence:
    """Return the evidence with the plugins' render times; without them if they do not answer in time."""
    try:
        times = await asyncio.wait_for(ask(evidence.window.start_ns, evidence.window.end_ns), _PLUGINS_SECONDS)
    except TimeoutError:
        return evidence
    except Exception:
        log.exception("the plugins' render times could not be read")
        return evidence
    return replace(evidence, plugins=times)


async def with_trace(evidence: Evidence, kernel: KernelTraces) -> Evidence:
    """Return the evidence with the descriptor of the kernel's trace, or with the reason why there is none."""
    window = evidence.window
    capture = await kernel.capture(window.start_ns - _TRACE_BEFORE_NS, window.end_ns + _TRACE_AFTER_NS)
    if capture is not None:
        window = replace(window, own_pids=(*window.own_pids, kernel.pid))
        return replace(evidence, window=window, capture=capture)
    return replace(evidence, missing=(*evidence.missing, kernel.missing or _NO_TRACE))
