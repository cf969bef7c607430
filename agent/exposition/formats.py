"""The formats and encodings of a page."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """An exposition format. Its value is the `Content-Type` of the response.

    OpenMetrics 0.0.1 is the draft that Prometheus requested before 2.34. Only its header differs from 1.0.
    """

    TEXT = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
    OPENMETRICS_DRAFT = "application/openmetrics-text; version=0.0.1; charset=utf-8"


class Encoding(StrEnum):
    """The compression of a page. Its value is the `Content-Encoding` of the response."""

    IDENTITY = "identity"
    GZIP = "gzip"
