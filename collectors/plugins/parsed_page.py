"""One page as it was answered: read in full the first time, recognised by its bytes from then on.

Owns what belongs together in the text. What becomes of it is `plan`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import compress

from collectors.exposition_text.lines import MalformedError, Sample, parse_comment, parse_number, parse_sample
from collectors.plugins.refusals import Reason, RefusedError

_BYTES_AT_ONCE = 32 << 10
"""Bytes that are read before the event loop may go on: one to two milliseconds, whatever they are."""

_LINE_COST = 64  # what a line costs however short it is, as if it were bytes

_LINES_A_SAMPLE = 4
"""A sample and the HELP, TYPE and UNIT of its family."""

_LINE_BYTES = 16 << 10


class ParsedPage:
    """What a page says beside its numbers.

    Attributes:
        samples: Its sample lines, in order.
        types: The type of each family that has one, by its name.
        helps: The help of each family that has one, by its name.
        conflicts: Families that are given two types.
    """

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self.types: dict[str, str] = {}
        self.helps: dict[str, str] = {}
        self.conflicts: set[str] = set()

    def add(self, line: bytes) -> None:
        """Read one line.

        Raises:
            RefusedError: It is none of the format's.
        """
        if len(line) > _LINE_BYTES:
            raise RefusedError(Reason.LABEL_LIMIT, f"expected lines of at most {_LINE_BYTES} bytes, got {len(line)}")
        if is_sample(line):
            try:
                self.samples.append(parse_sample(line))
            except MalformedError as error:
                raise RefusedError(Reason.MALFORMED, str(error)) from error
        else:
            self._note(line)

    def _note(self, line: bytes) -> None:
        comment = parse_comment(line)
        if comment is None:
            return
        if comment.keyword == "HELP":
            self.helps.setdefault(comment.name, comment.text)
        elif self.types.setdefault(comment.name, comment.text) != comment.text:
            self.conflicts.add(comment.name)


class Template:
    """All bytes of a page but its numbers: what recognises it when it comes again.

    Args:
        lines: The page's.
        page: What was read of them.
        openmetrics: Whether it is OpenMetrics.
    """

    __slots__ = ("_is_other", "_is_sample", "_lengths", "_others", "_prefixes", "openmetrics")

    def __init__(self, lines: Sequence[bytes], page: ParsedPage, *, openmetrics: bool) -> None:
        self.openmetrics = openmetrics
        self._is_sample = bytes(map(is_sample, lines))
        self._is_other = bytes(not flag for flag in self._is_sample)
        self._others = list(compress(lines, self._is_other))
        self._prefixes = [sample.prefix for sample in page.samples]
        self._lengths = list(map(len, self._prefixes))

    @property
    def samples(self) -> int:
        """How many sample lines there are."""
        return len(self._prefixes)

    def values(self, lines: Sequence[bytes]) -> list[float] | None:
        """The numbers of the samples, in order; `None` if anything beside the numbers differs from this page.

        Raises:
            RefusedError: A number is none.
        """
        if len(lines) != len(self._is_sample) or list(compress(lines, self._is_other)) != self._others:
            return None
        samples = list(compress(lines, self._is_sample))
        if not all(map(bytes.startswith, samples, self._prefixes)):
            return None
        try:
            return [float(line[length:]) for line, length in zip(samples, self._lengths, strict=True)]
        except ValueError:  # a timestamp or an exemplar behind the number, or nonsense
            return [_number(line[length:]) for line, length in zip(samples, self._lengths, strict=True)]


def _number(tail: bytes) -> float:
    try:
        return parse_number(tail)
    except MalformedError as error:
        raise RefusedError(Reason.MALFORMED, str(error)) from error


def is_sample(line: bytes) -> bool:
    """Whether a line is a sample's, and no comment or blank."""
    return not line.startswith(b"#") and bool(line.strip())


async def read_page(lines: Sequence[bytes], max_samples: int) -> ParsedPage:
    """Read all lines, a few at a time.

    Raises:
        RefusedError: A line is none of the format's, or there are too many samples.
    """
    page = ParsedPage()
    since_pause = 0
    for line in lines:
        page.add(line)
        since_pause += len(line) + _LINE_COST
        if since_pause > _BYTES_AT_ONCE:
            since_pause = 0
            await asyncio.sleep(0)
    if len(page.samples) > max_samples:
        raise RefusedError(
            Reason.TOO_MANY_SAMPLES,
            f"expected at most {max_samples} samples (plugins.max_samples), got {len(page.samples)}",
        )
    return page


def split(body: bytes, max_samples: int, *, openmetrics: bool) -> list[bytes]:
    """The lines of a page.

    Raises:
        RefusedError: It is no UTF-8, ends within a line, or has too many lines.
    """
    try:
        body.decode()
    except UnicodeDecodeError as error:
        around = body[max(error.start - 20, 0) : error.start + 20]
        raise RefusedError(Reason.NOT_UTF8, f"expected UTF-8, got {around!r}") from error
    if (body or openmetrics) and not body.endswith(b"# EOF\n" if openmetrics else b"\n"):
        raise RefusedError(Reason.TRUNCATED, f"expected {'# EOF' if openmetrics else 'a whole line'} at the end")
    most_lines = _LINES_A_SAMPLE * max_samples
    if (lines := body.count(b"\n")) > most_lines:
        raise RefusedError(
            Reason.TOO_MANY_SAMPLES, f"expected at most {most_lines} lines for plugins.max_samples, got {lines}"
        )
    return body.split(b"\n")[:-1]
