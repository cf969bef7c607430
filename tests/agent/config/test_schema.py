import tomllib
from pathlib import Path

import msgspec
import pytest

from agent.config import loader, locations
from agent.config.address import Address
from agent.config.decode import ConfigError
from agent.config.schema import Config

EXAMPLE = Path(__file__).parents[3] / "config.example.toml"


def test_the_example_is_exactly_the_defaults() -> None:
    assert loader.load(EXAMPLE) == Config()


def test_the_example_names_every_key() -> None:
    def keys(struct: type[msgspec.Struct], prefix: str = "") -> set[str]:
        found: set[str] = set()
        for field in msgspec.structs.fields(struct):
            nested = isinstance(field.type, type) and issubclass(field.type, msgspec.Struct)
            found |= keys(field.type, f"{prefix}{field.name}.") if nested else {prefix + field.name}
        return found

    def written(table: dict[str, object], prefix: str = "") -> set[str]:
        found: set[str] = set()
        for key, value in table.items():
            found |= written(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key}
        return found

    assert written(tomllib.loads(EXAMPLE.read_text())) == keys(Config)


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


def test_the_file_is_looked_for_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    platform = tmp_path / "platform.toml"
    monkeypatch.setattr(locations, "default_path", lambda: platform)
    monkeypatch.delenv("WR_AGENT_CONFIG", raising=False)

    assert locations.find(None) is None
    platform.touch()
    assert locations.find(None) == platform
    monkeypatch.setenv("WR_AGENT_CONFIG", "/e.toml")
    assert locations.find(None) == Path("/e.toml")
    assert locations.find("/given.toml") == Path("/given.toml")


def test_the_state_directory_is_the_configured_one_then_the_service_managers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", "/service")

    assert locations.state_directory(Config(state_dir="/mine")) == Path("/mine")
    assert locations.state_directory(Config()) == Path("/service")


@pytest.mark.parametrize(
    ("text", "host", "port", "url", "loopback"),
    [
        ("127.0.0.1:9787", "127.0.0.1", 9787, "http://127.0.0.1:9787", True),
        ("[::1]:80", "::1", 80, "http://[::1]:80", True),
        ("localhost:0", "localhost", 0, "http://localhost:0", True),
        (":9787", "", 9787, "http://127.0.0.1:9787", False),
        ("0.0.0.0:1", "0.0.0.0", 1, "http://127.0.0.1:1", False),
        ("[::]:1", "::", 1, "http://[::1]:1", False),
        ("10.1.2.3:1", "10.1.2.3", 1, "http://10.1.2.3:1", False),
    ],
)
def test_addresses(text: str, host: str, port: int, url: str, loopback: bool) -> None:  # noqa: FBT001 - a table of cases
    address = Address.parse(text)

    assert address == Address(host, port)
    assert f"http://{address.local}" == url
    assert address.is_loopback is loopback


@pytest.mark.parametrize("text", ["", "9787", "127.0.0.1", "::1:80", "a:b", "127.0.0.1:65536", "a:1:2"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="expected HOST:PORT"):
        Address.parse(text)
