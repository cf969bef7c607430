import os
import socket

import psutil
import pytest

from agent.web.port_holder import holder


def test_the_process_that_listens_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        assert holder(port) == f"{psutil.Process().name()} (pid {os.getpid()})"


def test_a_process_that_cannot_be_seen_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", refuse)

    assert holder(9787) == "a process that this user may not see"
