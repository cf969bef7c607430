"""The units under a real systemd, which is the first process of namespaces of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.systemd import IsolatedSystemd, isolated_systemd
from tests.support.waiting import eventually

CONFIG = """
[loki]
url = "http://127.0.0.1:3100"
[[logs.sources]]
name = "engine"
paths = ["/var/lib/engine/*.log"]
"""

AGENT = (sys.executable, "-m", "agent")

TAKES_ALL = """
import http.server

class Sink(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

http.server.HTTPServer(("127.0.0.1", 3100), Sink).serve_forever()
"""


@pytest.fixture(scope="module")
def systemd() -> Iterator[IsolatedSystemd]:
    with isolated_systemd() as manager:
        manager.write("/etc/wr-agent/config.toml", CONFIG)
        manager.write("/var/lib/engine/a.log", '{"message": "one"}\n', mode="0640", owner="root:adm")
        manager.write("/run/sink.py", TAKES_ALL)
        manager.write("/run/stubs/sink.service", f'[Service]\nExecStart="{sys.executable}" /run/sink.py\n')
        manager.run("systemctl", "start", "sink.service")
        yield manager


@pytest.fixture(scope="module")
def installed(systemd: IsolatedSystemd) -> IsolatedSystemd:
    """A system service that is ready: `Type=notify` makes the installation wait for it."""
    done = systemd.run(*AGENT, "service", "install", "--system")
    assert "its log: journalctl -u wr-agent -f" in done.stdout
    return systemd


def status(systemd: IsolatedSystemd) -> dict[str, Any]:
    """Return the agent's status from a command that reads a configuration of its own."""
    document: dict[str, Any] = json.loads(systemd.run(*AGENT, "status", "--json", "--config", "/dev/null").stdout)
    return document


def metrics(systemd: IsolatedSystemd) -> str:
    script = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:9787/metrics').read().decode())"
    return systemd.run(sys.executable, "-c", script).stdout


def test_is_ready_and_enabled(installed: IsolatedSystemd) -> None:
    assert installed.show("ActiveState") == "active"
    assert installed.show("UnitFileState") == "enabled"
    assert installed.show("StatusText") == "serving http://127.0.0.1:9787/metrics"


def test_runs_without_privileges(installed: IsolatedSystemd) -> None:
    main = installed.show("MainPID")
    said = installed.run("cat", f"/proc/{main}/status").stdout
    fields = dict(line.split(":\t", 1) for line in said.splitlines())

    assert installed.run("stat", "-c", "%U", f"/proc/{main}").stdout.strip() == "wr-agent"
    assert int(fields["CapEff"], 16) == 0
    assert int(fields["CapBnd"], 16) == 0
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"  # a filter


def test_hardening_leaves_what_is_measured(installed: IsolatedSystemd) -> None:
    """Log files of group adm, the kernel's counters, and the state directory."""
    sent = 'wr_agent_log_sent_lines_total{source="engine"} 1'
    text = str(eventually(lambda: shown(installed, sent), "the log is shipped"))

    assert "\nnode_load1 " in text
    assert "\nnode_filesystem_size_bytes{" in text
    said = status(installed)
    assert said["pid"] == int(installed.show("MainPID"))
    assert "host-source-failing" not in str(said["checks"])


def shown(systemd: IsolatedSystemd, line: str) -> str | None:
    text = metrics(systemd)
    return text if line in text else None


def test_sees_a_jack_server_of_its_user(installed: IsolatedSystemd) -> None:
    """JACK keeps its sockets in /tmp and its shared memory in /dev/shm, and the probe computes with numpy."""
    installed.write(
        "/run/stubs/jack.service",
        "[Service]\nUser=wr-agent\nEnvironment=JACK_NO_AUDIO_RESERVATION=1\n"
        "ExecStart=jackd --no-realtime --no-mlock -n wr-service -d dummy -r 48000 -p 256\n",
    )
    installed.run("systemctl", "start", "jack.service")
    configure(installed, CONFIG + '[audio]\njack_server = "wr-service"\n')
    try:
        eventually(lambda: shown(installed, 'audio_device_up{device="system"} 1'), "the server is seen")
        eventually(lambda: shown(installed, "audio_channel_peak_ratio{"), "the probe's stream is seen")
    finally:
        installed.run("systemctl", "stop", "jack.service")


def configure(systemd: IsolatedSystemd, config: str) -> None:
    systemd.run("truncate", "-s", "0", "/etc/wr-agent/config.toml")
    systemd.write("/etc/wr-agent/config.toml", config)
    systemd.run("systemctl", "reload", "wr-agent")


def test_reload_keeps_the_process_and_refuses_a_bad_configuration(installed: IsolatedSystemd) -> None:
    before = installed.show("MainPID")
    configure(installed, "wrong = 1\n")
    eventually(lambda: "wrong" in status(installed)["config_error"], "the refusal is reported")
    configure(installed, CONFIG)
    eventually(lambda: not status(installed)["config_error"], "the good one is taken")

    assert before == installed.show("MainPID")
    assert installed.show("ActiveState") == "active"


def test_watchdog_ends_a_loop_that_hangs_and_it_begins_again(installed: IsolatedSystemd) -> None:
    drop_in = "/etc/systemd/system/wr-agent.service.d/soon.conf"
    installed.write(drop_in, "[Service]\nWatchdogSec=1\nRestartSec=100ms\nTimeoutStopSec=2\n")
    installed.run("systemctl", "daemon-reload")
    installed.run("systemctl", "restart", "wr-agent")
    hung = installed.show("MainPID")
    installed.run("kill", "-STOP", hung)

    eventually(lambda: installed.show("NRestarts") != "0", "the watchdog ends it")
    eventually(lambda: installed.show("ActiveState") == "active", "it runs again")

    assert hung != installed.show("MainPID")
    installed.run("rm", drop_in)


def test_stops_in_time(installed: IsolatedSystemd) -> None:
    installed.run("systemctl", "daemon-reload")
    installed.run("systemctl", "stop", "wr-agent")

    assert installed.show("Result") == "success", "systemd ends a service that takes longer"


def test_second_installation_replaces_the_first(installed: IsolatedSystemd) -> None:
    installed.run(*AGENT, "service", "install", "--system", "--realtime")

    assert installed.show("ActiveState") == "active"
    assert installed.show("LimitRTPRIO") == "95"


def test_uninstall_leaves_the_state(installed: IsolatedSystemd) -> None:
    done = installed.run(*AGENT, "service", "uninstall", "--system")

    assert "rm -r /var/lib/wr-agent" in done.stdout
    assert installed.show("LoadState") == "not-found"
    assert installed.run("ls", "/var/lib/wr-agent").stdout
    assert "nothing to do" in installed.run(*AGENT, "service", "uninstall", "--system").stdout


def test_broken_configuration_is_refused_before_anything_is_written(systemd: IsolatedSystemd) -> None:
    systemd.write("/etc/wr-agent/broken.toml", "wrong = 1\n")
    done = systemd.run(*AGENT, "service", "install", "--config", "/etc/wr-agent/broken.toml", check=False)

    assert done.returncode == 1
    assert "wrong" in done.stderr
    assert systemd.show("LoadState") == "not-found"


def test_service_of_a_user(systemd: IsolatedSystemd) -> None:
    systemd.run("useradd", "--create-home", "--home-dir", "/run/studio", "--groups", "audio", "studio")
    systemd.write(
        "/run/stubs/studio.service",
        "[Service]\nType=notify\nUser=studio\nDelegate=yes\nRuntimeDirectory=user-studio\n"
        "Environment=XDG_RUNTIME_DIR=/run/user-studio HOME=/run/studio SYSTEMD_UNIT_PATH=\n"
        "UnsetEnvironment=SYSTEMD_UNIT_PATH\nExecStart=/lib/systemd/systemd --user\n",
    )
    systemd.run("systemctl", "start", "studio.service")
    session = {"XDG_RUNTIME_DIR": "/run/user-studio", "HOME": "/run/studio"}
    systemd.run(*AGENT, "service", "install", user="studio", env=session)
    show = ("systemctl", "--user", "show", "wr-agent")
    running = systemd.run(*show, user="studio", env=session).stdout.splitlines()
    systemd.run(*AGENT, "service", "uninstall", user="studio", env=session)

    assert "ActiveState=active" in running
    assert "UnitFileState=enabled" in running
    assert "WatchdogUSec=30s" in running
    assert "LoadState=not-found" in systemd.run(*show, user="studio", env=session).stdout.splitlines()


def test_checkout_is_not_touched(systemd: IsolatedSystemd) -> None:
    del systemd
    assert not Path("/etc/systemd/system/wr-agent.service").exists()
