"""The choice of format and encoding by `Accept` and `Accept-Encoding` (RFC 9110, 12.4 and 12.5).

Repeated headers are joined with commas before the call, as HTTP defines. Malformed parts of a header are ignored. So
are parameters other than `q` and `version`, such as Prometheus's `escaping`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from agent.exposition.formats import Encoding, Format

_LONGEST = 4096
"""The characters of a header to read; Prometheus sends about 300."""

_SCRAPERS = 8
"""The number of cached headers; a scraper sends the same ones each time."""

_QUALITY = re.compile(r"0(\.\d*)?|1(\.0*)?|\.\d+")

_OFFERS = {
    Format.TEXT: ("text", "plain", "0.0.4"),
    Format.OPENMETRICS: ("application", "openmetrics-text", "1.0.0"),
    Format.OPENMETRICS_DRAFT: ("application", "openmetrics-text", "0.0.1"),
}


@lru_cache(maxsize=_SCRAPERS)
def choose_format(accept: str | None) -> Format:
    """Return the format that the scraper prefers; the text format if it names no available one.

    Among formats of equal quality, the more specific one wins, then the first one.
    """
    ranges = list(_media_ranges(accept or ""))
    scores = {offered: _score(offer, ranges) for offered, offer in _OFFERS.items()}
    best = max(scores, key=lambda offered: scores[offered])
    return best if scores[best].quality > 0 else Format.TEXT


@lru_cache(maxsize=_SCRAPERS)
def choose_encoding(accept_encoding: str | None) -> Encoding:
    """Return gzip if the scraper rates it at least as high as identity, or refuses identity."""
    qualities = {coding: quality for coding, _, quality in _elements(accept_encoding or "")}
    others = qualities.get("*")
    identity = qualities.get("identity", others)
    gzip = qualities.get("gzip", others)
    if gzip is None:
        return Encoding.GZIP if identity == 0 else Encoding.IDENTITY
    return Encoding.GZIP if gzip > 0 and gzip >= (identity or 0) else Encoding.IDENTITY


class _Score(NamedTuple):
    """The rank of a format for a header; it compares as a tuple."""

    quality: float
    specificity: int
    earliness: int


class _MediaRange(NamedTuple):
    """One media range; `*` for an open part."""

    type: str
    subtype: str
    version: str
    quality: float


_UNNAMED = _Score(0, 0, 0)
_ANYTHING = _MediaRange("*", "*", "*", 1)


def _score(offer: tuple[str, str, str], ranges: list[_MediaRange]) -> _Score:
    """Return the score of an offer by the most specific range that matches it."""
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
    """Yield each element's value, its parameters and its quality."""
    for element in header[:_LONGEST].lower().split(","):
        name, *rest = element.split(";")
        parameters = {key.strip(): value.strip(' \t"') for key, _, value in (part.partition("=") for part in rest)}
        quality = parameters.get("q", "1")
        if name.strip() and _QUALITY.fullmatch(quality):
            yield name.strip(), parameters, float(quality)
