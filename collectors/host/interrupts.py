"""Interrupts of sound and USB devices by processor, from /proc/interrupts.

The family is that of node_exporter's collector of the same name, which is off by default because it exports every
interrupt. This module exports the interrupts that matter to audio.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from collectors.kernel_files import read_text
from collectors.metrics import Family, LabelValues, counter

_AUDIO = re.compile(r"snd|sof|hda|audio|i2s|soundwire|firewire|[xeou]hci|usb|thunderbolt", re.IGNORECASE)
_MOST = 32


@dataclass(frozen=True, slots=True)
class Interrupt:
    """One line of the table.

    Attributes:
        type: Its number, or the short name of an interrupt without one.
        info: Its controller; the description of an interrupt without a number.
        devices: The controller's line and the handlers; empty without a number.
        counts: Its counts, one a processor.
    """

    type: str
    info: str
    devices: str
    counts: tuple[int, ...]


def parse(text: str) -> tuple[list[str], list[Interrupt]]:
    """Return the numbers of the processors, and the interrupts that are counted by processor."""
    return _parse(text, lambda _: True)


def _parse(text: str, wanted: Callable[[str], bool]) -> tuple[list[str], list[Interrupt]]:
    header, *lines = text.splitlines()
    cpus = [name.removeprefix("CPU") for name in header.split()]
    rows = (line.partition(":") for line in lines)
    found = (_interrupt(name.strip(), rest.split(), len(cpus), wanted) for name, _, rest in rows)
    return cpus, [interrupt for interrupt in found if interrupt]


def decides_about_audio(interrupt: Interrupt) -> bool:
    """Return True if the driver of a sound or USB device handles it."""
    return _is_audio(interrupt.devices)


@lru_cache(maxsize=1024)  # the handlers rarely change between scrapes
def _is_audio(devices: str) -> bool:
    return bool(_AUDIO.search(devices))


def families(root: Path) -> list[Family]:
    """Return the interrupts of sound and USB devices, at most 32 of them."""
    cpus, interrupts = _parse(read_text(f"{root}/proc/interrupts"), _is_audio)
    return [family(cpus, interrupts[:_MOST])]


def family(cpus: list[str], interrupts: list[Interrupt]) -> Family:
    """Return one series for each interrupt and processor."""
    samples: dict[LabelValues, float] = {
        (cpu, interrupt.type, interrupt.info, interrupt.devices): count
        for interrupt in interrupts
        for cpu, count in zip(cpus, interrupt.counts, strict=True)
    }
    return counter("node_interrupts_total", "Interrupt details.", samples, ("cpu", "type", "info", "devices"))


def _interrupt(type_: str, fields: list[str], cpus: int, wanted: Callable[[str], bool]) -> Interrupt | None:
    """Return an interrupt if its devices are wanted. Counts are parsed for these only: a line has one a processor."""
    if len(fields) <= cpus:  # ERR and MIS have one count for all processors
        return None
    numbered = type_.isdecimal()
    devices = " ".join(fields[cpus + 1 :]) if numbered else ""
    if not wanted(devices):
        return None
    info = fields[cpus] if numbered else " ".join(fields[cpus:])
    return Interrupt(type_, info, devices, tuple(map(int, fields[:cpus])))
