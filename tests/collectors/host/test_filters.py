from __future__ import annotations

import pytest

from collectors.host.filters import Filter


@pytest.mark.parametrize(
    ("include", "exclude", "kept"),
    [
        ("", "", ["eth0", "eth1", "lo"]),
        ("^eth", "", ["eth0", "eth1"]),
        ("", "^eth", ["lo"]),
        ("^eth", "1$", ["eth0"]),
        ("^wlan", "", []),
    ],
)
def test_what_is_kept_is_included_and_not_excluded(include: str, exclude: str, kept: list[str]) -> None:
    found = Filter(include=include, exclude=exclude)

    assert [name for name in ("eth0", "eth1", "lo") if found.keeps(name)] == kept
