"""The Debian package: built, installed, upgraded and purged, under a real systemd in a copy of this machine."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent import __version__
from tests.support.systemd import IsolatedSystemd, isolated_systemd
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
OLD = "0.0.9"
RECORDER = "wr-agent-recorder.service"
LINES = 500
CONFIG = """
[loki]
url = "http://127.0.0.1:3100"
[[logs.sources]]
name = "engine"
paths = ["/var/lib/engine/*.log"]
"""
LOKI = """
import http.server
from tests.support.loki_body import decode

class Loki(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        streams = decode(body, self.headers["Content-Type"], self.headers.get("Content-Encoding", ""))
        with open("/run/arrived", "a") as file:
            file.writelines(entry.line + "\\n" for stream in streams for entry in stream.entries)
        self.send_response(204)
        self.end_headers()

http.server.HTTPServer(("127.0.0.1", 3100), Loki).serve_forever()
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the package of this checkout."""
    folder = tmp_path_factory.mktemp("package")
    build: list[str | Path] = [
        sys.executable,
        "-m",
        "packages.debian.build",
        "--compression",
        "none",
        "--output",
        folder,
    ]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


@pytest.fixture(scope="module")
def older(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the same package as an older version."""
    folder = tmp_path_factory.mktemp("older")
    files, made = folder / "files", folder / "older.deb"
    subprocess.run(["dpkg-deb", "--raw-extract", package, files], check=True)
    control = files / "DEBIAN/control"
    control.write_text(control.read_text().replace(f"Version: {__version__}", f"Version: {OLD}"))
    (code,) = files.glob("opt/wr-agent/lib/*/site-packages/agent")
    (code / "__init__.py").write_text(f'__version__ = "{OLD}"\n')
    for compiled in (code / "__pycache__").glob("__init__.*"):
        compiled.unlink()
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "--build", files, made], check=True)
    return made


@pytest.fixture(scope="module")
def machine(package: Path, older: Path) -> Iterator[IsolatedSystemd]:
    """Return a copy of this machine, with the packages, which are built before."""
    assert package.exists()
    assert older.exists()
    with isolated_systemd(packages=True) as manager:
        yield manager


@pytest.fixture(scope="module")
def upgraded(machine: IsolatedSystemd, older: Path, package: Path) -> IsolatedSystemd:
    """A machine whose older version had a queue of unsent logs while it was upgraded."""
    machine.run("dpkg", "--install", older)
    machine.write("/etc/wr-agent/config.toml", CONFIG)
    text = "".join(f'{{"message": "line {number}"}}\n' for number in range(LINES))
    machine.write("/var/lib/engine/a.log", text, mode="0640", owner="root:adm")
    machine.run("systemctl", "restart", "wr-agent")
    eventually(lambda: status(machine)["live"]["logs"][0]["lag_bytes"] == len(text), "the lines wait for Loki")
    assert machine.run("wr-agent", "version").stdout.split()[:2] == ["wr-agent", OLD]
    assert status(machine)["version"] == OLD
    machine.run("dpkg", "--install", package)
    return machine


def status(machine: IsolatedSystemd) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(machine.run("wr-agent", "status", "--json").stdout)
    return document


def exists(machine: IsolatedSystemd, path: str) -> bool:
    return machine.run("test", "-e", path, check=False).returncode == 0


def test_has_what_belongs_to_a_package(package: Path) -> None:
    said = subprocess.run(["dpkg-deb", "--contents", package], capture_output=True, text=True, check=True).stdout
    files = set(re.findall(r" \./(\S+)", said))

    assert package.name.startswith(f"wr-agent_{__version__}_")
    assert {
        "opt/wr-agent/bin/wr-agent",
        "usr/bin/wr-agent",
        "usr/lib/systemd/system/wr-agent.service",
        "usr/lib/systemd/user/wr-agent.service",
        "usr/share/bash-completion/completions/wr-agent",
        "usr/share/zsh/vendor-completions/_wr-agent",
        "usr/share/fish/vendor_completions.d/wr-agent.fish",
        "usr/share/man/man1/wr-agent.1.gz",
        "usr/share/doc/wr-agent/config.example.toml",
        "usr/share/doc/wr-agent/changelog.gz",
        "usr/share/doc/wr-agent/copyright",
    } <= files


def test_names_no_path_of_the_machine_that_built_it(package: Path, tmp_path: Path) -> None:
    subprocess.run(["dpkg-deb", "--extract", package, tmp_path], check=True)
    places = (str(ROOT).encode(), str(Path(sys.prefix)).encode())
    own = [path for folder in ("agent", "collectors") for path in tmp_path.glob(f"opt/wr-agent/lib/*/*/{folder}/**/*")]
    files = [*own, *tmp_path.glob("usr/**/*"), *tmp_path.glob("opt/wr-agent/*"), *tmp_path.glob("opt/wr-agent/bin/*")]
    texts = {path: path.read_bytes() for path in files if path.is_file() and not path.is_symlink()}

    assert len(texts) > 500
    assert [path for path, text in texts.items() if any(place in text for place in places)] == []


