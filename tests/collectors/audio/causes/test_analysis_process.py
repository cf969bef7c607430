"""The process of the analysis: its answer, its limits, and all ways to fail."""

from __future__ import annotations

import ast
import gzip
import os
import tempfile
import time
from pathlib import Path

import pytest

from collectors.audio.causes import child, evidence
from collectors.audio.causes.analysis_process import AnalysisError, AnalysisProcess
from collectors.audio.causes.event import Cause, Event
from collectors.audio.causes.evidence import Cycle, Evidence
from tests.support.analyses import window
from tests.support.waiting import PATIENCE, eventually

DOUBLES = "tests.support.analyses"


@pytest.fixture(autouse=True)
def _doubles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[4]))


async def analysed(name: str, content: Evidence | None = None, limit: float = PATIENCE) -> Event:
    process = AnalysisProcess(f"{DOUBLES}:{name}", limit)
    return (await process.analyse(evidence.encode(content or Evidence(window=window())))).event


async def failure(name: str, limit: float = PATIENCE) -> str:
    with pytest.raises(AnalysisError) as error:
        await analysed(name, limit=limit)
    return str(error.value)


def children() -> set[str]:
    """Return the processes that the main thread has started, also those of other tests' fixtures."""
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


async def test_it_returns_the_event() -> None:
    found = await analysed("right")

    assert (found.cause, found.level, found.text) == (Cause.PREEMPTED, 1, "It was I.")


async def test_large_evidence_passes() -> None:
    cycles = tuple(Cycle(number, ()) for number in range(200_000))

    assert (await analysed("right", Evidence(window=window(), cycles=cycles))).cause is Cause.PREEMPTED


async def test_the_evidence_comes_back_packed() -> None:
    content = Evidence(window=window(), missing=("One.",))
    found = await AnalysisProcess(f"{DOUBLES}:right", PATIENCE).analyse(evidence.encode(content))

    assert evidence.decode(gzip.decompress(found.evidence)) == content


async def test_a_capture_that_is_none_is_a_sentence_and_stays_open_here() -> None:
    with tempfile.TemporaryFile() as capture:
        content = Evidence(window=window(), capture=capture.fileno())
        found = await AnalysisProcess(f"{DOUBLES}:right", PATIENCE).analyse(evidence.encode(content), capture.fileno())
        packed = evidence.decode(gzip.decompress(found.evidence))

        assert found.event.text == "It was I."
        assert packed.capture == -1
        assert packed.missing[0].startswith("The trace of the kernel recorder could not be used: ")
        assert not capture.closed


async def test_an_event_counts_although_its_packing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.audio.causes.analysis_process.MOST_EVIDENCE_BYTES", 10)

    assert await AnalysisProcess(f"{DOUBLES}:right", PATIENCE).analyse(evidence.encode(Evidence(window=window()))) == (
        await analysed("right"),
        b"",
    )


async def test_it_is_nice_and_limited() -> None:
    nice, limits, _ = (await analysed("restrained")).text.replace("] ", "]|").replace(" [", "|[").split("|")

    assert int(nice) == os.nice(0) + child.NICENESS
    assert ast.literal_eval(limits) == [child.CPU_SECONDS, child.MEMORY_BYTES, 0]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("raises", "the analysis ended with exit code 1: ValueError: no such cycle"),
        ("crashes", "the analysis ended with SIGSEGV: no message"),
        ("burns", "the analysis ended with SIGXCPU: no message"),
        ("swells", "the analysis ended with exit code 1: MemoryError"),
        ("floods", "the analysis answered more than 65536 bytes"),
        ("babbles", "the analysis answered no event: "),
        ("boasts", "the analysis answered an event with impossible values"),
        ("missing", "the analysis ended with exit code 1: AttributeError: "),
    ],
)
async def test_a_broken_analysis_fails_with_its_reason(name: str, reason: str) -> None:
    before = children()

    assert (await failure(name, 4 * PATIENCE)).startswith(reason)
    assert children() <= before


async def test_a_hanging_analysis_ends_at_its_timeout() -> None:
    began, before = time.monotonic(), children()

    assert await failure("hangs", 0.5) == "the analysis did not end within 0.5 s"
    assert time.monotonic() - began < PATIENCE
    eventually(lambda: children() <= before, "no process is left")


async def test_a_python_that_cannot_be_started_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nonexistent/python")

    assert await failure("right") == "the analysis cannot be started: No such file or directory"
