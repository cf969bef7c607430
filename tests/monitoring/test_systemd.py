"""start.sh --systemd: the units that it writes, and a real systemd that runs them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.support.certificates import Authority
from tests.support.monitoring import MONITORING, SETTINGS, environment
from tests.support.systemd import IsolatedSystemd, isolated_systemd
from tests.support.waiting import PATIENCE, eventually

pytestmark = pytest.mark.timeout(300)

DATA = "/var/lib/white-room-monitoring"
SOURCE = "/var/lib/white-room-source"
UNITS = "/etc/systemd/system"
POSTGRES_URL = "postgresql://u:p%25$a@127.0.0.1:1/x"


@pytest.fixture(scope="module")
def systemd() -> Iterator[IsolatedSystemd]:
    """Yield a systemd that runs the stack."""
    with isolated_systemd() as manager:
        manager.run("mkdir", "-p", SOURCE)
        manager.run("cp", "-r", MONITORING, SOURCE)
        manager.write("/var/lib/agents.yml", "[]\n")
        start(manager, POSTGRES_URL=POSTGRES_URL)
        yield manager


def start(manager: IsolatedSystemd, option: str = "--systemd", **settings: str) -> subprocess.CompletedProcess[str]:
    env = environment(Path(DATA), SETTINGS | {"AGENTS_FILE": "/var/lib/agents.yml", "HOME": "/root"} | settings)
    return manager.run(f"{SOURCE}/monitoring/start.sh", option, env=env)


def active(manager: IsolatedSystemd, component: str) -> bool:
    return manager.show("ActiveState", f"white-room-{component}.service") == "active"


def test_each_server_is_a_unit_that_runs(systemd: IsolatedSystemd) -> None:
    for component in ("prometheus", "alertmanager", "postgres"):
        eventually(partial(active, systemd, component), f"{component} runs", 2 * PATIENCE)
    ready = systemd.run("curl", "--silent", "--retry", "20", "--retry-all-errors", "http://127.0.0.1:9090/-/ready")
    assert "Ready" in ready.stdout


def test_a_password_reaches_its_server_and_is_no_argument(systemd: IsolatedSystemd) -> None:
    pid = systemd.show("MainPID", "white-room-postgres.service")
    arguments = systemd.run("cat", f"/proc/{pid}/cmdline").stdout
    given = systemd.run("cat", f"/proc/{pid}/environ").stdout.split("\0")

    assert f"DATA_SOURCE_NAME={POSTGRES_URL}" in given
    assert "p%25" not in arguments
    assert systemd.run("stat", "-c", "%a", f"{DATA}/secrets/postgres.env").stdout.strip() == "600"


def test_a_server_that_is_killed_runs_again(systemd: IsolatedSystemd) -> None:
    before = systemd.show("MainPID", "white-room-alertmanager.service")
    systemd.run("systemctl", "kill", "--signal=KILL", "white-room-alertmanager.service")

    def again() -> bool:
        now = systemd.show("MainPID", "white-room-alertmanager.service")
        return active(systemd, "alertmanager") and now not in {before, "0"}

    eventually(again, "Alertmanager runs again", 2 * PATIENCE)


def test_a_gateway_with_keys_runs_and_prometheus_receives(systemd: IsolatedSystemd, tmp_path: Path) -> None:
    server = Authority(tmp_path, "clients").issue("server")
    for file in (tmp_path / "clients.pem", server.cert, server.key):
        systemd.write(f"/var/lib/keys/{file.name}", file.read_text())
    systemd.write("/var/lib/keys/users", "")
    start(systemd, POSTGRES_URL=POSTGRES_URL, GATEWAY_KEYS="/var/lib/keys")

    eventually(partial(active, systemd, "gateway"), "the gateway runs", 2 * PATIENCE)
    for ask in ("--insecure https://127.0.0.1:9443", '--data "no snappy" http://127.0.0.1:9090'):
        eventually(partial(_refused, systemd, ask), f"{ask} needs a certificate or snappy", 2 * PATIENCE)
    assert "initgroups" not in systemd.run("cat", f"{DATA}/log/gateway.log").stdout


def _refused(manager: IsolatedSystemd, ask: str) -> bool:
    command = f"curl --silent --output /dev/null --write-out '%{{http_code}}' {ask}/api/v1/write"
    return manager.run("sh", "-c", command, check=False).stdout == "400"


def test_systemd_accepts_every_unit(systemd: IsolatedSystemd, tmp_path: Path) -> None:
    units = systemd.run("sh", "-c", f"ls -d {UNITS}/white-room-*.service {UNITS}/white-room-*.target").stdout.split()
    for unit in units:
        (tmp_path / Path(unit).name).write_text(systemd.run("cat", unit).stdout)
    files = sorted(tmp_path.iterdir())
    done = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", *files], capture_output=True, text=True, check=False
    )

    assert len(files) >= 4
    assert (done.returncode, done.stderr) == (0, "")


def test_the_stack_starts_with_the_machine_and_stops_as_a_whole(systemd: IsolatedSystemd) -> None:
    assert systemd.show("UnitFileState", "white-room-monitoring.target") == "enabled"
    start(systemd)
    assert not active(systemd, "postgres"), "a component without its setting is removed"
    assert systemd.run("ls", UNITS).stdout.count("white-room-postgres") == 0

    start(systemd, "--stop")
    assert not active(systemd, "prometheus")
    assert systemd.show("UnitFileState", "white-room-monitoring.target") == "disabled"
