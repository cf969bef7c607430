"""Looks at the whole machine: processors, pressure, memory, interrupts, frequencies and thermal throttling."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from collectors.audio.causes.evidence import SystemLook
from collectors.audio.causes.recorder.kept_file import KeptFile, kept

_KEPT_LOOKS = 64
_MOST_CPUS = 256
_PRESSURES = ("cpu", "memory", "io")
_FIELDS = 8
"""The fields of a processor in `/proc/stat` up to steal."""
_VMSTAT = re.compile(
    rb"^(pgmajfault|pswpin|pswpout|pgscan_direct|compact_stall|oom_kill|allocstall\w*) (\d+)$", re.MULTILINE
)
"""The counters that show memory pressure. There is an `allocstall` for each zone."""


def parse_cpus(content: bytes) -> tuple[tuple[int, ...], ...]:
    """Return the ticks of each processor in `/proc/stat`."""
    lines = content[: content.find(b"\nintr")].splitlines()[1:]
    return tuple(tuple(map(int, line.split()[1 : 1 + _FIELDS])) for line in lines)


def parse_pressure(content: bytes) -> dict[str, int]:
    """Return the total microseconds of `some` and `full` in a file of `/proc/pressure`."""
    found = {}
    for line in content.splitlines():
        kind, _, rest = line.partition(b" ")
        found[kind.decode()] = int(rest.rpartition(b"total=")[2])
    return found


def parse_vmstat(content: bytes) -> dict[str, int]:
    """Return the counters of `/proc/vmstat` that show memory pressure."""
    found = {"allocstall": 0} if content else {}
    for match in _VMSTAT.finditer(content):
        name = "allocstall" if match[1].startswith(b"allocstall") else match[1].decode()
        found[name] = found.get(name, 0) + int(match[2])
    return found


def parse_counts(content: bytes) -> dict[str, int]:
    """Return the counts of `/proc/softirqs` or `/proc/interrupts` by name, summed over the processors.

    An interrupt of a device is named by its number and its last word, such as `24 xhci_hcd`.
    """
    lines = content.decode(errors="replace").splitlines()
    cpus = len(lines[0].split()) if lines else 0
    found: dict[str, int] = {}
    for line in lines[1:]:
        label, _, rest = line.partition(":")
        words = rest.split()
        counts = [int(word) for word in words[:cpus] if word.isdecimal()]
        label = label.strip()
        name = f"{label} {words[-1]}" if label.isdecimal() and len(words) > cpus else label
        found[name] = sum(counts)
    return found


class _RawLook(NamedTuple):
    """A look as the kernel's text, which is parsed only for the evidence.

    Attributes:
        at_ns: Time of the look.
        stat: The text of `/proc/stat`.
        pressure: The texts of `/proc/pressure`, in the order of `_PRESSURES`.
        vmstat: The text of `/proc/vmstat`; empty if it was not read.
        softirqs: The text of `/proc/softirqs`; likewise.
        interrupts: The text of `/proc/interrupts`; likewise.
        frequencies: The text of each processor's frequency in kHz; likewise.
        throttles: The text of each processor's throttle events; likewise.
    """

    at_ns: int
    stat: bytes
    pressure: tuple[bytes, ...]
    vmstat: bytes = b""
    softirqs: bytes = b""
    interrupts: bytes = b""
    frequencies: tuple[bytes, ...] = ()
    throttles: tuple[bytes, ...] = ()

    def parse(self) -> SystemLook:
        pressure = {
            f"{name} {kind}": total
            for name, content in zip(_PRESSURES, self.pressure, strict=True)
            for kind, total in parse_pressure(content).items()
        }
        return SystemLook(
            at_ns=self.at_ns,
            cpus=parse_cpus(self.stat),
            pressure=pressure,
            vmstat=parse_vmstat(self.vmstat),
            softirqs=parse_counts(self.softirqs),
            interrupts=parse_counts(self.interrupts),
            megahertz=tuple(_number(content) / 1000 for content in self.frequencies),
            throttles=tuple(map(_number, self.throttles)),
        )


class MachineLooks:
    """The rolling memory of the machine's counters.

    Args:
        proc: Path of `/proc`.
        cpus: Path of `/sys/devices/system/cpu`.
    """

    def __init__(self, proc: Path = Path("/proc"), cpus: Path = Path("/sys/devices/system/cpu")) -> None:
        self._stat = kept(proc / "stat")
        self._pressure = [kept(proc / "pressure" / name) for name in _PRESSURES]
        self._vmstat = kept(proc / "vmstat")
        self._softirqs = kept(proc / "softirqs")
        self._interrupts = kept(proc / "interrupts")
        folders = sorted(cpus.glob("cpu[0-9]*"), key=lambda folder: int(folder.name.removeprefix("cpu")))[:_MOST_CPUS]
        self._frequencies = _open_all([folder / "cpufreq" / "scaling_cur_freq" for folder in folders])
        self._throttles = _open_all([folder / "thermal_throttle" / "core_throttle_count" for folder in folders])
        self._looks: deque[_RawLook] = deque(maxlen=_KEPT_LOOKS)

    @property
    def missing(self) -> tuple[str, ...]:
        """The counters that this machine does not have, one sentence each."""
        found = []
        if not any(self._pressure):
            found.append("The kernel has no pressure stall information (/proc/pressure).")
        if not self._frequencies:
            found.append("The machine shows no frequency of its processors.")
        if not self._throttles:
            found.append("The machine counts no thermal throttling.")
        return tuple(found)

    def look(self, now_ns: int, *, memory: bool, everything: bool) -> None:
        """Look once.

        Args:
            now_ns: Monotonic time.
            memory: Whether to read the counters of memory and soft interrupts too.
            everything: Whether to read interrupts, frequencies and throttling too, which costs most.
        """
        look = _RawLook(now_ns, _read(self._stat), tuple(map(_read, self._pressure)))
        if memory:
            look = look._replace(vmstat=_read_all(self._vmstat), softirqs=_read_all(self._softirqs))
        if everything:
            look = look._replace(
                interrupts=_read_all(self._interrupts),
                frequencies=tuple(map(_read, self._frequencies)),
                throttles=tuple(map(_read, self._throttles)),
            )
        self._looks.append(look)

    def tracks(self, since_ns: int) -> tuple[SystemLook, ...]:
        """Return the looks since that time, and the last ones before it that have the rarer counters."""
        earlier = [look for look in self._looks if look.at_ns < since_ns]
        before = [
            *earlier[-1:],
            *[it for it in earlier if it.vmstat][-1:],
            *[it for it in earlier if it.interrupts][-1:],
        ]
        later = [look for look in self._looks if look.at_ns >= since_ns]
        return tuple(look.parse() for look in (*sorted(set(before)), *later))


def _open_all(paths: Sequence[Path]) -> list[KeptFile]:
    return [file for path in paths if (file := kept(path)) is not None]


def _read(file: KeptFile | None) -> bytes:
    try:
        return file.read() if file is not None else b""
    except OSError:
        return b""


def _read_all(file: KeptFile | None) -> bytes:
    try:
        return file.read_all() if file is not None else b""
    except OSError:
        return b""


def _number(content: bytes) -> int:
    return int(content) if content.strip().isdigit() else 0
