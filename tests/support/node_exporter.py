"""Debian's real node_exporter on loopback, with upstream's filters, which Debian changes."""

from __future__ import annotations

import contextlib
import re
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from collectors.host.config import HostConfig

_DEFAULTS = HostConfig()
_FILTERS = (
    "--collector.netdev.device-exclude=",
    f"--collector.diskstats.device-exclude={_DEFAULTS.block_devices.exclude}",
    f"--collector.filesystem.mount-points-exclude={_DEFAULTS.mount_points.exclude}",
    f"--collector.filesystem.fs-types-exclude={_DEFAULTS.file_system_types.exclude}",
    "--no-collector.systemd",  # Debian's choice: upstream has it off, for it asks over D-Bus
)


@dataclass(frozen=True)
class NodeExporter:
    """A running node_exporter: its process and the address of its page."""

    pid: int
    url: str


@contextlib.contextmanager
def node_exporter(*flags: str, root: Path | None = None) -> Iterator[NodeExporter]:
    """Yield a node_exporter with its default collectors, on the machine below `root` if one is given."""
    command = ["prometheus-node-exporter", "--web.listen-address=127.0.0.1:0", *_FILTERS, *_paths(root), *flags]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield NodeExporter(process.pid, f"http://{_address(process)}/metrics")
        finally:
            process.terminate()


def _paths(root: Path | None) -> list[str]:
    if root is None:
        return []
    return [
        f"--path.procfs={root / 'proc'}",
        f"--path.sysfs={root / 'sys'}",
        f"--path.rootfs={root}",
        f"--path.udev.data={root / 'run/udev/data'}",
    ]


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    log = []
    for line in process.stderr:
        log.append(line)
        if found := re.search(r'msg="Listening on" address=(\S+)', line):
            # Read its log from now on, so that it never blocks.
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return found[1]
    raise AssertionError(f"node_exporter did not start: {''.join(log)}")
