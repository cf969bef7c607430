"""`wr-agent doctor --bundle` with secrets planted everywhere."""

import json
import os
import platform
import pwd
import stat
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from agent.bundle import archive, contents
from agent.bundle.archive import BundleError, write
from agent.bundle.scrub import Private, Scrubber
from agent.cli import main
from agent.config.schema import Config
from collectors.audio.causes.event import Event
from collectors.audio.causes.reading import EVENTS
from tests.conftest import StartAgent
from tests.support.analyses import event
from tests.support.waiting import eventually

PLANTED = (
    "hunter2",
    "s3cr3t-token",
    "env-s3cr3t",
    "MIIEvQIBADANBg",
    "2y$10$abcdefghij",
    "annalena",
    "Annalena Musterfrau",
    "studio-of-annalena",
    "ghp_abcdefghij1234567890",
    "dXNlcjpwYXNz",
    "query-s3cr3t",
    "mail@musterfrau.example",
    "ZX-9-SERIAL",
)

LOG = """\
2026-11-22T07:00:00+0000 studio-of-annalena wr-agent[1]: serving url=http://127.0.0.1:9787/metrics
2026-11-22T07:00:01+0000 studio-of-annalena wr-agent[1]: problem="https://me:hunter2@loki.example/x?a=query-s3cr3t"
2026-11-22T07:00:02+0000 studio-of-annalena wr-agent[1]: Authorization: Basic dXNlcjpwYXNz
2026-11-22T07:00:03+0000 studio-of-annalena wr-agent[1]: /home/annalena/s3cr3t-token.log mail@musterfrau.example
2026-11-22T07:00:04+0000 studio-of-annalena wr-agent[1]: -----BEGIN PRIVATE KEY-----
MIIEvQIBADANBg
-----END PRIVATE KEY-----
2026-11-22T07:00:05+0000 studio-of-annalena wr-agent[1]: the last line
"""

PROM = """\
# HELP planted Metrics of another program.
# TYPE planted gauge
planted{owner_mail="mail@musterfrau.example",path="/home/annalena/x",user_name="annalena"} 1
planted{hash="$2y$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234",token="s3cr3t-token",note="hunter2"} 2
planted{url="http://x:hunter2@h/?k=query-s3cr3t",key="ghp_abcdefghij1234567890",serial="ZX-9-SERIAL"} 3
"""

