"""Collected families to one page in one format.

Owns the isolation of a collector that gives nonsense, and the memory of what was written before. Which families can
stand together belongs to `page`, how lines and headers look to `series` and `metadata`.
"""

from __future__ import annotations

import reprlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent.exposition.formats import Format
from agent.exposition.invalid import InvalidFamilyError, reason
from agent.exposition.metadata import check_labels, metadata
from agent.exposition.page import Block, Content, Page
from agent.exposition.series import HistogramLines, ScalarLines, SummaryLines
from collectors.metrics import Family, LabelNames, MetricType

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

_BREATH = 32_000
"""Characters, some 500 samples, after which the event loop may have the interpreter's lock, for which it would else
wait 5 ms at each call of the system. Not after each family: giving it away costs 0.1 ms, as much as 80 samples."""

_Head = tuple[str, MetricType, str, LabelNames, bool]
"""What `Family` objects share whose samples are written alike: name, type, help, label names, whether it is foreign."""


class Renderer:
    """Renders pages, and keeps each collector's label strings for as long as its last rendering used them.

    Not for two threads at once.
    """

    def __init__(self) -> None:
        self._known: dict[str, dict[_Head, Block]] = {}
        self._page = Page({})

    def render(self, groups: Iterable[Group], format_: Format) -> Rendered:
        """The page of these collectors, in the order of the first appearance of each family name.

        Families of one name are written under one header. A collector that gives something that cannot be exposed
        loses all its families, and so does one that contradicts itself or a collector before it: a name with another
        type or help, a name that the other's suffixes take up (`x_count` beside a histogram `x`; `x` beside a counter
        `x_total`), or a series that is there already. Values are written as they are: a counter may be negative.
        Foreign families come last. One that contradicts what is there is left out alone; its help may differ.
        """
        content: Content = {}
        texts: dict[Block, str] = {}
        errors: dict[str, str] = {}
        for collector, families in groups:
            try:
                blocks = self._blocks(collector, families)
                texts |= _written(blocks)
                content |= blocks
            except Exception as problem:  # noqa: BLE001 - nonsense may raise anything, and must not cost the others
                self._known.pop(collector, None)
                errors[collector] = reason(problem)
        if not self._page.is_page_of(content):
            self._page = Page(content)
        body = self._page.text(texts, format_).encode()
        return Rendered(body, errors | self._page.errors, self._page.left_out)

    def _blocks(self, collector: str, families: Iterable[Family]) -> Content:
        known = self._known.setdefault(collector, {})
        found: Content = {}
        for family in families:
            if not isinstance(family, Family):
                raise InvalidFamilyError(f"expected a Family, got {reprlib.repr(family)}")
            head = (family.name, family.type, family.help, family.labels, family.foreign)
            block = known.get(head)
            if block is None:
                block = known[head] = _block(collector, head)
            found.setdefault(block, []).append(family)
        if len(known) > len(found):
            self._known[collector] = {head: block for head, block in known.items() if block in found}
        return found


def _block(collector: str, head: _Head) -> Block:
    name, type, help, labels, foreign = head
    said = metadata(name, type, help)
    check_labels(name, type, labels)
    return Block(collector, said, _LINES.get(type, ScalarLines)(name, labels), foreign)


def _written(blocks: Content) -> dict[Block, str]:
    """The lines of each block."""
    texts: dict[Block, str] = {}
    since_breath = 0
    for block, families in blocks.items():
        texts[block] = text = block.text(families)
        since_breath += len(text)
        if since_breath >= _BREATH:
            time.sleep(0)
            since_breath = 0
    return texts