def test_an_upgrade_runs_the_new_version(upgraded: IsolatedSystemd) -> None:
    assert upgraded.show("ActiveState") == "active"
    assert upgraded.show("UnitFileState") == "enabled"
    assert status(upgraded)["version"] == __version__
    assert upgraded.run("stat", "-c", "%U", f"/proc/{upgraded.show('MainPID')}").stdout == "wr-agent\n"


def test_an_upgrade_keeps_the_configuration_and_sends_each_waiting_line_once(upgraded: IsolatedSystemd) -> None:
    assert upgraded.run("cat", "/etc/wr-agent/config.toml").stdout == CONFIG
    upgraded.write("/run/loki.py", LOKI)
    unit = f'[Service]\nEnvironment="PYTHONPATH={ROOT}"\nExecStart="{sys.executable}" /run/loki.py\n'
    upgraded.write("/run/stubs/loki.service", unit)
    upgraded.run("systemctl", "start", "loki.service")

    def arrived() -> list[str]:
        return upgraded.run("cat", "/run/arrived", check=False).stdout.splitlines()

    eventually(lambda: len(arrived()) >= LINES, "the lines arrive")
    assert sorted(json.loads(line)["message"] for line in arrived()) == sorted(f"line {n}" for n in range(LINES))


def test_commands_pages_and_completions_work(upgraded: IsolatedSystemd) -> None:
    page = upgraded.run("man", "--pager=cat", "wr-agent").stdout
    asked = "source /usr/share/bash-completion/completions/wr-agent; complete -p wr-agent"

    assert "WR-AGENT(1)" in page
    assert "_wr_agent" in upgraded.run("bash", "-c", asked).stdout
    assert upgraded.run("wr-agent", "doctor", check=False).returncode in {0, 1, 2}


def test_remedies_name_the_command_of_the_package(upgraded: IsolatedSystemd) -> None:
    lines = [
        line
        for check in status(upgraded)["checks"]
        for finding in check["findings"]
        for line in finding["remedy"]
        if "wr-agent " in line
    ]

    assert [line for line in lines if "/opt/wr-agent/bin/wr-agent" in line or str(ROOT) in line] == []


def test_audio_is_measured_with_the_packages_own_libraries(upgraded: IsolatedSystemd) -> None:
    said = upgraded.run("wr-agent", "version").stdout
    rows = dict(line.split(maxsplit=1) for line in said.splitlines())

    assert "not installed" not in said
    assert {"PyAudio", "JACK-Client", "numpy"} <= rows.keys()


def test_a_stopped_service_stays_stopped_after_an_upgrade(upgraded: IsolatedSystemd, package: Path) -> None:
    upgraded.run("systemctl", "stop", "wr-agent")
    upgraded.run("dpkg", "--install", package)

    assert upgraded.show("ActiveState") == "inactive"
    upgraded.run("systemctl", "start", "wr-agent")


def test_going_back_works(upgraded: IsolatedSystemd, older: Path) -> None:
    upgraded.run("dpkg", "--install", older)

    assert upgraded.show("ActiveState") == "active"
    assert status(upgraded)["version"] == OLD


def test_the_recorder_serves_the_user_of_the_packages_service(upgraded: IsolatedSystemd) -> None:
    upgraded.run("wr-agent", "service", "install", "--recorder")

    assert '--user "wr-agent"' in upgraded.run("cat", f"/etc/systemd/system/{RECORDER}").stdout
    assert exists(upgraded, "/usr/local/lib/wr-agent-recorder")


def test_removal_keeps_what_purging_removes(upgraded: IsolatedSystemd) -> None:
    upgraded.run("dpkg", "--remove", "wr-agent")

    assert upgraded.show("ActiveState") == "inactive"
    assert upgraded.show("LoadState", RECORDER) == "not-found"
    assert not exists(upgraded, "/usr/local/lib/wr-agent-recorder")
    assert not exists(upgraded, "/run/wr-agent-recorder")
    assert not exists(upgraded, "/opt/wr-agent")
    assert not exists(upgraded, "/usr/bin/wr-agent")
    assert exists(upgraded, "/etc/wr-agent/config.toml")
    assert exists(upgraded, "/var/lib/wr-agent")
    upgraded.run("dpkg", "--purge", "wr-agent")
    left = upgraded.run("find", "/", "-xdev", "-name", "*wr-agent*", "-not", "-path", f"{ROOT}/*", check=False).stdout
    assert not exists(upgraded, "/etc/wr-agent")
    assert not exists(upgraded, "/var/lib/wr-agent")
    assert [line for line in left.splitlines() if line.startswith(("/etc/", "/usr/", "/opt/", "/var/lib/"))] == []
    assert upgraded.run("getent", "passwd", "wr-agent", check=False).returncode == 2


def test_units_are_valid(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    subprocess.run(["dpkg-deb", "--extract", package, tmp_path], check=True)
    for kind in ("system", "user"):
        unit = tmp_path / f"usr/lib/systemd/{kind}/wr-agent.service"
        text = unit.read_text().replace("/opt/wr-agent/bin/wr-agent", "/bin/true")
        unit.write_text(text)
        verify: list[str | Path] = ["systemd-analyze", "verify", f"--{kind}", "--recursive-errors=no", unit]
        done = subprocess.run(verify, capture_output=True, text=True, check=False)

        assert (done.returncode, done.stderr) == (0, "")
        assert "Documentation=" in text
