"""`wr-agent doctor` as its users meet it: with the agent running, stopped, and not configured."""

import json
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from agent.cli import main
from agent.core import catalog
from agent.doctor import examination
from collectors.base import Collector
from collectors.findings import Check, Finding, Severity
from collectors.metrics import Family
from tests.conftest import StartAgent
from tests.support.agent import command


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    """A configuration for an agent that does not run and measures nothing but itself."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    path = tmp_path / "config.toml"
    path.write_text(
        f'state_dir = "{tmp_path / "state"}"\nweb.listen = "127.0.0.1:{port}"\n'
        "audio.enabled = false\nhost.enabled = false\n"
    )
    return path


def finding(code: str, severity: Severity) -> Finding:
    return Finding(code, f"{code} is wrong", severity, "Expected 1, found 2.", "The take is ruined.", ("mend it",))


class Ill(Collector):
    """A source whose checks find what a test wants."""

    name = "ill"

    def __init__(self, findings: Sequence[Finding] | Exception) -> None:
        self._findings = findings

    def collect(self) -> Sequence[Family]:
        return ()

    def checks(self) -> Sequence[Check]:
        return (Check("ill.check", "Nothing is ill", self._look),)

    def _look(self) -> Sequence[Finding]:
        if isinstance(self._findings, Exception):
            raise self._findings
        return self._findings


BecomeIll = Callable[[Sequence[Finding] | Exception], None]


@pytest.fixture
def ill(monkeypatch: pytest.MonkeyPatch) -> BecomeIll:
    """Makes a source with these findings the only one, and doctor quick."""
    monkeypatch.setattr(examination, "SETTLE", 0.05)

    def become(findings: Sequence[Finding] | Exception) -> None:
        entry = catalog.Entry("ill", lambda config: config, lambda _config: True, lambda _config: Ill(findings))
        monkeypatch.setattr(catalog, "CATALOG", (entry,))

    return become


def run(config_file: Path, *arguments: str) -> int:
    return main(["doctor", "--config", str(config_file), *arguments])


def test_with_the_agent_running_it_tells_what_the_agent_sees(start_agent: StartAgent) -> None:
    agent = start_agent()

    result = agent.command("doctor", "-v")

    assert "the running agent sees it" in result.stdout
    assert "The agent runs  agent.running" in result.stdout
    assert "agent.port\n      not applicable: the agent runs\n" in result.stdout
    assert "All collectors work  agent.collectors" in result.stdout
    assert "\nhost\n" in result.stdout
    assert result.stderr == ""


def test_with_the_agent_stopped_it_measures_by_itself(config_file: Path) -> None:
    result = command("doctor", "--config", str(config_file))

    assert result.returncode in {1, 2}
    assert "doctor sees it" in result.stdout
    assert "agent-not-running" in result.stdout
    assert "machine.kernel" in command("doctor", "--config", str(config_file), "--list").stdout
    assert result.stderr == ""


def test_with_a_broken_configuration_it_says_so_and_goes_on(
    config_file: Path, capsys: pytest.CaptureFixture[str], ill: BecomeIll
) -> None:
    ill([])
    config_file.write_text("[wbe]\n")

    assert run(config_file, "--only", "agent.config") == 2
    shown = capsys.readouterr().out
    assert "wbe: unknown key; did you mean web?" in shown
    assert f"wr-agent check-config {config_file}" in shown


@pytest.mark.parametrize(
    ("severities", "expected"),
    [
        ([], 0),
        ([Severity.INFO], 0),
        ([Severity.WARNING, Severity.INFO], 1),
        ([Severity.WARNING, Severity.FAILURE], 2),
    ],
)
def test_the_exit_code_is_the_worst_finding(
    config_file: Path, ill: BecomeIll, severities: list[Severity], expected: int
) -> None:
    ill([finding(f"thing-{n}", severity) for n, severity in enumerate(severities)])

    assert run(config_file, "--only", "ill") == expected


def test_a_crashed_check_is_a_result(config_file: Path, ill: BecomeIll, capsys: pytest.CaptureFixture[str]) -> None:
    ill(ZeroDivisionError("division by zero"))

    assert run(config_file, "--only", "ill.check") == 1
    assert "The check ended with an error: internal error ZeroDivisionError: division by zero." in " ".join(
        capsys.readouterr().out.split()
    )


def test_doctor_itself_broken_is_3(
    config_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(catalog, "prepare", lambda *_: 1 / 0)

    assert run(config_file) == 3
    assert "doctor itself broke" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--only", "nothing.such"], ["--no-such-option"]])
def test_wrong_usage_is_64_and_one_line(
    config_file: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        run(config_file, *arguments)

    assert left.value.code == 64
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_finding_shows_all_that_helps(config_file: Path, ill: BecomeIll, capsys: pytest.CaptureFixture[str]) -> None:
    ill([finding("thing", Severity.FAILURE)])
    run(config_file, "--only", "ill")

    shown = capsys.readouterr().out
    for part in ("thing is wrong", "Expected 1, found 2.", "impact: The take is ruined.", "mend it"):
        assert part in shown
    assert "Nothing is ill" not in shown


def test_what_is_well_shows_only_when_asked(
    config_file: Path, ill: BecomeIll, capsys: pytest.CaptureFixture[str]
) -> None:
    ill([])

    run(config_file, "--only", "ill")
    assert "Nothing is ill" not in capsys.readouterr().out
    run(config_file, "--only", "ill", "-v")
    assert "Nothing is ill" in capsys.readouterr().out


def test_json_is_one_document_with_a_schema(
    config_file: Path, ill: BecomeIll, capsys: pytest.CaptureFixture[str]
) -> None:
    ill([finding("thing", Severity.WARNING)])

    code = run(config_file, "--json", "--only", "ill")

    document = json.loads(capsys.readouterr().out)
    assert code == document["exit_code"] == 1
    assert (document["schema"], document["agent_running"]) == (1, False)
    assert document["checks"] == [
        {
            "name": "ill.check",
            "title": "Nothing is ill",
            "severity": "warning",
            "status": "found",
            "not_applicable": "",
            "findings": [
                {
                    "code": "thing",
                    "title": "thing is wrong",
                    "severity": "warning",
                    "detail": "Expected 1, found 2.",
                    "affects": "The take is ruined.",
                    "remedy": ["mend it"],
                    "depends_on": [],
                }
            ],
        }
    ]


def test_list_names_every_check_and_runs_none(
    config_file: Path, ill: BecomeIll, capsys: pytest.CaptureFixture[str]
) -> None:
    ill(ZeroDivisionError("this must not run"))

    assert run(config_file, "--list") == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert names[:3] == ["agent.running", "agent.config", "agent.versions"]
    assert {"machine.limits", "machine.pipewire", "agent.port"} <= set(names)
    own = ["agent.collectors", "agent.loop", "agent.reload", "agent.web", "agent.web_files"]
    first = names.index("ill.check")
    assert names[first : first + 1 + len(own)] == ["ill.check", *own]


def test_a_finding_can_be_asked_for_by_its_code(
    config_file: Path, ill: BecomeIll, capsys: pytest.CaptureFixture[str]
) -> None:
    ill([finding("audio-server-frozen", Severity.FAILURE), finding("thing", Severity.WARNING)])

    assert run(config_file, "--only", "audio-server-frozen") == 2
    shown = capsys.readouterr().out
    assert "audio-server-frozen is wrong" in shown
    assert "thing is wrong" not in shown
    assert run(config_file, "--only", "audio-no-server") == 0


def test_a_wrong_name_is_answered_with_the_nearest_one(
    config_file: Path, ill: BecomeIll, capsys: pytest.CaptureFixture[str]
) -> None:
    ill([])

    with pytest.raises(SystemExit):
        run(config_file, "--only", "machine.limit")

    assert "did you mean machine.limits?" in capsys.readouterr().err


def test_every_check_has_one_of_three_results(
    config_file: Path, ill: BecomeIll, capsys: pytest.CaptureFixture[str]
) -> None:
    ill([finding("thing", Severity.WARNING)])

    run(config_file, "--json")

    checks = {it["name"]: it for it in json.loads(capsys.readouterr().out)["checks"]}
    assert checks["ill.check"]["status"] == "found"
    assert checks["agent.config"]["status"] == "passed"
    assert checks["agent.loki"]["status"] == "not applicable"
    assert checks["agent.loki"]["not_applicable"] == "loki.url is not set"


def test_listening_beyond_loopback_is_a_standing_finding(
    config_file: Path, ill: BecomeIll, capsys: pytest.CaptureFixture[str]
) -> None:
    ill([])
    text = config_file.read_text().replace("127.0.0.1:", "0.0.0.0:")
    config_file.write_text(text)

    assert run(config_file, "--only", "agent.web") == 1
    assert "agent-web-open" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["[wbe]\n", "not = = toml", 'web.config_file = "/no/such/file"'])
def test_whatever_is_wrong_with_the_configuration_is_a_finding(
    config_file: Path, ill: BecomeIll, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    ill([])
    config_file.write_text(text)

    assert run(config_file, "--only", "agent.config") == 2
    assert "config-invalid" in capsys.readouterr().out


def test_a_running_agent_is_found_though_its_configuration_was_broken_since(start_agent: StartAgent) -> None:
    agent = start_agent()
    assert agent.url
    agent.config_file.write_text(agent.config_file.read_text() + "\n[wbe]\n")

    result = agent.command("doctor", "--json")

    document = json.loads(result.stdout)
    found = {finding["code"] for check in document["checks"] for finding in check["findings"]}
    assert (result.returncode, document["agent_running"]) == (2, True)
    assert "config-invalid" in found
    assert "agent-not-running" not in found


def test_without_a_configuration_it_takes_the_built_in_one(
    ill: BecomeIll, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ill([])
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("WR_AGENT_CONFIG", raising=False)

    main(["doctor", "--only", "agent.config", "-v"])

    assert "The configuration can be used  agent.config" in capsys.readouterr().out


def test_only_what_is_wanted_is_waited_for(config_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "_measured", lambda *_: 1 / 0)

    assert run(config_file, "--only", "agent.config") == 0


def test_no_line_but_what_is_to_be_typed_is_wider_than_80(
    config_file: Path, ill: BecomeIll, capsys: pytest.CaptureFixture[str]
) -> None:
    long = "word " * 60
    ill([Finding("code", long, Severity.WARNING, long, long, ("type " * 60,))])

    run(config_file, "--only", "ill", "-v")

    wide = [line for line in capsys.readouterr().out.splitlines() if len(line) > 80]
    assert wide == [f"        {'type ' * 60}"]


def test_the_last_line_counts(config_file: Path, ill: BecomeIll, capsys: pytest.CaptureFixture[str]) -> None:
    ill([finding("a", Severity.WARNING), finding("b", Severity.FAILURE), finding("c", Severity.FAILURE)])

    run(config_file, "--only", "ill")

    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "1 check: 2 failures, 1 warning, 0 notes; 0 passed, 0 not applicable."
