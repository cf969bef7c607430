import http.server
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from agent.config.address import Address
from agent.config.loader import parse
from agent.config.schema import Config
from agent.core.versions import requirements
from agent.doctor.agent import clock, locate, log_files, loki, port, settings, state, versions
from agent.doctor.agent.checks import OwnChecks
from agent.doctor.agent.settings import Settings
from agent.terminal import client
from agent.terminal.client import NotRunningError
from collectors.findings import Finding
from collectors.logs.loki.config import PUSH_PATH, LokiConfig, LokiUrl
from collectors.logs.loki.encode import EMPTY
from tests.agent.doctor.support import MYSELF, STRANGER, Machine, codes, process

LOGS = """
loki.url = "{url}"
[[logs.sources]]
name = "engine"
paths = ["{paths}"]
labels = {{ service = "engine", room = "a" }}
stages = [{{ labels = {{ fields = ["level"] }} }}, {{ structured_metadata = {{ fields = ["trace"] }} }}]
"""


# The configuration


def test_a_broken_configuration_still_says_where_the_agent_is(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('state_dir = "/somewhere"\nweb = { listen = ":1234", wrong = 1 }\n')

    read = settings.read(str(path))

    assert codes(read.findings) == ["config-invalid"]
    assert (read.config.state_dir, read.config.web.listen) == ("/somewhere", Address("", 1234))


@pytest.mark.parametrize("text", ["state_dir = 3\n[web]\nlisten = 'nonsense'\n", "web = 3", "= =", "\xff"])
def test_nothing_in_a_broken_configuration_stops_doctor(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(text.encode("latin-1"))

    read = settings.read(str(path))

    assert (codes(read.findings), read.config) == (["config-invalid"], Config())


def test_what_doctor_measures_by_itself_never_ships_logs() -> None:
    config = parse(LOGS.format(url="http://127.0.0.1:1", paths="/var/log/*.log"), "test")

    assert settings.without_logs(config).logs.sources == []


# The agent's user


def test_the_agents_user_is_that_of_its_process_then_of_its_service(machine: Machine) -> None:
    root = machine(process(42, "wr-agent", uid=4711))

    running = locate.daemons_user(SimpleNamespace(pid=42), root)  # type: ignore[arg-type]  # a status has more
    assert running.uid == 4711
    assert locate.daemons_user(None, root).uid == os.geteuid()
    machine({"etc/systemd/system/wr-agent.service": "[Service]\nUser=nobody\n"})
    assert locate.daemons_user(None, root).name == "nobody"
    assert locate.daemons_state(Config(), root) == Path("/var/lib/wr-agent")
    assert locate.daemons_state(Config(state_dir="/elsewhere"), root) == Path("/elsewhere")


def test_the_one_that_may_not_be_asked_is_what_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(config: Config) -> None:
        cause = PermissionError() if config.state_dir == "/var/lib/wr-agent" else FileNotFoundError()
        raise NotRunningError(config.state_dir or "the configured one") from cause

    monkeypatch.setattr(client, "fetch", fetch)

    with pytest.raises(NotRunningError, match="/var/lib/wr-agent") as raised:
        locate.ask(Config())
    assert locate.is_forbidden(raised.value)
    with pytest.raises(NotRunningError, match="/elsewhere") as raised:
        locate.ask(Config(state_dir="/elsewhere"))
    assert not locate.is_forbidden(raised.value)


def test_an_agent_in_a_usual_place_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(config: Config) -> str:
        if config.state_dir != "/var/lib/wr-agent":
            raise NotRunningError("not here")
        return "its status"

    monkeypatch.setattr(client, "fetch", fetch)

    status, reached = locate.ask(Config())

    assert str(status) == "its status"
    assert reached.state_dir == "/var/lib/wr-agent"


# State


def test_a_state_directory_of_ones_own_is_well(open_folder: Path) -> None:
    assert codes(state.check(open_folder / "new", MYSELF)) == []
    assert codes(state.check(open_folder, MYSELF)) == []


def test_a_state_directory_that_the_agent_cannot_write_to(open_folder: Path) -> None:
    (found,) = state.check(open_folder / "new", STRANGER)

    assert (found.code, found.severity) == ("agent-state-unwritable", "failure")
    assert str(open_folder) in found.detail


def test_a_state_directory_that_others_can_write_to(open_folder: Path) -> None:
    open_folder.chmod(0o777)

    assert codes(state.check(open_folder, STRANGER)) == ["agent-state-open"]


def test_a_lock_that_belongs_to_another_user(open_folder: Path) -> None:
    open_folder.chmod(0o777)
    (open_folder / "agent.lock").write_text("")
    (open_folder / "agent.lock").chmod(0o600)

    (found,) = state.check(open_folder, STRANGER)

    assert "agent.lock" in found.detail


def test_little_space_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert codes(state.check_space(tmp_path)) == []
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=10, f_frsize=4096))

    assert codes(state.check_space(tmp_path)) == ["agent-state-no-space"]


