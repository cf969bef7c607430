"""The scrubber of secrets and names in text. Pure; `private_values` finds this machine's own.

URLs lose what gives access. Then goes what is known, by its very text; then what looks like a secret by its form or by
the key before it. An unknown form remains. So the command asks to read the bundle first.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

BLANK = "[blanked]"
_SHORTEST_HOST = 4

SECRET_KEY = re.compile(
    r"[\w.-]*(?:password|passwd|passphrase|(?<![a-z])pass(?![a-z])|pwd|secret|token|api[_-]?key|access[_-]?key"
    r"|private[_-]?key|service[_-]?key|authorization|credential|cookie|signature|session[_-]?id|dsn|webhook|bearer|(?<![a-z])salt(?!_file))"
    r"[\w.-]*",
    re.IGNORECASE,
)
"""A key with a secret value."""

_PERSON_KEY = re.compile(
    r"(?:[\w.-]*[._-])?(?:user[_-]?name|login|(?:user|account|member|customer)(?:[._-]?(?:id|uuid|guid|name))?|e-?mail"
    r"|nodename|hostname|serial|[\w]+_serial|uuid|[\w]+_uuid|asset_tag|[\w]+_asset_tag)",
    re.IGNORECASE,
)
"""A key with a value that identifies a person or this machine."""

# Each pattern starts at a word boundary, which keeps matching linear on long words.
_PAIR = re.compile(r"""(?<![\w.-])([\w.-]+)(["']?\s*[=:]\s*)("(?:[^"\\]|\\.)*"|'[^']*'|[^\s,;&"'})\]]+)""")
_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]+-----.*?(?:-----END [A-Z0-9 ]+-----|\Z)", re.DOTALL)
_HEADER = re.compile(
    r"""(?<![\w-])((?:proxy-)?authorization|(?:set-)?cookie|x-[\w-]*(?:key|token|auth)[\w-]*)(["']?\s*[:=]\s*["']?)[^"'\n]+""",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"\b(bearer|basic|digest|token) +(?=\S*[\d=])[\w.~+/=-]{6,}", re.IGNORECASE)
_URL = re.compile(r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]*://[^\s\"'<>{}\\|`]+", re.IGNORECASE)
_LOOKS_SECRET = re.compile(
    r"\$(?:2[abxy]?|[156y]|argon2\w*)\$[\w./$,=+-]{8,}"  # crypt(5)
    r"|\beyJ[\w-]{4,}\.[\w-]+(?:\.[\w-]+)?"  # a JSON web token
    r"|\b(?:gh[pousr]_|github_pat_|glpat-|glsa_|glc_|xox[a-z]-|sk-|pk_|rk_|AKIA|ASIA|hvs\.)[\w-]{8,}"
    r"|\b[0-9a-fA-F]{32,}\b"
    r"|(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{20,}={1,2}"
    r"|(?<![\w+-])(?=[\w+-]*\d)(?=[\w+-]*[a-z])(?=[\w+-]*[A-Z])[\w+-]{20,}"
)
_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_HOME = re.compile(r"/(?:var/)?(?:home|Users)/([\w.-]+)")
_MAC = re.compile(r"\b(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}\b")
_ADDRESS = re.compile(
    r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7})(?![\w.:]*\w:)"
)


@dataclass(frozen=True, slots=True)
class Private:
    """The values to blank in every text.

    Attributes:
        secrets: Longest first.
        people: User names.
        full_names: Full names of these users.
        homes: Their home folders.
        hosts: This machine's names, longest first: with its domain, and without.
    """

    secrets: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    full_names: tuple[str, ...] = ()
    homes: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


class Scrubber:
    """The scrubber of one bundle. A user has the same alias in all texts."""

    def __init__(self, private: Private) -> None:
        self._private = private
        self._people = dict.fromkeys(private.people)

    def learn(self, text: str) -> None:
        """Learn user names from the home folders in a text, before any text is scrubbed."""
        self._people.update(dict.fromkeys(_HOME.findall(text)))

    def text(self, text: str) -> str:
        """Return the text without private values."""
        text = _URL.sub(_without_access, text)
        for secret in self._private.secrets:
            text = text.replace(secret, BLANK)
        text = _PEM.sub(BLANK, text)
        text = _HEADER.sub(rf"\1\2{BLANK}", text)
        text = _SCHEME.sub(rf"\1 {BLANK}", text)
        text = _PAIR.sub(_without_value, text)
        text = _LOOKS_SECRET.sub(BLANK, text)
        return self._without_names(_EMAIL.sub(BLANK, text))

    def tree(self, data: Any) -> Any:  # noqa: ANN401 - any data as JSON has it
        """Return plain data with all texts scrubbed. Keys stay."""
        if isinstance(data, str):
            return self.text(data)
        if isinstance(data, list | tuple):
            return [self.tree(item) for item in data]
        return {key: self.tree(value) for key, value in data.items()} if isinstance(data, dict) else data

    def _without_names(self, text: str) -> str:
        for home in sorted(self._private.homes, key=len, reverse=True):
            text = text.replace(home, "~")
        text = _HOME.sub("~", text)
        for name in self._private.full_names:
            text = _word(name).sub("[name]", text)
        for number, name in enumerate(self._people, 1):
            text = _word(name).sub(f"user{number}", text)
        for host in self._private.hosts:
            text = _host(host).sub("this-host", text)
        return _ADDRESS.sub(_without_address, _MAC.sub("[mac]", text))


def _word(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", re.IGNORECASE)


def _host(name: str) -> re.Pattern[str]:
    """Return the pattern of a host name. A short one may also be a part of paths and words, which stay."""
    if len(name) >= _SHORTEST_HOST:
        return _word(name)
    return re.compile(rf"(?<![\w./-]){re.escape(name)}(?![\w/-])")


def _without_access(found: re.Match[str]) -> str:
    """Return a URL without user, password, query and fragment."""
    try:
        parts = urlsplit(found[0])
    except ValueError:
        return BLANK
    user, at, place = parts.netloc.rpartition("@")
    shown = f"{parts.scheme}://{BLANK * bool(user)}{at}{place}{parts.path}"
    return f"{shown}?{BLANK}" if parts.query or parts.fragment else shown


def _without_value(found: re.Match[str]) -> str:
    key, between, value = found.groups()
    if not SECRET_KEY.fullmatch(key) and not _PERSON_KEY.fullmatch(key):
        return found[0]
    if key.endswith("_file"):
        return found[0]
    quote = value[0] if value[0] in "\"'" else ""
    return f"{key}{between}{quote}{BLANK}{quote}"


def _without_address(found: re.Match[str]) -> str:
    try:
        return "[ip]" if ipaddress.ip_address(found[0]).is_global else found[0]
    except ValueError:
        return found[0]
