"""The distribution of tests among pytest-xdist's workers: what shares a costly fixture stays together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    import pytest
    from xdist.remote import Producer

SHARED_FOLDERS = ("tests/monitoring/end_to_end/", "tests/clients/swift/", "tests/clients/")
"""Folders whose tests share one fixture that takes a minute: a whole site, a compiled package. They take longest."""

_ALONE = (
    "tests/clients/python/",
    "tests/monitoring/end_to_end/test_dead_at_start.py",
    "tests/monitoring/end_to_end/test_haste.py",
    "tests/monitoring/end_to_end/test_nat.py",
    "tests/monitoring/end_to_end/test_push.py",
)
"""Tests in these folders that do without the fixture."""


class Distribution(LoadScopeScheduling):  # type: ignore[misc]  # the library's types are not complete
    """Each file, or each of the shared folders, is one unit of work; units start in the order of the tests."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        """Return the unit of a test: its file, or the folder whose fixture it shares."""
        file = nodeid.split("::", 1)[0]
        if file.startswith(_ALONE):
            return file
        return next((folder for folder in SHARED_FOLDERS if file.startswith(folder)), file)
