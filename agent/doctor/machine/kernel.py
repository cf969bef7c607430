"""The kernel's preemption model, and threaded interrupts."""

from __future__ import annotations

import gzip
import re
from itertools import pairwise
from pathlib import Path

from collectors import remedies
from collectors.findings import Finding, Severity
from collectors.kernel_files import read_attribute, read_bytes

_PROMPT = frozenset({"full", "lazy", "rt"})
_CHOSEN = re.compile(r"\((\w+)\)")
_CONFIGURED = (
    ("CONFIG_PREEMPT_LAZY=y", "lazy"),
    ("CONFIG_PREEMPT=y", "full"),
    ("CONFIG_PREEMPT_VOLUNTARY=y", "voluntary"),
    ("CONFIG_PREEMPT_NONE=y", "none"),
)


def preemption(root: Path) -> str:
    """Return the model in force: `rt`, `full`, `lazy`, `voluntary` or `none`; empty if unknown.

    The sources, in this order: whether the kernel is a real-time one, the model in `/sys/kernel/debug/sched/preempt`
    (for root), the command line (`preempt=`), the build configuration, the version. A real-time kernel precedes all,
    because it ignores the others.
    """
    if is_real_time(root):
        return "rt"
    chosen = _CHOSEN.search(read_attribute(root / "sys/kernel/debug/sched/preempt") or "")
    asked = [word.removeprefix("preempt=") for word in _command_line(root) if word.startswith("preempt=")]
    if chosen or asked:
        return chosen[1] if chosen else asked[-1]
    built = _built_with(root).splitlines()
    model = next((model for line, model in _CONFIGURED if line in built), "")
    return model or ("full" if "PREEMPT" in _version(root) else "")


def is_real_time(root: Path) -> bool:
    """Return True for a PREEMPT_RT kernel.

    The patch set has `/sys/kernel/realtime`. Mainline kernels (6.12) have the model in their version instead, which the
    patch set of older kernels wrote as two words.
    """
    version = _version(root)
    return (
        read_attribute(root / "sys/kernel/realtime") == "1"
        or "PREEMPT_RT" in version
        or ("PREEMPT", "RT") in pairwise(version)
        or "CONFIG_PREEMPT_RT=y" in _built_with(root).splitlines()
    )


def threaded_interrupts(root: Path) -> bool:
    """Return True if interrupt handlers run as threads, which an audio thread can preempt."""
    return "threadirqs" in _command_line(root) or is_real_time(root)


def check(model: str, *, threaded: bool) -> list[Finding]:
    """Return findings if audio threads wait for the kernel or for interrupts of other devices."""
    found = []
    if model and model not in _PROMPT:
        found.append(_slow(model))
    if not threaded and model != "rt":
        found.append(_not_threaded())
    return found


def _slow(model: str) -> Finding:
    return Finding(
        code="kernel-preempts-late",
        title="The kernel's preemption model delays audio threads",
        severity=Severity.INFO,
        detail=f"Expected preemption full, lazy or rt, found {model}.",
        affects="Buffers of 128 frames or less can drop out when other programs are busy.",
        remedy=(
            *remedies.kernel_argument("preempt=full"),
            *(f"{line}  # or instead a real-time kernel" for line in remedies.install("kernel-realtime")),
        ),
    )


def _not_threaded() -> Finding:
    return Finding(
        code="kernel-interrupts-not-threaded",
        title="Interrupts of other devices run before audio threads",
        severity=Severity.INFO,
        detail="Expected threadirqs on the kernel's command line, or a real-time kernel; found neither.",
        affects="Network, disk and graphics interrupts can delay audio. Small buffers drop out first.",
        remedy=(
            *remedies.kernel_argument("threadirqs"),
            *(f"{line}  # gives the sound card's thread the highest priority" for line in remedies.install("rtirq")),
        ),
    )


def _version(root: Path) -> list[str]:
    """Return the words of `uname -v`, such as `#1 SMP PREEMPT_RT Debian 6.12.48-1`."""
    return (read_attribute(root / "proc/sys/kernel/version") or "").split()


def _command_line(root: Path) -> list[str]:
    return (read_attribute(root / "proc/cmdline") or "").split()


def _built_with(root: Path) -> str:
    release = read_attribute(root / "proc/sys/kernel/osrelease") or ""
    try:
        return gzip.decompress(read_bytes(root / "proc/config.gz")).decode()
    except (OSError, EOFError):
        pass
    try:
        return read_bytes(root / f"boot/config-{release}").decode()
    except OSError:
        return ""
