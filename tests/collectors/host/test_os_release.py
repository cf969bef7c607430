from __future__ import annotations

import os

import pytest

from collectors.host.os_release import OsRelease, parse, version
from tests.collectors.host.support import Tree, samples_of

DEBIAN = """\
PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME='Debian GNU/Linux'
# a remark = nothing
VERSION_ID="12"
ID=debian
EMPTY=
"""


def test_values_are_quoted_as_in_a_shell() -> None:
    assert parse(DEBIAN) == {
        "pretty_name": "Debian GNU/Linux 12 (bookworm)",
        "name": "Debian GNU/Linux",
        "version_id": "12",
        "id": "debian",
        "empty": "",
    }


@pytest.mark.parametrize(("text", "number"), [("12", 12), ("20.04.6", 20.04), ("9.", 9), ("rolling", 0), ("", 0)])
def test_the_version_is_major_and_minor(text: str, number: float) -> None:
    assert version(text) == number


@pytest.mark.parametrize("place", ["etc/os-release", "usr/lib/os-release"])
def test_both_places_are_looked_at(tree: Tree, place: str) -> None:
    found = OsRelease(tree({place: DEBIAN})).families()

    assert samples_of(found, "node_os_version") == {("debian", "", "Debian GNU/Linux"): 12}
    (labels,) = samples_of(found, "node_os_info")
    assert "Debian GNU/Linux 12 (bookworm)" in labels


def test_an_upgrade_is_seen(tree: Tree) -> None:
    root = tree({"etc/os-release": DEBIAN})
    release = OsRelease(root)
    release.families()
    tree({"etc/os-release": DEBIAN.replace('"12"', '"13"')})
    os.utime(root / "etc/os-release", ns=(0, 1))

    assert samples_of(release.families(), "node_os_version") == {("debian", "", "Debian GNU/Linux"): 13}


def test_a_machine_that_does_not_say_has_no_such_thing(tree: Tree) -> None:
    with pytest.raises(FileNotFoundError):
        OsRelease(tree({})).families()


def test_the_end_of_support_is_a_time(tree: Tree) -> None:
    found = OsRelease(tree({"etc/os-release": f"{DEBIAN}SUPPORT_END=2028-06-30\n"})).families()

    assert samples_of(found, "node_os_support_end_timestamp_seconds") == {(): 1845936000}


@pytest.mark.parametrize("end", ["", "SUPPORT_END=never\n"])
def test_support_without_a_date_has_no_end(tree: Tree, end: str) -> None:
    found = OsRelease(tree({"etc/os-release": DEBIAN + end})).families()

    assert samples_of(found, "node_os_support_end_timestamp_seconds") == {}


def test_a_quote_without_its_partner_costs_nothing_else() -> None:
    assert parse("NAME=Joe's Linux\nID=joe\n") == {"name": "Joe's Linux", "id": "joe"}
