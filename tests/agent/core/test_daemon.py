"""The daemon as its users meet it: a process that serves, reloads and stops."""

import json
import signal
import socket
import time
from pathlib import Path

import pytest

from agent.core import daemon
from tests.conftest import StartAgent
from tests.support.agent import AgentProcess, command
from tests.support.threads import no_threads_left
from tests.support.waiting import PATIENCE, eventually


def test_it_serves_its_pages(shared_agent: AgentProcess) -> None:
    status, headers, body = shared_agent.get("/metrics")
    assert status == 200
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    eventually(lambda: "\nnode_load1 " in shared_agent.get("/metrics")[2], "the host is measured in time")
    assert 'wr_agent_collector_up{collector="host"} 1' in shared_agent.get("/metrics")[2]
    assert shared_agent.get("/-/healthy")[0] == shared_agent.get("/-/ready")[0] == 200
    assert shared_agent.get("/nothing")[0] == 404
    status, headers, body = shared_agent.get("/")
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert ">Findings</h2>" in body
    assert "://" not in body, "the page needs no other server"


def test_a_scrape_can_choose_collectors(shared_agent: AgentProcess) -> None:
    only_host = shared_agent.get("/metrics?collect[]=host")[2]
    assert "\nnode_load1 " in only_host
    assert "wr_agent_build_info" not in only_host
    without_host = shared_agent.get("/metrics?exclude[]=host")[2]
    assert "\nnode_load1 " not in without_host
    assert "wr_agent_build_info" in without_host
    status, _, body = shared_agent.get("/metrics?collect[]=hots")
    assert status == 400
    assert body.startswith("unknown collector: hots; expected one of audio, host, ")
    assert shared_agent.get("/metrics?collect[]=host&exclude[]=agent")[0] == 400


def test_a_scrape_can_choose_format_and_encoding(shared_agent: AgentProcess) -> None:
    _, headers, body = shared_agent.get("/metrics", {"Accept": "application/openmetrics-text;version=1.0.0"})
    assert headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert body.endswith("# EOF\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_when_asked(start_agent: StartAgent, number: signal.Signals) -> None:
    agent = start_agent()

    agent.signal(number)

    assert agent.process.wait(30) == 0
    assert "stopping" in agent.log()


def test_it_stops_in_time_while_a_peer_holds_its_connection(start_agent: StartAgent) -> None:
    agent = start_agent()
    port = int(agent.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port)) as idle, socket.create_connection(("127.0.0.1", port)) as half:
        half.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n")
        idle.settimeout(30)
        agent.signal(signal.SIGTERM)
        assert agent.process.wait(PATIENCE) == 0


def test_sighup_applies_a_new_configuration(start_agent: StartAgent) -> None:
    agent = start_agent()
    assert "\nnode_load1 " in agent.get("/metrics")[2]

    agent.write_config("host.enabled = false")
    agent.signal(signal.SIGHUP)

    eventually(lambda: "\nnode_load1 " not in agent.get("/metrics")[2], "the host is no longer measured")
    agent.write_config("")
    agent.signal(signal.SIGHUP)
    eventually(lambda: "\nnode_load1 " in agent.get("/metrics")[2], "the host is measured again")


def test_sighup_moves_to_another_address(start_agent: StartAgent) -> None:
    agent = start_agent()
    before = agent.url
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]

    agent.write_config(f'web.listen = "127.0.0.1:{port}"')
    agent.signal(signal.SIGHUP)

    eventually(lambda: agent.url == f"http://127.0.0.1:{port}", "the agent says its new address")
    assert agent.get("/-/healthy")[0] == 200
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(before.rsplit(":", 1)[1])))


def test_sighup_with_a_bad_configuration_keeps_the_old_one_and_says_why(start_agent: StartAgent) -> None:
    agent = start_agent()

    agent.write_config("host.enabeld = false")
    agent.signal(signal.SIGHUP)

    error = eventually(lambda: agent.status()["config_error"], "the refusal shows in the status")
    assert "host.enabeld: unknown key; did you mean enabled?" in error
    assert "new configuration refused; the old one stays in effect" in agent.log()
    assert "\nnode_load1 " in agent.get("/metrics")[2]
    eventually(lambda: 'code="config-refused"' in agent.get("/metrics")[2], "the refusal is a finding")
    agent.write_config("")
    agent.signal(signal.SIGHUP)
    eventually(lambda: not agent.status()["config_error"], "a good one clears it")


def test_sighup_with_a_taken_address_keeps_the_old_one(start_agent: StartAgent) -> None:
    agent = start_agent()
    before = agent.url
    with socket.create_server(("127.0.0.1", 0)) as taken:
        agent.write_config(f'web.listen = "127.0.0.1:{taken.getsockname()[1]}"')
        agent.signal(signal.SIGHUP)
        assert "is taken by" in eventually(lambda: agent.status()["config_error"], "the refusal shows")

    assert agent.url == before


