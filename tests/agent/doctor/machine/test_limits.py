import math
import resource
from pathlib import Path

import pytest

from agent.doctor.machine import limits
from agent.doctor.machine.audio_user import AudioUser, Limits, audio_user, parse_limits
from agent.doctor.machine.user import User
from collectors.findings import Severity
from tests.agent.doctor.support import LIMITS, STRANGER, Machine, codes, process, severities

GENEROUS = Limits(95, math.inf)


def test_this_process_has_the_limits_that_it_reads() -> None:
    read = parse_limits(Path("/proc/self/limits").read_text())

    locked, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    assert read.locked_bytes == (math.inf if locked == resource.RLIM_INFINITY else locked)
    assert read.priority == resource.getrlimit(resource.RLIMIT_RTPRIO)[0]


def test_unlimited_is_infinite() -> None:
    assert parse_limits(LIMITS.format(locked="unlimited", priority=95)) == Limits(95, math.inf)


def test_the_audio_user_is_the_user_of_the_sound_server_and_people_go_before_services(machine: Machine) -> None:
    root = machine(
        process(7, "jackd", uid=111, limits=LIMITS.format(locked=0, priority=0))
        | process(8, "pipewire", uid=1000, limits=LIMITS.format(locked=4096, priority=95))
        | process(9, "wireplumber", uid=1001)
    )

    found = audio_user(root)

    assert (found.user.uid, found.server, found.limits) == (1000, "pipewire", Limits(95, 4096))
    assert 29 in found.user.gids


def test_without_a_sound_server_the_current_user_is_the_audio_user(machine: Machine) -> None:
    root = machine({"proc/self/limits": LIMITS.format(locked=1, priority=2)})

    found = audio_user(root)

    assert (found.server, found.limits) == ("", Limits(2, 1))


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
