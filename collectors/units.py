"""Durations and sizes in a configuration: `"10s"`, `"4MiB"`."""

from __future__ import annotations

import re

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "kB": 10**3, "MB": 10**6, "GB": 10**9}
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)")


def _parse(text: str, units: dict[str, float] | dict[str, int], example: str) -> float:
    found = _QUANTITY.fullmatch(text.strip())
    if found is None or found[2] not in units:
        raise ValueError(f"expected a number and one of {', '.join(units)}, such as {example!r}, got {text!r}")
    return float(found[1]) * units[found[2]]


class Duration(float):
    """A span of time in seconds."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Parse `"250ms"`, `"10s"`, `"5m"`, `"2h"` or `"1.5d"`.

        Raises:
            ValueError: The text has another form.
        """
        return cls(_parse(text, _SECONDS, "10s"))


class Size(int):
    """A number of bytes."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Size:
        """Parse `"512B"`, `"64KiB"`, `"4MiB"`, `"1GB"`; a fraction of a byte is cut off.

        Raises:
            ValueError: The text has another form.
        """
        return cls(_parse(text, _BYTES, "4MiB"))
