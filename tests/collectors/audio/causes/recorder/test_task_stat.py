"""The fields of a process or thread."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from collectors.audio.causes.recorder.task_stat import parse_schedstat, parse_stat

LINE = (
    b"12 (jackd) (x) D 3 6 6 0 -1 4194624 3 0 17 0 5 1 30 20 -11 -4 4 0 1182888 209879040 32784 18446744073709551615"
    b" 1 2 3 0 0 0 23047 0 23047 1 0 0 -1 1 10 1 8 0 0 9 9 9 9 9 9 9 0\n"
)


def test_a_name_may_have_parentheses_and_spaces() -> None:
    stat = parse_stat(LINE)

    assert (stat.name, stat.state, stat.parent, stat.nice, stat.threads) == ("jackd) (x", "D", 3, -4, 4)
    assert (stat.policy, stat.priority, stat.cpu) == ("fifo", 10, 1)
    assert (stat.major_faults, stat.block_ticks) == (17, 8)
    assert stat.children_ns == 500_000_000
    assert stat.started_ns == 11_828_880_000_000


@pytest.mark.parametrize("content", [b"", b"12 (jackd", b"12 (jackd) S 1"])
def test_a_cut_line_is_refused(content: bytes) -> None:
    with pytest.raises((ValueError, IndexError)):
        parse_stat(content)


def test_this_process_can_be_read() -> None:
    assert parse_stat(Path("/proc/self/stat").read_bytes()).parent == os.getppid()
    run, _, slices = parse_schedstat(Path("/proc/self/schedstat").read_bytes())
    assert run > 0
    assert slices > 0
