from __future__ import annotations

from pathlib import Path
from typing import get_args

from collectors.host.config import HostConfig, SubsystemName
from collectors.host.subsystems import darwin, linux


def test_each_subsystem_can_be_left_out_by_its_name() -> None:
    names = [
        it.name for platform in (linux(Path("/"), HostConfig()), darwin(HostConfig())) for it in platform.subsystems
    ]

    assert {*names, "textfile"} == set(get_args(SubsystemName))


def test_no_name_is_there_twice() -> None:
    for platform in (linux(Path("/"), HostConfig()), darwin(HostConfig())):
        names = [it.name for it in platform.subsystems]

        assert len(names) == len(set(names))


def test_on_an_empty_machine_each_subsystem_is_absent_or_says_nothing(tmp_path: Path) -> None:
    """Only FileNotFoundError means absent: another error would be a finding on every such machine."""
    (tmp_path / "sys/class").mkdir(parents=True)
    failed = {}
    for it in linux(tmp_path, HostConfig()).subsystems:
        try:
            it.families()
        except FileNotFoundError:
            continue
        except Exception as error:  # noqa: BLE001 - the error is what is looked for
            failed[it.name] = repr(error)

    assert failed == {}
