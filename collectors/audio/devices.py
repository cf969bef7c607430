"""The devices that were seen since the start: at most so many, as their names come from others."""

from __future__ import annotations

from collections.abc import Iterator

from collectors.audio.device import Device

MOST_DEVICES = 16


class Devices:
    """Devices by name; of very many, those that ran last."""

    def __init__(self) -> None:
        self._by_name: dict[str, Device] = {}

    def __iter__(self) -> Iterator[Device]:
        return iter(self._by_name.values())

    def named(self, name: str) -> Device:
        """The device of that name, a new one if it was not seen before."""
        if name not in self._by_name:
            if len(self._by_name) == MOST_DEVICES:
                self._forget_one()
            self._by_name[name] = Device(name)
        return self._by_name[name]

    def _forget_one(self) -> None:
        stalest = min(self, key=lambda device: device.cycle_ns)
        del self._by_name[stalest.name]
