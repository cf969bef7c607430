"""Which format and which encoding a scraper gets, by its `Accept` and `Accept-Encoding` (RFC 9110, 12.4 and 12.5).

A header that came several times is given here joined with commas, as HTTP defines. A malformed part of a header is as
good as absent; a parameter other than `q` and `version` (such as Prometheus's `escaping`) changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from agent.exposition.formats import Encoding, Format

_LONGEST = 4096
"""Characters of a header that are read; Prometheus sends about 300."""

_SCRAPERS = 8
"""Headers whose meaning is remembered: a scraper's are the same each time."""

_QUALITY = re.compile(r"0(\.\d*)?|1(\.0*)?|\.\d+")

_OFFERS = {
    Format.TEXT: ("text", "plain", "0.0.4"),
    Format.OPENMETRICS: ("application", "openmetrics-text", "1.0.0"),
    Format.OPENMETRICS_DRAFT: ("application", "openmetrics-text", "0.0.1"),
}


@lru_cache(maxsize=_SCRAPERS)
def choose_format(accept: str | None) -> Format:
    """The format that the scraper likes best; the text format if it names none, or none that there is.

    Between formats of one quality the one that it names more exactly wins, then the one that it names first.
    """
    ranges = list(_media_ranges(accept or ""))
    scores = {offered: _score(offer, ranges) for offered, offer in _OFFERS.items()}
    best = max(scores, key=lambda offered: scores[offered])
    return best if scores[best].quality > 0 else Format.TEXT


@lru_cache(maxsize=_SCRAPERS)
def choose_encoding(accept_encoding: str | None) -> Encoding:
    """Gzip wherever it is as welcome as no encoding, or where only that was refused."""
    qualities = {coding: quality for coding, _, quality in _elements(accept_encoding or "")}
    others = qualities.get("*")
    identity = qualities.get("identity", others)
    gzip = qualities.get("gzip", others)
    if gzip is None:
        return Encoding.GZIP if identity == 0 else Encoding.IDENTITY
    return Encoding.GZIP if gzip > 0 and gzip >= (identity or 0) else Encoding.IDENTITY


class _Score(NamedTuple):
    """Compares as a tuple: how well a format fits what was asked."""

    quality: float
    specificity: int
    earliness: int


class _MediaRange(NamedTuple):
    """`*` where the range leaves a part open."""

    type: str
    subtype: str
    version: str
    quality: float


_UNNAMED = _Score(0, 0, 0)
_ANYTHING = _MediaRange("*", "*", "*", 1)


def _score(offer: tuple[str, str, str], ranges: list[_MediaRange]) -> _Score:
    """The score of an offer, which is that of the most specific range that it falls in."""
    fitting = [
        (_specificity(range_), range_.quality, -position)
        for position, range_ in enumerate(ranges or [_ANYTHING])
        if all(asked in ("*", part) for asked, part in zip(range_, offer, strict=False))
    ]
    if not fitting:
        return _UNNAMED
    specificity, quality, earliness = max(fitting)
    return _Score(quality, specificity, earliness)


def _specificity(range_: _MediaRange) -> int:
    return sum(part != "*" for part in (range_.type, range_.subtype, range_.version))


def _media_ranges(header: str) -> Iterator[_MediaRange]:
    for name, parameters, quality in _elements(header):
        type_, slash, subtype = name.partition("/")
        if slash:
            yield _MediaRange(type_, subtype, parameters.get("version", "*"), quality)


def _elements(header: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """Each element's value, its parameters, and its quality."""
    for element in header[:_LONGEST].lower().split(","):
        name, *rest = element.split(";")
        parameters = {key.strip(): value.strip(' \t"') for key, _, value in (part.partition("=") for part in rest)}
        quality = parameters.get("q", "1")
        if name.strip() and _QUALITY.fullmatch(quality):
            yield name.strip(), parameters, float(quality)
