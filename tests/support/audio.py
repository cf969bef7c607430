"""Helpers that run an audio collector in a test and read its families."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

from collectors.audio.collector import AudioCollector
from collectors.audio.config import AudioConfig
from collectors.audio.probe.plan import ProbePlan
from collectors.audio.probe.process import ProbeError, ProbeProcess, running_probe
from collectors.audio.probe.protocol import Exit
from collectors.metrics import HistogramValue, Value
from tests.support.waiting import PATIENCE


@contextlib.asynccontextmanager
async def watching(config: AudioConfig, *, macos: bool = False) -> AsyncIterator[AudioCollector]:
    """Yield a running collector; end it afterwards."""
    collector = AudioCollector(config, macos=macos)
    running = asyncio.create_task(collector.run())
    try:
        yield collector
    except AssertionError as error:
        error.add_note(f"The collector found: {[f for check in collector.checks() for f in check.run()]}")
        raise
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


@contextlib.asynccontextmanager
async def opened_probe(plan: ProbePlan) -> AsyncIterator[ProbeProcess]:
    """Yield a probe on a running server; retry as the agent does, because a busy machine's server may answer late."""
    async with contextlib.AsyncExitStack() as stack:
        yield await _opened(stack, plan, time.monotonic() + PATIENCE)


async def _opened(stack: contextlib.AsyncExitStack, plan: ProbePlan, deadline: float) -> ProbeProcess:
    while True:
        try:
            return await stack.enter_async_context(running_probe(plan))
        except ProbeError as error:
            if error.code is not Exit.NO_JACK or time.monotonic() > deadline:
                raise


def exported(collector: AudioCollector, name: str, **labels: str) -> Value | None:
    """Return the value of one series of the collector's next snapshot; None if there is none."""
    for family in collector.collect():
        for values, value in family.samples.items():
            if family.name == name and labels.items() <= dict(zip(family.labels, values, strict=True)).items():
                return value
    return None


def number(collector: AudioCollector, name: str, **labels: str) -> float:
    """Return the value of a numeric series; -1 if there is none."""
    value = exported(collector, name, **labels)
    assert value is None or isinstance(value, int | float)
    return -1.0 if value is None else float(value)


def observed(collector: AudioCollector, name: str, **labels: str) -> int:
    """Return the number of observations of a histogram; 0 if there is none."""
    value = exported(collector, name, **labels)
    return sum(value.counts) if isinstance(value, HistogramValue) else 0


def codes(collector: AudioCollector) -> set[str]:
    """Return the codes of the collector's findings, without dropouts and the level at which they are explained.

    A busy machine has dropouts of its own.
    """
    found = {finding.code for check in collector.checks() for finding in check.run()}
    return found - {"audio-dropouts", "audio-evidence-level"}


def probe_pids(parent: int) -> list[int]:
    """Return the probe processes that `parent` started, from /proc."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
    return [int(pid) for pid in children if b"collectors.audio.probe" in _command_line(pid)]


def _command_line(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
