"""Collected families to one page in one format.

Owns the page: one header a family name, isolation of a collector that gives nonsense, and the memory of what was
written before. How lines and headers look belongs to `series` and `metadata`.
"""

from __future__ import annotations

import reprlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from agent.exposition.formats import Format
from agent.exposition.metadata import Metadata, check_labels, metadata
from agent.exposition.nonsense import NonsenseError
from agent.exposition.series import HistogramLines, Lines, ScalarLines, SummaryLines
from collectors.metrics import Family, LabelNames, LabelValues, MetricType

Group = tuple[str, Sequence[Family]]
"""A collector's name and what it collected."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """One page.

    Attributes:
        body: The page in UTF-8.
        errors: Why a collector's families are missing from it, in one line, by the collector's name.
        left_out: Why single foreign families are missing from it, by the collector's name and the family's.
    """

    body: bytes
    errors: dict[str, str]
    left_out: dict[str, dict[str, str]]


_LINES: dict[MetricType, type[HistogramLines | SummaryLines]] = {"histogram": HistogramLines, "summary": SummaryLines}

_BREATH = 500
"""Samples after which the event loop may have the interpreter's lock, for which it would else wait 5 ms at each call
of the system. Not after each family: giving it away costs 0.1 ms, as much as 80 samples."""


class Renderer:
    """Renders pages, and keeps each collector's label strings for as long as its last rendering used them.

    Not for two threads at once.
    """

    def __init__(self) -> None:
        self._known: dict[str, dict[_Head, _Known]] = {}

    def render(self, groups: Iterable[Group], format_: Format) -> Rendered:
        """The page of these collectors, in the order of the first appearance of each family name.

        Families of one name are written under one header. A collector that gives something that cannot be exposed
        loses all its families, and so does one that contradicts itself or a collector before it: a name with another
        type or help, a name that the other's suffixes take up (`x_count` beside a histogram `x`; `x` beside a counter
        `x_total`), or a series that is there already. Values are written as they are: a counter may be negative.
        Foreign families come last. One that contradicts what is there is left out alone; its help may differ.
        """
        page = _Page()
        errors: dict[str, str] = {}
        foreign: dict[str, list[_Block]] = {}
        for collector, families in groups:
            try:
                blocks = self._blocks(collector, families)
                page.add(block for block in blocks if not block.foreign)
                foreign[collector] = [block for block in blocks if block.foreign]
            except Exception as problem:  # noqa: BLE001 - nonsense may raise anything, and must not cost the others
                self._known.pop(collector, None)
                errors[collector] = _reason(problem)
        left_out = {collector: page.add_agreeing(blocks) for collector, blocks in foreign.items() if blocks}
        return Rendered(page.text(format_).encode(), errors, left_out)

    def _blocks(self, collector: str, families: Iterable[Family]) -> list[_Block]:
        before = self._known.get(collector, {})
        grouped = _by_head(families)
        known = self._known[collector] = {head: before.get(head) or _known(head) for head in grouped}
        blocks, rendered = [], 0
        for head, alike in grouped.items():
            blocks.append(_block(collector, known[head], alike, foreign=head.foreign))
            rendered += sum(len(family.samples) for family in alike)
            if rendered >= _BREATH:
                time.sleep(0)
                rendered = 0
        return blocks


class _Head(NamedTuple):
    """What `Family` objects share whose samples are written alike."""

    name: str
    type: MetricType
    help: str
    labels: LabelNames
    foreign: bool


@dataclass(frozen=True, slots=True)
class _Known:
    """What need not be made again at the next rendering."""

    metadata: Metadata
    lines: Lines


@dataclass(frozen=True, slots=True)
class _Block:
    """What one collector has to say under one name with one set of label names."""

    collector: str
    metadata: Metadata
    families: list[Family]
    text: str
    foreign: bool


class _Page:
    """The blocks that do not contradict each other."""

    def __init__(self) -> None:
        self._blocks: dict[str, list[_Block]] = {}
        self._taken: dict[str, _Block] = {}

    def add(self, blocks: Iterable[_Block]) -> None:
        """Take these blocks, all or none.

        Raises:
            NonsenseError: One contradicts another, or one that is here already.
        """
        together: dict[str, list[_Block]] = {}
        taken: dict[str, _Block] = {}
        for block in blocks:
            name = block.metadata.name
            together.setdefault(name, self._blocks.get(name, []).copy()).append(block)
            for needed in block.metadata.takes:
                _check_agreement(block, taken.setdefault(needed, self._taken.get(needed, block)))
        for alike in together.values():
            _check_distinct(alike)
        self._blocks |= together
        self._taken |= taken

    def add_agreeing(self, blocks: Iterable[_Block]) -> dict[str, str]:
        """Take those of these blocks whose family contradicts none; why the other families are left out."""
        by_name: dict[str, list[_Block]] = {}
        for block in blocks:
            by_name.setdefault(block.metadata.name, []).append(block)
        left_out = {}
        for name, alike in by_name.items():
            try:
                self.add(alike)
            except NonsenseError as problem:
                left_out[name] = _reason(problem)
        return left_out

    def text(self, format_: Format) -> str:
        """The whole page."""
        parts = [part for blocks in self._blocks.values() for part in (_header(blocks[0], format_), *_texts(blocks))]
        return "".join(parts) if format_ is Format.TEXT else "".join([*parts, "# EOF\n"])


def _by_head(families: Iterable[Family]) -> dict[_Head, list[Family]]:
    found: dict[_Head, list[Family]] = {}
    for family in families:
        if not isinstance(family, Family):
            raise NonsenseError(f"expected a Family, got {reprlib.repr(family)}")
        head = _Head(family.name, family.type, family.help, family.labels, family.foreign)
        found.setdefault(head, []).append(family)
    return found


def _known(head: _Head) -> _Known:
    said = metadata(head.name, head.type, head.help)
    check_labels(head.name, head.type, head.labels)
    lines = _LINES.get(head.type, ScalarLines)
    return _Known(said, lines(head.name, head.labels))


def _block(collector: str, known: _Known, families: list[Family], *, foreign: bool) -> _Block:
    samples = [family.samples for family in families]
    try:
        text = "".join(map(known.lines.text, samples))
    except NonsenseError as problem:
        raise NonsenseError(f"{known.metadata.name}: {problem}") from problem
    known.lines.keep(samples)
    return _Block(collector, known.metadata, families, text, foreign)


def _header(block: _Block, format_: Format) -> str:
    return block.metadata.text if format_ is Format.TEXT else block.metadata.openmetrics


def _texts(blocks: list[_Block]) -> list[str]:
    return [block.text for block in blocks]


def _check_agreement(block: _Block, other: _Block) -> None:
    """Refuse two families of which one takes up the other's name, but for two halves of one."""
    ours, theirs = block.metadata, other.metadata
    if (ours.name, ours.type) == (theirs.name, theirs.type) and (block.foreign or ours.help == theirs.help):
        return
    raise NonsenseError(
        f"{ours.name} ({ours.type}, {reprlib.repr(ours.help)}) contradicts {theirs.name} ({theirs.type}, "
        f"{reprlib.repr(theirs.help)}) of collector {other.collector}: give one name one type and one help"
    )


def _check_distinct(blocks: list[_Block]) -> None:
    """Refuse a series that two `Family` objects of one name both have."""
    families = [(block.collector, family) for block in blocks for family in block.families]
    if len(families) == 1:
        return
    owners: dict[_Identity, str] = {}
    for collector, family in families:
        for values in family.samples:
            identity = _identity(family.labels, values)
            if identity in owners:
                raise NonsenseError(
                    f"{family.name}{reprlib.repr(dict(identity))} is given twice, first by collector {owners[identity]}"
                )
            owners[identity] = collector


_Identity = frozenset[tuple[str, str]]


def _identity(labels: LabelNames, values: LabelValues) -> _Identity:
    """The labels as Prometheus compares them: in any order, an empty one being none."""
    return frozenset(pair for pair in zip(labels, values, strict=True) if pair[1])


def _reason(problem: Exception) -> str:
    said = str(problem) if isinstance(problem, NonsenseError) else f"{type(problem).__name__}: {problem}"
    return " ".join(said.split())
