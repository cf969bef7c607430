from __future__ import annotations

import os

import pytest

from collectors.host.uname import bsd_families, families
from tests.collectors.host.support import Tree


def test_linux_has_a_domain_name_of_its_own(tree: Tree) -> None:
    (family,) = families(tree({"proc/sys/kernel/domainname": "studio.example\n"}))

    system = os.uname()
    assert family.name == "node_uname_info"
    assert family.labels == ("sysname", "release", "version", "machine", "nodename", "domainname")
    assert family.samples == {
        (system.sysname, system.release, system.version, system.machine, system.nodename, "studio.example"): 1
    }


def test_elsewhere_the_domain_is_the_rest_of_the_host_name(monkeypatch: pytest.MonkeyPatch) -> None:
    name = os.uname_result(("Darwin", "mac.studio.example", "24.1", "Darwin Kernel", "arm64"))
    monkeypatch.setattr(os, "uname", lambda: name)

    (family,) = bsd_families()

    assert list(family.samples) == [("Darwin", "24.1", "Darwin Kernel", "arm64", "mac", "studio.example")]


def test_a_host_name_without_a_domain_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("Darwin", "mac", "24.1", "Darwin Kernel", "arm64")))

    (family,) = bsd_families()

    assert list(family.samples) == [("Darwin", "24.1", "Darwin Kernel", "arm64", "mac", "(none)")]
