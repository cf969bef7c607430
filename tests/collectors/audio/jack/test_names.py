from __future__ import annotations

import pytest

from collectors.audio.jack.names import client_name


@pytest.fixture(autouse=True)
def _no_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JACK_DEFAULT_SERVER", raising=False)


def test_on_the_usual_server_the_name_is_plain() -> None:
    assert [client_name("wr-agent", server) for server in ("", "default")] == ["wr-agent", "wr-agent"]


def test_clients_of_two_servers_have_two_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "live")

    assert [client_name("wr-agent", server) for server in ("", "mix")] == ["wr-agent-live", "wr-agent-mix"]


def test_a_name_leaves_room_for_jacks_suffix() -> None:
    assert len(client_name("wr-agent-probe", "s" * 200)) <= 60
