"""Tasks that the kernel found hung, from /proc/sys/kernel/hung_task_detect_count."""

from __future__ import annotations

from pathlib import Path

from collectors.kernel_files import read_text
from collectors.metrics import Family, counter


def families(root: Path) -> list[Family]:
    """Return the one counter.

    Raises:
        FileNotFoundError: The kernel is older than 6.13, or does not look for hung tasks.
    """
    count = int(read_text(f"{root}/proc/sys/kernel/hung_task_detect_count"))
    help = "Total number of tasks that have been detected as hung since the system booted."
    return [counter("node_kernel_hung_tasks_total", help, count)]
