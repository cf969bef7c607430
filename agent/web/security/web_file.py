"""The web configuration file: its schema and its reader.

The format is that of Prometheus's exporter-toolkit (docs/web-configuration.md there), so a file for node_exporter or
Prometheus works here unchanged. A setting that this agent does not support is refused with the key's path.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import msgspec

from agent.config import bounded_yaml
from agent.config.decode import ConfigError, Problem, decode
from agent.config.loader import read_text
from agent.web.security.go_names import CipherSuite, Curve, GoDuration, Version

_BCRYPT = re.compile(r"\$2[aby]\$(?P<cost>\d\d)\$[./A-Za-z0-9]{53}")

MAX_COST = 16
"""The maximum bcrypt cost. One verification takes seconds at this cost, and others wait for it."""

MAX_BYTES = 128 * 1024
"""The maximum size of the file. A parse of this size takes about a second."""

_UNVERIFIED = ("RequestClientCert", "RequireAnyClientCert", "RequireClientCert")


class TlsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`tls_server_config`."""

    cert: str = ""
    key: str = ""
    client_ca: str = ""
    cert_file: str = ""
    key_file: str = ""
    client_auth_type: Literal[
        "",
        "NoClientCert",
        "RequestClientCert",
        "RequireAnyClientCert",
        "RequireClientCert",
        "VerifyClientCertIfGiven",
        "RequireAndVerifyClientCert",
    ] = ""
    client_ca_file: str = ""
    client_allowed_sans: tuple[str, ...] = ()
    min_version: Version = Version.parse("TLS12")
    max_version: Version = Version.parse("TLS13")
    cipher_suites: list[CipherSuite] = []
    prefer_server_cipher_suites: bool = True
    curve_preferences: list[Curve] = []

    def __post_init__(self) -> None:
        """Refuse settings that Python's `ssl` does not support, and keys that contradict each other.

        Raises:
            ValueError: With the key and the fix.
        """
        if problems := self._problems():
            raise ValueError("\n".join(problems))

    def _problems(self) -> list[str]:
        certain = self.client_auth_type == "RequireAndVerifyClientCert"
        verifies = certain or self.client_auth_type == "VerifyClientCertIfGiven"
        found = {
            "cert and key are not read from the file itself; write them to files and set cert_file and key_file":
                self.cert or self.key,
            f"client_auth_type {self.client_auth_type} would accept any certificate; "
            "set RequireAndVerifyClientCert or VerifyClientCertIfGiven":
                self.client_auth_type in _UNVERIFIED,
            "expected both cert_file and key_file":
                self.enabled and not ((self.cert_file and self.key_file) or self.cert or self.key),
            "expected one of client_ca and client_ca_file, got both; remove one":
                self.client_ca and self.client_ca_file,
            f"client_auth_type {self.client_auth_type} needs client_ca_file; without it, any certificate would pass":
                verifies and not self.has_client_ca,
            "client_ca_file has no effect without client_auth_type; set RequireAndVerifyClientCert":
                self.has_client_ca and not verifies,
            "client_allowed_sans needs client_auth_type RequireAndVerifyClientCert":
                self.client_allowed_sans and not certain,
            "min_version is above max_version": self.min_version > self.max_version,
            "curve_preferences takes one curve because Python's ssl has no order of curves; remove the others":
                len(self.curve_preferences) > 1,
        }  # fmt: skip
        return [text for text, applies in found.items() if applies]

    @property
    def enabled(self) -> bool:
        """True if TLS is configured: the section sets any key."""
        return any(getattr(self, it.name) not in (it.default, []) for it in msgspec.structs.fields(self))

    @property
    def has_client_ca(self) -> bool:
        """True if the certificates of clients can be verified."""
        return bool(self.client_ca or self.client_ca_file)


class Headers(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`http_server_config.headers`: the headers of every response; an empty value keeps the agent's own."""

    csp: str = msgspec.field(default="", name="Content-Security-Policy")
    frame: Literal["", "deny", "sameorigin"] = msgspec.field(default="", name="X-Frame-Options")
    content_type: Literal["", "nosniff"] = msgspec.field(default="", name="X-Content-Type-Options")
    xss: str = msgspec.field(default="", name="X-XSS-Protection")
    hsts: str = msgspec.field(default="", name="Strict-Transport-Security")

    def __post_init__(self) -> None:
        """Refuse values that would break a header.

        Raises:
            ValueError: With the header's name.
        """
        for name, value in self.given().items():
            if not value.isprintable():
                raise ValueError(f"{name}: expected one line of printable text, got {value!r}")

    def given(self) -> dict[str, str]:
        """Return the headers that are set, by name."""
        fields = msgspec.structs.fields(self)
        return {it.encode_name: getattr(self, it.name) for it in fields if getattr(self, it.name)}


class HttpConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`http_server_config`."""

    http2: bool = False
    headers: Headers = Headers()

    def __post_init__(self) -> None:
        """Refuse HTTP/2.

        Raises:
            ValueError: The file enables it.
        """
        if self.http2:
            raise ValueError("http2 is not supported, and a scrape does not need it; set false or remove it")


class RateLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`rate_limit`: one token bucket for all requests. `interval` is in seconds; 0 is no limit."""

    interval: GoDuration = GoDuration(0)
    burst: int = 0

    def __post_init__(self) -> None:
        """Refuse a bucket that no request can pass.

        Raises:
            ValueError: `burst` is below 1.
        """
        if self.interval and self.burst < 1:
            raise ValueError(f"expected a burst of at least 1, got {self.burst}; no request could pass")


class WebFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file."""

    tls_server_config: TlsConfig = TlsConfig()
    http_server_config: HttpConfig = HttpConfig()
    basic_auth_users: dict[str, str] = {}
    rate_limit: RateLimit = RateLimit()

    def __post_init__(self) -> None:
        """Refuse passwords without a bcrypt hash, and hashes whose cost would delay other callers.

        Raises:
            ValueError: With the user's name, never with the value.
        """
        problems = [
            f"basic_auth_users.{user}: {it}"
            for user, hashed in self.basic_auth_users.items()
            if (it := _problem(hashed))
        ]
        if problems:
            raise ValueError("\n".join(problems))


def _problem(hashed: str) -> str:
    """Return the problem of a password's hash; empty if there is none."""
    found = _BCRYPT.fullmatch(hashed)
    if found is None:
        return "expected a bcrypt hash, such as from `htpasswd -nBC 10 ''`"
    if not 4 <= int(found["cost"]) <= MAX_COST:  # noqa: PLR2004 - bcrypt's own lowest
        return f"expected a cost from 4 to {MAX_COST}, got {found['cost']}"
    return ""


def read(path: Path) -> WebFile:
    """Read and check a web configuration file.

    Raises:
        ConfigError: The file cannot be read, is not YAML, or has an invalid value.
    """
    file, problems = decode(WebFile, _mapping(path))
    if file is None:
        raise ConfigError(str(path), problems)
    return file


def _mapping(path: Path) -> dict[str, object]:
    try:
        data = bounded_yaml.parse(read_text(path, MAX_BYTES))
    except bounded_yaml.YamlError as error:
        raise ConfigError(str(path), [Problem("YAML", str(error))]) from error
    data = data or {}
    if not isinstance(data, dict):
        raise ConfigError(str(path), [Problem("YAML", "expected keys such as tls_server_config at the top")])
    return {str(key): value for key, value in _given(data).items()}


def _given(data: dict[object, object]) -> dict[object, object]:
    """Return `data` without keys that have no value; the format treats them as absent."""
    return {
        key: _given(value) if isinstance(value, dict) else value for key, value in data.items() if value is not None
    }
