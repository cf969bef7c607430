"""Whether sound and USB devices have their interrupts for themselves."""

from __future__ import annotations

from pathlib import Path

from collectors.findings import Finding, Severity
from collectors.host.interrupts import Interrupt, decides_about_audio, parse
from collectors.kernel_files import read_text


def read(root: Path) -> list[Interrupt]:
    """The interrupts that a sound or USB device's driver handles; none where the kernel does not tell."""
    try:
        return list(filter(decides_about_audio, parse(read_text(root / "proc/interrupts"))[1]))
    except OSError:
        return []


def handlers(interrupt: Interrupt) -> list[str]:
    """Who handles it: the words behind the line of the controller, several between commas."""
    first, *others = interrupt.devices.split(", ")
    return [first.split()[-1], *others]


def check(interrupts: list[Interrupt]) -> list[Finding]:
    """A finding for each interrupt that a sound or USB device shares."""
    return [
        Finding(
            code="interrupt-shared",
            title=f"Interrupt {interrupt.type} is shared by {len(handlers(interrupt))} devices",
            severity=Severity.WARNING if "snd" in interrupt.devices else Severity.INFO,
            detail=f"Expected one device, found {', '.join(handlers(interrupt))}.",
            affects="Each interrupt of one of them holds the others up: audio is late when the others are busy.",
            remedy=(
                "lspci -v | grep -i -B8 'irq'  # which slot each one has",
                "plug the interface into another USB port, or the card into another slot",
                "switch off in the firmware what you do not use",
            ),
        )
        for interrupt in interrupts
        if len(handlers(interrupt)) > 1
    ]
