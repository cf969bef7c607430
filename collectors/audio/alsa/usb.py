"""Trouble of USB sound devices, from the kernel's log.

Owns the parser of the log's records, the counts, the families and the findings. The kernel wakes the reader for each
record, so that nothing is polled. Reading `/dev/kmsg` needs CAP_SYSLOG, or `kernel.dmesg_restrict` = 0. The format of a
record is that of the kernel's Documentation/ABI/testing/dev-kmsg. The texts are those of drivers/usb/core/hub.c,
sound/usb/endpoint.c and sound/usb/clock.c.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from collectors import remedies
from collectors.audio.thresholds import RECENT_NS
from collectors.findings import Finding, Severity
from collectors.metrics import Family, LabelValues, counter
from collectors.plain_errors import with_file

KINDS = {
    "reset": re.compile(r"reset .*USB device number"),
    "disconnect": re.compile(r"USB disconnect"),
    "transfer_failed": re.compile(r"(cannot submit urb|Unable to submit urb|timeout: still \d+ active urbs)"),
    "clock_invalid": re.compile(r"clock source \d+ is not valid"),
}
"""The kinds of event and the start of their messages."""

_MESSAGE = re.compile(r"usb (?P<port>\d+-\d+(?:\.\d+)*): (?P<text>.*)")
_SOUND_CLASS = "01"
"""USB's class of audio interfaces, as in `bInterfaceClass`."""
_RECORD_BYTES = 8192
_RECORDS_A_READ = 256
_SETTLED_SECONDS = 2.0
"""The time after which the interfaces of a new device are in sysfs."""
_MOST_PORTS = 32
_LABELS = ("port", "product", "kind")


def parse_record(record: bytes) -> tuple[str, str] | None:
    """Return the USB port and the text of a record of `/dev/kmsg`; None for every other record.

    Only the kernel writes records of facility 0.
    """
    head, _, message = record.decode(errors="replace").partition(";")
    priority = head.partition(",")[0]
    if not priority.isdecimal() or int(priority) >> 3:
        return None
    found = _MESSAGE.match(message.partition("\n")[0])
    return (found["port"], found["text"]) if found else None


def event_kind(text: str) -> str | None:
    """Return the kind of event that a message reports."""
    return next((kind for kind, start in KINDS.items() if start.match(text)), None)


def sound_devices(devices: Path) -> dict[str, str]:
    """Return the products of all USB sound devices by port; the port where a device names no product.

    Args:
        devices: Path of `/sys/bus/usb/devices`.
    """
    found = {}
    for interface in devices.glob("*:*/bInterfaceClass"):
        port = interface.parent.name.partition(":")[0]
        with suppress(OSError):
            if port not in found and interface.read_text().strip() == _SOUND_CLASS:
                found[port] = _product(devices / port) or port
    return found


def _product(device: Path) -> str:
    with suppress(OSError):
        return (device / "product").read_text(errors="replace").strip()
    return ""


class UsbEvents:
    """The events of all USB sound devices.

    Args:
        log: Path of `/dev/kmsg`.
        devices: Path of `/sys/bus/usb/devices`.
        now_ns: The monotonic clock; a seam for tests.
    """

    def __init__(
        self,
        log: Path = Path("/dev/kmsg"),
        devices: Path = Path("/sys/bus/usb/devices"),
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._log = log
        self._devices = devices
        self._now_ns = now_ns
        self._products: dict[str, str] = {}
        self._counts: dict[LabelValues, float] = {}
        self._recent: deque[tuple[int, str, str]] = deque(maxlen=1024)
        self._failure = ""

    async def run(self) -> None:
        """Follow the log until cancelled."""
        loop = asyncio.get_running_loop()
        self._find_devices()
        try:
            descriptor = os.open(self._log, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            self._failure = with_file(error)
            await asyncio.Event().wait()
            return
        try:
            with suppress(OSError):  # a pipe, as in tests, cannot seek
                os.lseek(descriptor, 0, os.SEEK_END)
            loop.add_reader(descriptor, self._read, descriptor, loop)
            await asyncio.Event().wait()
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)

    def take(self, record: bytes) -> bool:
        """Take in one record; return whether it is about a USB device."""
        parsed = parse_record(record)
        if parsed is None:
            return False
        port, text = parsed
        if port not in self._products:
            self._find_devices()
        kind = event_kind(text)
        if kind is not None and port in self._products:
            self._counts[port, self._products[port], kind] += 1
            self._recent.append((self._now_ns(), self._products[port], kind))
        return True

    def families(self) -> list[Family]:
        """Return the counts of all sound devices seen since the start."""
        help_ = "Events of a USB sound device in the kernel's log."
        family = counter("audio_usb_events_total", help_, dict(self._counts), _LABELS)
        return [family] if self._counts and not self._failure else []

    def findings(self) -> list[Finding]:
        """Return the events of the last ten minutes, and whether the log of a sound device cannot be read."""
        if self._failure:
            return [_unreadable(self._failure, sorted(self._products.values()))] if self._products else []
        recent = [(product, kind) for at_ns, product, kind in self._recent if self._now_ns() - at_ns < RECENT_NS]
        return [_trouble(product, [kind for name, kind in recent if name == product]) for product in _names(recent)]

    def _read(self, descriptor: int, loop: asyncio.AbstractEventLoop) -> None:
        for _ in range(_RECORDS_A_READ):
            try:
                record = os.read(descriptor, _RECORD_BYTES)
            except BlockingIOError:
                return
            except BrokenPipeError:  # the kernel overwrote records that were not read in time
                continue
            if not record:
                loop.remove_reader(descriptor)
                return
            if self.take(record):
                loop.call_later(_SETTLED_SECONDS, self._find_devices)

    def _find_devices(self) -> None:
        """Add the present devices; those that are gone stay known, because their last messages follow."""
        for port, product in sound_devices(self._devices).items():
            if port in self._products or len(self._products) < _MOST_PORTS:
                self._products[port] = product
                for kind in KINDS:
                    self._counts.setdefault((port, product, kind), 0)


def _names(recent: Sequence[tuple[str, str]]) -> list[str]:
    return list(dict.fromkeys(product for product, _ in recent))


def _trouble(product: str, kinds: Sequence[str]) -> Finding:
    counted = ", ".join(f"{kind.replace('_', ' ')} {kinds.count(kind)}" for kind in KINDS if kind in kinds)
    return Finding(
        code="audio-usb-trouble",
        title="A USB sound device has trouble on its bus",
        severity=Severity.WARNING,
        detail=f"The kernel reported in the last ten minutes for {product}: {counted}.",
        affects="Each event interrupts the sound. A device that is reset or disconnected stops for seconds.",
        remedy=(
            *remedies.command("sudo dmesg | grep -i usb | tail -50", "shows the messages and their times"),
            *remedies.command("lsusb -t", "shows the devices that share the port's bus"),
            "use another cable and a port of its own, without a hub, and disable USB power saving for the device",
        ),
    )


def _unreadable(reason: str, products: Sequence[str]) -> Finding:
    return Finding(
        code="audio-usb-log-unreadable",
        title="The kernel's log cannot be read",
        severity=Severity.INFO,
        detail=f"USB sound devices are there ({', '.join(products)}), but: {reason}.",
        affects="Resets, disconnects and failed transfers of USB sound devices are not counted.",
        remedy=(
            *remedies.command("sudo sysctl kernel.dmesg_restrict=0", "lets every user read the kernel's log"),
            "or set ProtectKernelLogs=no, DeviceAllow=/dev/kmsg r and AmbientCapabilities=CAP_SYSLOG in the unit",
        ),
    )
