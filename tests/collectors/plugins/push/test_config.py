from __future__ import annotations

import pytest

from collectors.address import Address
from collectors.plugins.push.config import PushConfig
from collectors.units import Duration, Size

TOKENS = {"stage-app": "/etc/wr-agent/stage-app.token"}


def test_pushes_are_off_and_on_loopback_by_default() -> None:
    assert not PushConfig().enabled
    assert PushConfig().listen.is_loopback


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"enabled": True}, "enabled needs a token; set token_files"),
        ({"token_files": {"a.b": "/token"}}, "names such as stage-app in token_files, got 'a.b'"),
        ({"enabled": True, "token_files": TOKENS, "listen": Address("", 9788)}, "beyond loopback; set config_file"),
        ({"enabled": True, "token_files": TOKENS, "listen": Address("10.0.0.1", 9788)}, "must not travel in clear"),
        ({"interval": Duration(0.1)}, "interval of at least 1s"),
        ({"interval": Duration(10), "expiry": Duration(10)}, r"expiry above the interval \(10s\), got 10s"),
        ({"max_size": Size(1 << 30)}, "1B to 4MiB"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, object], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        PushConfig(**settings)  # type: ignore[arg-type]  # each case gives the type of its key


def test_an_address_beyond_loopback_needs_nothing_while_pushes_are_off() -> None:
    assert not PushConfig(listen=Address("", 9788)).enabled
