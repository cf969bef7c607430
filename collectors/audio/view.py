"""The live view of the audio collector, for the status page."""

from __future__ import annotations

from dataclasses import dataclass, field

from collectors.audio.device import DeviceView
from collectors.audio.families import is_up
from collectors.audio.history import HistoryView


@dataclass(frozen=True, slots=True)
class AudioView:
    """All devices at one instant.

    Attributes:
        devices: The devices seen since the start.
        missing: Names of configured devices that were never seen.
        now_ns: Monotonic time.
        history: The dropouts of the last 24 hours.
    """

    devices: tuple[DeviceView, ...]
    missing: tuple[str, ...]
    now_ns: int
    history: HistoryView = field(default_factory=HistoryView)

    def up(self, device: DeviceView) -> bool:
        """Return True if the device runs, as `audio_device_up` has it."""
        return is_up(device, self.now_ns)
