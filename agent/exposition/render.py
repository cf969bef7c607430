"""The renderer of collected families to one page in one format.

Owns the isolation of a collector with invalid families, and the cache of label strings. `page` owns the rules between
families, `series` and `metadata` the text of lines and headers.
"""

from __future__ import annotations

import reprlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent.exposition.consistent import Block, ConsistentBlocks, Content
from agent.exposition.formats import Format
from agent.exposition.invalid import InvalidFamilyError, reason
from agent.exposition.metadata import check_labels, metadata
from agent.exposition.series import HistogramLines, ScalarLines, SummaryLines
from collectors.metrics import Family, LabelNames, MetricType

Group = tuple[str, Sequence[Family]]
"""A collector's name and its families."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """One page.

    Attributes:
        body: The page in UTF-8.
        errors: The reason why a collector's families are missing, in one line, by the collector's name.
        left_out: The reason why a foreign family is missing, by the collector's name and the family's.
    """

    body: bytes
    errors: dict[str, str]
    left_out: dict[str, dict[str, str]]


_LINES: dict[MetricType, type[HistogramLines | SummaryLines]] = {"histogram": HistogramLines, "summary": SummaryLines}

_BREATH = 32_000
"""The characters (about 500 samples) after which the thread yields the interpreter's lock to the event loop. Without
this, the loop waits 5 ms after each system call. A yield costs 0.1 ms, as much as 80 samples."""

_Head = tuple[str, MetricType, str, LabelNames, bool]
"""The key of `Family` objects with the same line beginnings: name, type, help, label names, foreign or not."""


class Renderer:
    """The renderer of pages, which caches each collector's label strings from one rendering to the next.

    Not thread-safe.
    """

    def __init__(self) -> None:
        self._known: dict[str, dict[_Head, Block]] = {}
        self._consistent = ConsistentBlocks({})

    def render(self, groups: Iterable[Group], format_: Format) -> Rendered:
        """Return the page of these collectors, in the order of the first appearance of each family name.

        Families of one name share one header. A collector with an invalid family loses all its families. So does one
        that contradicts itself or an earlier collector. A contradiction is a name with another type or help, a name
        that another family's suffixes reserve (`x_count` and a histogram `x`; `x` and a counter `x_total`), or a
        duplicate series. Values are written unchanged; a counter may be negative. Foreign families come last. A
        foreign family with a contradiction is left out alone; its help may differ.
        """
        content: Content = {}
        texts: dict[Block, str] = {}
        errors: dict[str, str] = {}
        for collector, families in groups:
            try:
                blocks = self._blocks(collector, families)
                texts |= _written(blocks, format_)
                content |= blocks
            except Exception as problem:  # noqa: BLE001 - invalid families may raise anything and must not affect others
                self._known.pop(collector, None)
                errors[collector] = reason(problem)
        if not self._consistent.are_of(content):
            self._consistent = ConsistentBlocks(content)
        body = self._consistent.text(texts, format_).encode()
        return Rendered(body, errors | self._consistent.errors, self._consistent.left_out)

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


def _written(blocks: Content, format_: Format) -> dict[Block, str]:
    """Return the lines of each block."""
    texts: dict[Block, str] = {}
    since_breath = 0
    for block, families in blocks.items():
        texts[block] = text = block.text(families, openmetrics=format_ is not Format.TEXT)
        since_breath += len(text)
        if since_breath >= _BREATH:
            time.sleep(0)
            since_breath = 0
    return texts
