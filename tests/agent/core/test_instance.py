import os
from pathlib import Path

import pytest

from agent.core.instance import FILE, HeldError, Instance, Running, running


def test_a_second_agent_is_kept_out_and_told_of_the_first(tmp_path: Path) -> None:
    first = Instance(tmp_path / "state")
    first.announce("http://127.0.0.1:9787")

    with pytest.raises(HeldError, match=rf"in use by the agent with pid {os.getpid()}, at http://127.0.0.1:9787; stop"):
        Instance(tmp_path / "state")
    first.release()
    Instance(tmp_path / "state").release()


def test_who_runs_is_known_while_it_lives(tmp_path: Path) -> None:
    assert running(tmp_path) is None
    held = Instance(tmp_path)
    assert running(tmp_path) is None
    held.announce("http://127.0.0.1:9787")
    assert running(tmp_path) == Running(os.getpid(), "http://127.0.0.1:9787")
    held.release()
    assert running(tmp_path) is None


def test_an_agent_that_was_killed_does_not_run(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        Instance(tmp_path).announce("http://127.0.0.1:9787")
        os._exit(0)
    os.waitpid(child, 0)

    assert str(child) in (tmp_path / FILE).read_text()
    assert running(tmp_path) is None
    Instance(tmp_path).release()
