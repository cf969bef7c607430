"""The explainer: one event for each dropout, in every case."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
import structlog
from structlog.testing import capture_logs

from collectors.audio.causes import explainer as module
from collectors.audio.causes.analysis_process import AnalysisProcess
from collectors.audio.causes.event import Cause
from collectors.audio.causes.evidence import Cycle, Evidence, Window
from collectors.audio.causes.explainer import Counted, EvidenceSource, Explainer
from collectors.audio.causes.reading import EVENTS, Query
from collectors.audio.causes.store import EVIDENCE, PENDING, EventStore
from collectors.audio.causes.unexplained import DISABLED, STORM
from collectors.audio.dropouts import Part
from tests.support.analyses import event, window
from tests.support.waiting import PATIENCE, soon

DOUBLES = "tests.support.analyses"


@pytest.fixture(autouse=True)
def _doubles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[4]))


@dataclass
class Source:
    """A recorder with a cycle of evidence."""

    suspected: list[int] = field(default_factory=list)
    frozen: list[Window] = field(default_factory=list)
    fails: bool = False
    hangs: bool = False

    def suspect(self, at_ns: int) -> None:
        self.suspected.append(at_ns)

    async def freeze(self, window: Window) -> Evidence:
        self.frozen.append(window)
        if self.hangs:
            await asyncio.sleep(3600)
        if self.fails:
            raise RuntimeError("no memory")
        return Evidence(window=msgspec.structs.replace(window, server_pid=99), cycles=(Cycle(1, ()),))


@dataclass
class Running:
    """A running explainer, with the causes that it reported."""

    explainer: Explainer
    store: EventStore
    source: Source
    causes: list[Cause] = field(default_factory=list)

    def counted(self, number: int, part: Callable[[], Part] | None = None) -> Counted:
        it = window(number)
        whole = Part(it.start_ns, it.end_ns, it.silent_ns, it.observations)
        return Counted(it, part or (lambda: whole), self.causes.append, time.monotonic_ns())

    async def drop_out(self, *numbers: int) -> None:
        await self.explainer.expect([self.counted(number) for number in numbers])

    async def explained(self, count: int) -> None:
        await soon(lambda: len(self.causes) >= count, f"{count} events")

    @property
    def texts(self) -> list[str]:
        return [it.text for it in self.store.recent]


@contextlib.asynccontextmanager
async def running(
    directory: Path | None, name: str = "right", source: Source | None = None, limit: float = PATIENCE
) -> AsyncIterator[Running]:
    """Yield a running explainer."""
    store = EventStore(directory)
    store.restore()
    used: Source = source or Source()
    explainer = Explainer(store, used, AnalysisProcess(f"{DOUBLES}:{name}", limit))
    task = asyncio.create_task(explainer.run())
    try:
        yield Running(explainer, store, used)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_dropout_becomes_one_event_under_its_own_identity(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        began = time.monotonic()
        await it.drop_out(1)
        assert (tmp_path / PENDING).exists(), "it is on the disk at once"
        await it.explained(1)
        seconds = time.monotonic() - began
        await soon(lambda: not (tmp_path / PENDING).exists(), "nothing pends")

        (found,) = it.store.recent
        assert it.causes == [Cause.PREEMPTED]
        assert (found.id, found.at, found.device) == (window(1).id, window(1).at, "system")
        assert (found.duration_ms, found.period_ms, found.server) == (20.0, 5.333, "default")
        assert (found.level, found.text) == (1, "It was I.")
        assert seconds < PATIENCE
        assert (tmp_path / EVENTS).read_bytes() == msgspec.json.encode(found) + b"\n"
        assert [path.name for path in (tmp_path / EVIDENCE).iterdir()] == [f"{found.id}.json.gz"]


async def test_observations_that_settle_later_belong_to_the_dropout() -> None:
    async with running(None) as it:
        parts = [Part(window(1).start_ns, window(1).start_ns + 90_000_000, 0, ("jack xrun", "gap lost"))]
        await it.explainer.expect([it.counted(1, lambda: parts[-1])])
        await it.explained(1)

        assert it.source.frozen[0].observations == ("jack xrun", "gap lost")
        assert it.store.recent[0].duration_ms == 90.0


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("raises", "the analysis ended with exit code 1: ValueError: no such cycle"),
        ("crashes", "the analysis ended with SIGSEGV: no message"),
        ("babbles", "the analysis answered no event: "),
        ("hangs", "the analysis did not end within 1 s"),
    ],
)
async def test_a_failed_analysis_is_an_unknown_event_with_its_reason(tmp_path: Path, name: str, reason: str) -> None:
    async with running(tmp_path, name, limit=1.0 if name == "hangs" else PATIENCE) as it:
        await it.drop_out(1)
        await it.explained(1)
        await soon(lambda: list((tmp_path / EVIDENCE).glob("*")), "the evidence is kept")

        (found,) = it.store.recent
        assert found.cause is Cause.UNKNOWN
        assert found.level == 1
        assert found.text.startswith(f"Not known: {reason}")
        assert found.missing[0][1:].startswith(reason[1:])


async def test_a_recorder_that_fails_or_hangs_costs_the_explanation_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FREEZE_SECONDS", 0.2)
    async with running(None, source=Source(fails=True)) as it:
        await it.drop_out(1)
        await it.explained(1)
        assert it.texts == ["Not known: the analysis failed: internal error RuntimeError: no memory."]
    async with running(None, source=Source(hangs=True)) as it:
        await it.drop_out(1)
        await it.explained(1)
        assert it.texts == ["Not known: the recorder gave no evidence within 0.2 s."]


async def test_without_a_recorder_each_dropout_is_unknown_and_says_so() -> None:
    store, causes = EventStore(None), list[Cause]()
    nothing: EvidenceSource | None = None
    explainer = Explainer(store, nothing, AnalysisProcess())
    explainer.suspect(1)
    task = asyncio.create_task(explainer.run())
    it = Running(explainer, store, Source(), causes)
    await it.drop_out(1, 2)
    await it.explained(2)
    task.cancel()

    assert it.texts == [f"Not known: {DISABLED}."] * 2
    assert causes == [Cause.UNKNOWN] * 2


async def test_a_suspicion_reaches_the_recorder_at_once() -> None:
    async with running(None) as it:
        it.explainer.suspect(42)

        assert it.source.suspected == [42]


async def test_a_storm_loses_no_event_and_analyses_at_most_one_a_second(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        began = time.monotonic()
        for number in range(60):
            await it.drop_out(number)
            await asyncio.sleep(0.1)
        await it.explained(60)
        seconds = time.monotonic() - began

        assert [found.id for found in it.store.recent] == [window(number).id for number in range(60)], "in order"
        analysed = [cause for cause in it.causes if cause is Cause.PREEMPTED]
        assert 1 <= len(analysed) == len(it.source.frozen) <= seconds + 1
        assert set(it.texts) == {"It was I.", f"Not known: {STORM}."}
        await soon(lambda: not (tmp_path / PENDING).exists(), "nothing pends")
        assert len(it.store.find(Query()).events) == 60


async def test_dropouts_that_wait_for_a_hanging_analysis_are_final_in_time() -> None:
    async with running(None, "hangs", limit=3.5) as it:
        await it.drop_out(1, 2, 3)
        await it.explained(3)

        assert it.texts == ["Not known: the analysis did not end within 3.5 s."] + [f"Not known: {STORM}."] * 2


async def test_an_explainer_that_ends_leaves_the_dropout_pending(tmp_path: Path) -> None:
    async with running(tmp_path, "hangs") as it:
        await it.drop_out(1)
        await soon(lambda: it.source.frozen, "the analysis begins")

    after = EventStore(tmp_path)
    after.restore()
    assert [found.text for found in after.recent] == ["Not known: the agent ended before it analysed this dropout."]


async def test_a_disk_that_hangs_delays_no_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_STORE_SECONDS", 0.1)
    monkeypatch.setattr(module, "_STOP_SECONDS", 0.1)
    released = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with running(tmp_path) as it:
        monkeypatch.setattr(
            it.store,
            "expect",
            lambda _: asyncio.run_coroutine_threadsafe(released.wait(), loop).result(),
        )
        await it.drop_out(1)
        await it.explained(1)
        assert it.texts == ["It was I."]
        released.set()
        await soon(lambda: it.store.find(Query()).events, "the event is on the disk later")


async def test_each_event_is_a_line_of_the_log_and_a_storm_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    structlog.reset_defaults()
    monkeypatch.setattr(module, "_MINUTE_NS", 2_000_000_000)
    it = Explainer(EventStore(None), None, AnalysisProcess())
    with capture_logs() as lines:
        for number in range(10):
            it._log(event(number))  # noqa: SLF001 - the rate alone, without 60 analyses
        await asyncio.sleep(2.1)
        it._log(event(10, text="The last one."))  # noqa: SLF001

    assert len(lines) == 7
    assert lines[0] == {
        "event": "audio dropped out",
        "log_level": "warning",
        "id": event(0).id,
        "device": "system",
        "cause": "client_cpu",
        "confidence": 0.9,
        "reason": "reverb needed 14.2 ms.",
    }
    assert (lines[-1]["reason"], lines[-1]["unlogged_dropouts"]) == ("The last one.", 4)
