from __future__ import annotations

from pathlib import Path

from collectors.containers.block_devices import BlockDevices
from tests.collectors.containers.support import write


def test_a_number_that_another_device_got_has_its_name(tmp_path: Path) -> None:
    devices = BlockDevices(tmp_path)
    assert devices.name("8:16") == "8:16"

    write(tmp_path, {"sys/dev/block/8:16/uevent": "MAJOR=8\nDEVNAME=sdb\n"})
    assert devices.name("8:16") == "8:16"
    devices.forget()

    assert devices.name("8:16") == "/dev/sdb"
