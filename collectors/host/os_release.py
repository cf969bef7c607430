"""The distribution, from os-release(5)."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime
from pathlib import Path

from collectors.kernel_files import read_text
from collectors.metrics import Family, gauge

_PLACES = ("etc/os-release", "usr/lib/os-release")
_LABELS = (
    "build_id",
    "id",
    "id_like",
    "image_id",
    "image_version",
    "name",
    "pretty_name",
    "variant",
    "variant_id",
    "version",
    "version_codename",
    "version_id",
)
_MAJOR_MINOR = re.compile(r"\d+\.?\d*")


def parse(text: str) -> dict[str, str]:
    """Return the variables by their names in lower case. Values are quoted as in a shell."""
    found = {}
    for line in text.splitlines():
        name, assigned, value = line.strip().partition("=")
        if assigned and not name.startswith("#"):
            found[name.lower()] = _unquoted(value)
    return found


def _unquoted(value: str) -> str:
    try:
        return " ".join(shlex.split(value))
    except ValueError:  # a single quote without its partner
        return value.strip()


def support_end(text: str) -> float | None:
    """Return the Unix time of a date such as 2028-06-30; None if it is none."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def version(text: str) -> float:
    """Return major and minor of a version as one number, such as 12.0 for `12`; 0 without one."""
    found = _MAJOR_MINOR.match(text)
    return float(found[0]) if found else 0.0


class OsRelease:
    """The distribution. Its file is read again when it has changed, as in an upgrade."""

    def __init__(self, root: Path) -> None:
        self._places = [root / place for place in _PLACES]
        self._read: tuple[Path, int] | None = None
        self._families: list[Family] = []

    def families(self) -> list[Family]:
        """Return the description, and the version as a number.

        Raises:
            FileNotFoundError: The machine has no such file.
        """
        path = next(filter(Path.exists, self._places), self._places[0])
        now = (path, path.stat().st_mtime_ns)
        if now != self._read:
            self._families = _described(parse(read_text(path)))
            self._read = now
        return self._families


def _described(release: dict[str, str]) -> list[Family]:
    labels = ("id", "id_like", "name")
    end = support_end(release.get("support_end", ""))
    return [
        gauge(
            "node_os_info",
            "A metric with a constant '1' value labeled by build_id, id, id_like, image_id, image_version, "
            "name, pretty_name, variant, variant_id, version, version_codename, version_id.",
            {tuple(release.get(label, "") for label in _LABELS): 1},
            _LABELS,
        ),
        gauge(
            "node_os_version",
            "Metric containing the major.minor part of the OS version.",
            {tuple(release.get(label, "") for label in labels): version(release.get("version_id", ""))},
            labels,
        ),
        gauge(
            "node_os_support_end_timestamp_seconds",
            "Metric containing the end-of-life date timestamp of the OS.",
            {} if end is None else {(): end},
        ),
    ]
