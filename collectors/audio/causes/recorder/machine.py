"""Looks at the whole machine: processors, pressure, memory, interrupts, frequencies and thermal throttling."""

from __future__ import annotations

from collections import deque
from pathlib import Path

from collectors.audio.causes.evidence import SystemLook
from collectors.audio.causes.recorder.kept_file import KeptFile, kept

_KEPT_LOOKS = 64
_MOST_CPUS = 256
_FIELDS = 8
"""The fields of a processor in `/proc/stat` up to steal."""
_VMSTAT = {
    b"pgmajfault": "pgmajfault",
    b"pswpin": "pswpin",
    b"pswpout": "pswpout",
    b"pgscan_direct": "pgscan_direct",
    b"compact_stall": "compact_stall",
    b"oom_kill": "oom_kill",
}
_ALLOCSTALL = b"allocstall"
"""The start of the counters of allocations that had to free memory first, one for each zone."""


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
    found = {"allocstall": 0}
    for line in content.splitlines():
        name, _, value = line.partition(b" ")
        if name in _VMSTAT:
            found[_VMSTAT[name]] = int(value)
        elif name.startswith(_ALLOCSTALL):
            found["allocstall"] += int(value)
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


class MachineLooks:
    """The rolling memory of the machine's counters.

    Args:
        proc: Path of `/proc`.
        cpus: Path of `/sys/devices/system/cpu`.
    """

    def __init__(self, proc: Path = Path("/proc"), cpus: Path = Path("/sys/devices/system/cpu")) -> None:
        self._stat = kept(proc / "stat")
        self._pressure = {name: kept(proc / "pressure" / name) for name in ("cpu", "memory", "io")}
        self._vmstat = kept(proc / "vmstat")
        self._softirqs = kept(proc / "softirqs")
        self._interrupts = kept(proc / "interrupts")
        folders = sorted(cpus.glob("cpu[0-9]*"), key=lambda folder: int(folder.name.removeprefix("cpu")))[:_MOST_CPUS]
        self._frequencies = _open_all([folder / "cpufreq" / "scaling_cur_freq" for folder in folders])
        self._throttles = _open_all([folder / "thermal_throttle" / "core_throttle_count" for folder in folders])
        self._looks: deque[SystemLook] = deque(maxlen=_KEPT_LOOKS)

    @property
    def missing(self) -> tuple[str, ...]:
        """The counters that this kernel does not have."""
        found = []
        if not any(self._pressure.values()):
            found.append("the kernel has no pressure stall information (/proc/pressure)")
        if not self._frequencies:
            found.append("the machine shows no frequency of its processors")
        if not self._throttles:
            found.append("the machine counts no thermal throttling")
        return tuple(found)

    def look(self, now_ns: int, *, memory: bool, everything: bool) -> None:
        """Look once.

        Args:
            now_ns: Monotonic time.
            memory: Whether to read the counters of memory and soft interrupts too.
            everything: Whether to read interrupts, frequencies and throttling too, which costs most.
        """
        self._looks.append(
            SystemLook(
                at_ns=now_ns,
                cpus=parse_cpus(_read(self._stat)),
                pressure=self._read_pressure(),
                vmstat=parse_vmstat(_read(self._vmstat)) if memory else {},
                softirqs=parse_counts(_read(self._softirqs)) if memory else {},
                interrupts=parse_counts(_read(self._interrupts)) if everything else {},
                megahertz=tuple(_number(file) / 1000 for file in self._frequencies) if everything else (),
                throttles=tuple(_number(file) for file in self._throttles) if everything else (),
            )
        )

    def tracks(self, since_ns: int) -> tuple[SystemLook, ...]:
        """Return the looks since that time, and the last ones before it that have the rarer counters."""
        looks = list(self._looks)
        first = next((at for at, look in enumerate(looks) if look.at_ns >= since_ns), len(looks))
        earlier = looks[:first]
        kept_ns = {look.at_ns for look in earlier[-1:]}
        for field in ("vmstat", "interrupts"):
            kept_ns.update([look.at_ns for look in earlier if getattr(look, field)][-1:])
        return (*(look for look in earlier if look.at_ns in kept_ns), *looks[first:])

    def _read_pressure(self) -> dict[str, int]:
        found = {}
        for name, file in self._pressure.items():
            for kind, total in parse_pressure(_read(file)).items():
                found[f"{name} {kind}"] = total
        return found


def _open_all(paths: list[Path]) -> list[KeptFile]:
    return [file for path in paths if (file := kept(path)) is not None]


def _read(file: KeptFile | None) -> bytes:
    try:
        return file.read_all() if file is not None else b""
    except OSError:
        return b""


def _number(file: KeptFile) -> int:
    content = _read(file).strip()
    return int(content) if content.isdigit() else 0
