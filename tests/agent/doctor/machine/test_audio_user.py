import math
import resource
from pathlib import Path

from agent.doctor.machine.audio_user import Limits, audio_user, parse_limits
from tests.agent.doctor.support import LIMITS, Machine, process


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
