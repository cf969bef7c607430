from __future__ import annotations

from collectors.audio.devices import MOST_DEVICES, Devices


def test_a_device_is_the_same_one_as_long_as_it_is_known() -> None:
    devices = Devices()

    assert devices.named("system") is devices.named("system")
    assert [device.name for device in devices] == ["system"]


def test_of_very_many_devices_those_that_were_asked_for_last_are_kept() -> None:
    devices = Devices()
    for number in range(2 * MOST_DEVICES):
        devices.named("system")
        devices.named(f"usb {number}")
    names = [device.name for device in devices]

    assert len(names) == MOST_DEVICES
    assert {"system", f"usb {2 * MOST_DEVICES - 1}"} <= set(names)
    assert "usb 0" not in names
