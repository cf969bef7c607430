from __future__ import annotations

import pytest

from collectors.host.btrfs import ratio


@pytest.mark.parametrize(
    ("mode", "devices", "expected"),
    [
        ("single", 1, 1),
        ("raid0", 3, 1),
        ("dup", 1, 2),
        ("raid1", 2, 2),
        ("raid5", 4, 4 / 3),
        ("raid6", 4, 2),
        ("new", 2, 0),
    ],
)
def test_how_many_bytes_of_disk_a_byte_takes(mode: str, devices: int, expected: float) -> None:
    assert ratio(mode, devices) == expected
