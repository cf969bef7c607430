"""Paging, from /proc/vmstat: the fields that node_exporter exports by default."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from collectors.kernel_files import read_text
from collectors.metrics import Family, unknown

_WANTED = re.compile(r"^((?:oom_kill|pgpg|pswp|pg.*fault)\S*) (\d+)$", re.MULTILINE)


def parse(text: str) -> dict[str, int]:
    """Return the wanted fields, from lines of a name and a number."""
    return {name: int(value) for name, value in _WANTED.findall(text)}


@cache
def _described(field: str) -> tuple[str, str]:
    return f"node_vmstat_{field}", f"/proc/vmstat information field {field}."


def families(root: Path) -> list[Family]:
    """Return one family a field."""
    return [unknown(*_described(field), value) for field, value in parse(read_text(f"{root}/proc/vmstat")).items()]
