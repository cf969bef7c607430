"""Memory, from /proc/meminfo: every field that this kernel has."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from collectors.kernel_files import read_text
from collectors.metrics import Family, gauge

_NAME_VALUE, _NAME_VALUE_UNIT = 2, 3


@dataclass(frozen=True, slots=True)
class Memory:
    """The size of memory, and the part that a new program could get without swapping, in bytes."""

    total: int
    available: int


def parse(text: str) -> dict[str, int]:
    """Return the fields by node_exporter's names: `Active(anon)` in kB becomes `Active_anon_bytes`, in bytes.

    Raises:
        ValueError: A line is not a name and a number, with or without `kB`.
    """
    return dict(_field(line) for line in text.splitlines() if line)


def _field(line: str) -> tuple[str, int]:
    words = line.split()
    if len(words) not in {_NAME_VALUE, _NAME_VALUE_UNIT} or not words[1].removeprefix("-").isdecimal():
        raise ValueError(f"expected a line such as 'MemFree: 123 kB' in /proc/meminfo, found {line!r}")
    has_unit = len(words) == _NAME_VALUE_UNIT
    return _name(words[0], has_unit=has_unit), int(words[1]) * (1024 if has_unit else 1)


@cache
def _name(key: str, *, has_unit: bool) -> str:
    return key.removesuffix(":").replace("(", "_").replace(")", "") + ("_bytes" if has_unit else "")


@cache
def _described(field: str) -> tuple[str, str]:
    return f"node_memory_{field}", f"Memory information field {field}."


def families(root: Path) -> list[Family]:
    """Return one gauge a field."""
    return [gauge(*_described(field), value) for field, value in parse(read_text(f"{root}/proc/meminfo")).items()]


def memory(root: Path) -> Memory:
    """Return the memory for the check."""
    fields = parse(read_text(f"{root}/proc/meminfo"))
    return Memory(total=fields["MemTotal_bytes"], available=fields["MemAvailable_bytes"])
