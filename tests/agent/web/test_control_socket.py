"""The control socket: how commands reach the agent whatever guards its port."""

import os
import pwd
import socket
import stat
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.config.loader import parse
from agent.terminal.client import NotRunningError, fetch
from agent.web import control_socket
from agent.web.control_socket import NAME, ControlError, admit, open_socket
from tests.conftest import StartAgent
from tests.support.agent import agent


def test_the_socket_is_its_owners_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    with open_socket(tmp_path):
        assert stat.filemode((tmp_path / NAME).stat().st_mode) == "srw-------"


def test_a_socket_left_by_a_killed_agent_is_in_nobodys_way(tmp_path: Path) -> None:
    with open_socket(tmp_path):
        pass
    with open_socket(tmp_path) as listening, socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(tmp_path / NAME))
        connected, _ = listening.accept()
        connected.close()


@pytest.mark.parametrize("mode", [0o770, 0o757])
def test_a_directory_that_others_may_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)

    with pytest.raises(ControlError, match=f"try chmod go-w {tmp_path}"):
        open_socket(tmp_path)


def test_a_directory_of_someone_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() == 0:
        os.chown(tmp_path, 12345, -1)
    monkeypatch.setattr(os, "geteuid", lambda: 54321)

    with pytest.raises(ControlError, match=f"of user {tmp_path.stat().st_uid}"):
        open_socket(tmp_path)


def test_a_path_too_long_for_a_socket_is_said(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    deep.mkdir(0o750)

    with pytest.raises(ControlError, match="set a shorter state_dir"):
        open_socket(deep)


def test_only_root_and_the_agents_own_user_are_admitted(monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = socket.socketpair()
    with here, there:
        assert admit(here) == str(os.geteuid())
        monkeypatch.setattr(control_socket, "peer_uid", lambda _: 65534)
        assert admit(here) is None


def test_a_user_who_may_not_is_told_whom_to_be() -> None:
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder, "state")
        state.mkdir()
        Path(folder).chmod(0o755)
        owner = pwd.getpwuid(state.stat().st_uid).pw_name
        state.chmod(0)
        said = as_nobody(lambda: refusal(state))
        state.chmod(0o700)

    assert said.startswith(f"only root and the agent's user may use {state}/control.sock; run it as: sudo -u {owner} ")


def refusal(state: Path) -> str:
    with pytest.raises(NotRunningError) as caught:
        fetch(parse(f'state_dir = "{state}"', "test"))
    return str(caught.value)


def as_nobody(say: Callable[[], str]) -> str:
    """Return the result of `say` in a process without root's rights."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        if os.geteuid() == 0:
            os.setuid(65534)
        os.write(writer, say().encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as said:
        text = said.read()
    os.waitpid(child, 0)
    return text


def test_something_else_on_the_socket_is_one_clear_line(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / NAME))
        listening.listen()

        def answer() -> None:
            connected, _ = listening.accept()
            with connected:
                connected.recv(4096)
                connected.sendall(b"HTTP/1.0 404 Not Found\r\n\r\n")

        other = threading.Thread(target=answer)
        other.start()
        with pytest.raises(NotRunningError, match="found another program: expected status 200, got 404"):
            fetch(parse(f'state_dir = "{tmp_path}"', "test"))
        other.join()


def test_commands_reach_an_agent_whose_port_is_guarded(start_agent: StartAgent, tmp_path: Path) -> None:
    web = tmp_path / "web.yml"
    web.write_text(f"basic_auth_users: {{prometheus: {'$2y$04$' + 'a' * 53}}}")
    guarded = start_agent(f'web.config_file = "{web}"')
    assert guarded.get("/-/status")[0] == 401

    assert guarded.command("status").returncode == 0
    assert '"agent_running": true' in guarded.command("doctor", "--json").stdout


def test_an_agent_without_a_control_socket_runs_and_says_so(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 108)  # longer than the path of any socket
    folder.mkdir()

    with agent(folder) as running:
        assert running.get("/-/healthy")[0] == 200
        assert "wr-agent status and doctor cannot reach this agent" in running.log()
