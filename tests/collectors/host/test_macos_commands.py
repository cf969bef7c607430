"""Parsers of macOS's commands on their outputs; no Mac was at hand.

The layouts are of outputs that others published (vm_stat of a Mac Studio, `pmset -g therm` of an Intel Mac and of Apple
silicon, `pmset -g batt` of MacBooks); the numbers are made up.
"""

from __future__ import annotations

import pytest

from collectors.host.macos_commands import batteries, therm, vm_stat
from tests.collectors.host.support import samples_of

VM_STAT = """\
Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                             1000000.
Pages active:                           1700000.
Pages inactive:                         1600000.
Pages speculative:                        50000.
Pages throttled:                              0.
Pages wired down:                        300000.
Pages purgeable:                          20000.
"Translation faults":                5000000001.
Pages copy-on-write:                   99000000.
File-backed pages:                       600000.
Anonymous pages:                        2800000.
Pages stored in compressor:                2700.
Pages occupied by compressor:               600.
Swapins:                                      0.
Swapouts:                                     0.
"""

INTEL = (
    "2026-10-05 17:10:00 +0300 CPU Power notify\n"
    "\tCPU_Scheduler_Limit \t= 100\n\tCPU_Available_CPUs \t= 4\n\tCPU_Speed_Limit \t= 72\n"
)
APPLE_SILICON = "Note: No thermal warning level has been recorded\nNote: No CPU power status has been recorded\n"

DISCHARGING = (
    "Now drawing from 'Battery Power'\n"
    " -InternalBattery-0 (id=22806627)\t78%; discharging; 5:05 remaining present: true\n"
)
CHARGED = "Now drawing from 'AC Power'\n -InternalBattery-0 (id=123)\t100%; charged; 0:00 remaining present: true\n"
UNKNOWN_TIME = "Now drawing from 'AC Power'\n -InternalBattery-0 (id=123)\t85%; charging; (no estimate) present: true\n"
DESKTOP = "Now drawing from 'AC Power'\n"
BATTERY = ("InternalBattery-0",)


def test_memory_is_in_bytes_and_free_has_what_is_speculative() -> None:
    assert {family.name: family.samples[()] for family in vm_stat(VM_STAT)} == {
        "node_memory_free_bytes": 1_050_000 * 16384,
        "node_memory_compressed_bytes": 600 * 16384,
        "node_memory_internal_bytes": 2_800_000 * 16384,
        "node_memory_purgeable_bytes": 20_000 * 16384,
    }


def test_an_output_without_a_page_size_is_shown() -> None:
    with pytest.raises(ValueError, match="got 'vm_stat: failed'"):
        vm_stat("vm_stat: failed")


def test_limits_for_heat_are_ratios() -> None:
    assert {family.name: family.samples[()] for family in therm(INTEL)} == {
        "node_thermal_cpu_scheduler_limit_ratio": 1.0,
        "node_thermal_cpu_available_cpu": 4,
        "node_thermal_cpu_speed_limit_ratio": 0.72,
    }


def test_a_mac_that_says_no_limits_has_none() -> None:
    assert therm(APPLE_SILICON) == []


def test_a_battery_in_use_is_described() -> None:
    found = batteries(DISCHARGING)

    assert samples_of(found, "node_power_supply_current_capacity") == {BATTERY: 78}
    assert samples_of(found, "node_power_supply_charging") == {BATTERY: 0}
    assert samples_of(found, "node_power_supply_time_to_empty_seconds") == {BATTERY: 5 * 3600 + 5 * 60}
    assert samples_of(found, "node_power_supply_power_source_state") == {
        (*BATTERY, "Off Line"): 0,
        (*BATTERY, "AC Power"): 0,
        (*BATTERY, "Battery Power"): 1,
    }
    assert samples_of(found, "node_power_supply_info") == {("22806627", *BATTERY): 1}


def test_a_battery_that_is_full_or_has_no_estimate_has_no_time_left() -> None:
    assert samples_of(batteries(CHARGED), "node_power_supply_charged") == {BATTERY: 1}
    assert samples_of(batteries(UNKNOWN_TIME), "node_power_supply_charging") == {BATTERY: 1}
    names = {family.name for text in (CHARGED, UNKNOWN_TIME) for family in batteries(text)}
    assert not {name for name in names if name.endswith("_seconds")}


def test_a_mac_without_a_battery_has_no_series() -> None:
    assert not any(family.samples for family in batteries(DESKTOP))
