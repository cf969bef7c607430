"""Interrupts that sound and USB devices share."""

from __future__ import annotations

from pathlib import Path

from collectors import remedies
from collectors.findings import Finding, Severity
from collectors.host.interrupts import Interrupt, decides_about_audio, parse
from collectors.kernel_files import read_text


def read(root: Path) -> list[Interrupt]:
    """Return the interrupts of sound and USB drivers; none where the kernel does not list them."""
    try:
        return list(filter(decides_about_audio, parse(read_text(root / "proc/interrupts"))[1]))
    except OSError:
        return []


def handlers(interrupt: Interrupt) -> list[str]:
    """Return the drivers of an interrupt."""
    first, *others = interrupt.devices.split(", ")
    return [first.split()[-1], *others]


def check(interrupts: list[Interrupt]) -> list[Finding]:
    """Return a finding for each interrupt that a sound or USB device shares."""
    return [
        Finding(
            code="interrupt-shared",
            title=f"Interrupt {interrupt.type} is shared by {len(handlers(interrupt))} devices",
            severity=Severity.WARNING if "snd" in interrupt.devices else Severity.INFO,
            detail=f"Expected one device, found {', '.join(handlers(interrupt))}.",
            affects="An interrupt of one device delays the others. Audio is late when they are busy.",
            remedy=(
                *remedies.command("lspci -v | grep -i -B8 'irq'", "shows the slot of each device"),
                "plug the interface into another USB port, or the card into another slot",
                "disable unused devices in the firmware",
            ),
        )
        for interrupt in interrupts
        if len(handlers(interrupt)) > 1
    ]
