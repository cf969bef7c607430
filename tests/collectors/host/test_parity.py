"""The agent's families and those of Debian's real node_exporter, on this machine and on a made-up one."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

import pytest

from collectors.host.collector import HostCollector
from collectors.host.config import HostConfig, SubsystemName
from collectors.host.subsystems import linux
from tests.collectors.host.studio import studio
from tests.support.exported import Families, Labels, fits, of_the_host, ours, scraped, unlike
from tests.support.node_exporter import node_exporter
from tests.support.release_1_5 import as_release_1_5

_DEADLINE_SECONDS = 60
# What these read is not in the tree of files that is the studio.
_NOT_BELOW_A_ROOT: tuple[SubsystemName, ...] = (
    "filesystem",
    "netclass",
    "netdev",
    "textfile",
    "time",
    "timex",
    "uname",
)

Read = Callable[[], Families]
Pair = tuple[Read, Read]


@pytest.fixture(scope="module")
def this_machine() -> Iterator[Pair]:
    collector = HostCollector(HostConfig())
    with node_exporter() as peer:
        yield lambda: _comparable(ours(collector.collect())), lambda: _comparable(scraped(peer.url))


@pytest.fixture(scope="module")
def studio_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    root = studio(tmp_path_factory.mktemp("studio"))
    config = HostConfig(exclude=_NOT_BELOW_A_ROOT)
    collector = HostCollector(config, linux(root, config))
    with node_exporter(*(f"--no-collector.{name}" for name in _NOT_BELOW_A_ROOT), root=root) as peer:
        yield lambda: _comparable(ours(collector.collect())), lambda: _comparable(scraped(peer.url))


def _comparable(families: Families) -> Families:
    return as_release_1_5(of_the_host(families))


def test_names_types_helps_and_series_of_this_machine_are_the_same(this_machine: Pair) -> None:
    here, there = this_machine
    deadline = time.monotonic() + _DEADLINE_SECONDS
    # A mount may come or go between two readings.
    while (found := unlike(here(), there())) and time.monotonic() < deadline:
        pass

    assert found == {}
    assert len(there()) > 200


def test_values_of_this_machine_lie_between_our_readings_before_and_after(this_machine: Pair) -> None:
    """A series passes at its first reading that fits: a gauge that moves about does so sooner or later."""
    deadline = time.monotonic() + _DEADLINE_SECONDS
    unexplained = _differences(*this_machine)
    while unexplained and time.monotonic() < deadline:
        now = _differences(*this_machine)
        unexplained = {series: now[series] for series in unexplained.keys() & now.keys()}

    assert unexplained == {}


def _differences(here: Read, there: Read) -> dict[tuple[str, Labels], tuple[float, float, float]]:
    before, theirs, after = _values(here()), _values(there()), _values(here())
    readings = {
        series: (before[series], theirs[series], after[series])
        for series in before.keys() & theirs.keys() & after.keys()
    }
    return {series: values for series, values in readings.items() if not fits(series[0], *values)}


def _values(families: Families) -> dict[tuple[str, Labels], float]:
    return {(name, labels): value for name, family in families.items() for labels, value in family.samples.items()}


def test_a_studio_is_measured_as_node_exporter_does(studio_machine: Pair) -> None:
    here, there = studio_machine

    assert unlike(here(), there()) == {}
    theirs = _values(there())
    assert {
        series: (value, theirs[series])
        for series, value in _values(here()).items()
        if not math.isclose(value, theirs[series], rel_tol=1e-9)
    } == {}


@pytest.mark.parametrize(
    "name",
    [
        "node_bcache_writeback_rate",
        "node_bonding_active",
        "node_btrfs_allocation_ratio",
        "node_cooling_device_cur_state",
        "node_cpu_core_throttles_total",
        "node_cpu_scaling_frequency_hertz",
        "node_disk_ata_rotation_rate_rpm",
        "node_dmi_info",
        "node_edac_csrow_correctable_errors_total",
        "node_fibrechannel_rx_frames_total",
        "node_hwmon_temp_celsius",
        "node_infiniband_port_data_received_bytes_total",
        "node_ipvs_backend_weight",
        "node_md_blocks_synced",
        "node_nfs_requests_total",
        "node_nfsd_requests_total",
        "node_nvme_info",
        "node_power_supply_capacity",
        "node_rapl_package_joules_total",
        "node_schedstat_running_seconds_total",
        "node_tape_io_now",
        "node_thermal_zone_temp",
        "node_xfs_vnode_active_total",
        "node_zfs_arc_hits",
        "node_zfs_zpool_dataset_writes",
    ],
)
def test_a_studio_has_what_this_machine_may_lack(studio_machine: Pair, name: str) -> None:
    _, there = studio_machine

    assert name in there()


def test_of_node_exporters_collectors_none_is_left_out() -> None:
    with node_exporter() as peer:
        theirs = _collectors(scraped(peer.url))

    assert theirs - _collectors(ours(HostCollector(HostConfig()).collect())) == set()


def _collectors(families: Families) -> set[str]:
    return {dict(labels)["collector"] for labels in families["node_scrape_collector_success"].samples}
