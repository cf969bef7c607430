"""The property lists, by launchd's rules. launchd itself was not run: these are the rules of launchd.plist(5)."""

from __future__ import annotations

import getpass
import plistlib
from pathlib import Path
from typing import Any

import pytest

from agent.service import launchd
from agent.service.definition import Service, ServiceError

COMMAND = ("/opt/white room/bin/wr-agent", "run")


def filled(service: Service) -> dict[str, Any]:
    values: dict[str, Any] = plistlib.loads(service.text(COMMAND).encode())
    return values


@pytest.fixture(params=["agent", "daemon"])
def service(request: pytest.FixtureRequest) -> Service:
    return launchd.agent() if request.param == "agent" else launchd.daemon(getpass.getuser())


def test_keeps_launchds_rules(service: Service) -> None:
    values = filled(service)

    assert service.file.stem == values["Label"]
    *command, option, log = values["ProgramArguments"]  # in the foreground: there is no flag to make it a daemon
    assert (tuple(command), option) == (COMMAND, "--log-file")
    assert Path(log).is_absolute()
    assert log in service.logs
    assert values["KeepAlive"] is True
    assert values["RunAtLoad"] is True
    assert values["ThrottleInterval"] >= 10  # launchd's own least
    assert values["ExitTimeOut"] > 5  # the agent ends within 5 s of SIGTERM; then launchd kills it
    assert values["Umask"] == 0o077
    assert not set(values) & {"Program", "Debug", "inetdCompatibility", "OnDemand"}
    assert Path(values["StandardErrorPath"]).is_absolute()
    assert values["StandardErrorPath"] != log  # the agent rotates its log, which launchd does not
    assert values["ProcessType"] == "Interactive"


def test_agent_lives_in_the_users_session() -> None:
    values = filled(launchd.agent())

    assert values["LimitLoadToSessionType"] == "Aqua"
    assert "UserName" not in values
    assert launchd.agent().file.is_relative_to(Path.home())


def test_daemon_lives_in_the_system_as_a_user() -> None:
    values = filled(launchd.daemon(getpass.getuser()))

    assert values["UserName"] == getpass.getuser()
    assert "LimitLoadToSessionType" not in values


def test_daemon_of_nobody_is_refused() -> None:
    with pytest.raises(ServiceError, match="no user 'nobody-of-that-name'"):
        launchd.daemon("nobody-of-that-name")
