"""The request for a plugin's page, and the check of its response."""

from __future__ import annotations

from collectors.plugins.refusals import Reason, RefusedError
from collectors.unix_http import Fault, Head, ResponseError, request

QUESTION = request(
    "/metrics", "plugin", "Accept: text/plain;version=0.0.4,application/openmetrics-text;version=1.0.0;q=0.9"
)
_TEXT, _OPENMETRICS = "text/plain", "application/openmetrics-text"
_OK = 200
_REASONS = {
    Fault.NOT_HTTP: Reason.NOT_HTTP,
    Fault.STATUS: Reason.HTTP_STATUS,
    Fault.ENCODING: Reason.CONTENT_ENCODING,
    Fault.TOO_LARGE: Reason.TOO_LARGE,
    Fault.TRUNCATED: Reason.TRUNCATED,
}


def check(head: Head) -> None:
    """Check that a response is a page of metrics.

    Raises:
        RefusedError: It has another status or content type.
    """
    if head.status != _OK:
        raise RefusedError(Reason.HTTP_STATUS, f"expected 200 for GET /metrics, got {head.status}")
    if _content_type(head) not in (_TEXT, _OPENMETRICS):
        found = head.fields.get("content-type", "")[:80]
        raise RefusedError(Reason.CONTENT_TYPE, f"expected {_TEXT} or {_OPENMETRICS}, got {found!r}")


def is_openmetrics(head: Head) -> bool:
    """Return whether the page is OpenMetrics rather than text 0.0.4."""
    return _content_type(head) == _OPENMETRICS


def refused(error: ResponseError) -> RefusedError:
    """Return the refusal of a response that cannot be used."""
    hint = " (plugins.max_size)" if error.fault is Fault.TOO_LARGE else ""
    return RefusedError(_REASONS[error.fault], f"{error}{hint}")


def _content_type(head: Head) -> str:
    return head.fields.get("content-type", "").partition(";")[0].strip().lower()
