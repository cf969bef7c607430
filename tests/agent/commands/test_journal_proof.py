"""The proposal of the journal, from real journal files that the real journalctl reads."""

from pathlib import Path

import pytest

from agent.cli import main
from agent.config import loader
from tests.support.journal import entry, lead_journalctl, lead_journalctl_to, write_entries, write_journal

FIELDS = (
    b"MESSAGE=started\n_SYSTEMD_UNIT=nginx.service\nPRIORITY=6",
    b"MESSAGE=failed\n_SYSTEMD_UNIT=cron.service\nPRIORITY=3",
    b"MESSAGE=kernel line without a unit",
)


@pytest.fixture
def journals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that journalctl reads in place of the machine's."""
    folder = tmp_path / "journal"
    folder.mkdir()
    lead_journalctl_to(folder, tmp_path / "bin", monkeypatch)
    return folder


def init(tmp_path: Path) -> tuple[str, int]:
    """Return the written configuration, and the number of its sources that `check-config` accepts."""
    output = tmp_path / "made.toml"
    assert main(["config", "init", "--source", "journal", "--output", str(output)]) == 0
    assert main(["check-config", str(output)]) == 0
    return output.read_text(), len(loader.load(output).logs.sources)


def test_a_journal_with_entries_is_proposed(journals: Path, tmp_path: Path) -> None:
    write_journal(journals / "a.journal", b"".join(entry(number, field) for number, field in enumerate(FIELDS)))
    text, sources = init(tmp_path)

    assert sources == 1
    assert "journal = true" in text
    newest = "2023-11-14 22:13:20 UTC"
    assert f"# journal: added: 3 entries read, the newest of {newest}, of cron.service, nginx.service\n" in text


def test_only_the_newest_entries_are_read(journals: Path, tmp_path: Path) -> None:
    write_entries(journals / "a.journal", 0, 300)

    assert "added: 100 entries read" in init(tmp_path)[0]


def test_a_journal_without_entries_is_left_out(journals: Path, tmp_path: Path) -> None:
    text, sources = init(tmp_path)

    assert journals.is_dir()
    assert sources == 0
    assert "# journal: left out: journalctl shows no entry; if there are any, run this as root" in text


def test_a_failing_journalctl_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lead_journalctl(tmp_path / "bin", "echo 'broken\\033[31m journal' >&2; exit 1", monkeypatch)
    text, sources = init(tmp_path)

    assert sources == 0
    assert "# journal: left out: journalctl: broken\\x1b[31m journal\n" in text


def test_a_machine_without_journalctl_gets_no_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    text, sources = init(tmp_path)

    assert sources == 0
    assert "# journal: left out: journalctl: No such file or directory\n" in text


def test_entries_that_lose_their_time_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lead_journalctl(tmp_path / "bin", """echo '{"MESSAGE": "no time"}'; echo '{}'""", monkeypatch)

    assert "left out: 2 of 2 entries passed the stages, but not all with their time" in init(tmp_path)[0]
