from __future__ import annotations

import pytest

from collectors.plugins.answers import QUESTION, check, is_openmetrics, refused
from collectors.plugins.refusals import Reason, RefusedError
from collectors.unix_http import Fault, Head, ResponseError


def head(content_type: str, status: int = 200) -> Head:
    return Head(http11=True, status=status, fields={"content-type": content_type})


@pytest.mark.parametrize(
    ("content_type", "openmetrics"),
    [
        ("text/plain", False),
        ("text/plain; version=0.0.4; charset=utf-8; escaping=underscores", False),
        ("Text/Plain;version=0.0.4", False),
        ("application/openmetrics-text; version=1.0.0; charset=utf-8", True),
    ],
)
def test_the_content_type_names_the_format(content_type: str, *, openmetrics: bool) -> None:
    check(head(content_type))

    assert is_openmetrics(head(content_type)) is openmetrics


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (head("text/plain", status=404), Reason.HTTP_STATUS),
        (head("text/html"), Reason.CONTENT_TYPE),
        (head(""), Reason.CONTENT_TYPE),
        (head("application/vnd.google.protobuf"), Reason.CONTENT_TYPE),
    ],
)
def test_another_response_is_refused(found: Head, reason: Reason) -> None:
    with pytest.raises(RefusedError) as caught:
        check(found)

    assert caught.value.reason is reason


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_has_a_reason(fault: Fault) -> None:
    assert refused(ResponseError(fault, "detail")).reason in Reason


def test_a_limit_names_its_key() -> None:
    assert refused(ResponseError(Fault.TOO_LARGE, "expected less")).detail == "expected less (plugins.max_size)"


def test_an_uncompressed_page_is_asked_for() -> None:
    assert QUESTION.startswith(b"GET /metrics HTTP/1.1\r\nHost: plugin\r\n")
    assert b"\r\nAccept-Encoding: identity\r\n" in QUESTION
    assert QUESTION.endswith(b"\r\n\r\n")
