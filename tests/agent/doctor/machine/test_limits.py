import math
from pathlib import Path

import pytest

from agent.doctor.machine import limits
from agent.doctor.machine.audio_user import AudioUser, Limits
from agent.doctor.machine.user import User
from collectors.findings import Severity
from tests.agent.doctor.support import STRANGER, Machine, codes, severities

GENEROUS = Limits(95, math.inf)


def test_generous_limits_are_well() -> None:
    assert limits.check(AudioUser(STRANGER, "jackd", GENEROUS), rtkit=False) == []


@pytest.mark.parametrize(
    ("server", "rtkit", "expected"),
    [
        ("jackd", False, Severity.WARNING),
        ("jackd", True, Severity.WARNING),
        ("pipewire", True, Severity.INFO),
        ("pipewire", False, Severity.WARNING),
    ],
)
def test_no_real_time_priority_matters_unless_rtkit_gives_it(server: str, rtkit: bool, expected: Severity) -> None:  # noqa: FBT001 - a case
    found = limits.check(AudioUser(STRANGER, server, Limits(0, math.inf)), rtkit=rtkit)

    assert severities(found) == {"audio-priority-denied": expected}
    assert "sudo usermod -aG audio stranger" in found[0].remedy


@pytest.mark.parametrize(("server", "expected"), [("jackd", Severity.WARNING), ("pipewire", Severity.INFO)])
def test_memory_must_be_lockable(server: str, expected: Severity) -> None:
    found = limits.check(AudioUser(STRANGER, server, Limits(95, 8 << 20)), rtkit=False)

    assert severities(found) == {"audio-memory-not-lockable": expected}
    assert "8 MiB" in found[0].detail


def test_root_without_a_server_tells_nothing_of_those_who_play() -> None:
    root = AudioUser(User("root", 0, frozenset()), "", Limits(0, 0))

    assert codes(limits.check(root, rtkit=False)) == ["audio-limits-unknown"]


def test_limits_that_cannot_be_read_are_told() -> None:
    assert codes(limits.check(AudioUser(STRANGER, "jackd", None), rtkit=False)) == ["audio-limits-unreadable"]


def test_rtkit_is_seen_where_debian_puts_it(machine: Machine, tmp_path: Path) -> None:
    assert not limits.has_rtkit(tmp_path)
    assert limits.has_rtkit(machine({"usr/lib/systemd/system/rtkit-daemon.service": ""}))
