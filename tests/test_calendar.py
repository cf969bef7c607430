"""The tests that hold a date, run at other dates. A fault of this kind appears only when its date has passed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

pytestmark = pytest.mark.compiler

ROOT = Path(__file__).parent.parent
DAY = 86_400
FILES = sorted(
    str(path.relative_to(ROOT))
    for path in (ROOT / "tests").rglob("test_*.py")
    if path != Path(__file__) and re.search(r"\b20\d\d-\d\d-\d\d[T ]\d\d:", path.read_text())
)

# Debian's faketime also changes waits, which then fail in Python: only the clock may be another.
CLOCK = """
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
  int failed = syscall(SYS_clock_gettime, clock, now);
  if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += atol(getenv("AHEAD"));
  return failed;
}

time_t time(time_t *copy) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (copy) *copy = now.tv_sec;
  return now.tv_sec;
}
"""


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that lets the clock of a process be AHEAD seconds ahead."""
    folder = tmp_path_factory.mktemp("clock")
    (folder / "clock.c").write_text(CLOCK)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", "clock.so", "clock.c"], cwd=folder, check=True)
    return folder / "clock.so"


def ahead(clock: Path, seconds: int, *command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run Python with its clock ahead."""
    env = os.environ | {"LD_PRELOAD": str(clock), "AHEAD": str(seconds)}
    return subprocess.run([sys.executable, *command], cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def four_hundred_days() -> int:
    """Return their seconds."""
    return 400 * DAY


def until_new_year() -> int:
    """Return the seconds from 5 s ago to the next New Year, which then comes during the tests."""
    now = datetime.now(UTC)
    return int(datetime(now.year + 1, 1, 1, tzinfo=UTC).timestamp() - now.timestamp()) - 5


def test_the_clock_is_ahead(clock: Path) -> None:
    said = ahead(
        clock, 400 * DAY, "-c", "import time, datetime; print(time.time(), datetime.datetime.now().timestamp())"
    )

    assert [float(word) - time.time() for word in said.stdout.split()] == pytest.approx([400 * DAY] * 2, abs=60)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("seconds", [four_hundred_days, until_new_year])
def test_no_test_depends_on_the_date(clock: Path, seconds: Callable[[], int]) -> None:
    chosen = ("-m", "not (server or browser or compiler)", "-p", "no:cacheprovider", "--quiet")
    done = ahead(clock, seconds(), "-m", "pytest", *chosen, *FILES)

    assert done.returncode == 0, done.stdout
