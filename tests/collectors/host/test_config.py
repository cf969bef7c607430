from __future__ import annotations

import msgspec
import pytest

from collectors.host import HostConfig


def test_the_host_is_measured_unless_said_otherwise() -> None:
    assert msgspec.convert({}, HostConfig).enabled is True
    assert msgspec.convert({"enabled": False}, HostConfig).enabled is False


def test_an_unknown_key_is_an_error() -> None:
    with pytest.raises(msgspec.ValidationError, match="enable"):
        msgspec.convert({"enable": False}, HostConfig)
