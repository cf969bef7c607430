from __future__ import annotations

import os
import time
from pathlib import Path

import psutil
import pytest

from collectors.host.process import families
from tests.collectors.host.support import samples_of


def _value(name: str) -> float:
    return samples_of(families(Path("/")), name)[()]


def test_it_is_this_process() -> None:
    process = psutil.Process()

    assert _value("process_start_time_seconds") == pytest.approx(process.create_time(), abs=2)
    assert _value("process_resident_memory_bytes") == pytest.approx(process.memory_info().rss, rel=0.1)
    assert _value("process_virtual_memory_bytes") == pytest.approx(process.memory_info().vms, rel=0.1)
    assert _value("process_virtual_memory_max_bytes") >= process.memory_info().vms


def test_processor_time_is_counted_in_seconds() -> None:
    before = _value("process_cpu_seconds_total")
    busy_until = time.process_time() + 0.2
    while time.process_time() < busy_until:
        pass

    assert _value("process_cpu_seconds_total") - before == pytest.approx(0.2, abs=0.1)


def test_open_files_are_counted() -> None:
    before = _value("process_open_fds")
    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(5)]
    try:
        assert _value("process_open_fds") == before + 5
    finally:
        for descriptor in opened:
            os.close(descriptor)
    assert _value("process_max_fds") >= before
