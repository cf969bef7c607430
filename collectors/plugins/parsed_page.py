"""One page as a plugin answered it: read in full the first time, and recognised by its bytes from then on.

`plan` decides what is re-exported of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import compress

from collectors.exposition_text.lines import (
    OPENMETRICS,
    TEXT,
    MalformedError,
    Sample,
    Syntax,
    malformed,
    parse_comment,
    parse_number,
    parse_sample,
)
from collectors.plugins.refusals import Reason, RefusedError

_BYTES_AT_ONCE = 32 << 10
"""Bytes that are read before the event loop may run other tasks: one to two milliseconds of work."""

_LINE_COST = 64  # bytes that a line counts as in addition to its own

_LINES_A_SAMPLE = 4
"""A sample and the HELP, TYPE and UNIT of its family."""

_LINE_BYTES = 16 << 10
_END = b"# EOF"
_TEXT_TYPES = frozenset(
    {"counter", "gauge", "histogram", "summary", "untyped", "unknown", "info", "stateset", "gaugehistogram"}
)
_OPENMETRICS_SUSPECTS = b"_ \t\r\x0b\x0c"
_PADDING = b" \t\r"  # what text 0.0.4 allows around a line


class ParsedPage:
    """A page without its numbers.

    Args:
        openmetrics: Whether the page is OpenMetrics rather than text 0.0.4.

    Attributes:
        openmetrics: Whether the page is OpenMetrics.
        samples: Its sample lines, in order.
        types: The type of each family that has one, by its name.
        helps: The help of each family that has one, by its name.
        contradictions: Why a family's comments contradict each other, by its name.
    """

    def __init__(self, *, openmetrics: bool) -> None:
        self.openmetrics = openmetrics
        self.samples: list[Sample] = []
        self.types: dict[str, str] = {}
        self.helps: dict[str, str] = {}
        self.contradictions: dict[str, str] = {}
        self._syntax = _syntax(openmetrics=openmetrics)
        self._sampled: set[str] = set()
        self._ended = False

    def add(self, line: bytes) -> None:
        """Read one line.

        Raises:
            RefusedError: The format does not allow it, or it exceeds the limit.
        """
        if len(line) > _LINE_BYTES:
            raise RefusedError(Reason.LABEL_LIMIT, f"expected lines of at most {_LINE_BYTES} bytes, got {len(line)}")
        try:
            if self.openmetrics:
                self._add_openmetrics(line)
            else:
                self._add_text(line)
        except MalformedError as error:
            raise RefusedError(Reason.MALFORMED, str(error)) from error

    def _add_text(self, line: bytes) -> None:
        stripped = line.strip(_PADDING)
        if stripped[:1] == b"#":
            self._note(stripped)
        elif stripped:
            sample = parse_sample(stripped)
            if line[:1] in _PADDING:
                sample = sample._replace(prefix=line[: line.index(sample.prefix)] + sample.prefix)
            self.samples.append(sample)
            self._sampled.add(sample.name)

    def _add_openmetrics(self, line: bytes) -> None:
        if self._ended or not line:
            raise malformed(line)
        if line == _END:
            self._ended = True
        elif line[:1] == b"#":
            self._note(line)
        else:
            self.samples.append(parse_sample(line, OPENMETRICS))

    def _note(self, line: bytes) -> None:
        comment = parse_comment(line, self._syntax)
        if comment is None:
            return
        keyword, name, text = comment
        if keyword == "HELP":
            self.helps.setdefault(name, text)
        elif keyword == "UNIT":
            if text and not name.endswith(f"_{text}"):
                self.contradictions[name] = f"{name} does not end in its unit {text[:40]!r}"
        elif self.openmetrics:
            self._set_type(name, text)
        elif name not in self._sampled or text.lower() not in _TEXT_TYPES:
            self._set_type(name, text.lower())
        # prometheus_client ignores a type after the family's first sample.

    def _set_type(self, name: str, type_: str) -> None:
        if self.types.setdefault(name, type_) != type_:
            self.contradictions[name] = f"{name} is given two types in one answer"


class Template:
    """All bytes of a page but its numbers, which recognise the page when it comes again.

    Args:
        lines: The lines of the page.
        page: The parsed page.
    """

    __slots__ = (
        "_is_other",
        "_is_sample",
        "_lengths",
        "_others",
        "_prefixes",
        "_suspects",
        "_syntax",
        "openmetrics",
    )

    def __init__(self, lines: Sequence[bytes], page: ParsedPage) -> None:
        self.openmetrics = page.openmetrics
        self._syntax = _syntax(openmetrics=page.openmetrics)
        self._is_sample = bytes(map(is_sample, lines))
        self._is_other = bytes(not flag for flag in self._is_sample)
        self._others = list(compress(lines, self._is_other))
        self._prefixes = [sample.prefix for sample in page.samples]
        self._lengths = list(map(len, self._prefixes))
        self._suspects = self._count_suspects(b"".join(self._prefixes))

    @property
    def samples(self) -> int:
        """The number of sample lines."""
        return len(self._prefixes)

    def values(self, lines: Sequence[bytes]) -> list[float] | None:
        """Return the numbers of the samples in order; `None` if anything but the numbers differs from this page.

        Raises:
            RefusedError: The format does not allow a number.
        """
        if len(lines) != len(self._is_sample) or list(compress(lines, self._is_other)) != self._others:
            return None
        samples = list(compress(lines, self._is_sample))
        if not all(map(bytes.startswith, samples, self._prefixes)):
            return None
        if self._count_suspects(b"".join(samples)) == self._suspects:
            try:
                return [float(line[length:]) for line, length in zip(samples, self._lengths, strict=True)]
            except ValueError:  # a timestamp or an exemplar after a number, or no number
                pass
        return [_number(line[length:], self._syntax) for line, length in zip(samples, self._lengths, strict=True)]

    def _count_suspects(self, text: bytes) -> int:
        """Return the number of characters that Python allows in numbers and the format does not."""
        if self.openmetrics:
            return len(text) - len(text.translate(None, _OPENMETRICS_SUSPECTS))
        return text.count(b"_")


def is_sample(line: bytes) -> bool:
    """Return whether a line is a sample, and no comment and not empty."""
    return line.lstrip(_PADDING)[:1] not in (b"", b"#")


async def read_page(lines: Sequence[bytes], max_samples: int, *, openmetrics: bool) -> ParsedPage:
    """Read all lines, and pause after a few, so that the event loop can run other tasks.

    Raises:
        RefusedError: The format does not allow a line, or there are too many samples.
    """
    page = ParsedPage(openmetrics=openmetrics)
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


def split(body: bytes, max_samples: int, *, openmetrics: bool, whole: bool = True) -> list[bytes]:
    """Return the lines of a page.

    Args:
        body: The page.
        max_samples: The limit of samples, which limits the lines too.
        openmetrics: Whether it is OpenMetrics.
        whole: Whether the answer's length was announced. Otherwise the last line of text must have an end, since a
            number could be cut off.

    Raises:
        RefusedError: It is not UTF-8, ends too early, or has too many lines.
    """
    try:
        body.decode()
    except UnicodeDecodeError as error:
        around = body[max(error.start - 20, 0) : error.start + 20]
        raise RefusedError(Reason.NOT_UTF8, f"expected UTF-8, got {around!r}") from error
    if openmetrics and not body.removesuffix(b"\n").endswith(_END):
        raise RefusedError(Reason.TRUNCATED, "expected # EOF at the end")
    if body and not whole and not openmetrics and not body.endswith(b"\n"):
        raise RefusedError(Reason.TRUNCATED, "expected a whole line at the end")
    most_lines = _LINES_A_SAMPLE * max_samples
    if (lines := body.count(b"\n")) > most_lines:
        raise RefusedError(
            Reason.TOO_MANY_SAMPLES, f"expected at most {most_lines} lines for plugins.max_samples, got {lines}"
        )
    return body.removesuffix(b"\n").split(b"\n") if body else []


def _syntax(*, openmetrics: bool) -> Syntax:
    return OPENMETRICS if openmetrics else TEXT


def _number(tail: bytes, syntax: Syntax) -> float:
    try:
        return parse_number(tail.strip(_PADDING) if syntax is TEXT else tail, syntax)
    except MalformedError as error:
        raise RefusedError(Reason.MALFORMED, str(error)) from error