def test_sighup_follows_another_web_configuration_unless_it_is_bad(start_agent: StartAgent, tmp_path: Path) -> None:
    agent = start_agent()
    good, bad = tmp_path / "good.yml", tmp_path / "bad.yml"
    good.write_text(f"basic_auth_users: {{a: {'$2y$04$' + 'a' * 53}}}")
    bad.write_text("basic_auth_users: {a: hunter2}")

    agent.write_config(f'web.config_file = "{good}"')
    agent.signal(signal.SIGHUP)
    eventually(lambda: agent.get("/metrics")[0] == 401, "a password is asked for")
    agent.write_config(f'web.config_file = "{bad}"')
    agent.signal(signal.SIGHUP)
    eventually(lambda: "basic_auth_users.a: expected a bcrypt hash" in agent.log(), "the bad one is refused")
    assert agent.get("/metrics")[0] == 401
    agent.write_config("")
    agent.signal(signal.SIGHUP)
    eventually(lambda: agent.get("/metrics")[0] == 200, "no password is asked for")


def test_a_web_configuration_that_cannot_be_used_is_every_problem_and_no_start(tmp_path: Path) -> None:
    (tmp_path / "web.yml").write_text("rate_limits: {}\nhttp_server_config: {http2: true}")
    agent = AgentProcess(tmp_path, f'web.config_file = "{tmp_path}/web.yml"')

    assert agent.process.wait(30) == 1
    unknown, unspoken = agent.log().splitlines()
    assert unknown == f"{tmp_path}/web.yml: rate_limits: unknown key; did you mean rate_limit?"
    assert unspoken.startswith(f"{tmp_path}/web.yml: http_server_config: http2 is not supported")


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        agent = AgentProcess(tmp_path, f'web.listen = "127.0.0.1:{port}"')
        assert agent.process.wait(30) == 1

    assert agent.log().startswith(f"wr-agent: port {port} is taken by ")
    assert len(agent.log().splitlines()) == 1


def test_a_second_agent_on_the_same_state_is_refused_in_one_line(shared_agent: AgentProcess, tmp_path: Path) -> None:
    second = AgentProcess(tmp_path, f'state_dir = "{shared_agent.state_dir}"')

    assert second.process.wait(30) == 1
    assert f"is in use by the agent with pid {shared_agent.process.pid}, at {shared_agent.url}" in second.log()
    assert len(second.log().splitlines()) == 1


def test_a_state_directory_that_cannot_be_made_is_said_and_the_rest_runs(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    agent = AgentProcess(tmp_path, f'state_dir = "{blocked}/state"\nweb.listen = "127.0.0.1:{port}"')
    try:
        eventually(lambda: "serving" in agent.log(), "the agent serves")
        assert "state directory unusable" in agent.log()
        assert agent.process.poll() is None
    finally:
        agent.stop()


def test_a_bad_configuration_is_every_problem_and_no_traceback(tmp_path: Path) -> None:
    agent = AgentProcess(tmp_path, 'log_level = "loud"\nweb.collect_timeout = 3')

    assert agent.process.wait(30) == 1
    assert [line.split(": ")[1] for line in agent.log().splitlines()] == ["log_level", "web.collect_timeout"]


def test_the_service_manager_is_told(start_agent: StartAgent, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        agent = start_agent(env={"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "2000000"})

        def heard(message: str) -> bool:
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                if manager.recv(4096).decode().startswith(message):
                    return True
            return False

        assert heard("READY=1")
        assert heard("WATCHDOG=1")
        agent.signal(signal.SIGHUP)
        assert heard("RELOADING=1")
        assert heard("READY=1")
        agent.signal(signal.SIGTERM)
        assert heard("STOPPING=1")


def test_the_log_of_a_service_is_json(shared_agent: AgentProcess) -> None:
    lines = [json.loads(line) for line in shared_agent.log().splitlines()]

    assert lines[0]["event"] == "serving"
    assert lines[0]["level"] == "info"


def test_status_in_a_terminal_and_as_json(shared_agent: AgentProcess) -> None:
    text = shared_agent.command("status")
    document = shared_agent.command("status", "--json")

    assert (text.returncode, document.returncode) == (0, 0)
    assert f"{shared_agent.url}/metrics" in text.stdout
    assert json.loads(document.stdout)["pid"] == shared_agent.process.pid


def test_status_without_an_agent_is_one_clear_line(tmp_path: Path) -> None:
    result = command("status", "--config", str(_config(tmp_path)))

    assert result.returncode == 1
    assert result.stdout == ""
    assert f"no agent answers on {tmp_path}/state/control.sock: No such file or directory" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def _config(folder: Path) -> Path:
    path = folder / "config.toml"
    path.write_text(f'state_dir = "{folder / "state"}"\naudio.enabled = false\n')
    return path


def test_the_address_of_the_command_line_outlasts_a_reload(tmp_path: Path) -> None:
    started = AgentProcess(tmp_path, 'web.listen = "192.0.2.1:1"', arguments=("--listen", "127.0.0.1:0"))
    try:
        assert started.get("/-/healthy")[0] == 200
        started.signal(signal.SIGHUP)
        eventually(lambda: "reloaded" in started.log(), "the configuration is read again")
        assert started.get("/-/healthy")[0] == 200
        assert "refused" not in started.log()
    finally:
        started.stop()


def test_the_deadline_of_the_stop_needs_no_thread() -> None:
    with no_threads_left():
        daemon.end_process_after(100)

    assert signal.alarm(0) == pytest.approx(100, abs=5)
