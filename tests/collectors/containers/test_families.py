from __future__ import annotations

from pathlib import Path

from collectors.containers.families import families
from collectors.containers.machine import Machine
from tests.collectors.containers.support import WEB

# The families of cAdvisor (July 2026, default metrics), without the prefixes `container_` and `machine_`.
CONTAINER = """
cpu_load_average_10s cpu_load_d_average_10s cpu_system_seconds_total cpu_usage_seconds_total cpu_user_seconds_total
creation_time_seconds fs_inodes_free fs_inodes_total fs_io_current fs_io_time_seconds_total
fs_io_time_weighted_seconds_total fs_limit_bytes fs_read_seconds_total fs_reads_merged_total fs_reads_total
fs_sector_reads_total fs_sector_writes_total fs_usage_bytes fs_write_seconds_total fs_writes_merged_total
fs_writes_total health_state last_seen memory_cache memory_events_high_total memory_events_max_total memory_failcnt
memory_failures_total memory_file_dirty_bytes memory_file_writeback_bytes memory_kernel_usage memory_mapped_file
memory_max_usage_bytes memory_pgscan_total memory_pgsteal_total memory_rss memory_swap memory_total_active_file_bytes
memory_total_inactive_file_bytes memory_usage_bytes memory_working_set_bytes memory_workingset_refault_anon_total
memory_workingset_refault_file_total network_receive_bytes_total network_receive_errors_total
network_receive_packets_dropped_total network_receive_packets_total network_transmit_bytes_total
network_transmit_errors_total network_transmit_packets_dropped_total network_transmit_packets_total oom_events_total
pressure_cpu_stalled_seconds_total pressure_cpu_waiting_seconds_total pressure_io_stalled_seconds_total
pressure_io_waiting_seconds_total pressure_memory_stalled_seconds_total pressure_memory_waiting_seconds_total
scrape_error spec_cpu_period spec_cpu_shares spec_memory_limit_bytes spec_memory_reservation_limit_bytes
spec_memory_swap_limit_bytes start_time_seconds tasks_state
"""
MACHINE = """
cpu_books cpu_cores cpu_drawers cpu_physical_cores cpu_sockets memory_bytes nvm_avg_power_budget_watts nvm_capacity
scrape_error swap_bytes
"""

# Zero in cAdvisor without its load reader, without ipmctl, or stale between two questions to the engine.
LEFT_OUT = {
    "container_cpu_load_average_10s",
    "container_cpu_load_d_average_10s",
    "container_health_state",
    "machine_nvm_avg_power_budget_watts",
    "machine_nvm_capacity",
}
ELSEWHERE = {"container_scrape_error"}  # of no single control group: the meter's


def test_every_family_of_cadvisor_is_exported_but_those_left_out(machine: Path) -> None:
    theirs = {f"container_{name}" for name in CONTAINER.split()} | {f"machine_{name}" for name in MACHINE.split()}

    ours = {family.name for family in Machine(machine).families()}
    for name in theirs - ours - LEFT_OUT - ELSEWHERE:
        (family,) = families([((f"/docker/{WEB}", "web", ""), {(name, *[""] * 9): 1.0})], ("id", "name", "image"))
        ours.add(family.name)

    assert theirs - ours == LEFT_OUT | ELSEWHERE
