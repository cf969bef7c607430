from __future__ import annotations

import asyncio
import time

from collectors.audio.causes import encoding, evidence
from collectors.audio.causes.evidence import ClientCycle, Cycle, Evidence, Incident, ThreadLook, ThreadTrack, Trace
from tests.support.analyses import window


def large() -> Evidence:
    """Return evidence of six seconds with eight clients and a kernel trace."""
    clients = tuple(ClientCycle(f"client {number}", 1, 2, 3, "finished") for number in range(8))
    looks = tuple(ThreadLook(at, at, at, at, "S", 1) for at in range(600))
    return Evidence(
        window=window(),
        incidents=(Incident(at_ns=1, since_ns=0, kind="settings", text='"64" → 128'),),
        threads=tuple(
            ThreadTrack(
                tid=tid, pid=1, name="x", role="client", client="x", policy="rr", priority=10, affinity=(), looks=looks
            )
            for tid in range(40)
        ),
        cycles=tuple(Cycle(at, clients) for at in range(1200)),
        trace=Trace(
            start_ns=0,
            end_ns=1,
            names={7: (7, "jackd", 70)},
            switches=tuple((at, 0, 1, "S", 2, 0) for at in range(50_000)),
        ),
        missing=("One.", "Two."),
    )


async def test_the_json_is_that_of_the_evidence() -> None:
    for content in (large(), Evidence(window=window())):
        assert await encoding.encode(content) == evidence.encode(content)


async def test_the_loop_is_not_held_up() -> None:
    content = large()
    ended = False
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while not ended:
            before = time.thread_time()
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - before)

    watching = asyncio.create_task(watch())
    await encoding.encode(content)
    ended = True
    await watching

    assert longest < 0.02, "the processor time of one slice; the whole takes more"
