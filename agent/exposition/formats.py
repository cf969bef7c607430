"""The formats and encodings a page can have."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """An exposition format; its value is the `Content-Type` of the answer.

    OpenMetrics 0.0.1 is the draft that Prometheus asked for before 2.34; the page is the same, the header is not.
    """

    TEXT = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
    OPENMETRICS_DRAFT = "application/openmetrics-text; version=0.0.1; charset=utf-8"


class Encoding(StrEnum):
    """How a page is packed; its value is the `Content-Encoding` of the answer."""

    IDENTITY = "identity"
    GZIP = "gzip"
