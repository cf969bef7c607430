"""The configuration without values that may be private.

An allow-list: numbers, truth values and the texts of known keys are shown, every other text is blanked. Comments are
not there, for they are not part of what a TOML file says.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator

from agent.bundle.scrub import BLANK

_SETTINGS = """
    batch_size ca_file cert_file client_ca_file collect_timeout config_file device directories enabled ends exclude
    fields first format from include interval jack_server key_file listen log_format log_level longest_wait max_age
    max_ahead max_size measure name observers password_file paths salt_file scale sockets state_dir stream
    textfile_directory time timeout timezone token_file unit url windows
"""
_SHOWN = frozenset(_SETTINGS.split())
"""Keys with values that are settings, not free text."""

_KEY = re.compile(r"\s*(\[+[\w.\s\"'-]+\]+|[\w.\"'-]+\s*=)")


def lines(text: str) -> Iterator[str]:
    """Yield one line per value with its full path; only keys if the file is not TOML."""
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        yield f"# expected TOML: {error}; only the keys are shown"
        yield from _keys(text)
        return
    yield from _values("", said, "")


def _values(path: str, value: object, key: str) -> Iterator[str]:
    if isinstance(value, dict):
        for inner_key, inner in value.items():
            own_words = key == "labels" and isinstance(inner, str)  # whatever the label is called
            yield from _values(f"{path}.{inner_key}".lstrip("."), inner, "" if own_words else inner_key)
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for number, item in enumerate(value):
            yield from _values(f"{path}[{number}]", item, key)
    else:
        yield f"{path} = {json.dumps(_shown(value, key), ensure_ascii=False)}"


def _shown(value: object, key: str) -> object:
    if isinstance(value, list):
        return [_shown(item, key) for item in value]
    return value if isinstance(value, bool | int | float) or key in _SHOWN else BLANK


def _keys(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if found := _KEY.match(line):
            yield f"{found[1]} {BLANK}" if found[1].endswith("=") else found[1]
