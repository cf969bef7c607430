from __future__ import annotations

from collectors.plugins.collector import PluginsCollector
from collectors.plugins.config import PluginsConfig


def test_a_user_who_does_not_exist_is_a_finding() -> None:
    collector = PluginsCollector(PluginsConfig(users=["nobody-of-this-name"]))

    assert [finding.code for check in collector.checks() for finding in check.run()] == ["plugins-unknown-user"]
