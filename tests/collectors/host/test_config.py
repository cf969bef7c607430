from __future__ import annotations

from pathlib import Path
from typing import get_args

import msgspec
import pytest

from collectors.host.config import HostConfig, SubsystemName
from collectors.host.subsystems import darwin, linux


def test_the_host_is_measured_unless_said_otherwise() -> None:
    assert msgspec.convert({}, HostConfig).enabled is True
    assert msgspec.convert({"enabled": False}, HostConfig).enabled is False


def test_an_unknown_key_is_an_error() -> None:
    with pytest.raises(msgspec.ValidationError, match="enable"):
        msgspec.convert({"enable": False}, HostConfig)


def test_a_subsystem_is_left_out_by_its_name() -> None:
    assert msgspec.convert({"exclude": ["arp"]}, HostConfig).exclude == ("arp",)
    with pytest.raises(msgspec.ValidationError, match="'arpp'"):
        msgspec.convert({"exclude": ["arpp"]}, HostConfig)


def test_every_subsystem_of_every_platform_can_be_left_out() -> None:
    platforms = (linux(Path("/"), HostConfig()), darwin(HostConfig()))

    named = {subsystem.name for platform in platforms for subsystem in platform.subsystems}

    assert named | {"textfile"} == set(get_args(SubsystemName))


def test_an_expression_that_is_none_is_refused_with_its_fault() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"got '\(eth': missing \)"):
        msgspec.convert({"network_devices": {"include": "(eth"}}, HostConfig)


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/", True),
        ("/home", True),
        ("/media/disk", True),
        ("/devices", True),
        ("/run/lock", True),
        ("/proc", False),
        ("/dev/ram", False),
        ("/sys/fs/bpf", False),
        ("/run/credentials/systemd-sysusers.service", False),
        ("/var/lib/docker/overlay2/abc/merged", False),
    ],
)
def test_mount_points_are_left_out_as_node_exporter_does(path: str, *, kept: bool) -> None:
    assert HostConfig().mount_points.keeps(path) is kept


@pytest.mark.parametrize(
    ("type_", "kept"), [("ext4", True), ("exfat", True), ("tmpfs", True), ("overlay", False), ("squashfs", False)]
)
def test_file_systems_are_left_out_as_node_exporter_does(type_: str, *, kept: bool) -> None:
    assert HostConfig().file_system_types.keeps(type_) is kept