@pytest.mark.parametrize(("text", "expected"), [("{}", []), ("{", ["log-positions-corrupt"]), (None, [])])
def test_positions_are_looked_at_and_left_alone(tmp_path: Path, text: str | None, expected: list[str]) -> None:
    file = state.positions_file(tmp_path)
    if text is not None:
        file.write_text(text)
    before = sorted(tmp_path.iterdir())

    assert codes(state.check_positions(file)) == expected
    assert sorted(tmp_path.iterdir()) == before


# Port, clock, versions


def test_a_taken_port_names_who_has_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]

        (found,) = port.check(Address("", number))

        assert f"(pid {os.getpid()})" in found.detail
    assert codes(port.check(Address("127.0.0.1", number))) == []
    assert codes(port.check(Address("127.0.0.1", 0))) == []


@pytest.mark.parametrize(("kept", "expected"), [(True, []), (None, []), (False, ["clock-not-synchronized"])])
def test_a_clock_that_nobody_keeps(kept: bool | None, expected: list[str]) -> None:  # noqa: FBT001 - a case
    assert codes(clock.check(kept)) == expected


def test_where_the_kernel_does_not_answer_systemd_is_asked(monkeypatch: pytest.MonkeyPatch, machine: Machine) -> None:
    class Refused:
        def families(self) -> None:
            raise PermissionError(1, "adjtimex")

    monkeypatch.setattr(clock, "Timex", Refused)

    assert clock.kept(machine({})) is None
    assert clock.kept(machine({"run/systemd/timesync/synchronized": ""})) is True


def test_this_kernel_says_whether_its_clock_is_kept() -> None:
    assert clock.kept(Path("/")) in {True, False}


def test_libraries_that_are_missing_or_old() -> None:
    there = {"aiohttp": "3.8.4", "msgspec": "0.19.0"}
    needed = ["aiohttp>=3.11", "msgspec>=0.19", "psutil>=6.1", "strange~=1"]

    found = list(versions.check_libraries(needed, lambda name: there.get(name, "")))

    assert [finding.title for finding in found] == ["The library aiohttp is too old", "The library psutil is missing"]


def test_what_is_installed_here_goes_together() -> None:
    assert codes(versions.check_libraries(it for it in requirements() if ";" not in it)) == []


def test_a_daemon_of_another_version() -> None:
    assert codes(versions.check_daemon("1.0", "1.0")) == []
    assert codes(versions.check_daemon("1.0", "1.1")) == ["agent-version-differs"]


# Log files


def source(paths: str) -> Config:
    return parse(LOGS.format(url="http://127.0.0.1:1", paths=paths), "test")


def test_log_files_that_the_agents_user_cannot_read(open_folder: Path) -> None:
    closed, opened = open_folder / "closed.log", open_folder / "opened.log"
    for file, mode in ((closed, 0o600), (opened, 0o644)):
        file.write_text("line\n")
        file.chmod(mode)
    config = source(f"{open_folder}/*.log")

    (found,) = log_files.check(config.logs.sources, STRANGER)

    assert found.code == "log-file-unreadable"
    assert str(closed) in found.detail
    assert str(opened) not in found.detail
    assert codes(log_files.check(config.logs.sources, MYSELF)) == []


def test_a_source_without_files(tmp_path: Path) -> None:
    assert codes(log_files.check(source(f"{tmp_path}/*.log").logs.sources, MYSELF)) == ["log-no-match"]


# Loki


