"""Captures of the real kernel, whole and damaged."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from collectors.audio.causes.evidence import Evidence, Trace, Window
from collectors.audio.causes.kernel import captured, namespaces
from collectors.audio.causes.kernel.captured import CaptureError, parse, process_of, with_trace

OWN_NAMESPACE = str(Path("/proc/self/ns/pid").readlink())

WINDOW = Window(
    id="1",
    at="2026-01-02T03:04:05Z",
    device="system",
    server="default",
    start_ns=1,
    end_ns=2,
    silent_ns=0,
    period_ns=1,
    observations=(),
    load=-1,
    server_pid=0,
    own_pids=(),
    cpus=1,
)


def no_process(tid: int) -> int:
    del tid
    return 0


def header(content: bytes) -> dict[str, Any]:
    """Return the header of a capture."""
    found: dict[str, Any] = json.loads(content[4 : 4 + int.from_bytes(content[:4], "little")])
    return found


def changed(content: bytes, **fields: object) -> bytes:
    """Return a capture with other fields in its header."""
    encoded = json.dumps(header(content) | fields).encode()
    return len(encoded).to_bytes(4, "little") + encoded + content[4 + int.from_bytes(content[:4], "little") :]


def memory_file(content: bytes) -> int:
    descriptor = os.memfd_create("test")
    os.write(descriptor, content)
    return descriptor


def test_real_capture_is_complete(real_capture: bytes) -> None:
    trace = parse(real_capture, no_process)
    wanted = header(real_capture)

    assert (trace.start_ns, trace.end_ns) == (wanted["start_ns"], wanted["end_ns"])
    assert trace.lost == 0
    assert {switch[1] for switch in trace.switches} == os.sched_getaffinity(0)
    assert all(trace.start_ns <= switch[0] <= trace.end_ns for switch in trace.switches)
    assert {switch[3] for switch in trace.switches} <= set("RSDTtXZPI?")


def test_each_switch_continues_the_one_before(real_capture: bytes) -> None:
    running: dict[int, int] = {}
    for _, cpu, leaving, _, coming, _ in parse(real_capture, no_process).switches:
        assert leaving == running.get(cpu, -1)
        running[cpu] = coming


def test_interrupts_have_names_and_lengths(real_capture: bytes) -> None:
    interrupts = parse(real_capture, no_process).interrupts

    assert {one[3] for one in interrupts} <= {"irq", "softirq"}
    assert all(start < end for start, end, *_ in interrupts)
    assert all(name for *_, name in interrupts)
    assert {name for *_, kind, name in interrupts if kind == "softirq"} & {"TIMER", "SCHED", "RCU", "NET_RX", "BLOCK"}


def test_processes_are_those_of_proc(real_capture: bytes) -> None:
    trace = parse(real_capture, lambda tid: tid + 1)

    assert all(names[0] == tid + 1 for tid, names in trace.names.items())


def test_process_of_a_thread() -> None:
    assert process_of(os.getpid()) == os.getpid()
    assert process_of(2**31 - 1) == 0


def test_trace_survives_json(real_capture: bytes) -> None:
    trace = parse(real_capture, no_process)

    assert msgspec.json.decode(msgspec.json.encode(trace), type=Trace) == trace


def test_narrow_window_is_clipped(real_capture: bytes) -> None:
    wanted = header(real_capture)
    middle = (wanted["start_ns"] + wanted["end_ns"]) // 2
    narrow = parse(changed(real_capture, start_ns=middle, end_ns=middle + 50_000_000), no_process)
    whole = parse(real_capture, no_process)

    assert [switch for switch in narrow.switches if switch[2] >= 0] == [
        switch for switch in whole.switches if middle <= switch[0] <= middle + 50_000_000 and switch[2] >= 0
    ]
    assert all(middle <= start < end <= middle + 50_000_000 for start, end, *_ in narrow.interrupts)


def test_overwritten_events_shorten_the_trace(real_capture: bytes) -> None:
    wanted = header(real_capture)
    start_ns, end_ns = wanted["start_ns"], wanted["end_ns"]
    (from_ns, to_ns, _), *_ = wanted["segments"]

    def span(*segments: tuple[int, int, int]) -> tuple[int, int]:
        pages = [[0, 0, number] for _, _, number in wanted["pages"]]
        trace = parse(changed(real_capture, segments=segments, pages=pages), no_process)
        return trace.start_ns - start_ns, trace.end_ns - start_ns

    length, part = end_ns - start_ns, (end_ns - start_ns) // 4
    late = start_ns + part
    assert span((late, to_ns, late)) == (part, length)
    assert span((from_ns, to_ns, late)) == (part, length)
    assert span((from_ns, late, from_ns), (late, to_ns, late)) == (0, length)
    assert span((from_ns, late, from_ns), (late, to_ns, late + part)) == (2 * part, length)
    assert span((from_ns, late + 2 * part, from_ns), (late + 2 * part, to_ns, to_ns)) == (0, 3 * part)
    assert span((from_ns, late, from_ns), (late + part, to_ns, late + part)) == (2 * part, length)


def test_only_the_newest_pages_are_read(real_capture: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = parse(real_capture, no_process)
    monkeypatch.setattr(captured, "_PAGES", 2)
    newest = parse(real_capture, no_process)

    assert newest.start_ns > whole.start_ns
    recorded = [switch for switch in newest.switches if switch[2] >= 0 and switch[3] != "?"]
    assert recorded == [
        switch
        for switch in whole.switches
        if switch[0] >= newest.start_ns and switch[2] >= 0 and switch[3] != "?"  # noted from later events
    ]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"version": 99}, "version 99"),
        ({"segments": []}, "contradicts itself"),
        ({"head_bytes": 5000}, "contradicts itself"),
        ({"page_bytes": 0}, "contradicts itself"),
        ({"pages": [[7, 0, 1]]}, "belongs to no segment"),
        ({"pages": [[0, 0, -1]]}, "belongs to no segment"),
        ({"pages": [[0, 0, 10**9]]}, "ends before its last page"),
        ({"formats": {"sched/sched_switch": "nonsense"}}, "has no ID"),
        ({"start_ns": 2**62, "end_ns": 2**62 + 1}, "nothing of the time"),
        ({"pages": "x"}, "header is wrong"),
    ],
)
def test_contradictions_are_named(real_capture: bytes, fields: dict[str, object], reason: str) -> None:
    with pytest.raises(CaptureError, match=reason):
        parse(changed(real_capture, **fields), no_process)


@pytest.mark.parametrize("content", [b"", b"\0\0\0\0", b"\xff" * 64, b"\x02\0\0\0{}", b"\x04\0\0\0\xff\xff\xff\xff"])
def test_noise_is_refused(content: bytes) -> None:
    with pytest.raises(CaptureError):
        parse(content, no_process)


def damaged(content: bytes, seed: int) -> Iterator[bytes]:
    """Yield copies with some bytes changed, or cut off."""
    chance = random.Random(seed)  # noqa: S311 - for damage that can be repeated
    first = 4 + int.from_bytes(content[:4], "little")
    for _ in range(25):
        copy = bytearray(content)
        for _ in range(chance.choice((1, 10, 1000))):
            copy[chance.randrange(first, len(copy))] = chance.randrange(256)
        yield bytes(copy)
    for _ in range(10):
        yield content[: chance.randrange(len(content))]


def test_damage_costs_events_only(real_capture: bytes) -> None:
    started = time.process_time()
    for copy in damaged(real_capture, 1):
        try:
            trace = parse(copy, no_process)
        except CaptureError:
            continue
        assert all(trace.start_ns <= switch[0] <= trace.end_ns for switch in trace.switches)
        assert all(switch[1] >= 0 for switch in trace.switches)
        msgspec.json.decode(msgspec.json.encode(trace), type=Trace)

    assert time.process_time() - started < 60


def test_evidence_gets_its_trace(real_capture: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespaces, "INITIAL", OWN_NAMESPACE)
    descriptor = memory_file(real_capture)
    found = with_trace(Evidence(window=WINDOW, capture=descriptor))

    assert found.level == 2
    assert found.capture == -1
    assert found.missing == ()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_trace_with_numbers_of_another_namespace_is_left_out(
    real_capture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(namespaces, "INITIAL", "pid:[1]")
    found = with_trace(Evidence(window=WINDOW, capture=memory_file(real_capture)))

    assert found.level == 0
    (sentence,) = found.missing
    assert sentence.endswith(
        ": the agent runs in a pid namespace of its own, such as a container's; run it on the host."
    )


def test_bad_capture_is_a_sentence() -> None:
    descriptor = memory_file(b"noise")
    found = with_trace(Evidence(window=WINDOW, missing=("Before.",), capture=descriptor))

    assert found.trace is None
    assert found.capture == -1
    assert found.missing[0] == "Before."
    assert found.missing[1].startswith("The trace of the kernel recorder could not be used: ")
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_evidence_without_a_capture_stays() -> None:
    evidence = Evidence(window=WINDOW)

    assert with_trace(evidence) is evidence