CONFIG = """
# the old password was hunter2
log_level = "${{PLANTED_SECRET}}"
host.textfile_directory = "{folder}/annalena"
loki.url = "http://127.0.0.1:1"
loki.username = "annalena"
loki.password_file = "{folder}/password"
[[logs.sources]]
name = "engine"
paths = ["/home/annalena/*.log"]
labels = {{ owner = "annalena", key = "ghp_abcdefghij1234567890" }}
stages = [{{ redact = {{ pattern = "hunter2" }} }}]
"""


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on a machine of Annalena's, where the journal and the textfiles hold secrets."""
    (tmp_path / "annalena").mkdir()
    (tmp_path / "annalena" / "x.prom").write_text(PROM)
    (tmp_path / "password").write_text("s3cr3t-token\n")
    journalctl = tmp_path / "bin" / "journalctl"
    journalctl.parent.mkdir()
    journalctl.write_text(f"#!/bin/sh\ncat <<'END'\n{LOG}END\n")
    journalctl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{journalctl.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("PLANTED_SECRET", "env-s3cr3t")
    monkeypatch.setenv("OTHER_PASSWORD", "hunter2")
    monkeypatch.setattr(contents, "PAUSE", 0.05)
    monkeypatch.setattr(platform, "node", lambda: "studio-of-annalena")
    annalena = SimpleNamespace(
        pw_name="annalena", pw_uid=1000, pw_gecos="Annalena Musterfrau,,,", pw_dir="/home/annalena"
    )
    monkeypatch.setattr(pwd, "getpwall", lambda: [annalena])
    return tmp_path


def unpacked(bundle: Path) -> dict[str, str]:
    with tarfile.open(bundle) as packed:
        members = packed.getmembers()
        assert all(member.name.startswith("wr-agent-bundle/") and member.isfile() for member in members)
        files = [packed.extractfile(member) for member in members]
        texts = [file.read().decode() for file in files if file]
    return dict(zip([Path(member.name).name for member in members], texts, strict=True))


def test_a_bundle_of_a_running_agent_holds_what_helps_and_no_secret(
    planted: Path, start_agent: StartAgent, capsys: pytest.CaptureFixture[str]
) -> None:
    agent = start_agent(f'host.textfile_directory = "{planted}/annalena"')
    eventually(lambda: "planted{" in agent.get("/metrics")[2], "the agent exports what was planted")
    agent.config_file.write_text(f'state_dir = "{agent.state_dir}"\n' + CONFIG.format(folder=planted))
    bundle = planted / "annalena-hunter2.tar.gz"

    code = main(["doctor", "--config", str(agent.config_file), "--bundle", str(bundle)])

    files = unpacked(bundle)
    assert code == 2  # the configuration's log_level is none
    assert list(files) == [
        "README.txt",
        "findings.txt",
        "findings.json",
        "config.txt",
        "versions.txt",
        "dropouts.jsonl",
        "logs.txt",
        "metrics-1.txt",
        "metrics-2.txt",
    ]
    for name, text in files.items():
        for secret in PLANTED:
            assert secret.lower() not in text.lower(), f"{secret} in {name}"
    assert bundle.read_bytes()[3] == 0  # no name in gzip's header: the bundle's own says who she is
    assert "the last line" in files["logs.txt"]
    assert "user1" in files["config.txt"]
    assert 'url="http://[blanked]@h/?[blanked]"' in files["metrics-1.txt"]
    assert "node_cpu_seconds_total" in files["metrics-2.txt"]
    assert "config-invalid" in {f["code"] for c in json.loads(files["findings.json"])["checks"] for f in c["findings"]}
    assert "the running agent sees it" in files["findings.txt"]
    assert "Nothing was sent" in files["README.txt"]
    shown = capsys.readouterr().out
    assert all(name in shown for name in files)


def test_a_bundle_without_an_agent_says_so(planted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = planted / "config.toml"
    config.write_text(f'state_dir = "{planted}/state"\naudio.enabled = false\nhost.enabled = false\n')
    (planted / "state").mkdir(exist_ok=True)
    (planted / "state" / EVENTS).write_bytes(msgspec.json.encode(event()) + b"\n{torn")
    bundle = planted / "bundle.tar.gz"

    main(["doctor", "--config", str(config), "--bundle", str(bundle)])

    files = unpacked(bundle)
    assert msgspec.json.decode(files["dropouts.jsonl"], type=Event) == event()
    assert files["metrics-1.txt"] == "# no agent runs\n"
    assert "metrics-2.txt" not in files
    assert "audio.enabled = false" in files["config.txt"]
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o600
    assert "nothing was sent" in capsys.readouterr().out


def test_a_bundle_goes_to_standard_output_with_the_log_of_an_agent_in_a_terminal(
    planted: Path, start_agent: StartAgent
) -> None:
    agent = start_agent("audio.enabled = false")
    eventually(lambda: agent.get("/-/ready")[0] == HTTPStatus.OK, "its start is complete")
    agent.stop()
    command = [sys.executable, "-m", "agent", "doctor", "--config", str(agent.config_file), "--bundle", "-"]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    bundle = planted / "piped.tar.gz"
    bundle.write_bytes(done.stdout)

    files = unpacked(bundle)

    assert '"event": "serving"' in files["logs.txt"]
    assert '"event": "stopping"' in files["logs.txt"]
    assert b"wrote standard output" in done.stderr


def test_nothing_that_is_there_is_overwritten(planted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    there = planted / "there.tar.gz"
    there.write_text("precious")
    config = planted / "config.toml"
    config.write_text(f'state_dir = "{planted}/state"\naudio.enabled = false\nhost.enabled = false\n')

    with pytest.raises(SystemExit) as left:
        main(["doctor", "--config", str(config), "--bundle", str(there)])

    assert (left.value.code, there.read_text()) == (64, "precious")
    assert "exists; name another file" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="No such file or directory; name a file in a folder that you own"):
        write(tmp_path / "no" / "bundle.tar.gz", [], Scrubber(Private()))


def test_a_bundle_that_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    def interrupted() -> Iterator[tuple[str, str]]:
        yield "findings.txt", "text"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "bundle.tar.gz", interrupted(), Scrubber(Private()))

    assert list(tmp_path.iterdir()) == []


def test_a_bundle_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_BYTES", 1000)

    listed = write(tmp_path / "bundle.tar.gz", [("logs.txt", "x y " * 10000)], Scrubber(Private()))

    assert dict(listed)["logs.txt"] < 1100
    assert unpacked(tmp_path / "bundle.tar.gz")["logs.txt"].endswith("[cut off here]\n")


def test_a_configuration_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    files = dict(contents.gather("", "{}", tmp_path / "none.toml", Config(), live=False))

    assert "cannot be read" in files["config.txt"]
    assert (
        dict(contents.gather("", "{}", None, Config(), live=False))["config.txt"]
        == "# no file: the built-in defaults\n"
    )
