import pytest

from agent.config.decode import decode
from collectors.logs.loki.config import LokiConfig, LokiUrl


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("http://loki:3100", "http://loki:3100"),
        ("https://loki.example/", "https://loki.example"),
        ("https://example.com/logs/loki/api/v1/push", "https://example.com/logs"),
    ],
)
def test_a_url_is_lokis_base(text: str, expected: str) -> None:
    assert LokiUrl.parse(text) == expected


@pytest.mark.parametrize("text", ["loki:3100", "ftp://loki", "http://", "https://user:secret@loki:3100"])
def test_what_is_no_such_url_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=r"url|URL") as caught:
        LokiUrl.parse(text)

    assert "secret" not in str(caught.value)


def test_the_section_is_read_with_units() -> None:
    config, problems = decode(LokiConfig, {"url": "http://l:1", "timeout": "5s", "batch_size": "20KiB"})

    assert problems == []
    assert config is not None
    assert (config.url, config.timeout, config.batch_size) == ("http://l:1", 5.0, 20480)


def test_a_tenant_cannot_break_a_header() -> None:
    config, problems = decode(LokiConfig, {"tenant": "a\r\nX-Other: b"})

    assert config is None
    assert [problem.path for problem in problems] == ["tenant"]
