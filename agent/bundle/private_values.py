"""Private values of this machine: secrets, user names and the host name."""

from __future__ import annotations

import platform
import pwd
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from agent.bundle.scrub import SECRET_KEY, Private
from agent.config.decode import ConfigError
from agent.config.loader import read_text
from collectors import regular_file

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_FIRST_HUMAN, _NOBODY = 1000, 65534
_SHORTEST = 4
_MOST_BYTES = 16384


def private(path: Path | None, environ: Mapping[str, str]) -> Private:
    """Return the values to blank in every file.

    Args:
        path: The configuration file, if there is one: the values of its secret keys, what its `${NAME}` stand for, and
            what is in the files of secrets that it names are secrets.
        environ: The process's environment.
    """
    secrets = {*_of_settings("", _settings(path), environ), *_of_environment(environ)}
    people = [entry for entry in pwd.getpwall() if _FIRST_HUMAN <= entry.pw_uid < _NOBODY]
    names = {entry.pw_name for entry in people} | {environ.get(key, "") for key in ("USER", "LOGNAME", "SUDO_USER")}
    return Private(
        secrets=tuple(sorted((it for it in secrets if len(it) >= _SHORTEST), key=len, reverse=True)),
        people=tuple(sorted(names - {"", "root"})),
        full_names=tuple(name for name in (entry.pw_gecos.split(",")[0] for entry in people) if len(name) >= _SHORTEST),
        homes=tuple({entry.pw_dir for entry in people if entry.pw_dir.count("/") > 1}),
        hosts=_hosts(platform.node()),
    )


def _hosts(node: str) -> tuple[str, ...]:
    """Return the machine's names, longest first: `studio.example.org` is also written `studio`."""
    names = {node, node.partition(".")[0]} - {"", "localhost"}
    return tuple(sorted(names, key=len, reverse=True))


def _settings(path: Path | None) -> object:
    try:
        return tomllib.loads(read_text(path)) if path else {}
    except (ConfigError, tomllib.TOMLDecodeError):  # patterns alone then find secrets
        return {}


def _of_settings(key: str, value: object, environ: Mapping[str, str]) -> Iterator[str]:
    if isinstance(value, dict):
        for inner_key, inner in value.items():
            files = key.endswith("_files")  # such as token_files: a file for each name
            yield from _of_settings(key.removesuffix("s") if files else str(inner_key), inner, environ)
    elif isinstance(value, list):
        for inner in value:
            yield from _of_settings(key, inner, environ)
    elif isinstance(value, str):
        yield from _of_text(key, value, environ)


def _of_text(key: str, value: str, environ: Mapping[str, str]) -> Iterator[str]:
    yield from (environ.get(name, "") for name in _VARIABLE.findall(value))
    if SECRET_KEY.fullmatch(key.removesuffix("_file")):
        text = _of_file(Path(value).expanduser()) if key.endswith("_file") else value
        yield from {text, *text.splitlines()}


def _of_file(path: Path) -> str:
    """Return the secret in a file, if it is readable."""
    try:
        return regular_file.read(path, _MOST_BYTES).decode(errors="replace").strip()
    except OSError:
        return ""


def _of_environment(environ: Mapping[str, str]) -> Iterator[str]:
    return (value for key, value in environ.items() if SECRET_KEY.fullmatch(key) and not key.lower().endswith("_file"))
