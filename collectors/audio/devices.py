"""The devices that were seen since the start: at most so many, as their names come from others."""

from __future__ import annotations

from collections.abc import Iterator

from collectors.audio.device import Device

MOST_DEVICES = 16


class Devices:
    """Devices by name; of very many, those that were asked for last."""

    def __init__(self) -> None:
        self._by_name: dict[str, Device] = {}

    def __iter__(self) -> Iterator[Device]:
        return iter(self._by_name.values())

    def named(self, name: str) -> Device:
        """The device of that name, a new one if it was not seen before."""
        device = self._by_name.pop(name, None) or Device(name)
        if len(self._by_name) == MOST_DEVICES:
            del self._by_name[next(iter(self._by_name))]
        self._by_name[name] = device
        return device
