"""The families of one page, their order, and the reasons for missing ones.

Owns the rules between families. `series` and `metadata` own the rules within a family.
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
    """One collector's family with one name and one set of label names, without its samples.

    The object stays the same between renderings, so it serves as a key for caches.
    """

    collector: str
    metadata: Metadata
    lines: Lines
    foreign: bool

    def text(self, families: Sequence[Family], *, openmetrics: bool = False) -> str:
        """Return the lines of these families' samples; drop the cached labels of other series.

        Raises:
            InvalidFamilyError: The samples are invalid.
        """
        samples = [family.samples for family in families]
        try:
            text = "".join(map(self.lines.openmetrics_text if openmetrics else self.lines.text, samples))
        except InvalidFamilyError as problem:
            raise InvalidFamilyError(f"{self.metadata.name}: {problem}") from problem
        self.lines.keep(samples)
        return text


Content = dict[Block, list[Family]]
"""The families of one rendering by block, in the order of first appearance."""


class ConsistentBlocks:
    """The blocks of some content that do not contradict each other, and the reasons for missing ones.

    Attributes:
        errors: The reason why all families of a collector are missing, by its name.
        left_out: The reason why a foreign family is missing, by the collector's name and the family's.
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
            except Exception as problem:  # noqa: BLE001 - invalid families may raise anything and must not affect others
                self.errors[collector] = reason(problem)
        foreign = (block for block in content if block.foreign and block.collector not in self.errors)
        for collector, blocks in _by_collector(foreign).items():
            self.left_out[collector] = self._add_agreeing(blocks, content)

    def are_of(self, content: Content) -> bool:
        """Return True if a new page of this content would equal this page.

        It would if no block is missing, the blocks are the same and each name has one family: only values can differ.
        """
        complete = not self.errors and not any(self.left_out.values())
        return complete and self._outline == list(content) and len(self._blocks) == sum(map(len, content.values()))

    def text(self, texts: Mapping[Block, str], format_: Format) -> str:
        """Return the whole page with the lines of each block."""
        parts: list[str] = []
        for blocks in self._blocks.values():
            parts.append(_header(blocks[0], format_))
            parts += [texts[block] for block in blocks]
        if format_ is not Format.TEXT:
            parts.append("# EOF\n")
        return "".join(parts)

    def _add(self, blocks: Iterable[Block], content: Content) -> None:
        """Add these blocks, all or none.

        Raises:
            InvalidFamilyError: A block contradicts another one, or one that is already on the page.
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
        """Add the blocks of families without a contradiction; return the reason for each other family."""
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
    """Refuse two families if one reserves the other's name, unless they are parts of one family."""
    ours, theirs = block.metadata, other.metadata
    if (ours.name, ours.type) == (theirs.name, theirs.type) and (block.foreign or ours.help == theirs.help):
        return
    raise InvalidFamilyError(
        f"{ours.name} ({ours.type}, {reprlib.repr(ours.help)}) contradicts {theirs.name} ({theirs.type}, "
        f"{reprlib.repr(theirs.help)}) of collector {other.collector}; expected one type and one help for each name"
    )


def _check_distinct(families: Sequence[tuple[str, Family]]) -> None:
    """Refuse a series that two `Family` objects of one name contain. Each comes with its collector's name."""
    if len(families) == 1:
        return
    owners: dict[_Identity, str] = {}
    for collector, family in families:
        for values in family.samples:
            identity = _identity(family.labels, values)
            if identity in owners:
                raise InvalidFamilyError(
                    f"{family.name}{reprlib.repr(dict(identity))} is duplicate, first from collector {owners[identity]}"
                )
            owners[identity] = collector


_Identity = frozenset[tuple[str, str]]


def _identity(labels: LabelNames, values: LabelValues) -> _Identity:
    """Return the labels as Prometheus compares them: in any order, without empty ones."""
    return frozenset(pair for pair in zip(labels, values, strict=True) if pair[1])
