from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.log_files import Agent, Sink


@pytest.fixture
async def agent(tmp_path: Path) -> AsyncIterator[Agent]:
    running = Agent(tmp_path / "state" / "positions.json")
    yield running
    await running.stop()


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


@pytest.fixture
def sink() -> Sink:
    return Sink()
