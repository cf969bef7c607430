"""Captures of the real kernel."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from collectors.audio.causes.kernel.helper.recording import Recording
from tests.support.kernel_recorder import mount_tracefs, switch_for


@pytest.fixture(scope="session")
def tracefs() -> Path:
    """The root of tracefs."""
    return mount_tracefs()


@pytest.fixture(scope="session")
def real_capture(tracefs: Path) -> bytes:
    """The memory file of half a second with thousands of switches."""
    recording = Recording(tracefs)
    try:
        switch_for(0.5)
        now_ns = time.monotonic_ns()
        descriptor = recording.window(now_ns - 400_000_000, now_ns)
    finally:
        recording.close()
    try:
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    finally:
        os.close(descriptor)
