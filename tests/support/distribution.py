"""The distribution of tests among pytest-xdist's workers: what shares a costly fixture stays together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    import pytest
    from xdist.remote import Producer

_SHARED_FOLDERS = ("tests/clients/swift/", "tests/clients/", "tests/monitoring/end_to_end/")
"""Folders whose tests share one fixture that takes a minute: a compiled package, a whole site."""


class Distribution(LoadScopeScheduling):  # type: ignore[misc]  # the library's types are not complete
    """Each file, or each of the shared folders, is one unit of work; units start in the order of the tests."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        """Return the unit of a test: its file, or the folder whose fixture it shares."""
        return next((folder for folder in _SHARED_FOLDERS if nodeid.startswith(folder)), nodeid.split("::", 1)[0])
