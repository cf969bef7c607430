"""The reasons for refusing a plugin's data, their counts, and the last example of each."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import NamedTuple


class Reason(StrEnum):
    """The value of the label `reason`. The set is closed, so that no plugin can add label values."""

    UNREADABLE_DIRECTORY = "unreadable_directory"
    UNTRUSTED_DIRECTORY = "untrusted_directory"
    UNTRUSTED_SOCKET = "untrusted_socket"
    UNTRUSTED_PEER = "untrusted_peer"
    BAD_NAME = "bad_name"
    DUPLICATE_INSTANCE = "duplicate_instance"
    TOO_MANY_SOCKETS = "too_many_sockets"
    STALE = "stale"

    UNAUTHORIZED = "unauthorized"
    RATE_LIMIT = "rate_limit"
    TOO_MANY_APPS = "too_many_apps"

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    NOT_HTTP = "not_http"
    HTTP_STATUS = "http_status"
    CONTENT_TYPE = "content_type"
    CONTENT_ENCODING = "content_encoding"
    TOO_LARGE = "too_large"
    TRUNCATED = "truncated"
    TOO_MANY_SAMPLES = "too_many_samples"
    MALFORMED = "malformed"
    NOT_UTF8 = "not_utf8"
    INTERNAL = "internal"

    UNSUPPORTED_NAME = "unsupported_name"
    RESERVED_NAME = "reserved_name"
    TYPE_CONFLICT = "type_conflict"
    UNSUPPORTED_TYPE = "unsupported_type"
    CONTRADICTS_AGENT = "contradicts_agent"

    RESERVED_LABEL = "reserved_label"
    LABEL_LIMIT = "label_limit"
    DUPLICATE_SERIES = "duplicate_series"
    TOO_MANY_SERIES = "too_many_series"
    BAD_HISTOGRAM = "bad_histogram"
    DIFFERENT_BOUNDS = "different_bounds"
    QUANTILE = "quantile"
    BAD_VALUE = "bad_value"


class RefusedError(Exception):
    """An answer or a socket that is refused as a whole."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Refusal(NamedTuple):
    """A refused part of an answer: a family, a series, or a value."""

    reason: Reason
    detail: str


_DETAIL_LENGTH = 300


class Refusals:
    """The refusals of one plugin. Written on the event loop; any thread may copy them.

    Attributes:
        counts: The number of refusals, by reason.
        details: The last detail of each reason, shortened.
    """

    def __init__(self) -> None:
        self.counts: Counter[Reason] = Counter()
        self.details: dict[Reason, str] = {}

    def add(self, reason: Reason, detail: str) -> None:
        """Count one refusal."""
        self.counts[reason] += 1
        self.details[reason] = detail if len(detail) <= _DETAIL_LENGTH else f"{detail[:_DETAIL_LENGTH]}…"
