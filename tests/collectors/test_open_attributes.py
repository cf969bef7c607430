import os
from pathlib import Path

import pytest

from collectors.open_attributes import OpenAttributes


def make(folder: Path, **attributes: str) -> str:
    folder.mkdir(parents=True)
    for name, value in attributes.items():
        (folder / name).write_text(f"{value}\n")
    return str(folder)


def descriptors_below(folder: Path) -> int:
    opened = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            opened += str(descriptor.readlink()).startswith(str(folder))
        except OSError:
            continue
    return opened


def test_attributes_are_read_again_from_open_files(tmp_path: Path) -> None:
    eth0 = make(tmp_path / "eth0", mtu="1500", speed="1000")
    reader = OpenAttributes(("mtu", "speed", "missing"))

    assert reader.read([eth0]) == {eth0: {"mtu": "1500", "speed": "1000"}}
    (tmp_path / "eth0" / "mtu").write_text("9000\n")
    assert reader.read([eth0]) == {eth0: {"mtu": "9000", "speed": "1000"}}
    assert descriptors_below(tmp_path) == 2


def test_a_device_that_takes_a_name_over_is_read(tmp_path: Path) -> None:
    eth0, eth1 = make(tmp_path / "eth0", mtu="1"), make(tmp_path / "eth1", mtu="2")
    reader = OpenAttributes(("mtu",))
    reader.read([eth0, eth1])
    Path(eth0).rename(tmp_path / "old")
    Path(eth1).rename(eth0)

    assert reader.read([eth0]) == {eth0: {"mtu": "2"}}
    assert descriptors_below(tmp_path) == 1


def test_files_of_a_device_that_is_gone_are_closed(tmp_path: Path) -> None:
    eth0 = make(tmp_path / "eth0", mtu="1")
    reader = OpenAttributes(("mtu",))
    reader.read([eth0])

    assert reader.read([]) == {}
    assert descriptors_below(tmp_path) == 0
    assert reader.read([str(tmp_path / "none")]) == {str(tmp_path / "none"): {}}


def test_a_device_that_is_removed_during_the_read_is_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    eth0 = make(tmp_path / "eth0", mtu="1")
    reader = OpenAttributes(("mtu",))
    reader.read([eth0])
    monkeypatch.setattr(os, "pread", lambda *_: (_ for _ in ()).throw(OSError(19, "No such device")))

    assert reader.read([eth0]) == {eth0: {"mtu": "1"}}
    assert descriptors_below(tmp_path) == 0


def test_further_directories_are_read_too_and_left_closed(tmp_path: Path) -> None:
    folders = [make(tmp_path / f"veth{number}", mtu=str(number)) for number in range(5)]
    reader = OpenAttributes(("mtu",), most=2)

    for _ in range(2):
        assert reader.read(folders) == {path: {"mtu": str(number)} for number, path in enumerate(folders)}
        assert descriptors_below(tmp_path) == 2


def test_all_files_are_closed_with_the_reader(tmp_path: Path) -> None:
    reader = OpenAttributes(("mtu",))
    reader.read([make(tmp_path / "eth0", mtu="1")])
    del reader

    assert descriptors_below(tmp_path) == 0


def test_the_attributes_of_real_interfaces_are_those_of_their_files() -> None:
    net = Path("/sys/class/net")
    if not net.is_dir():
        net = Path("/sys/class")
    paths = [str(each) for each in net.iterdir()]
    found = OpenAttributes(("address", "ifindex")).read(paths)

    expected = {
        path: {
            name: (Path(path) / name).read_text().rstrip("\n")
            for name in ("address", "ifindex")
            if (Path(path) / name).exists()
        }
        for path in paths
    }
    assert found == expected
