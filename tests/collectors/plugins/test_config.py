from __future__ import annotations

import pytest

from collectors.plugins.config import PluginsConfig
from collectors.plugins.push.config import PushConfig
from collectors.units import Duration, Size


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"directories": ["sockets"]}, "absolute"),
        ({"interval": Duration(0.01)}, "interval of at least"),
        ({"timeout": Duration(0)}, "timeout above zero"),
        ({"expected": ["backend", "a.b"]}, "names such as backend in expected, got 'a.b'"),
        ({"max_size": Size(1 << 30)}, "1B to 4MiB"),
        ({"enabled": False, "push": PushConfig(enabled=True, token_files={"a": "/token"})}, "needs enabled = true"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, object], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        PluginsConfig(**settings)  # type: ignore[arg-type]  # each case gives the type of its key
