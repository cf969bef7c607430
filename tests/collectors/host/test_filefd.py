from __future__ import annotations

from collectors.host.filefd import families, parse
from tests.collectors.host.support import Tree, samples_of


def test_parse_passes_over_the_number_that_is_always_zero() -> None:
    assert parse("528\t0\t2466170\n") == (528, 2466170)


def test_families_are_allocated_and_maximum(tree: Tree) -> None:
    found = families(tree({"proc/sys/fs/file-nr": "528\t0\t2466170\n"}))

    assert samples_of(found, "node_filefd_allocated") == {(): 528}
    assert samples_of(found, "node_filefd_maximum") == {(): 2466170}
