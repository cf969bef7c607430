from __future__ import annotations

import pytest

from collectors.host.dmi import Dmi
from tests.collectors.host.support import Tree

DMI = "sys/class/dmi/id"


def test_labels_are_the_fields_that_can_be_read(tree: Tree) -> None:
    root = tree(
        {
            f"{DMI}/sys_vendor": "Studio Ltd \n",
            f"{DMI}/product_name": "Desk\n",
            f"{DMI}/product_uuid/for": "root alone",
            f"{DMI}/modalias": "dmi:x\n",
        }
    )
    (family,) = Dmi(root).families()

    assert {tuple(zip(family.labels, values, strict=True)) for values in family.samples} == {
        (("product_name", "Desk"), ("system_vendor", "Studio Ltd"))
    }


def test_a_machine_without_firmware_tables_has_no_such_thing(tree: Tree) -> None:
    with pytest.raises(FileNotFoundError):
        Dmi(tree({})).families()
