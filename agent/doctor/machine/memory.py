"""Swapping: the swap areas, and the kernel's swappiness."""

from __future__ import annotations

from pathlib import Path

from collectors.findings import Finding, Severity
from collectors.kernel_files import read_number, read_text

_MOST = 10


def swaps(root: Path) -> list[str]:
    """Return the swap areas in use, without compressed memory (zram)."""
    try:
        lines = read_text(root / "proc/swaps").splitlines()[1:]
    except OSError:
        return []
    return [name for name in (line.split()[0] for line in lines) if not name.startswith("/dev/zram")]


def swappiness(root: Path) -> int | None:
    """Return `vm.swappiness`, 0 to 200; `None` where it does not exist."""
    return read_number(root / "proc/sys/vm/swappiness")


def check(areas: list[str], value: int | None) -> list[Finding]:
    """Return a finding if a disk has swap and the kernel uses it early."""
    if not areas or value is None or value <= _MOST:
        return []
    return [
        Finding(
            code="memory-swapped-early",
            title="The kernel swaps memory out early",
            severity=Severity.INFO,
            detail=f"vm.swappiness is {value}, with swap on {', '.join(areas)}; at most {_MOST} is expected.",
            affects="A sampler that was idle waits for the disk at its next notes and drops out.",
            remedy=(f"echo vm.swappiness={_MOST} | sudo tee /etc/sysctl.d/90-audio.conf && sudo sysctl --system",),
        )
    ]
