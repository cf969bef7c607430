from __future__ import annotations

from pathlib import Path

import pytest

from collectors.plugins.push.tokens import TokenError, Tokens

OLD, NEW, OTHER = "0" * 32, "1" * 64, "2" * 32


def written(folder: Path, **texts: str) -> Tokens:
    files = {}
    for plugin, text in texts.items():
        path = folder / plugin
        path.write_text(text)
        path.chmod(0o600)
        files[plugin] = str(path)
    return Tokens(files)


def test_a_token_stands_for_one_plugin_and_a_file_may_have_several(tmp_path: Path) -> None:
    tokens = written(tmp_path, app=f"{OLD}\n{NEW}\n", synth=f"  {OTHER}\r\n\n")
    tokens.read()

    assert [tokens.plugin(token) for token in (OLD, NEW, OTHER)] == ["app", "app", "synth"]
    assert [tokens.plugin(token) for token in ("", OLD[:-1], f"{OLD} ", "3" * 32, "é")] == [None] * 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "at least 32 characters"),
        ("short", "at least 32 characters"),
        (f"{OLD}\nshort", "at least 32 characters"),
        ("é" * 40, "expected ASCII"),
        ("a" * 70_000, "at most 65536 bytes"),
    ],
)
def test_unusable_files_are_refused_without_their_content(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(TokenError, match=expected) as refused:
        written(tmp_path, app=text).read()

    assert "push.token_files.app" in str(refused.value)
    assert not text or text not in str(refused.value)


def test_a_token_of_two_plugins_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TokenError, match="has a token of another plugin"):
        written(tmp_path, app=OLD, synth=OLD).read()


@pytest.mark.parametrize("path", ["/nonexistent/token", "/dev/zero", "/tmp", "a\0b"])  # noqa: S108 - a directory
def test_a_file_that_cannot_be_read_is_refused(path: str) -> None:
    with pytest.raises(TokenError, match=r"push\.token_files\.app: .* cannot be read"):
        Tokens({"app": path}).read()


def test_a_changed_file_takes_effect_and_an_unusable_change_does_not(tmp_path: Path) -> None:
    tokens = written(tmp_path, app=OLD)
    tokens.read()

    (tmp_path / "app").write_text("short")
    tokens.refresh()
    assert tokens.plugin(OLD) == "app"
    assert [finding.code for finding in tokens.findings()] == ["plugins-push-tokens-refused"]

    (tmp_path / "app").write_text(NEW)
    tokens.refresh()
    assert (tokens.plugin(OLD), tokens.plugin(NEW)) == (None, "app")
    assert tokens.findings() == []


def test_a_file_that_others_may_read_is_a_finding(tmp_path: Path) -> None:
    tokens = written(tmp_path, app=OLD)
    (tmp_path / "app").chmod(0o644)
    tokens.read()

    (finding,) = tokens.findings()
    assert finding.code == "plugins-push-token-readable"
    assert finding.remedy == (f"chmod o= {tmp_path / 'app'}",)
