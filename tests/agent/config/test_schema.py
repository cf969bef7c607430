import tomllib
from pathlib import Path

import msgspec

from agent.config.schema import Config

EXAMPLE = Path(__file__).parents[3] / "config.example.toml"


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
            found |= written(value, f"{prefix}{key}.") if isinstance(value, dict) and value else {prefix + key}
        return found

    assert written(tomllib.loads(EXAMPLE.read_text())) == keys(Config)
