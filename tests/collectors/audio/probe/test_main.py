"""The probe's process as its records and the kernel show it; how the agent starts and ends it is test_process's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest

from collectors.audio.probe.plan import ProbePlan
from collectors.audio.probe.process import ProbeProcess
from collectors.audio.probe.protocol import level_record
from collectors.audio.timing import Buffer
from tests.support.audio import opened_probe
from tests.support.jackd import Jackd
from tests.support.waiting import soon


@pytest.fixture
async def probe(jackd: Jackd) -> AsyncIterator[ProbeProcess]:
    plan = ProbePlan("system", jack_only=True, direction="auto", channels=0, jack_server=jackd.name)
    async with opened_probe(plan) as running:
        yield running


async def heard(probe: ProbeProcess, at_least: int) -> list[Buffer]:
    """So many buffers or more, from now on."""
    probe.buffers.read()
    records: list[bytes] = []

    def enough() -> bool:
        records.extend(probe.buffers.read())
        return len(records) >= at_least

    await soon(enough, f"{at_least} records of buffers")
    return [Buffer.unpack(record) for record in records]


async def test_a_buffer_is_stamped_with_the_servers_cycle_and_its_beginning(probe: ProbeProcess) -> None:
    buffers = await heard(probe, 200)
    in_step = [
        (a, b)
        for a, b in pairwise(buffers)
        if (b.cycle - a.cycle) % 2**32 == 256 and b.device_seconds > a.device_seconds
    ]

    assert all((b.cycle - a.cycle) % 256 == 0 for a, b in pairwise(buffers))
    assert len(in_step) >= len(buffers) // 2
    assert all(0 <= buffer.monotonic_ns / 1e9 - buffer.device_seconds < 10 for buffer in buffers)
    # What JACK counted in frames is what passed in seconds, give or take a loaded machine's late cycles.
    first, last = buffers[0], buffers[-1]
    assert (last.cycle - first.cycle) % 2**32 / 48_000 == pytest.approx(
        last.device_seconds - first.device_seconds, rel=0.5
    )


async def test_a_callback_maps_no_memory(probe: ProbeProcess) -> None:
    """Python would map a stack for each one, if it did not keep its state of JACK's thread."""
    await heard(probe, 100)
    before = _page_faults(probe.process.pid)
    buffers = await heard(probe, 400)

    assert _page_faults(probe.process.pid) - before < len(buffers) / 2


async def test_the_level_blocks_cover_the_buffers(probe: ProbeProcess) -> None:
    blocks: list[bytes] = []

    def enough() -> bool:
        blocks.extend(probe.levels.read())
        return len(blocks) >= 3

    await soon(enough, "level blocks")
    frames = [level_record(2).unpack(block)[0] for block in blocks]
    assert all(count % 256 == 0 for count in frames)
    assert sum(frames) > 0


def _page_faults(pid: int) -> int:
    """Return the page faults of the process that needed no disk: `minflt` of proc(5)."""
    return int(Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[7])
