"""Which families can stand together on one page, in which order, and why others cannot.

Owns the rules between families. What a family says by itself belongs to `series` and `metadata`.
"""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from agent.exposition.formats import Format
from agent.exposition.invalid import InvalidFamilyError, reason
from agent.exposition.metadata import Metadata
from agent.exposition.series import Lines
from collectors.metrics import Family, LabelNames, LabelValues


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """What one collector says under one name with one set of label names, but for the samples.

    The same object from one rendering to the next, so that what need not be made again can be told by it.
    """

    collector: str
    metadata: Metadata
    lines: Lines
    foreign: bool

    def text(self, families: Sequence[Family]) -> str:
        """The lines of these families' samples; labels of others are forgotten.

        Raises:
            InvalidFamilyError: The samples cannot be exposed.
        """
        samples = [family.samples for family in families]
        try:
            text = "".join(map(self.lines.text, samples))
        except InvalidFamilyError as problem:
            raise InvalidFamilyError(f"{self.metadata.name}: {problem}") from problem
        self.lines.keep(samples)
        return text


Content = dict[Block, list[Family]]
"""The families of one rendering by their block, in the order of their first appearance."""


class Page:
    """The blocks of some content that do not contradict each other, and why the others are missing.

    Attributes:
        errors: Why all of a collector is missing, by its name.
        left_out: Why single foreign families are missing, by the collector's name and the family's.
    """

    def __init__(self, content: Content) -> None:
        self.errors: dict[str, str] = {}
        self.left_out: dict[str, dict[str, str]] = {}
        self._outline = list(content)
        self._blocks: dict[str, list[Block]] = {}
        self._taken: dict[str, Block] = {}
        for collector, blocks in _by_collector(block for block in content if not block.foreign).items():
            try:
                self._add(blocks, content)
            except Exception as problem:  # noqa: BLE001 - nonsense may raise anything, and must not cost the others
                self.errors[collector] = reason(problem)
        foreign = (block for block in content if block.foreign and block.collector not in self.errors)
        for collector, blocks in _by_collector(foreign).items():
            self.left_out[collector] = self._add_agreeing(blocks, content)

    def is_page_of(self, content: Content) -> bool:
        """Whether to make the page of this content anew would surely give this one.

        So it would if nothing is missing, the blocks are the same, and each name has one family: then nothing but the
        values can have changed.
        """
        complete = not self.errors and not any(self.left_out.values())
        return complete and self._outline == list(content) and len(self._blocks) == sum(map(len, content.values()))

    def text(self, texts: Mapping[Block, str], format_: Format) -> str:
        """The whole page, with the lines of each block."""
        parts: list[str] = []
        for blocks in self._blocks.values():
            parts.append(_header(blocks[0], format_))
            parts += [texts[block] for block in blocks]
        if format_ is not Format.TEXT:
            parts.append("# EOF\n")
        return "".join(parts)

    def _add(self, blocks: Iterable[Block], content: Content) -> None:
        """Take these blocks, all or none.

        Raises:
            InvalidFamilyError: One contradicts another, or one that is here already.
        """
        together: dict[str, list[Block]] = {}
        taken: dict[str, Block] = {}
        for block in blocks:
            name = block.metadata.name
            together.setdefault(name, self._blocks.get(name, []).copy()).append(block)
            for needed in block.metadata.takes:
                _check_agreement(block, taken.setdefault(needed, self._taken.get(needed, block)))
        for alike in together.values():
            _check_distinct([(block.collector, family) for block in alike for family in content[block]])
        self._blocks |= together
        self._taken |= taken

    def _add_agreeing(self, blocks: Iterable[Block], content: Content) -> dict[str, str]:
        """Take those of these blocks whose family contradicts none; why the other families are left out."""
        by_name: dict[str, list[Block]] = {}
        for block in blocks:
            by_name.setdefault(block.metadata.name, []).append(block)
        left_out = {}
        for name, alike in by_name.items():
            try:
                self._add(alike, content)
            except InvalidFamilyError as problem:
                left_out[name] = reason(problem)
        return left_out


def _by_collector(blocks: Iterable[Block]) -> dict[str, list[Block]]:
    found: dict[str, list[Block]] = {}
    for block in blocks:
        found.setdefault(block.collector, []).append(block)
    return found


def _header(block: Block, format_: Format) -> str:
    return block.metadata.text if format_ is Format.TEXT else block.metadata.openmetrics


def _check_agreement(block: Block, other: Block) -> None:
    """Refuse two families of which one takes up the other's name, but for two halves of one."""
    ours, theirs = block.metadata, other.metadata
    if (ours.name, ours.type) == (theirs.name, theirs.type) and (block.foreign or ours.help == theirs.help):
        return
    raise InvalidFamilyError(
        f"{ours.name} ({ours.type}, {reprlib.repr(ours.help)}) contradicts {theirs.name} ({theirs.type}, "
        f"{reprlib.repr(theirs.help)}) of collector {other.collector}: give one name one type and one help"
    )


def _check_distinct(families: Sequence[tuple[str, Family]]) -> None:
    """Refuse a series that two `Family` objects of one name, each with its collector's name, both have."""
    if len(families) == 1:
        return
    owners: dict[_Identity, str] = {}
    for collector, family in families:
        for values in family.samples:
            identity = _identity(family.labels, values)
            if identity in owners:
                raise InvalidFamilyError(
                    f"{family.name}{reprlib.repr(dict(identity))} is given twice, first by collector {owners[identity]}"
                )
            owners[identity] = collector


_Identity = frozenset[tuple[str, str]]


def _identity(labels: LabelNames, values: LabelValues) -> _Identity:
    """The labels as Prometheus compares them: in any order, an empty one being none."""
    return frozenset(pair for pair in zip(labels, values, strict=True) if pair[1])
