"""How willingly the kernel swaps out memory that audio programs will need again."""

from __future__ import annotations

from pathlib import Path

from collectors.findings import Finding, Severity
from collectors.kernel_files import read_number, read_text

_WILLING = 10


def swaps(root: Path) -> list[str]:
    """The swap areas in use, but those that are compressed memory."""
    try:
        lines = read_text(root / "proc/swaps").splitlines()[1:]
    except OSError:
        return []
    return [name for name in (line.split()[0] for line in lines) if not name.startswith("/dev/zram")]


def swappiness(root: Path) -> int | None:
    """The kernel's setting from 0 to 200; `None` where there is none."""
    return read_number(root / "proc/sys/vm/swappiness")


def check(areas: list[str], willing: int | None) -> list[Finding]:
    """A finding if there is a disk to swap to, and the kernel uses it early."""
    if not areas or willing is None or willing <= _WILLING:
        return []
    return [
        Finding(
            code="memory-swapped-early",
            title="The kernel swaps memory out early",
            severity=Severity.INFO,
            detail=f"vm.swappiness is {willing}, with swap on {', '.join(areas)}; at most {_WILLING} is expected.",
            affects="A sampler that was idle waits for the disk when it plays again: a dropout at its first notes.",
            remedy=(f"echo vm.swappiness={_WILLING} | sudo tee /etc/sysctl.d/90-audio.conf && sudo sysctl --system",),
        )
    ]
