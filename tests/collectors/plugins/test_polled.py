from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from collectors.plugins.families import poll_families
from collectors.plugins.plugin import Admission, Plugin
from collectors.plugins.polled import PolledInstance
from collectors.plugins.refusals import Reason
from collectors.plugins.sockets import SocketFile
from collectors.plugins.trust import Trust
from tests.support.plugins import Engine, quickly

NOBODY = 65_534


def instance_of(path: Path) -> PolledInstance:
    file = SocketFile(str(path), "engine", "1", (0, 0))
    return PolledInstance(file, Plugin("engine", Admission(2_000)), quickly(path.parent), Trust.of([]), lambda _: False)


@pytest.fixture
def nobody() -> Iterator[None]:
    """Run the test as another user than root, since root may open every file."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    yield
    os.seteuid(user)


async def test_a_socket_that_went_since_the_last_look_is_no_refusal(directory: Path) -> None:
    instance = instance_of(directory / "engine.1.sock")

    await instance.poll()

    assert instance.last is not None
    assert (instance.last.gone, instance.last.failure) == (True, None)
    assert instance.plugin.refusals.counts == {}
    assert [family.name for family in poll_families([instance.plugin], [instance]) if family.samples] == []


async def test_a_forbidden_connection_names_the_remedy(
    start_engine: Callable[..., Engine], request: pytest.FixtureRequest
) -> None:
    engine = start_engine("a 1\n")
    engine.path.chmod(0)
    instance = instance_of(engine.path)
    request.getfixturevalue("nobody")

    await instance.poll()

    assert instance.last is not None
    assert instance.last.failure is not None
    assert instance.last.failure.reason is Reason.UNREACHABLE
    assert "mode 0660" in instance.last.failure.detail
