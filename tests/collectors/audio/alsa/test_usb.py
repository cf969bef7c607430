"""The texts are from logs that owners of such devices have published."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from collectors.audio.alsa.usb import KINDS, UsbEvents, event_kind, parse_record, sound_devices
from collectors.findings import Severity
from tests.support.waiting import soon

DISCONNECT = b"6,1543,3221407640,-;usb 1-8.4: USB disconnect, device number 46\n SUBSYSTEM=usb\n DEVICE=+usb:1-8.4\n"


@pytest.fixture
def devices(tmp_path: Path) -> Path:
    folder = tmp_path / "devices"
    plug(folder, "1-8.4", "Scarlett 2i2 USB", "01")
    plug(folder, "1-2", "Keyboard", "03")
    return folder


def plug(folder: Path, port: str, product: str, interface_class: str) -> None:
    (folder / port).mkdir(parents=True)
    (folder / port / "product").write_text(product + "\n")
    (folder / f"{port}:1.0").mkdir()
    (folder / f"{port}:1.0" / "bInterfaceClass").write_text(interface_class + "\n")


def counted(events: UsbEvents) -> dict[tuple[str, ...], float]:
    (family,) = events.families()
    return {labels: float(value) for labels, value in family.samples.items() if value}  # type: ignore[arg-type] # a counter


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("reset high-speed USB device number 5 using xhci_hcd", "reset"),
        ("reset SuperSpeed Plus Gen 2x1 USB device number 3 using xhci_hcd", "reset"),
        ("USB disconnect, device number 46", "disconnect"),
        ("cannot submit urb (err = -19)", "transfer_failed"),
        ("cannot submit urb 0, error -19: no device", "transfer_failed"),
        ("Unable to submit urb #2: -19 at snd_usb_queue_pending_output_urbs", "transfer_failed"),
        ("timeout: still 2 active urbs on EP #1", "transfer_failed"),
        ("clock source 41 is not valid, cannot use", "clock_invalid"),
        ("new high-speed USB device number 47 using xhci_hcd", None),
        ("Product: USB disconnect", None),
    ],
)
def test_a_message_has_its_kind(text: str, kind: str | None) -> None:
    assert event_kind(text) == kind


@pytest.mark.parametrize(
    ("record", "parsed"),
    [
        (DISCONNECT, ("1-8.4", "USB disconnect, device number 46")),
        (b"12,1543,3221407640,-;usb 1-8.4: USB disconnect, device number 46\n", None),  # written by a program
        (b"6,1,1,-;hub 1-8:1.0: USB hub found\n", None),
        (b"6,1,1,-;usb usb1: New USB device found\n", None),
        (b"", None),
        (b"\xff;usb 1-1: x", None),
    ],
)
def test_a_record_of_the_kernel_is_parsed(record: bytes, parsed: tuple[str, str] | None) -> None:
    assert parse_record(record) == parsed


def test_sound_devices_have_an_interface_of_the_class_audio(devices: Path) -> None:
    assert sound_devices(devices) == {"1-8.4": "Scarlett 2i2 USB"}
    assert sound_devices(devices / "none") == {}


def test_events_of_sound_devices_are_counted(devices: Path) -> None:
    events = UsbEvents(devices=devices)
    for record in (DISCONNECT, DISCONNECT.replace(b"1-8.4", b"1-2"), DISCONNECT.replace(b"1-8.4", b"1-9")):
        events.take(record)

    assert counted(events) == {("1-8.4", "Scarlett 2i2 USB", "disconnect"): 1}
    assert len(events.families()[0].samples) == len(KINDS)  # each kind begins at zero


def test_trouble_is_a_finding_that_ends_by_itself(devices: Path) -> None:
    now = [10**12]
    events = UsbEvents(devices=devices, now_ns=lambda: now[0])
    events.take(DISCONNECT)
    events.take(DISCONNECT)
    (finding,) = events.findings()
    now[0] += 600 * 10**9

    assert (finding.code, finding.severity) == ("audio-usb-trouble", Severity.WARNING)
    assert "for Scarlett 2i2 USB: disconnect 2." in finding.detail
    assert events.findings() == []


async def running(events: UsbEvents, test: Callable[[], object]) -> None:
    task = asyncio.create_task(events.run())
    try:
        await soon(test)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_log_is_followed(devices: Path, tmp_path: Path) -> None:
    log = tmp_path / "kmsg"
    os.mkfifo(log)
    writer = os.open(log, os.O_RDWR)
    events = UsbEvents(log, devices)

    def seen() -> bool:
        if not any(value for family in events.families() for value in family.samples.values()):
            os.write(writer, DISCONNECT)
        return bool(events.findings())

    await running(events, seen)
    os.close(writer)

    assert ("1-8.4", "Scarlett 2i2 USB", "disconnect") in counted(events)


async def test_a_log_that_cannot_be_read_is_a_finding_where_there_is_a_sound_device(
    devices: Path, tmp_path: Path
) -> None:
    events = UsbEvents(tmp_path / "none", devices)
    await running(events, events.findings)
    without = UsbEvents(tmp_path / "none", tmp_path / "no devices")
    task = asyncio.create_task(without.run())
    await asyncio.sleep(0.1)
    task.cancel()

    assert [finding.code for finding in events.findings()] == ["audio-usb-log-unreadable"]
    assert events.families() == []
    assert without.findings() == []