class FakeLoki:
    """An HTTP server with given answers, which remembers its requests."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, str]] = {PUSH_PATH: (422, "no streams")}
        self.asked: list[tuple[str, str, bytes]] = []
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer()

            def do_POST(self) -> None:
                self.answer()

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                owner.asked.append((self.command, self.path, body))
                code, text = owner.answers.get(self.path, (404, "404 page not found"))
                self.send_response(code)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                return

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    @property
    def config(self) -> LokiConfig:
        return LokiConfig(url=LokiUrl(self.url))


@pytest.fixture(scope="module")
def serving() -> Iterator[FakeLoki]:
    fake = FakeLoki()
    thread = threading.Thread(target=fake.server.serve_forever)
    thread.start()
    yield fake
    fake.server.shutdown()
    fake.server.server_close()
    thread.join()


@pytest.fixture
def lokid(serving: FakeLoki) -> FakeLoki:
    """A Loki that takes everything and tells no limits."""
    serving.answers = {PUSH_PATH: (422, "no streams")}
    serving.asked.clear()
    return serving


def test_a_loki_that_takes_entries_is_well_and_gets_none(lokid: FakeLoki, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")  # which the agent would not use either

    assert loki.check_access(lokid.config) == []
    ((method, path, body),) = lokid.asked
    assert (method, path) == ("POST", "/loki/api/v1/push")
    assert body == EMPTY


@pytest.mark.parametrize(("code", "expected"), [(401, "loki-refuses"), (404, "loki-refuses")])
def test_a_loki_that_refuses_is_a_finding(lokid: FakeLoki, code: int, expected: str) -> None:
    lokid.answers[PUSH_PATH] = (code, "not you")

    assert codes(loki.check_access(lokid.config)) == [expected]


def test_a_loki_that_is_not_there_is_a_finding() -> None:
    assert codes(loki.check_access(LokiConfig(url=LokiUrl("http://127.0.0.1:1")))) == ["loki-unreachable"]


def test_a_token_that_cannot_be_read_is_a_finding(lokid: FakeLoki) -> None:
    config = msgspec.structs.replace(lokid.config, token_file="/no/such/token")  # noqa: S106 - a path

    (found,) = loki.check_access(config)

    assert "/no/such/token" in found.detail
    assert lokid.asked == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/config/tenant/v1/limits", "max_line_size: 256KB\n"),
        ("/config", "server: {}\nlimits_config:\n  max_line_size: 256KB\n"),
    ],
)
def test_limits_are_read_where_loki_tells_them(lokid: FakeLoki, path: str, text: str) -> None:
    lokid.answers[path] = (200, text)

    assert loki.limits(lokid.config) == {"max_line_size": "256KB"}


@pytest.mark.parametrize("text", ["", "a: [", "just text", "- a list"])
def test_limits_that_are_no_limits_are_none(lokid: FakeLoki, text: str) -> None:
    lokid.answers["/config"] = (200, text)

    assert loki.limits(lokid.config) == {}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, []),
        (
            {
                "ingestion_burst_size_mb": 6,
                "max_label_names_per_series": 15,
                "allow_structured_metadata": True,
                "max_line_size": "256KB",
            },
            [],
        ),
        ({"ingestion_burst_size_mb": 0.01}, ["loki-batch-too-large"]),
        ({"max_label_names_per_series": 3}, ["loki-too-many-labels"]),
        ({"allow_structured_metadata": False}, ["loki-no-structured-metadata"]),
        ({"max_line_size": "16KB"}, ["loki-lines-too-long"]),
        ({"max_line_size": 16384}, ["loki-lines-too-long"]),
        ({"max_line_size": "16KB", "max_line_size_truncate": True}, []),
        ({"max_line_size": 0}, []),
    ],
)
def test_findings_where_the_configuration_goes_beyond_lokis_limits(
    told: dict[str, object], expected: list[str]
) -> None:
    config = source("/var/log/*.log")

    assert codes(loki.check_limits(told, config.loki, config.logs)) == expected


# All of them


def look(config: Config, status: object = None) -> dict[str, list[Finding]]:
    checks = OwnChecks(Settings(None, config), status).checks()  # type: ignore[arg-type]  # what is used of a status
    return {check.name: list(check.run()) for check in checks if not check.skip}


def test_a_running_agent_is_not_asked_again_for_what_it_knows(lokid: FakeLoki) -> None:
    config = parse(LOGS.format(url=lokid.url, paths="/var/log/*.log"), "test")

    found = look(config, SimpleNamespace(pid=os.getpid(), version="0"))

    assert set(found) == {"agent.config", "agent.versions", "agent.clock", "agent.loki"}
    assert [path for _, path, _ in lokid.asked] == list(loki.LIMIT_PATHS)
    assert codes(found["agent.versions"]) == ["agent-version-differs"]


def test_without_an_agent_everything_is_asked(lokid: FakeLoki, tmp_path: Path) -> None:
    config = parse(f'state_dir = "{tmp_path}"\n' + LOGS.format(url=lokid.url, paths=f"{tmp_path}/*.log"), "test")

    found = look(config)

    assert codes(found["agent.log-files"]) == ["log-no-match"]
    assert codes(found["agent.state"]) == []
    assert codes(found["agent.loki"]) == []
    assert set(found) - {"agent.loki", "agent.log-files", "agent.state"} == {
        "agent.config",
        "agent.versions",
        "agent.clock",
        "agent.port",
    }


def test_without_loki_nobody_asks_for_it() -> None:
    checks = {check.name: check.skip for check in OwnChecks(Settings(None, Config()), None).checks()}

    assert checks["agent.loki"] == "loki.url is not set"
