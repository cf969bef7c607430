import contextlib
import fcntl
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent import __version__, cli
from agent.cli import COMMANDS, main


def test_check_config_says_good(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "config.toml"
    path.write_text('log_level = "debug"\n')

    assert main(["check-config", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}: good\n"


def test_check_config_warns_of_a_push_that_alerts_cannot_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[remote_write]\nurl = "http://127.0.0.1:9090/api/v1/write"\ninterval = "1m"\n')

    assert main(["check-config", str(path)]) == 0
    assert capsys.readouterr().err == (
        f"warning: {path}: expected remote_write.interval to be at most 30s for the alerts of monitoring/, got 60s\n"
    )


def test_check_config_prints_every_problem_on_its_own_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "config.toml"
    path.write_text('log_levle = "info"\nstate_dir = 3\nweb.listen = "x"\naudio.observers = "me"\nhost.enabled = 1\n')

    assert main(["check-config", str(path)]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert [line.split(": ")[:2] for line in shown.err.splitlines()] == [
        [str(path), key] for key in ("log_levle", "state_dir", "web.listen", "audio.observers", "host.enabled")
    ]


def test_check_config_also_reads_the_web_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, web = tmp_path / "config.toml", tmp_path / "web.yml"
    path.write_text(f'web.config_file = "{web}"')

    assert main(["check-config", str(path)]) == 1
    assert f"{web}: file: cannot be read: No such file or directory" in capsys.readouterr().err
    web.write_text("")
    assert main(["check-config", str(path)]) == 0


def test_check_config_without_a_file_says_what_applies(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("agent.config.locations.find", lambda _given: None)

    assert main(["check-config"]) == 0
    assert "the built-in defaults are used" in capsys.readouterr().out


def test_version_names_the_agent_python_and_the_libraries(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    rows = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert rows["wr-agent"] == __version__
    assert rows.keys() >= {"Python", "aiohttp", "PyAudio", "JACK-Client"}


def test_a_bad_configuration_ends_a_command_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--config", str(tmp_path / "none.toml")]) == 1
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])

    assert left.value.code == 0
    assert cli.command(command).HELP[:20] in capsys.readouterr().out


def test_the_daemon_loads_no_other_command() -> None:
    code = "import sys; from agent import cli; cli.main(['run', '--help'])"
    report = "finally: print(sorted(name for name in sys.modules if name.startswith('agent.commands.')))"
    answer = subprocess.run(
        [sys.executable, "-c", f"import sys\ntry:\n    {code}\n{report}"], capture_output=True, text=True, check=False
    )

    assert answer.stdout.splitlines()[-1] == "['agent.commands.run']"


def test_the_readme_names_every_command() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()

    assert [name for name in COMMANDS if f"| `wr-agent {name}" not in readme] == []


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["help"]):
        with contextlib.suppress(SystemExit):
            main(arguments)
        assert "check-config" in capsys.readouterr().out


def test_help_of_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["help", "run"])
    assert "--listen ADDRESS" in capsys.readouterr().out


def test_the_version_as_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert "wr-agent" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("word", "meant"), [("docter", "did you mean doctor?"), ("check-confg", "did you mean check-config?"), ("xyz", "")]
)
def test_an_unknown_command_suggests_the_nearest(word: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([word])
    assert f"unknown command {word!r}" in (shown := capsys.readouterr().err)
    assert meant in shown


def test_check_config_reads_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"log_levle = 3")))
    assert main(["check-config", "-"]) == 1
    assert "standard input: log_levle: unknown key; did you mean log_level?" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert main(["check-config", "--config", "-"]) == 0
    assert capsys.readouterr().out == "standard input: good\n"


def test_check_config_refuses_files_that_are_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        f'state_dir = "{tmp_path}/state"\nweb.config_file = "{tmp_path}/web.yml"\nweb.listen = "192.0.2.1:1"\n'
        f'loki = {{ url = "http://127.0.0.1:1", username = "a", password_file = "{tmp_path}/password" }}\n'
    )
    (tmp_path / "state").touch()

    assert main(["check-config", "--config", str(path)]) == 1
    shown = capsys.readouterr().err
    for part in ("web.yml: file: cannot be read", "web.listen: ", "state_dir: expected a directory", "password_file: "):
        assert part in shown


@pytest.mark.parametrize(
    ("given", "nearest"),
    [
        (["logs", "tyr"], "did you mean try?"),
        (["service", "instal"], "did you mean install?"),
        (["status", "--wach"], "did you mean --watch?"),
        (["logs", "try", "--confg", "x"], "did you mean --config?"),
        (["doctor", "--onyl", "audio"], "did you mean --only?"),
    ],
)
def test_the_nearest_choice_or_option_is_proposed(
    given: list[str], nearest: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(given)

    assert nearest in capsys.readouterr().err


def test_help_of_a_nested_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["help", "logs", "try"])

    assert "--steps" in capsys.readouterr().out


@pytest.mark.parametrize(("command", "code"), [("version", 1), ("doctor", 3)])
@pytest.mark.parametrize("buffered", ["", "1"])
def test_output_to_a_full_disk_is_one_line(command: str, code: int, buffered: str) -> None:
    arguments = [sys.executable, "-m", "agent", command] + ["--list"] * (command == "doctor")
    environment = os.environ | {"PYTHONUNBUFFERED": buffered}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            arguments, stdout=full, stderr=subprocess.PIPE, text=True, env=environment, check=False, timeout=120
        )

    assert done.returncode == code
    assert done.stderr.splitlines()[-1].endswith("cannot write to standard output: No space left on device")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("form", ["--list", "-v", "--json"])
def test_a_reader_that_closes_the_pipe_changes_no_exit_code_of_doctor(form: str) -> None:
    """The text is longer than the pipe, so that doctor still writes when its reader has gone."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    os.close(reader)
    with os.fdopen(writer, "w") as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "agent", "doctor", "--only", "machine", form],
            stdout=pipe,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=120,
        )

    assert done.returncode in {0, 1, 2}
    assert "Traceback" not in done.stderr
