import pytest

from agent.doctor.machine import processors
from tests.agent.doctor.support import Machine, codes


def cpu(number: int, allowed: int) -> dict[str, str]:
    folder = f"sys/devices/system/cpu/cpu{number}/cpufreq"
    return {f"{folder}/scaling_max_freq": f"{allowed}\n", f"{folder}/cpuinfo_max_freq": "4000000\n"}


def test_a_capped_frequency_is_found(machine: Machine) -> None:
    capped = processors.caps(machine(cpu(0, 4000000) | cpu(1, 2000000)))

    assert capped == {"0": 1.0, "1": 0.5}
    assert codes(processors.check(capped, shared=False)) == ["cpu-frequency-capped"]
    assert processors.check({"0": 1.0}, shared=False) == []


@pytest.mark.parametrize(("active", "expected"), [("1\n", ["cpu-cores-shared"]), ("0\n", [])])
def test_shared_cores_are_found(machine: Machine, active: str, expected: list[str]) -> None:
    shared = processors.shares_cores(machine({"sys/devices/system/cpu/smt/active": active}))

    assert codes(processors.check({}, shared=shared)) == expected
