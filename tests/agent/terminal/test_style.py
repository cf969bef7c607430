import io

import pytest

from agent.terminal.style import Terminal, harmless


class Screen(io.StringIO):
    """A terminal."""

    encoding = "UTF-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("text", "shown"),
    [("plain ü ✓", "plain ü ✓"), ("a\x1b[2J\nb", "a\\x1b[2J\\nb"), ("a\tb\r", "a\tb\\r"), ("\u202e", "\\u202e")],
)
def test_control_characters_are_escaped(text: str, shown: str) -> None:
    assert harmless(text) == shown


@pytest.mark.parametrize(
    ("environment", "colour"), [({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({"NO_COLOR": "1"}, False)]
)
def test_a_terminal_has_colours_unless_it_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    colour: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    for name in ("TERM", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert Terminal.of(Screen()).colour is colour


@pytest.mark.parametrize(("columns", "width"), [("100", 100), ("20", 40), ("1000", 160)])
def test_the_width_is_that_of_the_window_within_bounds(
    monkeypatch: pytest.MonkeyPatch, columns: str, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)

    assert Terminal.of(Screen()).width == width


def test_a_pipe_has_no_colours() -> None:
    assert Terminal.of(io.StringIO()) == Terminal(colour=False, unicode=False, width=80)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("short", "short"), ("/srv/music/one.log", "/srv/m…e.log"), ("/srv/music/two.log", "/srv/m…o.log")],
)
def test_the_middle_of_a_wide_text_is_cut(text: str, shown: str) -> None:
    found = Terminal(colour=False, unicode=True).shortened(text, 12)

    assert len(found) <= 12
    assert found == shown


@pytest.mark.parametrize(
    ("unicode", "colour", "severity", "mark"),
    [
        (True, False, "ok", "[✓]"),
        (False, False, "ok", "[+]"),
        (True, False, "failure", "[✗]"),
        (False, True, "warning", "\033[33m[!]\033[0m"),
    ],
)
def test_marks_are_those_that_the_terminal_has(unicode: bool, colour: bool, severity: str, mark: str) -> None:  # noqa: FBT001 - as above
    assert Terminal(colour, unicode).mark(severity) == mark
