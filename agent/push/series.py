"""The series of a scrape: from the text of a page to the encoded labels and values that are sent.

The page is that of `/metrics`, so that a receiver gets what a scrape gets. A series is parsed once: the text before its
value is its key from then on.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from agent.push.wire import encode_labels

JOB = "wr-agent"
"""The label `job` of every pushed series."""

_PAIR = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_TYPE = "# TYPE "


@dataclass(frozen=True, slots=True)
class Readings:
    """The series of one page and their values.

    Attributes:
        series: The encoded labels of each series.
        values: Their values as little-endian floats.
    """

    series: tuple[bytes, ...]
    values: bytes = field(repr=False)


def identity(machine: str, labels: Mapping[str, str]) -> dict[str, str]:
    """Return the labels that every series of this machine has. An empty label removes a default."""
    every = {"host": machine} | dict(labels) | {"job": JOB, "instance": machine}
    return {name: value for name, value in every.items() if value}


def family_filter(keep: Sequence[str], drop: Sequence[str]) -> Callable[[str], bool]:
    """Return a function that tells if a family is sent."""
    kept = re.compile("|".join(f"(?:{one})" for one in keep) if keep else ".*")
    dropped = re.compile("|".join(f"(?:{one})" for one in drop)) if drop else None
    return lambda name: bool(kept.fullmatch(name)) and not (dropped and dropped.fullmatch(name))


class Pages:
    """The reader of one selection's pages. It remembers the series of the page before.

    Args:
        every: The labels that every series gets. A label of the same name becomes `exported_…`, as at a scrape.
        wanted: Tells if a family is sent.
        leading: Further series without labels of their own and their values, such as `up`.
    """

    def __init__(
        self, every: Mapping[str, str], wanted: Callable[[str], bool], leading: Mapping[str, float] | None = None
    ) -> None:
        self._every = every
        self._wanted = wanted
        self._leading = {name: value for name, value in (leading or {}).items() if wanted(name)}
        self._known: dict[str, bytes | None] = {}
        self._heads: list[str] = []
        self._sent: list[int] = []
        self._series: tuple[bytes, ...] = ()

    def read(self, text: str) -> Readings:
        """Return the series that a page sends."""
        lines = text.split("\n")
        parts = [line.rpartition(" ") for line in lines if line and line[0] != "#"]
        heads = [part[0] for part in parts]
        if heads != self._heads or not self._series:
            self._learn(lines, heads)
        values = array("d", self._leading.values())
        values.extend([float(parts[number][2]) for number in self._sent])
        return Readings(self._series, values.tobytes())

    def _learn(self, lines: Sequence[str], heads: list[str]) -> None:
        """Note the series of a page whose series differ from those of the page before."""
        wanted = True
        known: dict[str, bytes | None] = {}
        for line in lines:
            if line.startswith(_TYPE):
                wanted = self._wanted(line[len(_TYPE) :].partition(" ")[0])
            elif line and line[0] != "#":
                head = line.rpartition(" ")[0]
                known[head] = (self._known.get(head) or self._encoded(head)) if wanted else None
        self._known = known
        self._heads = heads
        self._sent = [number for number, head in enumerate(heads) if known[head]]
        leading = [encode_labels({**self._every, "__name__": name}) for name in self._leading]
        self._series = (*leading, *(labels for head in heads if (labels := known[head])))

    def _encoded(self, head: str) -> bytes:
        name, _, rest = head.partition("{")
        own = {label: _ESCAPE.sub(_unescaped, value) for label, value in _PAIR.findall(rest) if value}
        labels = {self._exported(label, own): value for label, value in own.items()}
        return encode_labels({**labels, **self._every, "__name__": name})

    def _exported(self, label: str, own: Mapping[str, str]) -> str:
        """Return the name of a series' own label where a label of every series may have that name."""
        name = label
        while name in self._every or (name != label and name in own):
            name = f"exported_{name}"
        return name


def _unescaped(found: re.Match[str]) -> str:
    return "\n" if found[1] == "n" else found[1]
