from pathlib import Path

import pytest

from agent.config import loader
from agent.config.decode import ConfigError
from agent.config.schema import Config

EXAMPLE = Path(__file__).parents[3] / "config.example.toml"


def test_the_example_is_exactly_the_defaults() -> None:
    assert loader.load(EXAMPLE) == Config()


def test_five_mistakes_give_five_problems() -> None:
    text = """
    log_levle = "info"
    state_dir = 3
    [web]
    listen = "9787"
    [audio]
    observers = "pasive"
    [host]
    enabled = "yes"
    """

    with pytest.raises(ConfigError) as caught:
        loader.parse(text, "a.toml")

    lines = str(caught.value).splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        ["a.toml", "log_levle"],
        ["a.toml", "state_dir"],
        ["a.toml", "web.listen"],
        ["a.toml", "audio.observers"],
        ["a.toml", "host.enabled"],
    ]


@pytest.mark.parametrize("section", ["plugin", "container"])
def test_sections_of_parts_that_do_not_exist_are_refused(section: str) -> None:
    with pytest.raises(ConfigError, match=f"{section}: unknown key"):
        loader.parse(f"[{section}]\nx = 1\n", "a.toml")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a = [", "TOML: "),
        (b"\xff\xfe", "file: expected UTF-8 text"),
        (
            b"#" * (1 << 20) + b"\n",
            "file: cannot be read: expected a file of at most 1048576 bytes, found a larger one",
        ),
    ],
)
def test_a_file_that_is_no_configuration_is_one_clear_line(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(content)

    with pytest.raises(ConfigError) as caught:
        loader.load(path)

    assert str(caught.value).startswith(f"{path}: {expected}")
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file or directory; check the path"):
        loader.load(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("log_level = info", 'log_level = info; did you mean log_level = "info"?'),
        ("a = 1\nstate_dir = /var/lib/x", 'state_dir = /var/lib/x; did you mean state_dir = "/var/lib/x"?'),
        ("audio.enabled = False", "audio.enabled = False; did you mean audio.enabled = false?"),
        ("audio.enabled = yes", "audio.enabled = yes; did you mean audio.enabled = true?"),
        ("[logs\na = 1", ": [logs"),
    ],
)
def test_an_error_of_toml_shows_the_line_and_what_may_be_meant(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        loader.parse(text, "agent.toml")

    assert str(refused.value).endswith(said)
